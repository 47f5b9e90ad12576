"""Training steps beside PyTorch's: forward, backward and Adam on groups of 256 fibers.

    make bench
    python benchmarks/training_speed.py TRAINING_STEPS [--threads 2] [--channels 128 512 2048] [--quick] [--output FILE]

TRAINING_STEPS is the program of benchmarks/TrainingSteps, which runs the library's own steps. PyTorch runs the flow of
peers.py with autograd and its fused Adam. Flows are the published ones (K = 8, P = 128, soft permutation). Both take turns
(timing.py), so only figures of one run compare. Prints medians and their ratios; writes every time as JSON.
"""

import argparse
import json
import statistics
import subprocess
from pathlib import Path

import torch

import peers
import timing

GROUP = 256
# The side of the grid that such a level has at 256 px, and steps per turn.
LEVELS = {128: (32, 5), 256: (16, 3), 512: (32, 2), 1024: (16, 1), 2048: (8, 1)}


class Library:
    """The library's steps, in a process of their own."""

    def __init__(self, program, channels, side, threads):
        command = [program, channels, side, GROUP, threads]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def step(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class PyTorch:
    def __init__(self, channels, side):
        tensors = peers.random_flows([channels]).levels[0]
        self.weights = {name: torch.from_numpy(value) for name, value in tensors.items()}
        trained = [value.requires_grad_() for name, value in self.weights.items() if not name.endswith("w_perm")]
        self.adam = torch.optim.Adam(trained, 2e-4, fused=True)
        table = peers._reference.positional_encoding(side, side, peers.CONDITION)
        self.fibers = torch.rand(GROUP, channels)
        self.conditions = table[torch.randint(side * side, (GROUP,))]

    def step(self, count):
        for _ in range(count):
            values = peers.Network.log_likelihood(self.fibers, self.weights, self.conditions)
            loss = -torch.nn.functional.logsigmoid(values).mean()
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()


def timed(program, channels, threads, quick):
    side, count = LEVELS[channels]
    library, pytorch = Library(program, channels, side, threads), PyTorch(channels, side)
    engines = {"libcflowad": lambda: library.step(count), "PyTorch": lambda: pytorch.step(count)}
    try:
        times = timing.take_turns(engines, *((2, 3, 10) if quick else (15, 7, 60)))
    finally:
        library.close()
    times = {name: [value / count for value in values] for name, values in times.items()}
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "channels": channels, "grid": side, "threads": threads, "group": GROUP, "milliseconds": times,
        "medians": medians, "ratio": medians["PyTorch"] / medians["libcflowad"],
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, metavar="TRAINING_STEPS")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels", type=int, nargs="+", choices=sorted(LEVELS), default=[128, 512, 2048])
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--output", type=Path, default=peers.ROOT / "build" / "bench" / "training.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    rows = []
    print(f"PyTorch {torch.__version__}, groups of {GROUP} fibers, {arguments.threads} threads, ms per step")
    print("   C   libcflowad   PyTorch   ratio")
    for channels in arguments.channels:
        row = timed(arguments.program, channels, arguments.threads, arguments.quick)
        medians = row["medians"]
        print(
            f"{channels:4} {medians['libcflowad']:12.1f} {medians['PyTorch']:9.1f} {row['ratio']:7.2f}", flush=True
        )
        rows.append(row)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps({"torch": torch.__version__, "rows": rows}))


if __name__ == "__main__":
    main()
