"""Training."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arraylike import ImageLike, Layout
from ._arrays import Order, Path, native_frame, native_path, unsigned
from ._errors import check
from ._model import PRECISIONS, Handle, Model, Precision, Verdict, checked_threads
from ._region_of_interest import RegionOfInterest
from ._resample import RESAMPLES, Resample
from ._signals import DeferredSignals

Permutation = Literal["soft", "hard"]
Clamp = Literal["alpha*tanh(s)", "alpha*tanh(s/alpha)"]
Schedule = Literal["constant", "cosine", "steps"]
ThresholdRule = Literal["conformal", "f1", "cost"]
Start = Literal["automatic", "paper", "gaussian", "whitened"]
Preset = Literal["quick", "best", "paper"]
HalfTurns = Literal["automatic", "never", "always"]
Role = Literal["training", "calibration", "defective"]
Stage = Literal["encode", "fit", "calibrate"]

_PERMUTATIONS = ("soft", "hard")
_SCHEDULES = ("constant", "cosine", "steps")
_CLAMPS = ("alpha*tanh(s)", "alpha*tanh(s/alpha)")
_STAGES: tuple[Stage, ...] = ("encode", "fit", "calibrate")
_ROLES = ("training", "calibration", "defective")
_THRESHOLD_RULES = ("conformal", "f1", "cost")
_STARTS = ("automatic", "paper", "gaussian", "whitened")
_PRESETS = ("quick", "best", "paper")  # from 1 on
_AUTOMATIC_STEPS = 2**32 - 1
_HALF_TURNS = ("automatic", "never", "always")


@dataclass(frozen=True)
class Promise:
    """What a threshold set by good frames promises; see `calibration_promise`."""

    #: A new good frame is rejected with at most this probability, on average over calibrations; above the wanted rate
    #: when the frames are too few.
    rate: float
    #: After one calibration the line's own rate stays below this in 95 of 100 cases.
    likely_rate: float
    #: Good frames needed to promise the wanted rate; None for 0.
    frames_needed: int | None


def calibration_promise(frame_count: int, wanted_rate: float) -> Promise:
    """What a threshold set by so many good frames for a wanted share of rejected ones promises.

    Split-conformal prediction: it holds for frames of the same production in no particular order, whatever the
    distribution of their scores; see ``cflowad_calibration_promise`` in cflowad.h.
    """
    rate, likely, needed = ctypes.c_double(), ctypes.c_double(), ctypes.c_uint64()
    check(
        _native.library().cflowad_calibration_promise(
            unsigned("frame_count", frame_count, 64),
            wanted_rate,
            ctypes.byref(rate),
            ctypes.byref(likely),
            ctypes.byref(needed),
        )
    )
    return Promise(rate.value, likely.value, None if needed.value == 2**64 - 1 else needed.value)


@dataclass(frozen=True)
class Progress:
    """A report to the progress callback."""

    #: Which part of the work.
    stage: Stage
    #: Sub-epochs, or coupling steps for each level, finished and all of them, in the stage "fit"; else 0.
    epoch: int
    epochs: int
    #: Mean -log sigmoid(log p / C) since the sub-epoch began, or of the last coupling step, in the stage "fit"; else 0.
    loss: float
    #: Units of the stage done and in all: frames; in the stage "fit" frames x sub-epochs, or coupling steps of all levels.
    done: int
    total: int
    #: Of the last step, in the stage "fit"; else 0.
    learning_rate: float


#: Gets a report several times a second or less; a true return value cancels.
ProgressCallable = Callable[[Progress], object]


@dataclass(frozen=True)
class Quantization:
    """What making a detector one of 8 bits changed: see `Trainer.quantize`.

    By the frames that both detectors were calibrated with, the one in float32 anew; they gave no ranges and were not
    trained on.
    """

    #: Good frames that gave the ranges.
    range_count: int
    #: Passes that trained the flows further.
    passes: int
    #: Good frames held back, and those of them about which the two decide differently.
    good_count: int
    good_changed: int
    #: Defective frames, and those of them about which the two decide differently.
    defective_count: int
    defective_changed: int
    #: Spearman's of the good frames' scores; NaN for one frame, or equal scores.
    rank_correlation: float
    #: Image AUROC of the good and the defective frames; NaN without defective ones.
    float32_auroc: float
    int8_auroc: float


class Trainer(Handle):
    """Trains a detector from defect-free frames, recalibrates one, or makes it one of 8 bits.

    One call at a time; fit and calibrate release the interpreter lock.

    Parameters
    ----------
    weights
        Model file with an encoder (``python -m cflowad export encoder``): flows begin where start says; or a complete
        detector: its flows go on from where they are (a Gaussian is fitted anew), and input size, levels and flows are the
        file's.
    input_width, input_height
        Network input, pixels, 32 to 2048.
    level_count
        Feature levels, the coarsest ones kept: 1 to 3.
    coupling_blocks
        K, 1 to 64.
    condition_channels
        P, a multiple of 4 up to 1024; 0: unconditional.
    permutation
        ``"soft"``: fixed random rotations (the paper); ``"hard"``: index permutations.
    clamp, clamp_alpha
        The soft clamp of the log-scale, alpha 0.1 to 10.
    meta_epochs, sub_epochs, warmup_epochs
        Meta epochs, passes over the frames per meta epoch, meta epochs of linear warm-up: at most all but one.
    schedule
        How the learning rate falls over the meta epochs: ``"cosine"`` down to learning_rate * decay_rate**3, ``"steps"``
        of decay_rate, or ``"constant"``.
    window_low, window_high
        Samples of more than 8 bits that are black and white, as shares of their full scale, 0 to 1; kept in the detector.
    tile_width, tile_height, tile_overlap
        For large frames: what the network sees at a time, in pixels of the frame, and the pixels that neighbours share,
        at most half a tile. A tile counts as a frame for image_batch. All 0: frames are not cut.
    resample
        Which version of Pillow resizes frames to the network's size: ``"pillow-3.3"`` (3.3 to 12.1), ``"pillow-12.2"`` (to
        12.3) or ``"pillow-13"``; to compare with a training in PyTorch that of the Pillow there. Kept in the detector.
    decay_rate, decay_percents
        Of the schedule; steps come after these percentages of the meta epochs, at most three.
    image_batch, fiber_batch
        Frames per batch, fibers per Adam step.
    learning_rate
        Adam's, above 0 up to 1; the default means 3e-3 for coupling steps of a start
        ``"gaussian"``, 1e-2 of ``"whitened"``.
    rotation_degrees
        Augmentation by rotation of up to this angle; 0 lets the encoder run only once per frame. The default means none for a
        closed form.
    calibration_fraction
        Share of the frames held back for calibration when none was added for it, 0 to 0.9.
    false_reject_rate
        Wanted share of good frames above the default threshold, 0 to 0.5; see `calibration_promise`.
    review_rate
        The same above the review threshold, false_reject_rate to 0.5; 0: no such threshold.
    low_rate, low_verdict
        Wanted share of good frames below a low threshold, 0 to 0.5, and the least verdict about frames there: a score that
        is lower than nearly every good frame's is as strange as one that is higher. ``Verdict.PASS``: no low threshold.
    pixel_rate
        Wanted share of good frames' pixels above the maps' threshold, 0 to 0.5.
    threshold_rule, miss_cost
        ``"conformal"``: from good frames alone, for false_reject_rate. With defective frames: ``"f1"``, the largest F1;
        ``"cost"``, the lowest (rejected share of the good) + miss_cost * (missed share of the defective).
    seed
        All randomness of the run.
    feature_cache_bytes
        Memory for cached encoder features.
    start
        Where the flows of a new detector begin. ``"gaussian"``: at a Gaussian for each position, in closed form, fitted in
        seconds and without coupling blocks; ``"paper"``: at random weights, trained by the original's loops;
        ``"automatic"``: at a Gaussian, unless an option that only the paper's training reads differs from its default;
        ``"whitened"``: at the original's flows with weights that whiten by one mean and one covariance, in closed form,
        for ``python -m cflowad to-checkpoint``.
    coupling_steps
        Steps of Adam, for each level, that train coupling_blocks behind the closed form of a start ``"gaussian"`` or
        ``"whitened"``, from the identity on. A sixth of the frames, never trained on, judges them: the best state is kept,
        none if the closed form alone is likelier. 0: the closed form is the whole flow. None: 400 of a start
        ``"whitened"``, 0 of others, or what time_budget has room for.
    time_budget
        Seconds that `fit` may take, encoding included, in place of coupling_steps: coupling steps are planned for what is
        left after the closed form. The attribute `coupling_steps` then tells how many; with this number given beforehand
        the same frames, options and seed give the same weights. 0: no such plan.
    preset
        ``"quick"``: the closed form of a Gaussian alone; ``"best"``: that and 2000 coupling steps; ``"paper"``: the
        published training. In place of start, coupling_steps and time_budget.
    gaussian_bytes
        Memory for the positions' own covariances of a Gaussian, all levels together. A file takes twice as much.
    map_smoothing
        Standard deviation of a Gaussian that smooths maps before scores are taken from them, 0 (none) to 64 pixels of the
        network's input. None: as a calibrated detector to go on from has it, or else 4 pixels of 256 for flows that start
        at a Gaussian and none for others.
    half_turns
        Whether a Gaussian is also fitted to the training frames turned by 180 degrees: ``"always"``, ``"never"``, or
        ``"automatic"``, when turned frames look as good as others to a Gaussian that was fitted without them.
    precision
        What the detector computes in: ``"float32"``, or ``"int8"``, which is faster, makes smaller files, and scores with the
        same bits on every processor. `fit` makes an encoder of float32 one of 8 bits before it fits flows to its
        features; one of 8 bits stays so. `quantize` keeps the flows' weights.
    threads
        Threads that share the work, the calling one included, up to 256; 0: one per processor. Leave some to sessions that
        score meanwhile. No number depends on it.
    """

    _kind = "trainer"

    def __init__(
        self,
        weights: Path,
        *,
        input_width: int = 256,
        input_height: int = 256,
        level_count: int = 3,
        coupling_blocks: int = 8,
        condition_channels: int = 128,
        permutation: Permutation = "soft",
        clamp: Clamp = "alpha*tanh(s)",
        clamp_alpha: float = 1.9,
        meta_epochs: int = 25,
        sub_epochs: int = 8,
        warmup_epochs: int = 2,
        schedule: Schedule = "cosine",
        image_batch: int = 32,
        fiber_batch: int = 256,
        learning_rate: float = 2e-4,
        rotation_degrees: float = 5.0,
        calibration_fraction: float = 0.1,
        false_reject_rate: float = 0.01,
        seed: int = 0,
        feature_cache_bytes: int = 2 << 30,
        decay_rate: float = 0.1,
        decay_percents: Sequence[int] = (50, 75, 90),
        review_rate: float = 0.0,
        pixel_rate: float = 0.001,
        threshold_rule: ThresholdRule = "conformal",
        miss_cost: float = 10.0,
        window_low: float = 0.0,
        window_high: float = 1.0,
        tile_width: int = 0,
        tile_height: int = 0,
        tile_overlap: int = 0,
        resample: Resample = "pillow-3.3",
        threads: int = 0,
        low_rate: float = 0.01,
        low_verdict: Verdict = Verdict.REVIEW,
        start: Start = "automatic",
        coupling_steps: int | None = None,
        gaussian_bytes: int = 64 << 20,
        map_smoothing: float | None = None,
        half_turns: HalfTurns = "automatic",
        time_budget: float = 0.0,
        preset: Preset | None = None,
        precision: Precision = "float32",
    ) -> None:
        # A step at 100 % never comes.
        percents = [unsigned("decay_percents", percent, 32) for percent in decay_percents]
        if len(percents) > 3:
            raise ValueError("decay_percents must be at most three")
        options = _native.TrainOptions(
            input_width=unsigned("input_width", input_width, 32),
            input_height=unsigned("input_height", input_height, 32),
            level_count=unsigned("level_count", level_count, 32),
            coupling_blocks=unsigned("coupling_blocks", coupling_blocks, 32),
            condition_channels=unsigned("condition_channels", condition_channels, 32),
            permutation=_index("permutation", permutation, _PERMUTATIONS),
            clamp=_index("clamp", clamp, _CLAMPS),
            clamp_alpha=clamp_alpha,
            meta_epochs=unsigned("meta_epochs", meta_epochs, 32),
            sub_epochs=unsigned("sub_epochs", sub_epochs, 32),
            warmup_epochs=unsigned("warmup_epochs", warmup_epochs, 32),
            schedule=_index("schedule", schedule, _SCHEDULES),
            image_batch=unsigned("image_batch", image_batch, 32),
            fiber_batch=unsigned("fiber_batch", fiber_batch, 32),
            learning_rate=learning_rate,
            rotation_degrees=rotation_degrees,
            calibration_fraction=calibration_fraction,
            false_reject_rate=false_reject_rate,
            seed=unsigned("seed", seed, 64),
            feature_cache_bytes=unsigned("feature_cache_bytes", feature_cache_bytes, 64),
            decay_rate=decay_rate,
            window_low=window_low,
            window_high=window_high,
            tile_width=unsigned("tile_width", tile_width, 32),
            tile_height=unsigned("tile_height", tile_height, 32),
            tile_overlap=unsigned("tile_overlap", tile_overlap, 32),
            resample=_index("resample", resample, RESAMPLES),
            decay_percents=(ctypes.c_uint32 * 3)(*percents, *[100] * (3 - len(percents))),
            review_rate=review_rate,
            pixel_rate=pixel_rate,
            threshold_rule=_index("threshold_rule", threshold_rule, _THRESHOLD_RULES),
            miss_cost=miss_cost,
            thread_count=checked_threads(threads),
            low_rate=low_rate,
            low_verdict=Verdict(low_verdict),
            start=_index("start", start, _STARTS),
            coupling_steps=_AUTOMATIC_STEPS if coupling_steps is None else unsigned("coupling_steps", coupling_steps, 32),
            gaussian_bytes=unsigned("gaussian_bytes", gaussian_bytes, 64),
            map_smoothing=-1 if map_smoothing is None else _not_negative("map_smoothing", map_smoothing),
            half_turns=_index("half_turns", half_turns, _HALF_TURNS),
            time_budget=time_budget,
            preset=0 if preset is None else 1 + _index("preset", preset, _PRESETS),
            precision=_index("precision", precision, PRECISIONS),
        )
        handle = ctypes.c_void_p()
        check(
            _native.library().cflowad_trainer_create(native_path(weights), ctypes.byref(options), ctypes.byref(handle))
        )
        self._handle = handle

    def add_frame(
        self,
        frame: ImageLike,
        order: Order = "RGB",
        role: Role = "training",
        *,
        layout: Layout = "HWC",
        name: str | None = None,
    ) -> None:
        """Adds a frame; it is resized to the network's input and copied.

        Parameters
        ----------
        frame, order, layout
            As for `Session.score`.
        role
            ``"training"``: to learn from; ``"calibration"``: held back, it sets the constants and thresholds;
            ``"defective"``: an example for the choice of the threshold, not a good frame.
        name
            By which `Model.advice` tells of it, as its file's path; kept in the model file when the frame sets a threshold.

        Raises
        ------
        StateError
            The frame is not to be trained on, but was: by this trainer's `fit`, or by the training of the detector that
            it began with, as far as its file knows.
        """
        native, owner = native_frame(frame, order, layout)
        index = _index("role", role, _ROLES)
        known_as = None if name is None else native_path(name)
        check(_native.library().cflowad_trainer_add_named_frame(self.handle, ctypes.byref(native), index, known_as))
        del owner

    def fit(self, progress: ProgressCallable | None = None, checkpoint: Path | None = None) -> None:
        """Fits the flows, in closed form or by the paper's training, as start says.

        Parameters
        ----------
        checkpoint
            File to keep the state in, after passes over the frames. When it exists, the fit goes on from there and ends with
            the same weights as one that was never stopped; encoder, options and frames must be the same. It is left for
            the caller to delete.
        progress
            Called on this thread with a `Progress`; a true return value cancels. An exception in it cancels and is
            raised here. So is what a signal's handler raises meanwhile (KeyboardInterrupt): handlers run with the next
            report.

        Raises
        ------
        StateError
            There are no frames, or the checkpoint is that of another training.
        FormatError
            The checkpoint is damaged.
        UnsupportedError
            A closed form needs OpenBLAS (``libopenblas.so.0``), which cannot be loaded.
        CancelledError, DivergedError
            After which the trainer can only be closed.
        """
        path = None if checkpoint is None else native_path(checkpoint)
        check(_native.library().cflowad_trainer_set_checkpoint(self.handle, path))
        self._run("cflowad_trainer_fit", progress)

    @property
    def coupling_steps(self) -> int:
        """Coupling steps for each level that `fit` planned: 0 before it, and without any."""
        steps = ctypes.c_uint32()
        check(_native.library().cflowad_trainer_coupling_steps(self.handle, ctypes.byref(steps)))
        return steps.value

    def set_region_of_interest(self, region: RegionOfInterest | None) -> None:
        """Calibrates within a region of interest, which becomes that of the detector; None: on whole frames.

        Training is on whole frames. A trainer of a complete detector begins with that detector's region.
        """
        native, owner = (None, None) if region is None else region.native()
        check(_native.library().cflowad_trainer_set_region_of_interest(self.handle, native and ctypes.byref(native)))
        del owner

    def quantize(self, passes: int = 0, progress: ProgressCallable | None = None) -> None:
        """Makes the float32 detector that the trainer began with one of 8 bits, in place of `fit`.

        For detectors that came from PyTorch, or were trained before. Training frames, of which 32 are enough, say what the
        encoder's bytes stand for. `calibrate` must follow; then `quantization` tells what changed. Without calibration
        frames some are held back first: calibration_fraction of them, and without passes all that ranges do not need.

        Parameters
        ----------
        passes
            Over the training frames, up to 10000, that train the flows further on the new features, by the paper's loops;
            0: the flows stay as they are.
        progress
            As for `fit`.

        Raises
        ------
        StateError
            There is no detector, it is one of 8 bits already, or there are too few frames.
        UnsupportedError
            A vision transformer; or passes for flows that start at a Gaussian, which ``Trainer(..., precision="int8").fit()``
            fits anew.
        InvalidArgumentError
            An option of the trainer has no effect here.
        CancelledError, DivergedError
            After which the trainer can only be closed.
        """
        self._run("cflowad_trainer_quantize", progress, unsigned("passes", passes, 32))

    @property
    def quantization(self) -> Quantization:
        """What `quantize` changed. Raises StateError before it and the `calibrate` that follows it."""
        native = _native.Quantization()
        check(_native.library().cflowad_trainer_get_quantization(self.handle, ctypes.byref(native)))
        return Quantization(
            range_count=native.range_count,
            passes=native.passes,
            good_count=native.good_count,
            good_changed=native.good_changed,
            defective_count=native.defective_count,
            defective_changed=native.defective_changed,
            rank_correlation=native.rank_correlation,
            float32_auroc=native.float32_auroc,
            int8_auroc=native.int8_auroc,
        )

    def set_provenance(self, name: str, text: str | None) -> None:
        """Sets a text that model files and models keep for people; None: none.

        ``"name"`` is what they call the detector, ``"created"`` when it was made: the library does not look at the clock, so
        that the same training gives the same file.

        Parameters
        ----------
        name
            1 to 64 small letters, digits and underscores; ``"training"`` and ``"quantization"`` are the trainer's own.
        text
            1 to 60000 bytes.
        """
        native = None if text is None else text.encode()
        check(_native.library().cflowad_trainer_set_provenance(self.handle, name.encode(), native))

    def calibrate(self, progress: ProgressCallable | None = None) -> None:
        """Computes the frozen constants and thresholds from the calibration frames; ``progress`` as for `fit`.

        Then tries which frames the detector passes that it should not: see `ModelInfo.strange_frames`.
        """
        self._run("cflowad_trainer_calibrate", progress)

    def save(self, path: Path, encoder_file: str | None = None) -> None:
        """Writes the detector: under a temporary name beside ``path``, then renamed.

        Parameters
        ----------
        encoder_file
            Name of a file in the same folder that holds the encoder, for detectors to share: written when it is not there,
            else it must hold the same encoder. None: the encoder is stored with the detector.
        """
        if encoder_file is None:
            check(_native.library().cflowad_trainer_save(self.handle, native_path(path)))
        else:
            names = native_path(path), native_path(encoder_file)
            check(_native.library().cflowad_trainer_save_linked(self.handle, *names))

    def model(self) -> Model:
        """The detector as a model, without a file: the same numbers as of one that was saved and opened.

        The trainer stays as it is, and what is done with it later does not change the model.

        Raises
        ------
        StateError
            The flows are still random.
        """
        handle = ctypes.c_void_p()
        check(_native.library().cflowad_trainer_model(self.handle, ctypes.byref(handle)))
        return Model._owning(handle)

    def _run(self, function: str, progress: ProgressCallable | None, *arguments: int) -> None:
        raised: list[BaseException] = []

        # Also without a callable, so that an interrupt from the keyboard stops the work.
        def report(native: Any, _: object) -> int:
            try:
                signals.run()
                return 0 if progress is None else int(bool(progress(_progress(native.contents))))
            except BaseException as error:  # must not cross the C frames
                raised.append(error)
                return 1

        callback = _native.ProgressCallback(report)
        with DeferredSignals() as signals:
            status = getattr(_native.library(), function)(self.handle, *arguments, callback, None)
            if raised:
                raise raised[0]
        check(status)


def _progress(native: Any) -> Progress:
    return Progress(
        stage=_STAGES[native.stage],
        epoch=native.epoch,
        epochs=native.epochs,
        loss=native.loss,
        done=native.done,
        total=native.total,
        learning_rate=native.learning_rate,
    )


def _not_negative(name: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, not {value!r}")
    return value


def _index(name: str, value: str | Any, known: tuple[str, ...]) -> int:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, not {value!r}")
    return known.index(value)
