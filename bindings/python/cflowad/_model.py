"""Models, sessions and results."""

from __future__ import annotations

import asyncio
import ctypes
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._advice import Advice, read_advice
from ._arraylike import ImageLike, Layout
from ._arrays import Order, Path, native_frame, native_path, unsigned
from ._errors import BUFFER_TOO_SMALL, NOT_CALIBRATED, MismatchError, check, closed
from ._region_of_interest import RegionOfInterest
from ._regions import Region, RegionOutputs
from ._resample import RESAMPLES, Resample
from ._sources import read_image, sources

if TYPE_CHECKING:
    from ._queue import Queue
    from ._watch import Watch

Precision = Literal["float32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "int8")

Buffer = Union[bytes, bytearray, memoryview, NDArray[np.uint8]]
_Self = TypeVar("_Self", bound="Handle")


class Handle:
    """A handle of the library, closed by ``close``, at the end of a ``with`` block, or with the object."""

    _kind: str
    _handle: ctypes.c_void_p | None = None

    @property
    def handle(self) -> ctypes.c_void_p:
        """For calls. Raises InvalidHandleError when closed."""
        handle = self._handle
        if handle is None:
            raise closed(self._kind)
        return handle

    def close(self) -> None:
        """Gives the memory back. A call running on another thread finishes first. May be called again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            getattr(_native.library(), f"cflowad_{self._kind}_close")(handle)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        # For copies and pickles: a copy would close what it shares.
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled: what it holds is not in Python")


@dataclass(frozen=True)
class Level:
    """The grid of a feature level."""

    #: Columns.
    width: int
    #: Rows.
    height: int
    #: C, length of a feature vector ("fiber").
    channels: int


class Verdict(IntEnum):
    """Decision about a frame; as text "pass", "review" or "reject"."""

    #: low_threshold <= score <= review_threshold
    PASS = 0
    #: review_threshold < score <= threshold: to be looked at; or score < low_threshold of a model with this low_verdict,
    #: or map_mean > mean_threshold
    REVIEW = 1
    #: score > threshold; or score < low_threshold of a model with this low_verdict, or map_mean > mean_threshold
    REJECT = 2

    def __str__(self) -> str:
        return str(_native.library().cflowad_verdict_name(self).decode())

    def __format__(self, specification: str) -> str:
        """As the text, but by a specification of numbers (``"d"``) as the number."""
        is_number = specification[-1:] in tuple("bcdoxXneEfFgG%")
        return format(int(self) if is_number else str(self), specification)


@dataclass(frozen=True)
class ModelInfo:
    """What a model is."""

    #: Encoder, e.g. ``"efficientnet_lite0"``.
    architecture: str
    #: Padding of its convolutions: ``"reflect"``, ``"zeros"`` or ``"same"``.
    padding: str
    #: Network input, pixels.
    input_width: int
    input_height: int
    #: Feature levels, finest first.
    levels: tuple[Level, ...]
    #: K of each flow.
    coupling_blocks: int
    #: P, length of the positional encoding; 0: unconditional flow.
    condition_channels: int
    #: Scores and verdicts are available.
    is_calibrated: bool
    #: Score above which a frame is rejected; NaN if not calibrated.
    threshold: float
    #: Score above which a frame is to be looked at; NaN if there is no such threshold.
    review_threshold: float
    #: Value of maps above which a pixel is anomalous; NaN if not calibrated, as the next two.
    pixel_threshold: float
    #: Values of maps to draw as normal, and as fully anomalous.
    map_low: float
    map_high: float
    #: Good frames that the calibration rests on.
    calibration_count: int
    #: It was calibrated within a region of interest, which is then that of its sessions.
    has_region_of_interest: bool
    #: Share of good frames above the threshold, at most, on average over calibrations (`calibration_promise`); NaN when
    #: the model does not hold its calibration's scores.
    promised_rate: float
    #: Numbers in the encoder's and flows' weights, as stored.
    parameter_count: int
    #: Scratch memory of one session; frames' own sizes add a little.
    session_bytes: int
    #: Frames are cut into tiles of this size, whose neighbours share so many pixels; 0: they are not.
    tile_width: int = 0
    tile_height: int = 0
    tile_overlap: int = 0
    #: Whose bytes frames become when they are resized; see `Resample`.
    resample: Resample = "pillow-3.3"
    #: Standard deviation of the Gaussian that maps are smoothed by, pixels of the network's input; 0: none.
    map_smoothing: float = 0.0
    #: What it computes in.
    precision: Precision = "float32"
    #: Score below which a frame is as strange as one above the threshold; NaN: none, low scores pass.
    low_threshold: float = math.nan
    #: What such a frame is given at least.
    low_verdict: Verdict = Verdict.PASS
    #: Share of good frames below it, at most, on average over calibrations; NaN when there is none.
    low_promised_rate: float = math.nan
    #: Whether a frame of a kind that no line delivers when all is well was passed when calibration tried it, by kind
    #: (``"black"``, ``"white"``, ``"gray"``, ``"noise"``, ``"shuffled"``, ``"inverted"``, ``"dark"``, ``"blurred"``). Empty:
    #: unknown, as of calibrations by versions before 1.2.
    strange_frames: Mapping[str, bool] = field(default_factory=dict)
    #: Mean of the map above which a frame is strange all over and given `low_verdict` at least; NaN: none. A good frame is
    #: above it with probability at most 1 / (calibration_count + 1).
    mean_threshold: float = math.nan
    #: The model's name by its contents: SHA-256 of weights, calibration and all else that scores depend on, hexadecimal.
    identity: str = ""
    #: What people call it, cut to 63 bytes; see `Model.provenance`.
    name: str = ""
    #: When it was made, as whoever made it wrote it; "" if nothing.
    created: str = ""

    def map_size(self, frame_height: int, frame_width: int) -> tuple[int, int, int]:
        """Rows and columns of `Result.map` of a frame of this size, and the tiles that it is cut into."""
        native = _native.ModelInfo(
            input_width=self.input_width,
            input_height=self.input_height,
            tile_width=self.tile_width,
            tile_height=self.tile_height,
            tile_overlap=self.tile_overlap,
        )
        width, height, tiles = ctypes.c_uint32(), ctypes.c_uint32(), ctypes.c_uint32()
        call = _native.library().cflowad_model_info_map_size
        check(call(native, frame_width, frame_height, ctypes.byref(width), ctypes.byref(height), ctypes.byref(tiles)))
        return height.value, width.value, tiles.value


@dataclass(frozen=True)
class Verification:
    """How the numbers of a model's self-test compare: see `Model.verify`."""

    #: Log-likelihoods that were compared.
    value_count: int
    #: Largest difference of one, divided by the magnitude of the expected value where that is above 1.
    largest_error: float
    #: What it may be; 0 for models of 8 bits.
    tolerance: float
    #: Of the frame, now and when the model was made; NaN when there is none.
    score: float
    expected_score: float


class Model(Handle):
    """A detector: encoder, flows and calibration, immutable.

    Any number of threads and sessions may share it. Sessions keep what they need of it: it may be closed before them.

    Parameters
    ----------
    source
        Path of a model file, or the bytes of one (copied).

    Raises
    ------
    FileError
        The file cannot be read.
    FormatError
        It is damaged, or not a detector.
    UnsupportedError
        Unknown architecture, or a newer format.
    """

    _kind = "model"

    def __init__(self, source: str | os.PathLike[str] | Buffer) -> None:
        library, handle = _native.library(), ctypes.c_void_p()
        if isinstance(source, (str, os.PathLike)):
            check(library.cflowad_model_open(native_path(source), ctypes.byref(handle)))
        else:
            view = memoryview(source)  # type: ignore[arg-type]  # every one of Buffer has the buffer protocol
            data = np.frombuffer(view, np.uint8) if view.nbytes else np.zeros(1, np.uint8)
            check(library.cflowad_model_open_memory(data.ctypes.data, view.nbytes, ctypes.byref(handle)))
        self._handle = handle

    @classmethod
    def _owning(cls, handle: ctypes.c_void_p) -> Model:
        """A model that the library has made."""
        model = cls.__new__(cls)
        model._handle = handle
        return model

    @property
    def info(self) -> ModelInfo:
        """What the model is."""
        library, native = _native.library(), _native.ModelInfo()
        check(library.cflowad_model_get_info(self.handle, ctypes.byref(native)))
        levels = zip(native.level_width, native.level_height, native.level_channels)
        return ModelInfo(
            architecture=native.architecture.decode(),
            padding=native.padding.decode(),
            input_width=native.input_width,
            input_height=native.input_height,
            levels=tuple(Level(*level) for level in levels)[: native.level_count],
            coupling_blocks=native.coupling_blocks,
            condition_channels=native.condition_channels,
            is_calibrated=bool(native.is_calibrated),
            threshold=native.threshold,
            review_threshold=native.review_threshold,
            pixel_threshold=native.pixel_threshold,
            map_low=native.map_low,
            map_high=native.map_high,
            calibration_count=native.calibration_count,
            has_region_of_interest=bool(native.has_region_of_interest),
            promised_rate=native.promised_rate,
            parameter_count=native.parameter_count,
            session_bytes=native.session_bytes,
            tile_width=native.tile_width,
            tile_height=native.tile_height,
            tile_overlap=native.tile_overlap,
            resample=RESAMPLES[native.resample],
            map_smoothing=native.map_smoothing,
            precision=PRECISIONS[native.precision],
            low_threshold=native.low_threshold,
            low_verdict=Verdict(native.low_verdict),
            low_promised_rate=native.low_promised_rate,
            strange_frames={
                library.cflowad_strange_name(kind).decode(): bool(native.strange_passed >> kind & 1)
                for kind in range(_native.STRANGE_COUNT)
                if native.strange_tried >> kind & 1
            },
            mean_threshold=native.mean_threshold,
            identity=native.identity.decode(),
            name=native.name.decode(),
            created=native.created.decode(),
        )

    @property
    def provenance(self) -> dict[str, str]:
        """Texts about how it was made, by name: ``"name"``, ``"created"``, ``"training"`` and others."""
        library = _native.library()
        texts: dict[str, str] = {}
        while (name := library.cflowad_model_provenance_name(self.handle, len(texts))) is not None:
            texts[name.decode()] = library.cflowad_model_provenance(self.handle, name).decode()
        return texts

    def verify(self) -> Verification:
        """Has it compute what it computed when it was made, of a small frame that the library knows.

        A changed weight, a fault of memory or wrongly built kernels show before the first part.

        Raises
        ------
        MismatchError
            The numbers are others; its attribute ``verification`` says how far off.
        NoSelfTestError
            The model's file holds none: it was not calibrated by version 1.2 or later.
        """
        native = _native.Verification()
        status = _native.library().cflowad_model_verify(self.handle, ctypes.byref(native))
        found = Verification(
            native.value_count, native.largest_error, native.tolerance, native.score, native.expected_score
        )
        try:
            check(status)
        except MismatchError as error:
            error.verification = found
            raise
        return found

    @property
    def advice(self) -> Advice:
        """What is worth knowing about it: frames used, whether more would help, which frame should be looked at."""
        return read_advice(self.handle)

    def session(self, threshold: float | None = None, threads: int = 0, **options: Any) -> Session:
        """A new session; see `Session` for the further keywords."""
        return Session(self, threshold, threads, **options)


@dataclass
class Result:
    """What scoring a frame gives. Arrays belong to the result; those not asked for are None."""

    #: Maximum of the anomaly map, higher is more anomalous; NaN from a model without calibration.
    score: float
    #: Decision; None from a model without calibration.
    verdict: Verdict | None
    #: What the verdict compared the score with.
    threshold: float
    #: What else it compared the score with; the threshold when there is no review.
    review_threshold: float = math.nan
    #: Share of good frames that score as high: a good frame has p_value <= a with probability at most a. NaN when the
    #: model does not hold its calibration's scores.
    p_value: float = math.nan
    #: What else it compared the score with: a lower one is strange too. NaN: nothing, also within another region of interest
    #: than the calibration's.
    low_threshold: float = math.nan
    #: Share of good frames that score as low: a good frame has low_p_value <= a with probability at most a. NaN when the
    #: model does not hold its calibration's scores, or within another region of interest.
    low_p_value: float = math.nan
    #: Mean of the map, within the region of interest.
    map_mean: float = math.nan
    #: What the verdict compared it with: a frame above it is strange all over. NaN: nothing, also within another region of
    #: interest than the calibration's.
    mean_threshold: float = math.nan
    #: Anomaly map at the network's scale, (input_height, input_width) float32; of a detector with tiles see
    #: `ModelInfo.map_size`.
    map: NDArray[np.float32] | None = None
    #: Anomaly map at the frame's size, (H, W) float32.
    frame_map: NDArray[np.float32] | None = None
    #: log p / C per level, finest first, each (height, width) float32; of a frame that is cut, (tiles, height, width).
    log_likelihoods: list[NDArray[np.float32]] | None = None
    #: The encoder's features per level, finest first, each (height, width, channels) float32; of a frame that is cut,
    #: (tiles, height, width, channels).
    features: list[NDArray[np.float32]] | None = None
    #: Regions of the map, the most severe first, up to the session's ``regions``; None when that is 0.
    regions: list[Region] | None = None
    #: All regions that there are, also beyond those.
    region_count: int = 0
    #: The frame's file, when it was given by its path; see `Session.score_many`.
    path: str | None = None
    #: Why there is no score (it is NaN, and the verdict None), from ``score_many(..., on_error="result")``.
    error: Exception | None = None


#: What becomes of a frame that cannot be read or scored.
OnError = Literal["raise", "result"]

_MAPS = ("map", "frame_map", "log_likelihoods", "features")


class Session(Handle):
    """Scratch memory for scoring frames with a model, or with several that judge the same frames.

    One call at a time: a second thread calling meanwhile gets BusyError. For parallel work give every thread a session
    of its own; scoring releases the interpreter lock. The numbers do not depend on threads or on other frames.

    Parameters
    ----------
    model
        The detector, or several: those with the same encoder, input size and normalization share its memory, and
        `score_all` runs it once for all of them. Methods for one detector use the first.
    threshold
        Score above which a frame is rejected; None: the model's own.
    threads
        Threads that share a frame's work, the calling one included, up to 256; 0: one per processor. One thread in
        each of several sessions gives the highest throughput, all in one session the shortest time for a frame.
    review_threshold
        Score above which a frame that is not rejected is to be looked at; None: the model's own, if it has one.
    regions
        How many regions a result holds at most: the most severe ones.
    region_threshold
        Value of maps above which a pixel belongs to a region; None: the model's ``pixel_threshold``.
    region_min_area, region_min_score
        Fewest pixels and lowest peak of a region that counts; None: any peak.
    """

    _kind = "session"

    def __init__(
        self,
        model: Model | Sequence[Model],
        threshold: float | None = None,
        threads: int = 0,
        *,
        review_threshold: float | None = None,
        regions: int = 0,
        region_threshold: float | None = None,
        region_min_area: int = 1,
        region_min_score: float | None = None,
    ) -> None:
        library, handle = _native.library(), ctypes.c_void_p()
        options = _native.SessionOptions(
            threshold=math.nan if threshold is None else threshold,
            thread_count=checked_threads(threads),
            review_threshold=math.nan if review_threshold is None else review_threshold,
            region_threshold=math.nan if region_threshold is None else region_threshold,
            region_min_area=unsigned("region_min_area", region_min_area, 32),
            region_min_score=math.nan if region_min_score is None else region_min_score,
        )
        self._region_limit = unsigned("regions", regions, 32)
        models = [model] if isinstance(model, Model) else list(model)
        self._infos = [each.info for each in models]
        self._last_shape = _native.Shape()
        handles = (ctypes.c_void_p * len(models))(*(each.handle for each in models))
        check(
            library.cflowad_session_create_many(handles, len(models), ctypes.byref(options), ctypes.byref(handle))
        )
        self._handle = handle

    @property
    def infos(self) -> list[ModelInfo]:
        """What the models are."""
        return list(self._infos)

    @property
    def info(self) -> ModelInfo:
        """What the first model is."""
        return self._infos[0]

    def replace_model(self, index: int, model: Model) -> None:
        """Puts another model in the place of one, while other threads may be scoring.

        All preparation happens in this call, which releases the interpreter lock. A call that runs ends with the models
        it began with; those that begin afterwards use the new one, which may have another input size or architecture.
        """
        if not 0 <= index < len(self._infos):
            raise IndexError(f"there is no model {index} in a session of {len(self._infos)}")
        check(_native.library().cflowad_session_replace_model(self.handle, index, model.handle))
        self._infos[index] = model.info

    def set_watch(self, watch: Watch | None, index: int = 0) -> None:
        """Has the score of every frame added to a watch, until the model is replaced; None: to none from now on."""
        check(_native.library().cflowad_session_set_watch(self.handle, unsigned("index", index, 64), watch and watch.handle))

    def queue(self, capacity: int = 8, *, in_order: bool = False) -> Queue:
        """A queue of frames to be scored with this session in an event loop; see `Queue`."""
        from ._queue import Queue

        return Queue(self, capacity, in_order=in_order)

    def score_all(
        self, frame: ImageLike, order: Order = "RGB", maps: Iterable[str] = (), *, layout: Layout = "HWC"
    ) -> list[Result]:
        """Scores a frame with every model: the same bits as with each alone. Parameters as of `score`."""
        wanted = wanted_maps(maps)
        native, owner = native_frame(frame, order, layout)

        def call(results: Any) -> int:
            return int(_native.library().cflowad_session_score_all(self.handle, ctypes.byref(native), results))

        found = self._score(call, [native] * len(self._infos), wanted)
        del owner
        return found

    def set_region_of_interest(self, region: RegionOfInterest | None) -> None:
        """Scores the frames that follow within a region of interest; None: within that of the model's calibration.

        Score and regions are then those of the region; maps are complete, but mean little outside of a calibrated
        region. P-values and thresholds are those of the calibration: calibrate in the region that you score in.
        """
        native, owner = (None, None) if region is None else region.native()
        check(_native.library().cflowad_session_set_region_of_interest(self.handle, native and ctypes.byref(native)))
        del owner

    def score(
        self, frame: ImageLike, order: Order = "RGB", maps: Iterable[str] = (), *, layout: Layout = "HWC"
    ) -> Result:
        """Scores a frame.

        Parameters
        ----------
        frame
            uint8 of shape (H, W) or (H, W, 1): grey; (H, W, 3); (H, W, 4): alpha is ignored; or uint16 of these shapes
            but the last, 16 bits of which count; or a `CameraFrame`. Any size from 1 x 1 to 65535 x 65535. A numpy
            array, a memoryview of such a shape, or any object with ``__array_interface__`` or DLPack (a PyTorch tensor
            in the processor's memory). Borrowed for the call: without a copy when its pixels lie next to each other
            (any positive row stride, so a crop of an image is fine), with one otherwise.
        order
            ``"RGB"`` or ``"BGR"`` (OpenCV's): order of the first three channels.
        maps
            Names of the optional outputs wanted: ``"map"``, ``"frame_map"``, ``"log_likelihoods"``, ``"features"``.
        layout
            ``"CHW"``: the channels are the first axis, as in PyTorch.

        Returns
        -------
        Result
            With new arrays.

        Raises
        ------
        TypeError, ValueError
            The frame's type, shape or order is not one of those above.
        NotCalibratedError
            The model has no calibration. When ``maps`` asks for log-likelihoods or features and nothing else, the
            result holds those, a score of NaN and no verdict instead.
        BusyError
            Another thread is scoring with this session.
        DivergedError
            The network's output is not finite.
        """
        return self.score_batch([frame], order, maps, layout=layout)[0]

    def score_batch(
        self,
        frames: Sequence[ImageLike],
        order: Order = "RGB",
        maps: Iterable[str] = (),
        *,
        layout: Layout = "HWC",
    ) -> list[Result]:
        """Scores frames, of any sizes, in one call of the library: the same bits as one by one.

        A session of several threads computes as many frames at the same time, each on one thread, which is faster than
        all threads on each frame in turn. Parameters and exceptions are those of `score`; the message of an exception names the frame.
        """
        wanted = wanted_maps(maps)
        count = len(frames)
        if count == 0:
            return []
        natives, owners = zip(*(native_frame(frame, order, layout) for frame in frames))
        library = _native.library()

        def call(results: Any) -> int:
            native_frames = (_native.Frame * count)(*natives)
            return int(library.cflowad_session_score_batch(self.handle, native_frames, count, results))

        def call_without_score(native: Any, results: Any) -> int:
            status = int(library.cflowad_session_score(self.handle, ctypes.byref(native), results))
            return 0 if status == NOT_CALIBRATED else status

        if wanted and set(wanted) <= {"log_likelihoods", "features"}:  # a missing score would stop a batch
            found = [self._score(partial(call_without_score, native), [native], wanted)[0] for native in natives]
        else:
            found = self._score(call, natives, wanted)
        del owners
        return found

    def score_many(
        self,
        frames: Path | Iterable[ImageLike | Path],
        order: Order = "RGB",
        maps: Iterable[str] = (),
        *,
        layout: Layout = "HWC",
        on_error: OnError = "raise",
    ) -> Iterator[Result]:
        """Scores frames one after the other as they are asked for; `SessionPool.score_many` scores several at once.

        Parameters
        ----------
        frames
            A folder, whose image files are taken in the order of their names; or any iterable of frames as for `score`
            and of paths of image files. Files are read by `read_image`.
        order, maps, layout
            As for `score`; files are read as R G B whatever ``order`` says.
        on_error
            ``"raise"``: the exception of a frame that cannot be read or scored ends the iteration; ``"result"``: its
            result holds it as ``error``, and the others follow.

        Yields
        ------
        Result
            In the order of the frames, with ``path`` where the frame was a file.

        Raises
        ------
        FileNotFoundError, NotADirectoryError
            There is no such folder, or it has no images.
        """
        wanted = wanted_maps(maps)
        for source in sources(frames):
            yield result_or_error(partial(self._score_source, source, order, wanted, layout), source, on_error)

    async def score_async(
        self, frame: ImageLike, order: Order = "RGB", maps: Iterable[str] = (), *, layout: Layout = "HWC"
    ) -> Result:
        """`score` without blocking the event loop, which goes on while a thread of its default executor waits.

        One call at a time, as of `score`: awaited by two tasks at once, one of them may get BusyError. A `Queue` and a
        `SessionPool` let them wait.
        """
        call = partial(self.score, frame, order, maps, layout=layout)
        return await asyncio.get_running_loop().run_in_executor(None, call)

    def _score_source(
        self, source: ImageLike | Path, order: Order, maps: tuple[str, ...], layout: Layout
    ) -> Result:
        """Scores a frame, or the image in a file."""
        if not isinstance(source, (str, os.PathLike)):
            return self.score(source, order, maps, layout=layout)
        result = self.score(read_image(source), maps=maps)
        result.path = os.fspath(source)
        return result

    def _score(
        self, call: Callable[[Any], int], frames: Sequence[Any], wanted: tuple[str, ...]
    ) -> list[Result]:
        """Has a function of the library score frames, with arrays for what is wanted."""
        outputs = Outputs(self, frames, wanted)
        outputs.call(call)
        return outputs.found()


class Outputs:
    """Native results of frames to be scored, and arrays for what is wanted.

    How large those must be, only the library knows, in the call that scores: the model may have been exchanged just before.
    So they begin as large as the session's last ones were, and where that was not enough, which the library says before it
    scores anything, they are made anew.
    """

    def __init__(self, session: Session, frames: Sequence[Any], wanted: tuple[str, ...]) -> None:
        self._session, self._frames, self._wanted = session, frames, wanted
        self.results = (_native.Result * len(frames))()
        limit = session._region_limit
        self._rooms = [RegionOutputs(limit, *frame.shape) if limit else None for frame in frames]
        self._maps: list[dict[str, NDArray[np.float32]]] = []
        for result, room in zip(self.results, self._rooms):
            result.struct_size = ctypes.sizeof(_native.Result)
            result.score = math.nan  # stays without a calibration
            result.shape = session._last_shape
            if room is not None:
                room.request(result)

    def call(self, call: Callable[[Any], int]) -> None:
        """Calls with the results until there is room. Raises what the status says."""
        while True:
            shapes = [bytes(result.shape) for result in self.results]
            self._maps = [_arrays(result, frame, self._wanted) for result, frame in zip(self.results, self._frames)]
            status = call(self.results)
            if status != BUFFER_TOO_SMALL or shapes == [bytes(result.shape) for result in self.results]:
                return check(status)

    def found(self) -> list[Result]:
        """What was scored."""
        if len(self.results):
            self._session._last_shape = _native.Shape.from_buffer_copy(self.results[0].shape)
        return [_result(*parts) for parts in zip(self.results, self._frames, self._maps, self._rooms)]


def result_or_error(score: Callable[[], Result], source: ImageLike | Path, on_error: OnError) -> Result:
    """What scoring a source gives: a result, or as the caller wants, one that holds the exception."""
    if on_error not in ("raise", "result"):
        raise ValueError(f"on_error must be 'raise' or 'result', not {on_error!r}")
    try:
        return score()
    except Exception as error:
        if on_error == "raise":
            raise
        path = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
        return Result(score=math.nan, verdict=None, threshold=math.nan, path=path, error=error)


def _arrays(result: Any, frame: Any, wanted: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """New arrays for what is wanted of a frame, by the shape in a native result, which then asks for them."""
    shape = result.shape
    sizes = {
        "map": shape.map_height * shape.map_width,
        "frame_map": math.prod(frame.shape),
        "log_likelihoods": shape.tile_count * sum(math.prod(level[:2]) for level in shape.levels),
        "features": shape.tile_count * sum(math.prod(level) for level in shape.levels),
    }
    arrays = {}
    for name in wanted:
        arrays[name] = np.empty(max(sizes[name], 1), np.float32)  # asked for, though it has no element
        setattr(result, name, arrays[name].ctypes.data)
        setattr(result, f"{name}_capacity", sizes[name])
    return arrays


def _result(
    native: Any, frame: Any, arrays: dict[str, NDArray[np.float32]], room: RegionOutputs | None
) -> Result:
    """What a native result holds that was scored, or but for its score."""
    shape = native.shape
    if math.isnan(native.score):
        result = Result(score=math.nan, verdict=None, threshold=math.nan)
    else:
        result = Result(
            score=native.score,
            verdict=Verdict(native.verdict),
            threshold=native.threshold,
            review_threshold=native.review_threshold,
            p_value=native.p_value,
            low_threshold=native.low_threshold,
            low_p_value=native.low_p_value,
            map_mean=native.map_mean,
            mean_threshold=native.mean_threshold,
        )
        if room is not None:
            result.regions, result.region_count = room.regions(native), native.region_count
    if "map" in arrays:
        result.map = arrays["map"][: shape.map_height * shape.map_width].reshape(shape.map_height, shape.map_width)
    if "frame_map" in arrays:
        result.frame_map = arrays["frame_map"].reshape(frame.shape)
    if "log_likelihoods" in arrays:
        grids = [level[:2] for level in shape.levels]
        result.log_likelihoods = _split(arrays["log_likelihoods"], shape.tile_count, grids)
    if "features" in arrays:
        result.features = _split(arrays["features"], shape.tile_count, shape.levels)
    return result


def checked_threads(count: int) -> int:
    """A number of threads."""
    if not 0 <= count <= 256:
        raise ValueError(f"{count} threads are not within 0 to 256")
    return count


def wanted_maps(maps: Iterable[str]) -> tuple[str, ...]:
    """The names of optional outputs, checked."""
    wanted = (maps,) if isinstance(maps, str) else tuple(maps)
    if unknown := [name for name in wanted if name not in _MAPS]:
        raise ValueError(f"unknown map {unknown[0]!r}; known: {', '.join(_MAPS)}")
    return wanted


def _split(
    array: NDArray[np.float32], tile_count: int, shapes: Sequence[tuple[int, ...]]
) -> list[NDArray[np.float32]]:
    """Views of the levels in an array that begins with them one after the other, tile by tile."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    tiles = array[: tile_count * ends[-1]].reshape(tile_count, ends[-1])
    # One tile is the whole frame, and no axis.
    first = () if tile_count == 1 else (tile_count,)
    return [part.reshape(*first, *shape) for part, shape in zip(np.split(tiles, ends[:-1], axis=1), shapes)]
