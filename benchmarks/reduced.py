"""The peers at bf16 and 8 bits, as their users get there: OpenVINO's hint and NNCF, ONNX Runtime's static quantization."""

import tempfile
from pathlib import Path

import numpy as np
import runtimes

#: Frames that give the ranges; more change neither speed nor ranges of noise.
CALIBRATION = 16


def calibration_images(detector):
    _, images = detector.frames(CALIBRATION)
    return [image[None] for image in images]


def openvino_bf16(detector, threads, batch):
    """Whatever the plugin takes in bf16 where the processor has instructions for it."""
    return by_openvino(detector.onnx(batch), threads, "bf16")


def openvino_int8(detector, threads, batch):
    """NNCF's post-training quantization with its defaults, compiled anew for each batch."""
    import nncf
    import openvino

    path = detector.path.with_suffix(f".{batch}.int8.xml")
    if not path.exists():
        images = [np.repeat(image, batch, 0) for image in calibration_images(detector)]
        model = openvino.Core().read_model(detector.onnx(batch))
        openvino.save_model(nncf.quantize(model, nncf.Dataset(images), subset_size=len(images)), path, compress_to_fp16=False)
    return by_openvino(path, threads, "f32")


def by_openvino(path, threads, precision):
    request = runtimes.openvino_request(path, threads, precision)
    return lambda images: list(request.infer({0: images}).values())


def onnxruntime_int8(detector, threads, batch):
    """Static quantization in QDQ format, weights per channel, after ONNX Runtime's own preparation of the graph."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    path = detector.path.with_suffix(f".{batch}.int8.onnx")
    if not path.exists():
        name = runtimes.onnxruntime_session(detector.onnx(batch), threads).get_inputs()[0].name

        class Images(CalibrationDataReader):
            def __init__(self):
                self.feeds = iter([{name: np.repeat(image, batch, 0)} for image in calibration_images(detector)])

            def get_next(self):
                return next(self.feeds, None)

        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder, "prepared.onnx")
            quant_pre_process(detector.onnx(batch), prepared, skip_symbolic_shape=True)
            quantize_static(
                prepared, path, Images(), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
    session = runtimes.onnxruntime_session(path, threads)
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})


def pytorch_bf16(detector, threads, batch):
    """PyTorch's autocast, as its documentation recommends for processors."""
    import torch

    network = detector.batched(batch)

    def run(images):
        torch.set_num_threads(threads)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            # As float32, which numpy has: of a few thousand values this takes no time.
            return [level.float() for level in network(torch.from_numpy(images))]

    return run


ENGINES = {
    "OpenVINO bf16": openvino_bf16, "OpenVINO int8": openvino_int8, "ONNX Runtime int8": onnxruntime_int8,
    "PyTorch bf16": pytorch_bf16,
}  # fmt: skip


def engines(detector, threads, batch, exact):
    """Engine's name -> function that scores the batch; each is held to have something to do with the exact log p / C."""
    _, images = detector.frames(batch)
    found = {}
    for name, make in ENGINES.items():
        run = make(detector, threads, batch)
        found[name] = lambda run=run: run(images)
        for level, expected in zip(run(images), exact, strict=True):
            correlation = np.corrcoef(np.asarray(level, np.float64).ravel(), expected)[0, 1]
            if not correlation > 0.5:
                raise ArithmeticError(f"{detector.name}: {name} has a correlation of {correlation} with float32")
    return found
