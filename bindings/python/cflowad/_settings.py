"""What a file of weights cannot say about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ._architectures import ALIASES, ARCHITECTURES
from ._checkpoints import Checkpoint
from ._exporting import CLAMPS, PADDINGS, ExportError
from ._resample import RESAMPLES, Resample
from ._weights import EncoderWeights


def _first(*values: Sequence[float] | None) -> tuple[float, ...]:
    return next((tuple(map(float, v)) for v in values if v is not None), ())


@dataclass(frozen=True)
class Settings:
    """What a file of weights cannot say about itself. ``None``: what the file says after all, else the usual value.

    Parameters
    ----------
    architecture
        A key of ``ARCHITECTURES`` or ``ALIASES``; None: told from keys, shapes and what the file says.
    padding
        How convolutions see beyond the border: ``reflect`` (the original cflow-ad's ResNets), ``zeros`` (torchvision,
        timm, anomalib) or ``same`` (TensorFlow).
    mean, standard_deviation
        Three numbers each, R G B on the scale 0...1.
    height, width
        The network's input, pixels.
    taps
        Names of the modules whose outputs are the features, finest first: the original system's, of all levels or the last
        ones, or for networks of inverted residuals the same blocks' outputs (``_blocks.4`` instead of ``_blocks.4._bn2``).
        None: what the file says, else where the original takes them.
    resample
        Whose bytes frames became in training: ``pillow-3.3`` (3.3 to 12.1), ``pillow-12.2`` (to 12.3) or ``pillow-13``.
    """

    architecture: str | None = None
    padding: str | None = None
    mean: Sequence[float] | None = None
    standard_deviation: Sequence[float] | None = None
    height: int | None = None
    width: int | None = None
    taps: Sequence[str] | None = None
    resample: Resample = "pillow-3.3"

    def __post_init__(self) -> None:
        known = sorted({*ARCHITECTURES, *ALIASES})
        if self.architecture is not None and self.architecture not in known:
            raise ExportError(f"unknown architecture {self.architecture!r}; known: {', '.join(known)}")
        if self.padding is not None and self.padding not in PADDINGS:
            raise ExportError(f"padding {self.padding!r} is none of {', '.join(PADDINGS)}")
        for values in (self.mean, self.standard_deviation):
            if values is not None and (len(values) != 3 or not np.isfinite(values).all()):
                raise ExportError("mean and standard deviation are three numbers each")
        if self.standard_deviation is not None and min(self.standard_deviation) <= 0:
            raise ExportError("the standard deviation must be above 0")
        if self.resample not in RESAMPLES:
            raise ExportError(f"resample {self.resample!r} is none of {', '.join(RESAMPLES)}")
        for side in (self.height, self.width):
            if side is not None and not 32 <= side <= 2048:
                raise ExportError(f"the input size {self.width}x{self.height} is not within 32...2048 pixels")

    def completed(self, weights: EncoderWeights, said: Checkpoint | None = None) -> Settings:
        """With nothing left open: the options, else what a checkpoint says, else the architecture's own values."""
        known = weights.known
        mean, deviation = weights.normalization
        done = replace(
            self,
            architecture=weights.architecture,
            padding=self.padding or (said and said.padding) or known.paddings[0],
            mean=_first(self.mean, said.mean if said else None, mean),
            standard_deviation=_first(
                self.standard_deviation, said.standard_deviation if said else None, deviation
            ),
            height=self.height or (said and said.height) or known.size,
            width=self.width or (said and said.width) or known.size,
            taps=said.taps if said else known.checked(self.taps or known.taps),
        )
        if done.padding not in known.paddings:
            raise ExportError(f"{done.architecture} is not padded with {done.padding!r} but with "
                              f"{' or '.join(map(repr, known.paddings))}")  # fmt: skip
        if said and said.padding and done.padding != said.padding:
            raise ExportError(f"--padding {done.padding}: the checkpoint was trained with {said.padding}")
        if int(done.height or 0) % known.multiple or int(done.width or 0) % known.multiple:
            raise ExportError(f"height and width of {done.architecture}'s input are multiples of {known.multiple}")
        return done

    def options(self, called: str) -> str:
        """Completed settings as they would be given on the command line, for an architecture of this name."""
        assert self.mean is not None and self.standard_deviation is not None
        mean, deviation = (" ".join(f"{v:.9g}" for v in values) for values in (self.mean, self.standard_deviation))
        return (
            f"--architecture {called} --padding {self.padding} --mean {mean} --std {deviation} "
            f"--input-size {self.width}x{self.height} --taps {' '.join(self.taps or ())}"
        ) + ("" if self.resample == RESAMPLES[0] else f" --resample {self.resample}")


@dataclass(frozen=True)
class Clamp:
    """The bound of the scales' logarithm. Both kinds have the same parameters: only who trained the flow knows.

    Parameters
    ----------
    kind
        ``"alpha*tanh(s)"``: FrEIA until August 2023, the original's and anomalib's; ``"alpha*tanh(s/alpha)"``: since.
        None: what the file says, else the original's.
    alpha
        0.1 to 10. None: what the file says, else 1.9.
    """

    kind: str | None = None
    alpha: float | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in CLAMPS:
            raise ExportError(f"clamp {self.kind!r} is none of {', '.join(CLAMPS)}")
        if self.alpha is not None and not 0.1 <= self.alpha <= 10:
            raise ExportError(f"the clamp's alpha {self.alpha} is not within 0.1...10")

    def completed(self, said: Checkpoint) -> Clamp:
        """With nothing left open. An option that contradicts the file is refused."""
        if self.kind and said.clamp and self.kind != said.clamp:
            raise ExportError(f"--clamp {self.kind}: the checkpoint was trained with {said.clamp}")
        if self.alpha and said.clamp_alpha and abs(self.alpha - said.clamp_alpha) > 1e-6:
            raise ExportError(f"--clamp-alpha {self.alpha:g}: the checkpoint was trained with {said.clamp_alpha:g}")
        return Clamp(self.kind or said.clamp or CLAMPS[0], self.alpha or said.clamp_alpha or 1.9)

    def options(self) -> str:
        """Completed, as on the command line."""
        return f"--clamp {self.kind} --clamp-alpha {self.alpha:.9g}"
