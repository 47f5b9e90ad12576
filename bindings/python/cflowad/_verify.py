"""Scores a generated frame in PyTorch and in the library, from the same weights: ``export --verify``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import _model_files, _reference
from ._architectures import ARCHITECTURES
from ._errors import Error
from ._exporting import ExportError, Tensors, need
from ._flows import Flows
from ._model import Model
from ._settings import Clamp, Settings

#: Difference that is accepted anyway, as a part of a level's largest feature or largest log p / C (at least 1); and how
#: many times what float32 instead of double does to PyTorch's own numbers, which deep networks amplify.
TOLERANCE, ROUNDING = 1e-5, 4


def frame(height: int, width: int) -> Any:
    """An RGB frame with smooth parts, edges and noise; the same everywhere."""
    y, x = np.mgrid[:height, :width]
    rings = np.stack([np.sin((x * (c + 1) + y * (3 - c)) / 29) + np.cos(np.hypot(x, y) / 17) for c in range(3)], 2)
    squares = ((x // 16 + y // 24) % 2)[..., None]
    noise = np.random.RandomState(0).randint(-12, 13, (height, width, 3))
    return np.clip(np.rint(118 + 45 * rings + 30 * squares + noise), 0, 255).astype(np.uint8)


def _trial_flows(channels: tuple[int, ...]) -> Flows:
    """One plain block for each level, since the library scores with detectors only."""
    levels: list[Tensors] = []
    for c in channels:
        n1, n2, random = c - c // 2, c // 2, np.random.RandomState(c)

        def values(*shape: int, random: Any = random, inputs: int = n1) -> Any:
            return (random.uniform(-1, 1, shape) / np.sqrt(inputs)).astype(np.float32)

        tensors = {
            "global_scale": np.full((1, c), 9.9865, np.float32), "global_offset": np.zeros((1, c), np.float32),
            "w_perm": np.arange(c)[::-1].copy(),
            "subnet.0.weight": values(2 * n1, n1), "subnet.0.bias": values(2 * n1),
            "subnet.2.weight": values(2 * n2, 2 * n1, inputs=2 * n1), "subnet.2.bias": values(2 * n2),
        }  # fmt: skip
        levels.append({f"module_list.0.{name}": value for name, value in tensors.items()})
    return Flows(1, 0, "hard", levels)


def verify(
    path: Path, settings: Settings, encoder: Tensors, flows: Flows | None, clamp: Clamp | None,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Compares; ``path`` is the file that was written, the rest what it was written from.

    Raises
    ------
    ExportError
        A difference is above the tolerance, the library refuses the file, or there is no library.
    """
    torch = need("torch")
    known, taps = ARCHITECTURES[str(settings.architecture)], settings.taps or ()
    height, width = int(settings.height or 0), int(settings.width or 0)
    pixels = frame(height, width)
    with tempfile.TemporaryDirectory() as folder:
        scored = path
        if flows is None:
            flows, clamp, scored = _trial_flows(known.channels_at(taps)), Clamp("alpha*tanh(s)", 1.9), Path(folder, "trial.h5")
            written = _model_files.read(path)
            _model_files.write(scored, written.settings, written.encoder, flows, clamp, {})
        try:
            with Model(scored) as model, model.session() as session:
                mine = session.score(pixels, maps=["features", "log_likelihoods"])
        except Error as error:
            raise ExportError(f"the library refuses the file: {error}") from error
        except ImportError as error:
            raise ExportError(f"the file is written, but --verify needs the library: {error}") from error
    assert clamp is not None and mine.features is not None and mine.log_likelihoods is not None
    mean, deviation = (torch.tensor(v, dtype=torch.float64) for v in (settings.mean, settings.standard_deviation))
    image = ((torch.from_numpy(pixels).double() / 255 - mean) / deviation).permute(2, 0, 1)[None]

    def in_pytorch(image: Any) -> tuple[list[Any], list[Any]]:
        levels = _reference.features(known, str(settings.padding), encoder, image, taps)
        likelihoods = [_reference.log_likelihoods(flows, clamp, n, level) for n, level in enumerate(levels)]
        return [v.double().numpy() for v in levels], [v.double().numpy() for v in likelihoods]

    exact, rounded = in_pytorch(image), in_pytorch(image.float())
    bad = False
    for n in range(len(flows.levels)):
        for name, values, exact_values, rounded_values, least in (
            ("features", mine.features, exact[0], rounded[0], 0.0),
            ("log p / C", mine.log_likelihoods, exact[1], rounded[1], 1.0),
        ):
            # np.maximum keeps what is not a number; a level may be all zeros.
            largest = float(np.maximum(least, np.abs(exact_values[n]).max())) or 1.0
            difference = float(np.abs(values[n] - exact_values[n]).max()) / largest
            rounding = float(np.abs(rounded_values[n] - exact_values[n]).max()) / largest
            good = difference <= max(TOLERANCE, ROUNDING * rounding)  # not so when it is not a number
            bad |= not good
            say(f"level {n}, {name} from {exact_values[n].min():.4g} to {exact_values[n].max():.4g}: differ by "
                f"{difference:.2g} of the largest, PyTorch's own float32 by {rounding:.2g}"
                f"{'' if good else ': TOO MUCH'}")  # fmt: skip
    if bad:
        raise ExportError(
            f"PyTorch and the library differ by more than {TOLERANCE:g} of the largest value and {ROUNDING} times "
            "PyTorch's own rounding in float32"
        )
