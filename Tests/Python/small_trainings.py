"""Trainings of seconds: frames with a pattern, an encoder alone, and a trainer that has fitted and calibrated."""

import cflowad
import h5py
import numpy as np
import pytest


def frames(count, seed=0):
    """Frames with a fixed pattern and noise of their own."""
    draw = np.random.default_rng(seed)
    pattern = np.random.default_rng(99).integers(40, 200, (64, 64, 3))
    return [np.clip(pattern + draw.normal(0, 25, pattern.shape), 0, 255).astype(np.uint8) for _ in range(count)]


@pytest.fixture(scope="module")
def encoder(model_file, tmp_path_factory):
    """A file with the encoder of the smallest detector alone."""
    path = tmp_path_factory.mktemp("encoder") / "encoder.h5"
    with h5py.File(model_file("lite0", False)) as source, h5py.File(path, "w") as target:
        for name in source:
            if name not in ("flow", "calibration"):
                source.copy(name, target)
        target.attrs.update(source.attrs)
    return path


def fitted(encoder, training, calibration, **options):
    trainer = cflowad.Trainer(encoder, input_width=64, input_height=64, **options)
    for frame in training:
        trainer.add_frame(frame)
    for frame in calibration:
        trainer.add_frame(frame, role="calibration")
    trainer.fit()
    trainer.calibrate()
    return trainer
