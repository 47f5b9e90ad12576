"""How many instructions a frame takes, in float32 and in 8 bits, as valgrind's callgrind counts them.

    python benchmarks/instructions.py [--architectures resnet18 ...] [--output build/files]

Detectors of eight coupling blocks (K = 8, P = 128, soft rotations; random weights, and 8 bits by `quantize`) at 256 x 256, on one
thread. What is counted is `cflowad_session_score` over the six frames of scorer.c, the first of which also makes its tables. The
float32 detectors have no calibration, so their frames end with log p / C; those of 8 bits also make the map. valgrind knows no
AVX-512, so the library takes its AVX2 kernels there. Counts are the same whatever else the machine does. Needs valgrind, and what
files.py needs.
"""

import argparse
import re
import subprocess
from pathlib import Path

import peers
import processes
from files import NAMES, SIZE
from tables import table

#: How many scorer.c scores.
FRAMES = 6


def counted(path, host):
    """Instructions of a frame."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
               "--toggle-collect=cflowad_session_score", host, path, "1"]  # fmt: skip
    said = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1]) / FRAMES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", choices=sorted(peers.ARCHITECTURES), default=NAMES)
    parser.add_argument("--output", type=Path, default=peers.ROOT / "build" / "files")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    host, lines = processes.host(arguments.output), []
    for name in arguments.architectures:
        detector = peers.detector(name, SIZE, arguments.output)
        float32, int8 = (counted(path, host) / 1e6 for path in (detector.path, detector.int8()))
        lines.append([name, f"{float32:.1f}", f"{int8:.1f}", f"{float32 / int8:.2f}"])
        print(lines[-1], flush=True)
    print(table(["network", "float32, millions", "8 bits, millions", "float32 / 8 bits"], lines))


if __name__ == "__main__":
    main()
