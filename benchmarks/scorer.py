"""A process that opens a detector with one engine, scores one frame and says how much memory it took at most.

    python benchmarks/scorer.py ENGINE FILE IMAGE.npy THREADS

FILE is a model file for libcflowad, TorchScript for PyTorch, else ONNX; IMAGE a frame for libcflowad, else the network's
input. Prints "scored" after the first score, then JSON with the largest memory in KiB. Imports what the engine needs.
"""

import json
import sys
from pathlib import Path

import numpy as np
import runtimes


def main():
    engine, path, image, threads = sys.argv[1], sys.argv[2], np.load(sys.argv[3]), int(sys.argv[4])
    if engine == "libcflowad":
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bindings" / "python"))
        import cflowad

        session = cflowad.Model(path).session(threads=threads)
        session.score(image, maps=["log_likelihoods"])
    elif engine == "PyTorch":
        import torch

        torch.set_num_threads(threads)
        with torch.inference_mode():
            torch.jit.load(path)(torch.from_numpy(image))
    elif engine == "ONNX Runtime":
        runtime = runtimes.onnxruntime_session(path, threads)
        runtime.run(None, {runtime.get_inputs()[0].name: image})
    elif engine == "OpenVINO":
        runtimes.openvino_request(path, threads).infer({0: image})
    else:
        raise SystemExit(f"unknown engine {engine}")
    print("scored", flush=True)
    status = Path("/proc/self/status").read_text()
    print(json.dumps({"peak": int(status.split("VmHWM:")[1].split()[0])}))


if __name__ == "__main__":
    main()
