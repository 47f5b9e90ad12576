"""The C library through ctypes: structs and prototypes of cflowad.h, and where the library is found.

ctypes releases the interpreter lock during every call.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from functools import cache
from pathlib import Path

MAJOR = 1
MAX_FRAME_SIDE = 65535
MAX_LEVELS = 4
STRANGE_COUNT = 8
FILE_NAME = f"libcflowad.so.{MAJOR}"

PIXEL_GRAY8, PIXEL_RGB8, PIXEL_BGR8, PIXEL_RGBA8, PIXEL_BGRA8 = 1, 2, 3, 4, 5
PIXEL_MONO16, PIXEL_RGB16, PIXEL_BGR16, PIXEL_RGB8_PLANAR = 10, 20, 21, 22
FRAME_BOTTOM_UP = 1
AUPRO_STANDARD, AUPRO_PAPER = 0, 1
QUEUE_DRAIN, QUEUE_DROP = 0, 1
#: UINT64_MAX, as ctypes takes it.
FOREVER = -1


class Sized(ctypes.Structure):
    """A struct that begins with its size."""

    def __init__(self, **fields: object) -> None:
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class Frame(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("width", c_uint32),
        ("height", c_uint32),
        ("stride", c_size_t),
        ("format", c_int32),
        ("flags", c_uint32),
        ("planes", c_void_p * 2),
        ("plane_strides", c_size_t * 2),
        ("significant_bits", c_uint32),
        ("shift", c_uint32),
        ("crop_x", c_uint32),
        ("crop_y", c_uint32),
        ("crop_width", c_uint32),
        ("crop_height", c_uint32),
    ]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame: the crop's, if there is one."""
        return (self.crop_height, self.crop_width) if self.crop_width else (self.height, self.width)


class ModelInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("architecture", c_char * 32),
        ("padding", c_char * 16),
        ("input_width", c_uint32),
        ("input_height", c_uint32),
        ("level_count", c_uint32),
        ("level_width", c_uint32 * MAX_LEVELS),
        ("level_height", c_uint32 * MAX_LEVELS),
        ("level_channels", c_uint32 * MAX_LEVELS),
        ("coupling_blocks", c_uint32),
        ("condition_channels", c_uint32),
        ("is_calibrated", c_uint32),
        ("threshold", c_float),
        ("parameter_count", c_uint64),
        ("session_bytes", c_uint64),
        ("review_threshold", c_float),
        ("pixel_threshold", c_float),
        ("map_low", c_float),
        ("map_high", c_float),
        ("calibration_count", c_uint64),
        ("has_region_of_interest", c_uint32),
        ("reserved", c_uint32),
        ("promised_rate", c_double),
        ("tile_width", c_uint32),
        ("tile_height", c_uint32),
        ("tile_overlap", c_uint32),
        ("resample", c_int32),
        ("low_threshold", c_float),
        ("low_verdict", c_int32),
        ("low_promised_rate", c_double),
        ("strange_tried", c_uint32),
        ("strange_passed", c_uint32),
        ("mean_threshold", c_float),
        ("map_smoothing", c_float),
        ("precision", c_int32),
        ("identity", c_char * 72),
        ("name", c_char * 64),
        ("created", c_char * 32),
    ]


class Verification(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value_count", c_uint64),
        ("largest_error", c_double),
        ("tolerance", c_double),
        ("score", c_float),
        ("expected_score", c_float),
    ]


class Advice(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("given_count", c_uint64),
        ("fitted_count", c_uint64),
        ("curve_half_count", c_uint64),
        ("curve_full_count", c_uint64),
        ("curve_half", c_double * MAX_LEVELS),
        ("curve_full", c_double * MAX_LEVELS),
        ("doubling_gain", c_double),
        ("coupling_gain", c_double * MAX_LEVELS),
        ("level_share", c_double * MAX_LEVELS),
        ("wanted_rate", c_double),
        ("outlier_frame", c_int64),
        ("outlier_score", c_float),
        ("outlier_next", c_float),
        ("level_count", c_uint32),
        ("more_frames", c_int32),
    ]


class SessionOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("threshold", c_float),
        ("thread_count", c_uint32),
        ("review_threshold", c_float),
        ("region_threshold", c_float),
        ("region_min_area", c_uint32),
        ("region_min_score", c_float),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
    ]


class Point(ctypes.Structure):
    _fields_ = [("x", c_int32), ("y", c_int32)]


class Region(ctypes.Structure):
    _fields_ = [
        ("x", c_uint32),
        ("y", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("area", c_uint32),
        ("centroid_x", c_float),
        ("centroid_y", c_float),
        ("peak", c_float),
        ("peak_x", c_uint32),
        ("peak_y", c_uint32),
        ("mean", c_float),
        ("p_value", c_float),
        ("contour_first", c_size_t),
        ("contour_count", c_size_t),
    ]


class Rect(ctypes.Structure):
    _fields_ = [("x", c_uint32), ("y", c_uint32), ("width", c_uint32), ("height", c_uint32)]


class RegionOfInterest(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("frame_width", c_uint32),
        ("frame_height", c_uint32),
        ("rects", POINTER(Rect)),
        ("rect_count", c_size_t),
        ("mask", c_void_p),
        ("mask_width", c_uint32),
        ("mask_height", c_uint32),
        ("mask_stride", c_size_t),
    ]


class Shape(ctypes.Structure):
    """What the arrays of a result hold."""

    _fields_ = [
        ("map_width", c_uint32),
        ("map_height", c_uint32),
        ("tile_count", c_uint32),
        ("level_count", c_uint32),
        ("level_width", c_uint32 * 4),
        ("level_height", c_uint32 * 4),
        ("level_channels", c_uint32 * 4),
    ]

    @property
    def levels(self) -> list[tuple[int, int, int]]:
        """Height, width and channels of each level."""
        return list(zip(self.level_height, self.level_width, self.level_channels))[: self.level_count]


class Result(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("score", c_float),
        ("threshold", c_float),
        ("verdict", c_int32),
        ("reserved", c_uint32),
        ("map", c_void_p),
        ("map_capacity", c_size_t),
        ("frame_map", c_void_p),
        ("frame_map_capacity", c_size_t),
        ("log_likelihoods", c_void_p),
        ("log_likelihoods_capacity", c_size_t),
        ("features", c_void_p),
        ("features_capacity", c_size_t),
        ("p_value", c_float),
        ("review_threshold", c_float),
        ("regions", c_void_p),
        ("region_size", c_size_t),
        ("region_capacity", c_size_t),
        ("region_count", c_size_t),
        ("contour_points", c_void_p),
        ("contour_capacity", c_size_t),
        ("contour_count", c_size_t),
        ("shape", Shape),
        ("low_threshold", c_float),
        ("low_p_value", c_float),
        ("map_mean", c_float),
        ("mean_threshold", c_float),
    ]


class QueueOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("capacity", c_uint32), ("in_order", c_uint32)]


class Submission(Sized):
    _fields_ = [("struct_size", c_size_t), ("tag", c_void_p), ("timeout_ns", c_uint64), ("start_within_ns", c_uint64)]


class Completion(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("ticket", c_uint64),
        ("tag", c_void_p),
        ("results", c_void_p),
        ("status", c_int32),
        ("reserved", c_uint32),
        ("waited_ns", c_uint64),
        ("scored_ns", c_uint64),
    ]


class QueueState(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("capacity", c_uint32),
        ("waiting", c_uint32),
        ("scoring", c_uint32),
        ("completed", c_uint32),
        ("scored", c_uint64),
        ("failed", c_uint64),
        ("late", c_uint64),
        ("cancelled", c_uint64),
        ("refused", c_uint64),
    ]


class WatchOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("false_alarm_rate", c_double), ("seed", c_uint64)]


class WatchState(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("frame_count", c_uint64),
        ("evidence", c_double),
        ("highest_evidence", c_double),
        ("false_alarm_rate", c_double),
        ("changed_at", c_uint64),
        ("recent_share", c_double),
        ("calibration_count", c_uint64),
        ("has_changed", c_uint32),
        ("reserved", c_uint32),
    ]


class TrainOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input_width", c_uint32),
        ("input_height", c_uint32),
        ("level_count", c_uint32),
        ("coupling_blocks", c_uint32),
        ("condition_channels", c_uint32),
        ("permutation", c_int32),
        ("clamp", c_int32),
        ("clamp_alpha", c_float),
        ("meta_epochs", c_uint32),
        ("sub_epochs", c_uint32),
        ("warmup_epochs", c_uint32),
        ("schedule", c_int32),
        ("image_batch", c_uint32),
        ("fiber_batch", c_uint32),
        ("learning_rate", c_float),
        ("rotation_degrees", c_float),
        ("calibration_fraction", c_float),
        ("false_reject_rate", c_float),
        ("seed", c_uint64),
        ("feature_cache_bytes", c_uint64),
        ("decay_rate", c_float),
        ("decay_percents", c_uint32 * 3),
        ("review_rate", c_float),
        ("pixel_rate", c_float),
        ("threshold_rule", c_int32),
        ("miss_cost", c_float),
        ("window_low", c_float),
        ("window_high", c_float),
        ("tile_width", c_uint32),
        ("tile_height", c_uint32),
        ("tile_overlap", c_uint32),
        ("reserved", c_uint32),
        ("thread_count", c_uint32),
        ("resample", c_int32),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
        ("low_rate", c_float),
        ("low_verdict", c_int32),
        ("start", c_int32),
        ("coupling_steps", c_uint32),
        ("gaussian_bytes", c_uint64),
        ("map_smoothing", c_float),
        ("half_turns", c_int32),
        ("time_budget", c_float),
        ("preset", c_int32),
        ("precision", c_int32),
    ]


class Quantization(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("range_count", c_uint64),
        ("good_count", c_uint64),
        ("good_changed", c_uint64),
        ("defective_count", c_uint64),
        ("defective_changed", c_uint64),
        ("rank_correlation", c_double),
        ("float32_auroc", c_double),
        ("int8_auroc", c_double),
        ("passes", c_uint32),
        ("reserved", c_uint32),
    ]


class Progress(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("stage", c_int32),
        ("epoch", c_uint32),
        ("epochs", c_uint32),
        ("loss", c_float),
        ("done", c_uint64),
        ("total", c_uint64),
        ("learning_rate", c_float),
        ("reserved", c_uint32),
    ]


class OverlayOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("low", c_float),
        ("high", c_float),
        ("threshold", c_float),
        ("opacity", c_float),
    ]


LogCallback = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
ProgressCallback = ctypes.CFUNCTYPE(c_int32, POINTER(Progress), c_void_p)

