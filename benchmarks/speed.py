"""Times the library beside PyTorch, ONNX Runtime and OpenVINO: the same network, weights and input, taking turns.

    make bench
    python benchmarks/speed.py [--architectures resnet18 ...] [--size 256] [--threads 1 2] [--rounds 30]

What is timed is one frame, batch 1, float32: encoder and flows (K = 8, P = 128, soft permutation) to log p / C. The
library also normalizes the 8-bit frame, which the others are given as floats. In a round every engine scores once, in an
order that changes with the round, so that a machine whose speed drifts drifts for all; the medians over the rounds and
their ratios are printed. Weights are random: speed does not depend on them. Needs torch, h5py, numpy, onnx, onnxruntime and
openvino.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))
os.environ.setdefault("CFLOWAD_LIBRARY", str(ROOT / "build" / "lib" / "libcflowad.so.1"))

import onnxruntime  # noqa: E402
import openvino  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

import cflowad  # noqa: E402
from cflowad import _model_files, _reference  # noqa: E402
from cflowad._architectures import ARCHITECTURES  # noqa: E402
from cflowad._flows import Flows  # noqa: E402
from cflowad._networks import MobileNet, ResNet  # noqa: E402
from cflowad._settings import Clamp, Settings  # noqa: E402

BLOCKS, CONDITION, ALPHA = 8, 128, 1.9
DEFAULT = ["resnet18", "mobilenet_v3_large", "efficientnet_lite0"]


def random_encoder(known):
    """Weights that keep activations near 1."""
    random, tensors = np.random.RandomState(0), {}
    for key, shape in known.network.shapes().items():
        if len(shape) > 1:
            value = random.uniform(-1, 1, shape) * math.sqrt(3 / math.prod(shape[1:]))
        else:
            value = random.uniform(0.8, 1.2, shape) if key.endswith(("weight", "var")) else random.uniform(-0.1, 0.1, shape)
        tensors[key] = value.astype(np.float32)
    return tensors


def random_flows(channels):
    random, levels = np.random.RandomState(1), []
    for c in channels:
        inputs, n2, level = c - c // 2 + CONDITION, c // 2, {}
        for k in range(BLOCKS):
            def linear(o, i):
                return (random.uniform(-1, 1, (o, i)) / math.sqrt(i)).astype(np.float32)

            level |= {
                f"module_list.{k}.global_scale": np.full((1, c), 9.9865, np.float32),
                f"module_list.{k}.global_offset": np.zeros((1, c), np.float32),
                f"module_list.{k}.w_perm": np.linalg.qr(random.standard_normal((c, c)))[0].astype(np.float32),
                f"module_list.{k}.subnet.0.weight": linear(2 * inputs, inputs),
                f"module_list.{k}.subnet.0.bias": np.zeros(2 * inputs, np.float32),
                f"module_list.{k}.subnet.2.weight": linear(2 * n2, 2 * inputs),
                f"module_list.{k}.subnet.2.bias": np.zeros(2 * n2, np.float32),
            }
        levels.append(level)
    return Flows(BLOCKS, CONDITION, "soft", levels)


class Network(torch.nn.Module):
    """Encoder and flows as a PyTorch user would run them; conditions are constants of the graph."""

    def __init__(self, known, padding, encoder, flows, grids):
        super().__init__()
        self.known, self.padding = known, padding
        self.weights = {k: torch.from_numpy(v) for k, v in encoder.items()}
        self.flows = [{k: torch.from_numpy(v) for k, v in level.items()} for level in flows.levels]
        self.conditions = [_reference.positional_encoding(*grid, CONDITION) for grid in grids]

    def forward(self, image):
        found = {}
        network = self.known.network
        run = {ResNet: _reference._resnet, MobileNet: _reference._mobilenet}[type(network)]
        run(network, self.padding, self.weights, image, found.__setitem__)
        outputs = []
        for name, weights, condition in zip(self.known.taps, self.flows, self.conditions):
            x = found[name][0].flatten(1).T
            outputs.append(self.log_likelihood(x, weights, condition))
        return tuple(outputs)

    @staticmethod
    def log_likelihood(x, weights, condition):
        c = x.shape[1]
        n1, n2, log_det = c - c // 2, c // 2, 0
        for k in range(BLOCKS):
            w = {name.split(".", 2)[2]: value for name, value in weights.items() if name.startswith(f"module_list.{k}.")}
            hidden = F.relu(F.linear(torch.cat([x[:, :n1], condition], 1), w["subnet.0.weight"], w["subnet.0.bias"]))
            a = 0.1 * F.linear(hidden, w["subnet.2.weight"], w["subnet.2.bias"])
            j = ALPHA * torch.tanh(a[:, :n2])
            gain = 0.1 * F.softplus(w["global_scale"], beta=0.5)
            x = torch.cat([x[:, :n1], x[:, n1:] * torch.exp(j) + a[:, n2:]], 1) * gain + w["global_offset"]
            x = x @ w["w_perm"].T
            log_det = log_det + j.sum(1) + torch.log(gain).sum()
        return (-0.5 * c * math.log(2 * math.pi) - 0.5 * (x * x).sum(1) + log_det) / c


def engines(name, size, threads, folder):
    """(engine's name, function that scores the frame) of every engine, on this many threads; the library first."""
    known = ARCHITECTURES[name]
    padding, encoder, flows = known.paddings[-1], random_encoder(known), random_flows(known.channels)
    path = Path(folder, f"{name}.h5")
    settings = Settings(name, padding, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), size, size)
    _model_files.write(path, settings, known.taps, encoder, flows, Clamp("alpha*tanh(s)", ALPHA), {})
    frame = np.random.RandomState(2).randint(0, 256, (size, size, 3), np.uint8)
    mean, deviation = (np.array(v, np.float32) for v in (settings.mean, settings.standard_deviation))
    image = np.ascontiguousarray(((frame / np.float32(255) - mean) / deviation).transpose(2, 0, 1)[None], np.float32)

    session = cflowad.Model(path).session(threads=threads)
    mine = session.score(frame, maps=["log_likelihoods"]).log_likelihoods
    network = Network(known, padding, encoder, flows, [v.shape for v in mine]).eval()
    onnx_path = Path(folder, f"{name}.onnx")
    with torch.no_grad():
        torch.onnx.export(network, (torch.from_numpy(image),), onnx_path, dynamo=False)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    runtime = onnxruntime.InferenceSession(onnx_path, options, providers=["CPUExecutionProvider"])
    vino = openvino.Core().compile_model(
        onnx_path, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    )
    tensor, request = torch.from_numpy(image), vino.create_infer_request()

    def pytorch():
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return network(tensor)

    all_engines = {
        "libcflowad": lambda: session.score(frame, maps=["log_likelihoods"]).log_likelihoods,
        "PyTorch": pytorch,
        "ONNX Runtime": lambda: runtime.run(None, {runtime.get_inputs()[0].name: image}),
        "OpenVINO": lambda: list(request.infer({0: image}).values()),
    }
    # Engines that do not compute the same are not compared.
    for engine, run in all_engines.items():
        for mine_level, level in zip(mine, run()):
            difference = float(np.abs(np.asarray(level).ravel() - mine_level.ravel()).max())
            assert difference < 1e-2 * max(1, float(np.abs(mine_level).max())), (engine, difference)
    return all_engines


