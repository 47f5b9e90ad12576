"""Trainings of seconds: frames with a pattern, an encoder alone, and a trainer that has fitted and calibrated."""

import cflowad
import numpy as np
import pytest


def frames(count, seed=0):
    """Frames with a fixed pattern and noise of their own."""
    draw = np.random.default_rng(seed)
    pattern = np.random.default_rng(99).integers(40, 200, (64, 64, 3))
    return [np.clip(pattern + draw.normal(0, 25, pattern.shape), 0, 255).astype(np.uint8) for _ in range(count)]


@pytest.fixture(scope="session")
def encoder(encoder_file):
    """A file with the encoder of the smallest detector alone."""
    return encoder_file


def fitted(encoder, training, calibration, **options):
    trainer = cflowad.Trainer(encoder, input_width=64, input_height=64, **options)
    for frame in training:
        trainer.add_frame(frame)
    for frame in calibration:
        trainer.add_frame(frame, role="calibration")
    trainer.fit()
    trainer.calibrate()
    return trainer
