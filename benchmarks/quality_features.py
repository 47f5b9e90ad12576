"""The library's features of a frame, for methods that are no flows."""

import tempfile
from dataclasses import replace
from pathlib import Path

import cflowad
from cflowad import _model_files, _verify
from cflowad._architectures import ARCHITECTURES
from cflowad._settings import Clamp


class Encoder:
    """An encoder's feature levels as the library computes them: behind the residual, or before it.

    The library gives features of detectors only: this one has a single plain block for each level, which costs little.
    """

    def __init__(self, path, size, is_behind):
        written = _model_files.read(path)
        known = ARCHITECTURES[written.settings.architecture]
        taps = is_behind and known.residual_taps or known.taps
        settings = replace(written.settings, height=size, width=size, taps=taps)
        with tempfile.TemporaryDirectory() as folder:
            detector = Path(folder) / "features.h5"
            flows = _verify._trial_flows(known.channels_at(taps))
            _model_files.write(detector, settings, written.encoder, flows, Clamp("alpha*tanh(s)", 1.9), {})
            self.session = cflowad.Model(detector).session()

    def features(self, frame):
        """Levels [h, w, C], finest first."""
        return self.session.score(frame, maps=["features"]).features