#: Function -> result and argument types, in the header's order. Handles are void pointers.
PROTOTYPES: dict[str, tuple[object, list[object]]] = {
    "cflowad_version": (c_int32, []),
    "cflowad_build_info": (c_char_p, []),
    "cflowad_default_thread_count": (c_uint32, []),
    "cflowad_status_name": (c_char_p, [c_int32]),
    "cflowad_last_error": (c_char_p, []),
    "cflowad_set_log_callback": (c_int32, [LogCallback, c_void_p, c_int32]),
    "cflowad_verdict_name": (c_char_p, [c_int32]),
    "cflowad_strange_name": (c_char_p, [c_int32]),
    "cflowad_model_open": (c_int32, [c_char_p, POINTER(c_void_p)]),
    "cflowad_model_open_memory": (c_int32, [c_void_p, c_size_t, POINTER(c_void_p)]),
    "cflowad_model_get_info": (c_int32, [c_void_p, POINTER(ModelInfo)]),
    "cflowad_model_get_advice": (c_int32, [c_void_p, POINTER(Advice)]),
    "cflowad_model_advice": (c_char_p, [c_void_p]),
    "cflowad_model_provenance": (c_char_p, [c_void_p, c_char_p]),
    "cflowad_model_provenance_name": (c_char_p, [c_void_p, c_size_t]),
    "cflowad_model_verify": (c_int32, [c_void_p, POINTER(Verification)]),
    "cflowad_model_info_map_size": (
        c_int32,
        [POINTER(ModelInfo), c_uint32, c_uint32, POINTER(c_uint32), POINTER(c_uint32), POINTER(c_uint32)],
    ),
    "cflowad_model_close": (c_int32, [c_void_p]),
    "cflowad_session_options_init": (c_int32, [POINTER(SessionOptions), c_size_t]),
    "cflowad_session_create": (c_int32, [c_void_p, POINTER(SessionOptions), POINTER(c_void_p)]),
    "cflowad_session_score": (c_int32, [c_void_p, POINTER(Frame), POINTER(Result)]),
    "cflowad_session_score_batch": (c_int32, [c_void_p, POINTER(Frame), c_size_t, POINTER(Result)]),
    "cflowad_session_create_many": (
        c_int32,
        [POINTER(c_void_p), c_size_t, POINTER(SessionOptions), POINTER(c_void_p)],
    ),
    "cflowad_session_score_all": (c_int32, [c_void_p, POINTER(Frame), POINTER(Result)]),
    "cflowad_session_replace_model": (c_int32, [c_void_p, c_size_t, c_void_p]),
    "cflowad_session_close": (c_int32, [c_void_p]),
    "cflowad_queue_options_init": (c_int32, [POINTER(QueueOptions), c_size_t]),
    "cflowad_queue_create": (c_int32, [c_void_p, POINTER(QueueOptions), POINTER(c_void_p)]),
    "cflowad_queue_submit": (
        c_int32,
        [c_void_p, POINTER(Frame), POINTER(Result), POINTER(Submission), POINTER(c_uint64)],
    ),
    "cflowad_queue_wait": (c_int32, [c_void_p, c_uint64, POINTER(Completion)]),
    "cflowad_queue_descriptor": (c_int32, [c_void_p]),
    "cflowad_queue_cancel": (c_int32, [c_void_p, c_uint64]),
    "cflowad_queue_cancel_all": (c_int32, [c_void_p, POINTER(c_size_t)]),
    "cflowad_queue_get_state": (c_int32, [c_void_p, POINTER(QueueState)]),
    "cflowad_queue_stop": (c_int32, [c_void_p, c_int32]),
    "cflowad_queue_close": (c_int32, [c_void_p]),
    "cflowad_watch_options_init": (c_int32, [POINTER(WatchOptions), c_size_t]),
    "cflowad_watch_create": (c_int32, [c_void_p, POINTER(WatchOptions), POINTER(c_void_p)]),
    "cflowad_session_set_watch": (c_int32, [c_void_p, c_size_t, c_void_p]),
    "cflowad_watch_add": (c_int32, [c_void_p, c_float]),
    "cflowad_watch_get_state": (c_int32, [c_void_p, POINTER(WatchState)]),
    "cflowad_watch_reset": (c_int32, [c_void_p]),
    "cflowad_watch_export": (c_int32, [c_void_p, c_void_p, c_size_t, POINTER(c_size_t)]),
    "cflowad_watch_import": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "cflowad_watch_close": (c_int32, [c_void_p]),
    "cflowad_train_options_init": (c_int32, [POINTER(TrainOptions), c_size_t]),
    "cflowad_trainer_create": (c_int32, [c_char_p, POINTER(TrainOptions), POINTER(c_void_p)]),
    "cflowad_trainer_add_frame": (c_int32, [c_void_p, POINTER(Frame), c_int32]),
    "cflowad_trainer_add_named_frame": (c_int32, [c_void_p, POINTER(Frame), c_int32, c_char_p]),
    "cflowad_trainer_set_checkpoint": (c_int32, [c_void_p, c_char_p]),
    "cflowad_trainer_fit": (c_int32, [c_void_p, ProgressCallback, c_void_p]),
    "cflowad_session_set_region_of_interest": (c_int32, [c_void_p, POINTER(RegionOfInterest)]),
    "cflowad_trainer_set_region_of_interest": (c_int32, [c_void_p, POINTER(RegionOfInterest)]),
    "cflowad_trainer_calibrate": (c_int32, [c_void_p, ProgressCallback, c_void_p]),
    "cflowad_calibration_promise": (
        c_int32,
        [c_uint64, c_double, POINTER(c_double), POINTER(c_double), POINTER(c_uint64)],
    ),
    "cflowad_trainer_save": (c_int32, [c_void_p, c_char_p]),
    "cflowad_trainer_save_linked": (c_int32, [c_void_p, c_char_p, c_char_p]),
    "cflowad_trainer_model": (c_int32, [c_void_p, POINTER(c_void_p)]),
    "cflowad_trainer_coupling_steps": (c_int32, [c_void_p, POINTER(c_uint32)]),
    "cflowad_trainer_set_provenance": (c_int32, [c_void_p, c_char_p, c_char_p]),
    "cflowad_trainer_quantize": (c_int32, [c_void_p, c_uint32, ProgressCallback, c_void_p]),
    "cflowad_trainer_get_quantization": (c_int32, [c_void_p, POINTER(Quantization)]),
    "cflowad_trainer_close": (c_int32, [c_void_p]),
    "cflowad_pixel_format_from_pfnc": (c_int32, [c_uint32, POINTER(c_int32), POINTER(c_uint32)]),
    "cflowad_image_is_name": (c_int32, [c_char_p]),
    "cflowad_image_read_info": (c_int32, [c_char_p, POINTER(c_uint32), POINTER(c_uint32), POINTER(c_int32)]),
    "cflowad_image_read": (c_int32, [c_char_p, c_void_p, c_size_t]),
    "cflowad_png_read_info": (c_int32, [c_char_p, POINTER(c_uint32), POINTER(c_uint32), POINTER(c_int32)]),
    "cflowad_png_read": (c_int32, [c_char_p, c_void_p, c_size_t]),
    "cflowad_png_write": (c_int32, [c_char_p, POINTER(Frame)]),
    "cflowad_overlay_options_init": (c_int32, [POINTER(OverlayOptions), c_size_t]),
    "cflowad_model_overlay_options": (c_int32, [c_void_p, POINTER(OverlayOptions), c_size_t]),
    "cflowad_render_overlay": (
        c_int32,
        [POINTER(Frame), c_void_p, c_size_t, POINTER(OverlayOptions), c_void_p, c_size_t],
    ),
    "cflowad_auroc": (c_int32, [POINTER(c_float), POINTER(c_uint8), c_size_t, POINTER(c_double)]),
    "cflowad_average_precision": (c_int32, [POINTER(c_float), POINTER(c_uint8), c_size_t, POINTER(c_double)]),
    "cflowad_f1_max": (
        c_int32,
        [POINTER(c_float), POINTER(c_uint8), c_size_t, POINTER(c_double), POINTER(c_float)],
    ),
    "cflowad_aupro": (
        c_int32,
        [POINTER(c_float), POINTER(c_uint8), c_size_t, c_uint32, c_uint32, c_int32, POINTER(c_double)],
    ),
}