def measure(all_engines, rounds):
    """Milliseconds of every engine in every round."""
    names, times = list(all_engines), {name: [] for name in all_engines}
    for n in range(rounds + 2):
        for name in names[n % len(names) :] + names[: n % len(names)]:
            start = time.perf_counter()
            all_engines[name]()
            if n >= 2:
                times[name].append(1e3 * (time.perf_counter() - start))
            time.sleep(0.002)  # lets other engines' threads fall asleep
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=DEFAULT, choices=sorted(ARCHITECTURES))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path, help="file for all figures")
    arguments = parser.parse_args()
    print(cflowad.build_info())
    print(f"PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, OpenVINO {openvino.__version__}")
    print(f"{'median ms':<20} {'threads':>7} {'libcflowad':>11} {'p99':>7} {'PyTorch':>9} {'ONNX RT':>9} {'OpenVINO':>9} {'best / ours':>12}")
    figures = []
    for name in arguments.architectures:
        for threads in arguments.threads:
            with tempfile.TemporaryDirectory() as folder:
                times = measure(engines(name, arguments.size, threads, folder), arguments.rounds)
            medians = {engine: statistics.median(values) for engine, values in times.items()}
            mine, *others = medians.values()
            p99 = sorted(times["libcflowad"])[min(int(0.99 * arguments.rounds), arguments.rounds - 1)]
            row = " ".join(f"{value:9.1f}" for value in others)
            print(f"{name:<20} {threads:7} {mine:11.1f} {p99:7.1f} {row} {min(others) / mine:12.2f}", flush=True)
            figures.append({"architecture": name, "size": arguments.size, "threads": threads, "milliseconds": times})
    if arguments.json:
        arguments.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