def _candidates() -> list[str]:
    """What to hand to the loader, in order."""
    if given := os.environ.get("CFLOWAD_LIBRARY"):
        return [given]
    package = Path(__file__).resolve().parent
    beside = [package / FILE_NAME, package / "libcflowad.so"]
    checkout = [package.parents[2] / "build" / "lib" / FILE_NAME] if len(package.parents) > 2 else []
    return [str(file) for file in beside + checkout if file.exists()] + [FILE_NAME]


@cache
def library() -> ctypes.CDLL:
    """The loaded library, with prototypes.

    Looked for at the path in the environment variable ``CFLOWAD_LIBRARY``, beside the package, in ``build/lib`` of the
    checkout the package is in, and then where the system's loader looks.

    Raises
    ------
    ImportError
        It is not found, cannot be loaded, or has another major version.
    """
    name = _candidates()[0]
    try:
        loaded = ctypes.CDLL(name)
    except OSError as error:
        raise ImportError(f"{error}; CFLOWAD_LIBRARY can name the path of {FILE_NAME}") from error
    try:
        for function, (result, arguments) in PROTOTYPES.items():
            entry = getattr(loaded, function)
            entry.restype, entry.argtypes = result, arguments
    except AttributeError as error:
        raise ImportError(f"{name} is not {FILE_NAME}: {error}") from error
    if loaded.cflowad_version() // 10000 != MAJOR:
        raise ImportError(
            f"{name} has version {loaded.cflowad_version()}, but this package needs major version {MAJOR}"
        )
    return loaded
