/*
 * cflowad.h - CFLOW-AD visual anomaly detection with localization, as a C library.
 *
 * CFLOW-AD (Gudovskiy, Ishizaka, Kozuka: "CFLOW-AD: Real-Time Unsupervised Anomaly Detection with
 * Localization via Conditional Normalizing Flows", WACV 2022, arXiv:2107.12571). A frozen image encoder
 * turns a frame into feature maps; a conditional normalizing flow per map gives the log-likelihood of the
 * feature vector at every position; unlikely positions are anomalous.
 *
 * Score one camera frame:
 *
 * [example]
#include <stdio.h>
#include "cflowad.h"

int main(int argc, char **argv) {
    static unsigned char pixels[480 * 640 * 3]; // in real life: the camera's buffer, borrowed
    static float heat[480 * 640];
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_frame frame = {
        .struct_size = sizeof frame, .data = pixels, .width = 640, .height = 480, .stride = 640 * 3,
        .format = CFLOWAD_PIXEL_BGR8};
    cflowad_result result = {.struct_size = sizeof result};
    cflowad_status status = cflowad_model_open(argc > 1 ? argv[1] : "detector.h5", &model);

    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    result.frame_map = heat; // optional outputs are requested by pointing at memory for them
    result.frame_map_capacity = 480 * 640;
    if (status == CFLOWAD_OK) status = cflowad_session_score(session, &frame, &result);
    if (status == CFLOWAD_OK)
        printf("score %g: %s\n", result.score, cflowad_verdict_name(result.verdict));
    else
        fprintf(stderr, "%s: %s\n", cflowad_status_name(status), cflowad_last_error());
    cflowad_session_close(session);
    cflowad_model_close(model);
    return status;
}
 * [/example]
 *
 * Conventions
 *
 * - Every function that can fail returns a cflowad_status; CFLOWAD_OK is 0. cflowad_last_error() on the same thread
 *   says what went wrong. Outputs are untouched when a call fails, unless said otherwise.
 * - Handles are opaque. A handle that was closed, is of another kind or was never given out is refused with
 *   CFLOWAD_ERROR_INVALID_HANDLE; handles are never dereferenced by their address. Closing NULL is allowed.
 * - A struct that the caller fills begins with struct_size = sizeof(the struct). Later versions append fields; the
 *   library reads and writes only the fields that struct_size covers, so old programs keep working. A size smaller than
 *   version 1.0's struct is CFLOWAD_ERROR_STRUCT_SIZE. A size larger than the library's own is accepted when the fields
 *   beyond are zero.
 * - Memory: frames and output arrays belong to the caller and are used only during the call, except by a queue
 *   (cflowad_queue). The library frees
 *   nothing of the caller's and the caller frees nothing of the library's, except by the close functions.
 * - Threads: a model is immutable and may be used from any number of threads. A session or a trainer may be
 *   used from any thread, one call at a time; a second concurrent call on the same handle returns
 *   CFLOWAD_ERROR_BUSY at once. Everything else is thread-safe.
 * - Shortage of memory: a request that needs 8 KB or more at once and does not get them fails with
 *   CFLOWAD_ERROR_OUT_OF_MEMORY, or succeeds all the same. Smaller allocations come from a reserve when malloc has
 *   nothing: 64 MB of address space, which take no memory until then (except where mlockall locks all of it). The
 *   process ends only when the reserve is used up too.
 * - The library never prints, never exits, installs no signal handler, and leaves locale and floating-point mode
 *   as it found them. Every function computes in the default mode (round to nearest, denormals kept, no traps),
 *   whatever the calling thread has set, and calls functions of the host in the host's. The numbers of a score do
 *   not depend on the number of threads, on other frames or on other sessions: same model, same frame, same bits on
 *   the same machine, and of a detector of 8 bits on every x86-64 machine.
 * - Stack (since 1.2): a call that scores needs 20 KB of its thread's stack, one that opens a model or creates a
 *   session 48 KB, one that trains, calibrates or saves 64 KB. What the C library itself takes of a new thread's stack,
 *   about 6 KB with glibc, is not included.
 * - Forks (since 1.2): if no call of the library runs at the time of a fork, the child can use the library and its
 *   parent's handles. Threads stay with the parent, so that the parent's sessions and trainers compute on the calling
 *   thread alone in the child (or on those of parallel_for): make new ones. If a call runs, on whichever thread, every
 *   call in the child that can fail returns CFLOWAD_ERROR_STATE: fork between calls, or exec.
 * - Text is UTF-8; a path is bytes, as the system takes them. Images are rows of interleaved pixels, the first row at the
 *   lowest address.
 */
#ifndef CFLOWAD_H
#define CFLOWAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------ version */

/** Version of this header. The library's own is cflowad_version(); they work together when the major is equal. */
#define CFLOWAD_VERSION_MAJOR 1
#define CFLOWAD_VERSION_MINOR 2
#define CFLOWAD_VERSION_PATCH 0
#define CFLOWAD_VERSION (CFLOWAD_VERSION_MAJOR * 10000 + CFLOWAD_VERSION_MINOR * 100 + CFLOWAD_VERSION_PATCH)

/** The library's version in the form of CFLOWAD_VERSION. Thread-safe. */
int32_t cflowad_version(void);

/**
 * The library's version and which build of its kernels runs, for logs: "libcflowad X.Y.Z, AVX-512 kernels". Static,
 * never NULL. Thread-safe.
 *
 * The best build for the processor's instructions runs. The environment variable CFLOWAD_KERNELS names another one,
 * baseline, avx2, avx-vnni, avx512, avx512-vnni or amx (since 1.2); it is read once in a process, before anything is
 * computed, and this text mentions it. When it names no build, opening a model and creating a trainer return
 * CFLOWAD_ERROR_INVALID_ARGUMENT; when it names one that the processor cannot run, CFLOWAD_ERROR_UNSUPPORTED. This text
 * then gives the reason.
 *
 * The build amx, for Intel's AMX, needs a permission of Linux for the whole process, which makes sigaltstack() refuse
 * stacks of less than some 11 KB from then on. The library asks for it when CFLOWAD_KERNELS is amx, and only then; when
 * Linux refuses, that is CFLOWAD_ERROR_UNSUPPORTED too. Without this variable amx runs where something else in the
 * process has asked before the library's first call.
 */
const char *cflowad_build_info(void);

/**
 * The number of threads that a thread_count of 0 means, 1 to 256 (since 1.2): the processors that the calling thread
 * may run on. Where the process's control group has a quota of processor time (containers, systemd's CPUQuota; version
 * 1 or 2), it is no more than the quota pays for, rounded down: one for 1.5 processors. Thread-safe.
 */
uint32_t cflowad_default_thread_count(void);

/* ------------------------------------------------------------------------------------------- status */

/** Result of a call: one of the CFLOWAD_ERROR_ constants, or CFLOWAD_OK. */
typedef int32_t cflowad_status;

enum {
    CFLOWAD_OK = 0,
    CFLOWAD_ERROR_INVALID_ARGUMENT = 1, /**< NULL, out of range, not finite, or contradicting another argument */
    CFLOWAD_ERROR_INVALID_HANDLE = 2,   /**< closed, of another kind, or never given out */
    CFLOWAD_ERROR_STRUCT_SIZE = 3,      /**< struct_size is not that of any version of the struct */
    CFLOWAD_ERROR_BUFFER_TOO_SMALL = 4, /**< an output array is smaller than its content */
    CFLOWAD_ERROR_IO = 5,               /**< a file could not be read or written */
    CFLOWAD_ERROR_FORMAT = 6,           /**< a file or buffer is damaged, or is not what it should be */
    CFLOWAD_ERROR_UNSUPPORTED = 7,      /**< valid, but this version cannot do it */
    CFLOWAD_ERROR_NOT_CALIBRATED = 8,   /**< the model has no calibration: no score, only log-likelihoods */
    CFLOWAD_ERROR_BUSY = 9,             /**< the handle is in use by another thread */
    CFLOWAD_ERROR_CANCELLED = 10,       /**< the progress callback asked to stop; the frame was cancelled */
    CFLOWAD_ERROR_DIVERGED = 11,        /**< training or scoring met a value that is not finite */
    CFLOWAD_ERROR_OUT_OF_MEMORY = 12,   /**< there was no memory for the request */
    CFLOWAD_ERROR_STATE = 13,           /**< calls in an order that makes no sense, e.g. fit without frames */
    /* since 1.2, of queues alone */
    CFLOWAD_ERROR_FULL = 14,    /**< the queue had no free place within the time given */
    CFLOWAD_ERROR_TIMEOUT = 15, /**< no frame was done within the time given */
    CFLOWAD_ERROR_LATE = 16,    /**< the frame's turn came after its deadline */
    /* since 1.2, by cflowad_model_verify alone */
    CFLOWAD_ERROR_MISMATCH = 17,    /**< a model computes other numbers than when it was made */
    CFLOWAD_ERROR_NO_SELF_TEST = 18 /**< a model's file does not hold any numbers to compare with */
};

/** Name of a status, e.g. "CFLOWAD_ERROR_IO". Static, never NULL, for any value. Thread-safe. */
const char *cflowad_status_name(cflowad_status status);

/**
 * What went wrong in the last failed call on this thread, in one English sentence without a line end.
 * Never NULL; "" when nothing failed yet. Valid until the next failing call on the same thread.
 */
const char *cflowad_last_error(void);

/* ---------------------------------------------------------------------------------------------- log */

/** How much a message of the log matters; each level includes those before it. Since 1.2. */
enum {
    CFLOWAD_LOG_NONE = 0,
    CFLOWAD_LOG_ERROR = 1,   /**< a call failed: its name and cflowad_last_error() */
    CFLOWAD_LOG_WARNING = 2, /**< what should be looked at, such as a model that passes frames that it should not */
    CFLOWAD_LOG_INFO = 3, /**< a model was opened, a session created, a model replaced, a training fitted, saved ... */
    CFLOWAD_LOG_DEBUG = 4 /**< handles that are closed, and the progress of trainers */
};

/**
 * Receives a message, one English sentence or more in UTF-8 without a line end, valid during the call. Wording may change
 * from version to version.
 *
 * It is called on the thread that called the library, in the middle of that call, in the host's floating-point mode,
 * outside of the library's locks; by several threads at once if several call. It must not throw or jump out of the call.
 * It may call the library, which then tells it nothing about these calls, but not use the session or trainer that the
 * call is about, which is busy.
 */
typedef void (*cflowad_log_callback)(int32_t level, const char *message, void *user);

/**
 * Sets what receives the log of this process (since 1.2), in place of what was set before. Without it the library says
 * nothing. Scoring writes nothing to the log unless it fails; calls that fail with CFLOWAD_ERROR_BUSY,
 * CFLOWAD_ERROR_BUFFER_TOO_SMALL, CFLOWAD_ERROR_NOT_CALIBRATED, CFLOWAD_ERROR_CANCELLED or a status of queues are no
 * errors to the log, since hosts provoke them. A call that runs on another thread may use the old callback once more after this has returned.
 *
 * @param callback  NULL: none.
 * @param user      passed to each call of it.
 * @param level     the last CFLOWAD_LOG_ level that is wanted.
 * @return CFLOWAD_ERROR_INVALID_ARGUMENT for another level. Thread-safe.
 */
cflowad_status cflowad_set_log_callback(cflowad_log_callback callback, void *user, int32_t level);

/* ------------------------------------------------------------------------------------------- frames */

/** Layout of a frame's pixels. */
typedef int32_t cflowad_pixel_format;

enum {
    CFLOWAD_PIXEL_GRAY8 = 1,                   /**< 1 byte; used as R = G = B */
    CFLOWAD_PIXEL_RGB8 = 2,                    /**< 3 bytes R G B */
    CFLOWAD_PIXEL_BGR8 = 3,                    /**< 3 bytes B G R (OpenCV's order) */
    CFLOWAD_PIXEL_RGBA8 = 4,                   /**< 4 bytes R G B A; alpha is ignored */
    CFLOWAD_PIXEL_BGRA8 = 5,                   /**< 4 bytes B G R A; alpha is ignored */
    CFLOWAD_PIXEL_RGBX8 = CFLOWAD_PIXEL_RGBA8, /**< 4 bytes R G B and one unused */
    CFLOWAD_PIXEL_BGRX8 = CFLOWAD_PIXEL_BGRA8, /**< 4 bytes B G R and one unused */

    /* Since 1.1. Samples of more than 8 bits become 8 by the model's window, see cflowad_train_options.window_low. */
    CFLOWAD_PIXEL_MONO16 = 10,        /**< words of 16 bits in the host's order: mono 9 to 16, see significant_bits */
    CFLOWAD_PIXEL_MONO10P = 11,       /**< PFNC Mono10p: 10 bits a pixel without gaps, least significant bits first */
    CFLOWAD_PIXEL_MONO12P = 12,       /**< PFNC Mono12p: 12 bits a pixel without gaps, least significant bits first */
    CFLOWAD_PIXEL_MONO10_PACKED = 13, /**< GigE Vision: 2 pixels in 3 bytes, their 2 low bits at bits 0, 4 of byte 1 */
    CFLOWAD_PIXEL_MONO12_PACKED = 14, /**< GigE Vision: 2 pixels in 3 bytes, their 4 low bits at bits 0, 4 of byte 1 */
    CFLOWAD_PIXEL_RGB16 = 20,         /**< 3 words of 16 bits R G B, see significant_bits */
    CFLOWAD_PIXEL_BGR16 = 21,         /**< 3 words of 16 bits B G R, see significant_bits */
    CFLOWAD_PIXEL_RGB8_PLANAR = 22,   /**< 3 planes of 8 bits: data is R, planes[0] is G, planes[1] is B */

    /* 8-bit Bayer filters, at least 3 x 3 pixels, named by the first two pixels of the first row. That is the row at data,
       which with CFLOWAD_FRAME_BOTTOM_UP is the image's last, and the row of the image, not of a crop. Missing samples are
       interpolated bilinearly, as by OpenCV's COLOR_BayerBG2RGB (for RG: OpenCV names another corner); the outermost
       pixels are copies of those next to them. */
    CFLOWAD_PIXEL_BAYER_RG8 = 30,
    CFLOWAD_PIXEL_BAYER_GR8 = 31,
    CFLOWAD_PIXEL_BAYER_GB8 = 32,
    CFLOWAD_PIXEL_BAYER_BG8 = 33,

    /* By BT.601 with Y from 16 to 235, converted as by OpenCV's COLOR_YUV2RGB_NV12 and _YUY2. */
    CFLOWAD_PIXEL_NV12 = 40, /**< a plane of Y, planes[0] of U V pairs for 2 x 2 pixels */
    CFLOWAD_PIXEL_YUY2 = 41  /**< Y0 U Y1 V for 2 pixels */
};

/**
 * How frames of a camera's pixel format are described here (since 1.2), by its code in the EMVA's Pixel Format Naming
 * Convention (PFNC), which GigE Vision, USB3 Vision and GenTL transmit.
 *
 * It knows Mono8, 10, 12, 14, 16, 10p, 12p, 10Packed and 12Packed, BayerRG8, GR8, GB8 and BG8, RGB8, 10, 12, 14, 16 and
 * 8_Planar, BGR8, 10, 12, 14 and 16, RGBa8, BGRa8, and YCbCr601_422_8. Other Y'CbCr formats have other colours than
 * CFLOWAD_PIXEL_YUY2 and _NV12.
 *
 * @param format            receives a CFLOWAD_PIXEL_ for cflowad_frame.format.
 * @param significant_bits  receives what goes with it, for cflowad_frame.significant_bits: 12 for Mono12, 0 where format
 *                          alone says it.
 * @return CFLOWAD_ERROR_UNSUPPORTED for other codes. Thread-safe.
 */
cflowad_status cflowad_pixel_format_from_pfnc(uint32_t code, cflowad_pixel_format *format, uint32_t *significant_bits);

/** Of a frame's flags: the memory's first row is the image's last (Windows bitmaps). */
#define CFLOWAD_FRAME_BOTTOM_UP 1u

/** Largest width or height of a frame in pixels. */
#define CFLOWAD_MAX_FRAME_SIDE 65535

/**
 * A borrowed view of an image in the caller's memory. Any size is accepted: scoring resizes it, or each of its tiles,
 * to the model's input size, without keeping the aspect, by Pillow's LANCZOS: the same bytes as
 * Image.resize((width, height), Image.LANCZOS) of an RGB image in the model's Pillow, see CFLOWAD_RESAMPLE_.
 */
typedef struct cflowad_frame {
    size_t struct_size;
    const void *data;            /**< first byte of the first row in memory; height rows must be readable */
    uint32_t width;              /**< pixels, 1 to CFLOWAD_MAX_FRAME_SIDE */
    uint32_t height;             /**< rows, 1 to CFLOWAD_MAX_FRAME_SIDE */
    size_t stride;               /**< bytes from one row to the next; at least those of a row, which begins at a byte */
    cflowad_pixel_format format; /**< CFLOWAD_PIXEL_ */
    uint32_t flags;              /**< CFLOWAD_FRAME_, or 0 */
    /* since 1.1; all zero: as in 1.0 */
    const void *planes[2];     /**< second and third plane; NULL: directly behind the plane before */
    size_t plane_strides[2];   /**< their strides; 0: that of the plane before */
    uint32_t significant_bits; /**< how many bits of a 16-bit word count, 8 to 16; 0: all above shift */
    uint32_t shift;            /**< unused bits below them */
    /* The part of the image that is the frame, from the image's top left corner; all 0: the whole image. For all functions
       the frame is then crop_width x crop_height pixels. Pixels around it may be read (Bayer, chroma). */
    uint32_t crop_x;
    uint32_t crop_y;
    uint32_t crop_width;
    uint32_t crop_height;
} cflowad_frame;

/* -------------------------------------------------------------------------------------------- model */

/** A detector: encoder, flows and calibration, immutable. Shareable by any number of threads and sessions. */
typedef struct cflowad_model cflowad_model;

/** Room for feature levels in structs; the published system uses 3. */
#define CFLOWAD_MAX_LEVELS 4

/**
 * The version of Pillow that resizing follows, to the byte (since 1.2). All versions use the same filter and round
 * after each of two passes. They differ in which pass comes first, which changes one byte of a hundred thousand or
 * many, depending on the sizes. It is kept in the model; models from before 1.2 have the first one.
 */
enum {
    CFLOWAD_RESAMPLE_PILLOW_3_3 = 0,  /**< Pillow 3.3 to 12.1: columns first, always */
    CFLOWAD_RESAMPLE_PILLOW_12_2 = 1, /**< 12.2 and 12.3: rows first where an image more than 100 times as high as wide
                                           becomes lower */
    CFLOWAD_RESAMPLE_PILLOW_13 = 2    /**< 13: rows first where an image becomes lower, by more than twice the columns
                                           that it loses */
};

/** Decision about a frame. */
typedef int32_t cflowad_verdict;

enum {
    CFLOWAD_VERDICT_PASS = 0,   /**< low_threshold <= score <= review_threshold */
    CFLOWAD_VERDICT_REVIEW = 1, /**< review_threshold < score <= threshold: to be reviewed, by models and sessions with
                                     a review threshold (since 1.1); since 1.2 also score < low_threshold or mean >
                                     mean_threshold, by models that have these with this verdict */
    CFLOWAD_VERDICT_REJECT = 2  /**< score > threshold; since 1.2 also score < low_threshold or mean > mean_threshold,
                                     by models that have these with this verdict */
};

/** Name of a verdict: "pass", "review" or "reject". Static, never NULL, for any value. Thread-safe. Since 1.2. */
const char *cflowad_verdict_name(cflowad_verdict verdict);

/**
 * Kinds of frames that a line never delivers when all is well; they are made at the network's size (since 1.2).
 * Calibration tries which of them the detector passes; docs/calibration.md says what follows from it.
 */
typedef int32_t cflowad_strange;

enum {
    CFLOWAD_STRANGE_BLACK = 0,
    CFLOWAD_STRANGE_WHITE = 1,
    CFLOWAD_STRANGE_GRAY = 2,     /**< all samples 128 */
    CFLOWAD_STRANGE_NOISE = 3,    /**< independent samples from 0 to 255, grey where good frames are grey */
    CFLOWAD_STRANGE_SHUFFLED = 4, /**< a good frame, cut into 8 x 8 blocks that are permuted */
    CFLOWAD_STRANGE_INVERTED = 5, /**< a good frame's negative */
    CFLOWAD_STRANGE_DARK = 6,     /**< a good frame, its samples times 0.2 */
    CFLOWAD_STRANGE_BLURRED = 7   /**< a good frame, averaged twice over a sixteenth of its shorter side */
};

/** How many kinds there are. */
#define CFLOWAD_STRANGE_COUNT 8

/** Name of a kind, e.g. "black". Static, never NULL, for any value. Thread-safe. Since 1.2. */
const char *cflowad_strange_name(cflowad_strange kind);

/** What a model is. Filled by cflowad_model_get_info. */
typedef struct cflowad_model_info {
    size_t struct_size;
    char architecture[32];                       /**< encoder, e.g. "efficientnet_lite0"; NUL-terminated */
    char padding[16];                            /**< "reflect", "zeros" or "same"; NUL-terminated */
    uint32_t input_width;                        /**< network input, pixels */
    uint32_t input_height;                       /**< network input, pixels */
    uint32_t level_count;                        /**< feature levels, finest first; 1 to CFLOWAD_MAX_LEVELS */
    uint32_t level_width[CFLOWAD_MAX_LEVELS];    /**< columns of the level's grid */
    uint32_t level_height[CFLOWAD_MAX_LEVELS];   /**< rows of the level's grid */
    uint32_t level_channels[CFLOWAD_MAX_LEVELS]; /**< C, length of a feature vector ("fiber") */
    uint32_t coupling_blocks;                    /**< K of each flow */
    uint32_t condition_channels;                 /**< P, length of the positional encoding; 0: unconditional flow */
    uint32_t is_calibrated;                      /**< 1 when scores and verdicts are available */
    float threshold;                             /**< score above which a frame is rejected; NaN if not calibrated */
    uint64_t parameter_count;                    /**< number of weights of encoder and flows, as stored */
    uint64_t session_bytes;                      /**< buffers and tables of a session with the default thread_count;
                                                      tables of a frame's size, the map of one with tiles, and what
                                                      batches and tiles take with several threads (see
                                                      cflowad_session_score_batch) are not included */
    /* since 1.1; NaN where there is none */
    float review_threshold;          /**< score above which a frame is to be reviewed, at most threshold */
    float pixel_threshold;           /**< value of maps above which a pixel is anomalous; the threshold in a calibration
                                          by version 1.0 */
    float map_low;                   /**< value of maps up to which nothing is to be drawn */
    float map_high;                  /**< value of maps to be drawn in the last colour, above map_low */
    uint64_t calibration_count;      /**< number of good frames in the calibration, on which p-values are based */
    uint32_t has_region_of_interest; /**< 1 when it was calibrated within a region of interest */
    uint32_t reserved;               /**< 0 */
    double promised_rate;            /**< largest share of good frames above threshold, on average over calibrations;
                                          see cflowad_calibration_promise */
    uint32_t tile_width;             /**< frames are cut into tiles, see cflowad_train_options; 0: they are not */
    uint32_t tile_height;
    uint32_t tile_overlap;
    int32_t resample; /**< CFLOWAD_RESAMPLE_; since 1.2, 0 before */
    /* since 1.2 */
    float low_threshold;         /**< score below which a frame is as strange as one above threshold; NaN: none, low
                                      scores pass */
    cflowad_verdict low_verdict; /**< the mildest verdict about such a frame; PASS without a low threshold */
    double low_promised_rate;    /**< largest share of good frames below low_threshold, on average over calibrations. A
                                      good frame fails to pass with a probability of at most the sum of this, the
                                      promise of the lower of the other thresholds, and 1 / (calibration_count + 1) for
                                      mean_threshold */
    uint32_t strange_tried;      /**< kinds of strange frames that calibration has tried: bits 1u << CFLOWAD_STRANGE_;
                                      0: unknown, as of older calibrations */
    uint32_t strange_passed;     /**< those of which a frame passed, by the model's own thresholds: do not trust such a
                                      model with a camera that may fail */
    float mean_threshold;        /**< mean of the map above which a frame is strange all over and gets low_verdict at
                                      least: halfway from the highest of calibration frames to the lowest of a black,
                                      white, grey and noisy one; NaN: none */
    float map_smoothing;         /**< standard deviation of the Gaussian that maps are smoothed by, pixels of the
                                      network's input; 0: none, as in the original system */
    int32_t precision;           /**< CFLOWAD_PRECISION_ of the encoder */
    char identity[72]; /**< the model's name by its contents: SHA-256 of weights, calibration and all else that
                                      scores depend on, 64 hexadecimal digits, as docs/model-format.md defines it. Models
                                      with the same one give the same scores. The weights' share comes from the file
                                      where it says it; `cflowad info --verify` computes it anew */
    char name[64];     /**< what people call it, cut to fit; "" if nothing, see cflowad_model_provenance */
    char created[32];  /**< when it was made, as whoever made it wrote it: "2026-11-29T15:04:05Z"; "" if nothing */
} cflowad_model_info;

/**
 * What a detector computes in (since 1.2). With 8 bits, the encoder's maps and weights and those of the coupling blocks, it is
 * faster, its file is smaller, and scores, p-values, maps, regions and verdicts have the same bits on every x86-64 processor, with
 * every build of the kernels (see cflowad_build_info). A Gaussian at which flows start is computed in float32.
 * Vision transformers have no form of 8 bits.
 */
enum { CFLOWAD_PRECISION_FLOAT32 = 0, CFLOWAD_PRECISION_INT8 = 1 };

/**
 * Opens a model file (HDF5, docs/model-format.md) and prepares its weights.
 *
 * Up to 8 threads, one for each processor, prepare the weights; they end with the call.
 *
 * @param path   file, UTF-8. It is read completely and not kept open.
 * @param model  receives the handle; close it with cflowad_model_close.
 * @return CFLOWAD_ERROR_IO when it cannot be read, CFLOWAD_ERROR_FORMAT when it is damaged or not a detector,
 *         CFLOWAD_ERROR_UNSUPPORTED for an unknown architecture or a newer format. Thread-safe.
 */
cflowad_status cflowad_model_open(const char *path, cflowad_model **model);

/**
 * Opens a model from the bytes of a model file in memory. The buffer may be freed after.
 * Otherwise like cflowad_model_open. Thread-safe.
 */
cflowad_status cflowad_model_open_memory(const void *data, size_t size, cflowad_model **model);

/** Describes a model. info->struct_size must be set. Thread-safe. */
cflowad_status cflowad_model_get_info(const cflowad_model *model, cflowad_model_info *info);

/**
 * A text about how a model was made, by its name (since 1.2): "name", "created", "training", "quantization", and what
 * exporters and hosts added (cflowad_trainer_set_provenance). Nothing is computed from it.
 *
 * @return UTF-8, which lives as long as the handle is open; NULL when there is none, and on failure
 *         (CFLOWAD_ERROR_INVALID_ARGUMENT, CFLOWAD_ERROR_INVALID_HANDLE, CFLOWAD_ERROR_OUT_OF_MEMORY). Thread-safe.
 */
const char *cflowad_model_provenance(const cflowad_model *model, const char *name);

/**
 * The names of a model's texts, in alphabetical order (since 1.2).
 *
 * @return UTF-8, which lives as long as the handle is open; NULL beyond the last one, and on failure. Thread-safe.
 */
const char *cflowad_model_provenance_name(const cflowad_model *model, size_t index);

/** How the numbers of a model's self-test compare. Filled by cflowad_model_verify. Since 1.2. */
typedef struct cflowad_verification {
    size_t struct_size;
    uint64_t value_count; /**< log-likelihoods that were compared */
    double
        largest_error; /**< largest difference of one, divided by the magnitude of the expected value where that is above
                               1; infinite when one was not finite */
    double tolerance;  /**< what it may be: a little, since builds of the kernels sum in other orders; 0 for models of 8
                               bits, whose bits must be the same */
    float score; /**< score of the frame; NaN when there is none, as for models with tiles and a region of interest */
    float expected_score;
} cflowad_verification;

/**
 * Has a model compute what it computed when it was made, of a small frame that the library knows (since 1.2): a changed
 * weight, a fault of memory or wrongly built kernels show before the first part. Model files hold these numbers when a
 * detector was calibrated by version 1.2 or later. It takes the time and memory of a session with one thread and of a
 * frame; to check again while a line runs, call it again.
 *
 * @param verification  NULL, or receives how far the numbers are off, also with CFLOWAD_ERROR_MISMATCH.
 * @return CFLOWAD_OK when they are the same, within the tolerance; CFLOWAD_ERROR_MISMATCH when they are not;
 *         CFLOWAD_ERROR_NO_SELF_TEST for files of before, files from PyTorch, and detectors that were not calibrated.
 *         Thread-safe.
 */
cflowad_status cflowad_model_verify(const cflowad_model *model, cflowad_verification *verification);

/** Whether more good frames to learn from would help; docs/calibration.md has the bounds. Since 1.2. */
enum {
    CFLOWAD_MORE_FRAMES_UNKNOWN = 0, /**< not known, as after the paper's training or with fewer than 8 frames */
    CFLOWAD_MORE_FRAMES_HARDLY = 1,
    CFLOWAD_MORE_FRAMES_SOMEWHAT = 2,
    CFLOWAD_MORE_FRAMES_MUCH = 3
};

/**
 * What fit and calibration found out about a model, as numbers (since 1.2); cflowad_model_advice says the same in
 * words. Which strange frames it passes is in cflowad_model_info. NaN, 0 and CFLOWAD_MORE_FRAMES_UNKNOWN where it is
 * not known: models from before 1.2 hold nothing of this, and models that were trained elsewhere nothing that a fit
 * finds out.
 */
typedef struct cflowad_advice {
    size_t struct_size;
    uint64_t given_count;  /**< good frames that were given to learn from */
    uint64_t fitted_count; /**< how many of them the flows were fitted to; the others were held back for calibration */
    uint64_t curve_half_count;             /**< to see how much more frames help, the closed form was also fitted to
                                                this many */
    uint64_t curve_full_count;             /**< and to this many */
    double curve_half[CFLOWAD_MAX_LEVELS]; /**< mean log p / C of other frames after the former fit, by level, finest
                                                first */
    double curve_full[CFLOWAD_MAX_LEVELS]; /**< and after the latter */
    double doubling_gain; /**< roughly what twice as many frames would add to the mean log p / C of new good ones */
    double coupling_gain[CFLOWAD_MAX_LEVELS]; /**< what coupling steps added to the mean log p / C of frames that they
                                                   were not trained on, by level; couplings that add nothing are left
                                                   out */
    double level_share[CFLOWAD_MAX_LEVELS];   /**< each level's share, 0 to 1, of the most that the map can rise by at a
                                                   typical place of a good frame */
    double wanted_rate; /**< false_reject_rate of the calibration; NaN also when defective frames set the threshold */
    int64_t outlier_frame; /**< index, among all frames that the trainer was given, of the calibration frame that set
                                the threshold, if it stands out so far that it should be looked at; else -1 */
    float outlier_score;   /**< its score, which is the threshold; NaN when there is none */
    float outlier_next;    /**< the next lower score of a calibration frame */
    uint32_t level_count;
    int32_t more_frames; /**< CFLOWAD_MORE_FRAMES_ */
} cflowad_advice;

/** Fills in the advice about a model as numbers. advice->struct_size must be set. Thread-safe. Since 1.2. */
cflowad_status cflowad_model_get_advice(const cflowad_model *model, cflowad_advice *advice);

/**
 * The advice about a model in plain English, as `cflowad train` prints it and `cflowad info` repeats it: frames used, promise,
 * whether more frames would help, which levels carry, which strange frames pass, which frame should be looked at. Lines with
 * '\n' between them; wording may change from version to version.
 *
 * @return UTF-8, which lives as long as the handle is open; "" when there is nothing to say; NULL on failure
 *         (CFLOWAD_ERROR_INVALID_HANDLE, CFLOWAD_ERROR_OUT_OF_MEMORY), see cflowad_last_error. Thread-safe. Since 1.2.
 */
const char *cflowad_model_advice(const cflowad_model *model);

/**
 * The size of the map and the number of tiles of frames of a size (since 1.1). A model without tiles has a map of the
 * network's size and one tile.
 *
 * @param info          of the model, by cflowad_model_get_info.
 * @param frame_width   pixels, 1 to CFLOWAD_MAX_FRAME_SIDE; that of the crop, if there is one.
 * @param frame_height  the same.
 * @param map_width     receives the columns of cflowad_result.map. NULL: not wanted.
 * @param map_height    receives its rows. NULL: not wanted.
 * @param tile_count    receives how many tiles the frame is cut into, by which the lengths of log_likelihoods and
 *                      features multiply. NULL: not wanted. Thread-safe.
 */
cflowad_status cflowad_model_info_map_size(
    const cflowad_model_info *info, uint32_t frame_width, uint32_t frame_height, uint32_t *map_width,
    uint32_t *map_height, uint32_t *tile_count);

/**
 * Closes the handle. Sessions made from the model stay valid: they keep its weights until they are closed too.
 * NULL is allowed. Thread-safe.
 */
cflowad_status cflowad_model_close(cflowad_model *model);

/* ------------------------------------------------------------------------------------------ session */

/** Scratch memory for scoring frames with one model, one call at a time. */
typedef struct cflowad_session cflowad_session;

/**
 * The host's own threads in place of a session's or a trainer's: runs body(body_context, index) once for each index of
 * 0..count-1, on any threads and in parallel where it can, and returns when all calls have (TBB's or OpenMP's parallel
 * for, a dispatch queue's apply). The scoring thread calls it for every layer of the encoder, many times a frame, so
 * that it has to be quick. Results do not depend on how many threads run the bodies, in which order or with which
 * index, not even when body is called too often or not at all. It is called in the floating-point mode of the host, and
 * must not score with the same session.
 */
typedef void (*cflowad_parallel_for)(
    void *context, uint32_t count, void (*body)(void *body_context, uint32_t index), void *body_context);

typedef struct cflowad_session_options {
    size_t struct_size;
    float threshold;       /**< score above which a frame is rejected; NaN: the model's own [NaN] */
    uint32_t thread_count; /**< threads that share a frame's work, the calling one included, at most 256; 0:
                                cflowad_default_thread_count() of the creating thread [0] */
    /* since 1.1 */
    float review_threshold; /**< score above which a frame that is not rejected is to be reviewed; a value above
                                 threshold counts as threshold, so that no frame is; NaN: the model's own, if it has one
                                 [NaN] */
    float region_threshold; /**< value of maps above which a pixel belongs to a region; NaN: the model's pixel_threshold
                                 [NaN] */
    uint32_t region_min_area;          /**< smallest area of a region that counts, in pixels [1] */
    float region_min_score;            /**< lowest peak of a region that counts; NaN: any [NaN] */
    cflowad_parallel_for parallel_for; /**< NULL, or the host's threads, of which at most thread_count work for the
                                            session at a time; it then has none of its own [NULL] */
    void *parallel_for_context;        /**< passed to each call of it [NULL] */
} cflowad_session_options;

/** Sets struct_size and every field to its default. Thread-safe. */
cflowad_status cflowad_session_options_init(cflowad_session_options *options, size_t struct_size);

/** A corner of pixels: that of pixel (x, y) with the smallest coordinates. */
typedef struct cflowad_point {
    int32_t x;
    int32_t y;
} cflowad_point;

/**
 * A connected region (by sides or corners) of the map at the frame's size where it is above region_threshold.
 * Coordinates are pixels of the frame; pixel (x, y) is the square from (x, y) to (x + 1, y + 1).
 */
typedef struct cflowad_region {
    uint32_t x; /**< bounding box */
    uint32_t y;
    uint32_t width;
    uint32_t height;
    uint32_t area;    /**< pixels, without those of holes */
    float centroid_x; /**< mean of the pixels' centres */
    float centroid_y;
    float peak;      /**< largest value */
    uint32_t peak_x; /**< pixel that has it, the first by rows */
    uint32_t peak_y;
    float mean;    /**< mean value */
    float p_value; /**< cflowad_result.p_value of a frame whose score is the peak: at most a share a of good frames has
                        any region with p_value <= a */
    size_t contour_first; /**< index of the contour's first corner in contour_points */
    size_t contour_count; /**< its corners; 0 when contours are not wanted or it did not fit */
} cflowad_region;

/** The shapes of the arrays of a cflowad_result. */
typedef struct cflowad_shape {
    uint32_t map_width;                          /**< columns of the map */
    uint32_t map_height;                         /**< its rows */
    uint32_t tile_count;                         /**< tiles that the frame is cut into, 1 if it is not */
    uint32_t level_count;                        /**< feature levels, finest first */
    uint32_t level_width[CFLOWAD_MAX_LEVELS];    /**< columns of the level's grid, for each tile */
    uint32_t level_height[CFLOWAD_MAX_LEVELS];   /**< its rows */
    uint32_t level_channels[CFLOWAD_MAX_LEVELS]; /**< length of its feature vectors */
} cflowad_shape;

/**
 * The result of scoring a frame. Set struct_size, and zero everything that you do not want: an output array is written
 * when its pointer is not NULL. Capacities count elements, not bytes.
 *
 * score = maximum of the anomaly map. The map at network size is, from the constants frozen by calibration,
 * total - sum over levels of bilinear(exp(log p / C - maximum of the level)), align_corners = true (paper, section
 * 4, with the test set's extremes replaced by the calibration set's). Unitless; higher is more anomalous; about
 * 0 for the most normal place, at most total (about the number of levels).
 *
 * A model with tiles (cflowad_train_options.tile_width, since 1.1) sees every tile of a frame once, as if it were a
 * frame. Their maps together are the frame's: where tiles overlap, each weighs the more the farther a place is from the
 * tile's edges (by the horizontal distance times the vertical one; weights sum to 1). Score, p-value and regions are
 * those of the whole map. A frame that fits one tile has the same numbers, bit for bit, as with a model without tiles.
 */
typedef struct cflowad_result {
    size_t struct_size;
    float score;             /**< out: image anomaly score */
    float threshold;         /**< out: the threshold that the verdict compared it with */
    cflowad_verdict verdict; /**< out: CFLOWAD_VERDICT_ */
    uint32_t reserved;       /**< 0 */
    float *map;              /**< in: NULL, or receives input_height x input_width values, row-major; with tiles see
                                  cflowad_model_info_map_size */
    size_t map_capacity;
    float *frame_map; /**< in: NULL, or receives the map at the frame's size: height x width, row-major */
    size_t frame_map_capacity;
    float *log_likelihoods; /**< in: NULL, or receives log p / C: the levels' grids one after the other, finest first,
                                 each level_height x level_width, row-major */
    size_t log_likelihoods_capacity;
    float *features; /**< in: NULL, or receives the encoder's features: per level, finest first, level_height x
                          level_width x level_channels. This and log_likelihoods: of all tiles one after the other, row
                          by row */
    size_t features_capacity;
    /* since 1.1 */
    float p_value;          /**< out: (1 + calibration frames with at least this score) / (1 + calibration frames): a
                                 good frame has p_value <= a with probability at most a. NaN when the model does not
                                 hold its calibration's scores */
    float review_threshold; /**< out: the verdict's review threshold; threshold when there is none */
    void *regions;          /**< in: NULL, or receives cflowad_region elements, the most severe first: by peak, then by
                                 area */
    size_t region_size;     /**< in: sizeof(cflowad_region), the elements' distance in bytes */
    size_t region_capacity;
    size_t region_count; /**< out: how many regions there are, even when that is more than region_capacity; then only
                              the most severe are written */
    cflowad_point *contour_points; /**< in: NULL, or receives the contours of the written regions in their order: the
                                        outer border along the edges of pixels, clockwise (y downwards), a corner at
                                        each turn, closed from the last to the first. Filled, it is the region with its
                                        holes. A corner at which two pixels touch, and no more, is passed twice */
    size_t contour_capacity;
    size_t contour_count; /**< out: corners of all written regions; a contour is written whole, or not at all when there
                               is no room */
    cflowad_shape shape;  /**< out: the shapes of map, log_likelihoods and features, wanted or not, for the model that
                               scores. They are written for all results of a call before anything is scored, and so even
                               when the call returns CFLOWAD_ERROR_BUFFER_TOO_SMALL: where another thread may exchange
                               the model for one of another size, enlarge the arrays and call again */
    /* since 1.2 */
    float low_threshold;  /**< out: the verdict's low threshold; NaN when there is none, and in another region of
                               interest than the calibration's, where a good frame's maximum may be lower */
    float low_p_value;    /**< out: (1 + calibration frames with at most this score) / (1 + calibration frames): a good
                               frame has low_p_value <= a with probability at most a. NaN when the model does not hold
                               its calibration's scores, and in another region of interest */
    float map_mean;       /**< out: mean of the map, within the region of interest */
    float mean_threshold; /**< out: the threshold that the verdict compared it with; NaN: nothing, also in another
                               region */
} cflowad_result;

/**
 * Creates a session with the memory it needs (see cflowad_model_info.session_bytes) and its threads, which sleep
 * between frames and block all signals. Sessions with thread_count 1, one for each camera, give the highest throughput;
 * one session with all threads gives the shortest time for a frame.
 *
 * @param options  NULL for defaults.
 * @param session  receives the handle; close it with cflowad_session_close. Thread-safe.
 */
cflowad_status cflowad_session_create(
    const cflowad_model *model, const cflowad_session_options *options, cflowad_session **session);

/** A rectangle of a frame's pixels. */
typedef struct cflowad_rect {
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
} cflowad_rect;

/**
 * The part of a frame that counts, given for frames of one size; of frames of other sizes it is the same share. A pixel
 * counts when it lies in one of the rectangles, if there are any, and where the mask is not 0, if there is one. The
 * region is kept as those pixels of cflowad_result.map whose centres lie inside; what is smaller than such a pixel may
 * get lost. Since 1.1.
 *
 * With tiles that map is the one of a frame of this size, or for a mask alone of the mask's size, which should
 * therefore be the frame's. All tiles are scored nevertheless: to leave some out, crop the frame.
 */
typedef struct cflowad_roi {
    size_t struct_size;
    uint32_t frame_width; /**< size of the frame that the rectangles refer to, pixels, 1 to CFLOWAD_MAX_FRAME_SIDE */
    uint32_t frame_height;
    const cflowad_rect *rects; /**< NULL: none */
    size_t rect_count;         /**< at most 65536 */
    const uint8_t *mask;       /**< NULL: none; a byte per pixel, laid over the whole frame whatever its own size */
    uint32_t mask_width;       /**< pixels, 1 to CFLOWAD_MAX_FRAME_SIDE */
    uint32_t mask_height;
    size_t mask_stride; /**< bytes from one row to the next */
} cflowad_roi;

/**
 * Scores the frames that follow within a region of interest: their score is the map's maximum there, and regions are
 * found there, by all models of the session. Maps are complete; outside of a calibrated region they mean little.
 * Without this call a session has the region that its model was calibrated in, and so has a model that replaces another
 * one. P-values and thresholds are those of the calibration: calibrate in the region that you score in.
 *
 * @param roi  borrowed for the call; NULL: the model's own again.
 * @return CFLOWAD_ERROR_INVALID_ARGUMENT also for a region in which no pixel of the map lies; CFLOWAD_ERROR_UNSUPPORTED
 *         when that map has more than 2^28 pixels. With tiles, scoring frames of another size may fail for the same
 *         reasons.
 */
cflowad_status cflowad_session_set_region_of_interest(cflowad_session *session, const cflowad_roi *roi);

/**
 * Scores a frame. Allocates nothing when the frame's size is one of the last four and regions, and as many of them,
 * were wanted of it before. Otherwise it makes tables for the new size, or memory for the regions.
 *
 * @param frame   borrowed for the call.
 * @param result  outputs; see cflowad_result. On failure its scalar outputs except the shape are untouched.
 * @return CFLOWAD_ERROR_BUFFER_TOO_SMALL, CFLOWAD_ERROR_BUSY, CFLOWAD_ERROR_NOT_CALIBRATED (a model without
 *         calibration gives log_likelihoods and features and then this status; score and maps are untouched),
 *         CFLOWAD_ERROR_DIVERGED when the network's output is not finite.
 */
cflowad_status cflowad_session_score(cflowad_session *session, const cflowad_frame *frame, cflowad_result *result);

/**
 * Scores count frames, of any sizes and formats: the same bits as one by one. Elements of both arrays are struct_size
 * of their first element apart. Stops at the first failure; results before it are complete, and cflowad_last_error()
 * names the frame.
 *
 * Since 1.2 a session of several threads computes as many frames at the same time, each on one thread, which takes less
 * time than all threads on each frame in turn. So it does with the tiles of a frame, in cflowad_session_score too. For
 * this it keeps about cflowad_model_info.session_bytes for each thread, allocated when they are first needed; without
 * memory for them it works as before. When a frame fails, the features of frames behind it may have been written.
 */
cflowad_status cflowad_session_score_batch(
    cflowad_session *session, const cflowad_frame *frames, size_t count, cflowad_result *results);

/**
 * Creates a session of several models that score the same frames (since 1.1). Models with the same encoder, from
 * whatever file, input size and normalization share its memory, and cflowad_session_score_all runs it once for all of
 * them.
 *
 * @param models  count handles; one may occur more than once.
 * @param count   1 to 4096.
 * @param options NULL for defaults; thresholds that are not NaN are those of all models.
 * @param session receives the handle; close it with cflowad_session_close. Functions for one model use the first.
 *                Thread-safe.
 */
cflowad_status cflowad_session_create_many(
    const cflowad_model *const *models, size_t count, const cflowad_session_options *options,
    cflowad_session **session);

/**
 * Scores a frame with every model of a session: the same bits as with each alone (since 1.1).
 *
 * @param results  one for each model, struct_size of the first element apart. Stops at the first failure; results
 *                 before it are complete, and cflowad_last_error() names the model.
 */
cflowad_status cflowad_session_score_all(cflowad_session *session, const cflowad_frame *frame, cflowad_result *results);

/**
 * Replaces a model of a session, even while the session scores on other threads (since 1.1); never returns
 * CFLOWAD_ERROR_BUSY. Everything is prepared on the calling thread. A running call ends with the models that it began
 * with; calls that begin after this function has returned, or while it returns, use the new one throughout. Waits for
 * the end of a running call to free what the old model needed, but no longer than about a second.
 *
 * @param index  index of the model to be replaced, 0 in a session of one.
 * @param model  may have another input size or architecture than the old one; see cflowad_result.shape.
 */
cflowad_status cflowad_session_replace_model(cflowad_session *session, size_t index, const cflowad_model *model);

/**
 * Closes the session; returns at once. A call that still runs on another thread is completed, and the session's memory
 * freed after it: keep that call's frame and result until it has returned. NULL is allowed.
 */
cflowad_status cflowad_session_close(cflowad_session *session);

/* -------------------------------------------------------------------------------------------- queue */

/**
 * Frames that are scored while the host goes on (since 1.2): it submits them and fetches what has become of them, in
 * order and with the bits of cflowad_session_score_all.
 *
 * Each queue has one thread, created with it, that scores one frame after the other with the queue's session, whose own
 * threads (or its parallel_for, called from the queue's thread) share the work of each as ever. The thread has its
 * creator's scheduling policy, affinity and floating-point mode, and blocks all signals. Cameras that are to be scored side
 * by side have a session and a queue each.
 *
 * A frame takes one of the queue's places when it is submitted and gives it back when its completion is fetched, so that
 * what waits is bounded. All memory of the places is had at creation: no call here allocates in steady state.
 *
 * Ownership: nothing is copied. From a cflowad_queue_submit that returned CFLOWAD_OK until its completion has been fetched,
 * or the queue been closed, the frame's pixels, the results and the arrays that they point at belong to the queue: keep
 * them alive, and neither write nor read them. The structs cflowad_frame and cflowad_submission are read by the call.
 *
 * The session stays usable: the queue waits while another call uses it, and such a call may get CFLOWAD_ERROR_BUSY.
 * cflowad_session_replace_model holds for the next frame that begins. The session's handle may be closed before the queue.
 *
 * Forks: a queue's thread counts as a call while it scores, and not while it waits. A child has no such thread: there all
 * functions of its parent's queues return CFLOWAD_ERROR_STATE but cflowad_queue_close, which gives back the child's
 * memory. It can make queues of its own.
 *
 * All functions are thread-safe, any number of calls at a time.
 */
typedef struct cflowad_queue cflowad_queue;

/** A time without end, for the timeouts of a queue. */
#define CFLOWAD_FOREVER UINT64_MAX

/** Most places of a queue. */
#define CFLOWAD_MAX_QUEUE_CAPACITY 1024

typedef struct cflowad_queue_options {
    size_t struct_size;
    uint32_t capacity; /**< places: frames that wait, are being scored, or were not fetched yet, 1 to
                            CFLOWAD_MAX_QUEUE_CAPACITY [8] */
    uint32_t
        in_order; /**< 1: completions come in the order of submission. 0: frames that are cancelled or late overtake
                            those before them; scored frames are in order all the same [0] */
} cflowad_queue_options;

/** Sets struct_size and every field to its default. Thread-safe. */
cflowad_status cflowad_queue_options_init(cflowad_queue_options *options, size_t struct_size);

/** How a frame is submitted. */
typedef struct cflowad_submission {
    size_t struct_size;
    void *tag;           /**< the host's own, returned with the completion [NULL] */
    uint64_t timeout_ns; /**< how long to wait for a free place, nanoseconds; 0: not at all [0] */
    uint64_t
        start_within_ns; /**< its deadline: a frame whose scoring would begin later than so many nanoseconds after the
                                   call of cflowad_queue_submit is not scored, and completed as CFLOWAD_ERROR_LATE when its
                                   turn has come; 0: none [0] */
} cflowad_submission;

/** What has become of a frame. */
typedef struct cflowad_completion {
    size_t struct_size;
    uint64_t ticket;         /**< out: that of cflowad_queue_submit */
    void *tag;               /**< out: the host's own */
    cflowad_result *results; /**< out: what was submitted; valid as after cflowad_session_score_all with this status */
    cflowad_status status; /**< out: CFLOWAD_OK; CFLOWAD_ERROR_LATE or CFLOWAD_ERROR_CANCELLED for a frame that was not
                                  scored; or why scoring failed, with the message in cflowad_last_error() */
    uint32_t reserved;     /**< out: 0 */
    uint64_t waited_ns;    /**< out: from the submission until scoring began, or the frame was given up */
    uint64_t scored_ns;    /**< out: how long scoring took; 0 when it was given up */
} cflowad_completion;

/** How a queue is doing. */
typedef struct cflowad_queue_state {
    size_t struct_size;
    uint32_t capacity;  /**< out: places */
    uint32_t waiting;   /**< out: frames that wait for their turn */
    uint32_t scoring;   /**< out: 1 while a frame is being scored */
    uint32_t completed; /**< out: frames whose completions can be fetched, or, in order, soon can */
    uint64_t scored;    /**< out: frames that were scored, since creation */
    uint64_t failed;    /**< out: those whose scoring failed */
    uint64_t late;      /**< out: those that were late */
    uint64_t cancelled; /**< out: those that were cancelled */
    uint64_t refused;   /**< out: submissions that found the queue full */
} cflowad_queue_state;

/** How a queue ends. */
enum {
    CFLOWAD_QUEUE_DRAIN = 0, /**< frames that wait are scored */
    CFLOWAD_QUEUE_DROP = 1   /**< frames that wait are cancelled */
};

/**
 * Creates a queue over a session.
 *
 * @param options  NULL for defaults.
 * @param queue    receives the handle; close it with cflowad_queue_close.
 * @return CFLOWAD_ERROR_OUT_OF_MEMORY also when there is no thread or descriptor to be had; it needs three descriptors.
 */
cflowad_status cflowad_queue_create(
    cflowad_session *session, const cflowad_queue_options *options, cflowad_queue **queue);

/**
 * Hands in a frame.
 *
 * @param frame       see "Ownership" above.
 * @param results     one for each model of the session, struct_size of the first element apart. Their shapes are told and
 *                    the room in their arrays is checked at once, and again when the frame's turn has come, since the
 *                    model may be exchanged between.
 * @param submission  NULL for defaults.
 * @param ticket      receives the frame's number in this queue, from 1 up in the order of submission. NULL: not wanted.
 * @return CFLOWAD_ERROR_FULL when no place became free within timeout_ns; CFLOWAD_ERROR_STATE after cflowad_queue_stop;
 *         what is wrong with frame or results, such as CFLOWAD_ERROR_BUFFER_TOO_SMALL.
 */
cflowad_status cflowad_queue_submit(
    cflowad_queue *queue, const cflowad_frame *frame, cflowad_result *results, const cflowad_submission *submission,
    uint64_t *ticket);

/**
 * Fetches the next completion, waiting for it. To fetch what is there without waiting, give it no time.
 *
 * @param timeout_ns  how long to wait, nanoseconds; 0: not at all; CFLOWAD_FOREVER.
 * @param completion  its struct_size must be set.
 * @return CFLOWAD_OK when there is one, whatever its own status; CFLOWAD_ERROR_TIMEOUT when there is none in time;
 *         CFLOWAD_ERROR_STATE when none will come, since the queue was stopped and all were fetched.
 */
cflowad_status cflowad_queue_wait(cflowad_queue *queue, uint64_t timeout_ns, cflowad_completion *completion);

/**
 * A descriptor for poll, epoll and event loops: readable as long as cflowad_queue_wait would not wait. Do not read, write
 * or close it; it is closed with the queue.
 *
 * @return -1 on failure, see cflowad_last_error.
 */
int32_t cflowad_queue_descriptor(cflowad_queue *queue);

/**
 * Cancels a frame that waits: it is not scored, and completed as CFLOWAD_ERROR_CANCELLED.
 *
 * @return CFLOWAD_ERROR_STATE when it is being scored or was, or was fetched; its completion is as it would have been.
 */
cflowad_status cflowad_queue_cancel(cflowad_queue *queue, uint64_t ticket);

/**
 * Cancels all frames that wait.
 *
 * @param count  receives how many there were. NULL: not wanted.
 */
cflowad_status cflowad_queue_cancel_all(cflowad_queue *queue, size_t *count);

/** Tells how a queue is doing. state->struct_size must be set. */
cflowad_status cflowad_queue_get_state(cflowad_queue *queue, cflowad_queue_state *state);

/**
 * Ends the queue for those who submit: they get CFLOWAD_ERROR_STATE, also those that wait for a place. Completions are to
 * be fetched as before, until cflowad_queue_wait returns CFLOWAD_ERROR_STATE. Returns at once.
 *
 * @param how  CFLOWAD_QUEUE_DRAIN, or CFLOWAD_QUEUE_DROP, also after the former.
 */
cflowad_status cflowad_queue_stop(cflowad_queue *queue, int32_t how);

/**
 * Closes the queue: frames that wait are dropped, one that is being scored is waited for, and the queue's thread ends.
 * Completions that were not fetched are lost; the memory of all frames is the caller's again. Calls that wait on other
 * threads return CFLOWAD_ERROR_STATE. Not to be called by the session's parallel_for. NULL is allowed.
 */
cflowad_status cflowad_queue_close(cflowad_queue *queue);

/* ------------------------------------------------------------------------------------ watching the line */

/**
 * Tells from scores when a line's frames are not those of its calibration any more (since 1.2): other light, out of focus, a
 * shifted part, another product. Then calibrate anew, since p-values, thresholds and promises hold for the calibration's
 * production alone.
 *
 * Promise: as long as calibration frames and those that are watched come from the same production in no particular order,
 * the probability that has_changed ever becomes 1, however many frames come, is at most false_alarm_rate. Each life after a
 * cflowad_watch_reset has this probability of its own: of r lives, r times as much.
 *
 * How: the frames so far and the calibration are ranked together, by which the p-values of frames are independent and
 * uniform (smoothed, with random numbers of the seed); somebody bets on high and on low scores at fair odds, and evidence is
 * his capital: a conformal test martingale. By Ville's inequality it ever reaches 1 / a with probability at most a.
 * docs/watching.md has the details and measurements.
 *
 * Frames in an order are told as a change though all is well: several pictures of each part, a slow drift over every
 * shift. So are defective parts where they are many; docs/watching.md says how many.
 *
 * A watch needs 24 bytes for each calibration frame, however many frames it is told of, and allocates nothing. All functions
 * are thread-safe; frames count in the order in which they are added.
 */
typedef struct cflowad_watch cflowad_watch;

typedef struct cflowad_watch_options {
    size_t struct_size;
    double false_alarm_rate; /**< probability of ever telling a change where there is none, 1e-9 to 0.5 [0.01] */
    uint64_t seed;           /**< of random numbers that must have nothing to do with the frames [0] */
} cflowad_watch_options;

/** Sets struct_size and every field to its default. Thread-safe. */
cflowad_status cflowad_watch_options_init(cflowad_watch_options *options, size_t struct_size);

/** What a watch has found. */
typedef struct cflowad_watch_state {
    size_t struct_size;
    uint64_t frame_count;    /**< out: frames that were added */
    double evidence;         /**< out: how much speaks for a change; 1 in the beginning */
    double highest_evidence; /**< out: the most that it was */
    double false_alarm_rate; /**< out: the option; a change is told when evidence reaches 1 / false_alarm_rate */
    uint64_t changed_at;     /**< out: number of the frame, from 1, at which it was told; 0: it was not */
    double recent_share;     /**< out: mean over the last 50 frames or so of the share of calibration scores that are at
                                    least the frame's: about 0.5 without a change, near 0 where scores have risen, near 1
                                    where they have fallen. NaN before the first frame */
    uint64_t calibration_count; /**< out: calibration scores that frames are compared with */
    uint32_t has_changed;       /**< out: 1 from when a change was told until cflowad_watch_reset */
    uint32_t reserved;          /**< out: 0 */
} cflowad_watch_state;

/**
 * Creates a watch for the frames of a model, which may be closed after.
 *
 * @param options  NULL for defaults.
 * @param watch    receives the handle; close it with cflowad_watch_close.
 * @return CFLOWAD_ERROR_NOT_CALIBRATED when the model does not hold its calibration's scores.
 */
cflowad_status cflowad_watch_create(
    const cflowad_model *model, const cflowad_watch_options *options, cflowad_watch **watch);

/**
 * Has a session add the score of every frame that it scores with a model to a watch, whether by a call or in a queue, until
 * the model is replaced; frames of another region of interest than the calibration's are left out. A watch may be that of
 * several sessions. Closing its handle does not end it.
 *
 * @param index  of the model, 0 in a session of one.
 * @param watch  made from the same calibration; NULL: none from now on.
 * @return CFLOWAD_ERROR_BUSY when a call uses the session; CFLOWAD_ERROR_INVALID_ARGUMENT for another calibration's watch.
 */
cflowad_status cflowad_session_set_watch(cflowad_session *session, size_t index, cflowad_watch *watch);

/**
 * Adds a frame by its score, for hosts that decide which frames count. Do not decide by the score, which would spoil the
 * promise.
 */
cflowad_status cflowad_watch_add(cflowad_watch *watch, float score);

/** Tells what a watch has found. state->struct_size must be set. */
cflowad_status cflowad_watch_get_state(const cflowad_watch *watch, cflowad_watch_state *state);

/** Begins anew, as after a repair of the line that needs no new calibration. */
cflowad_status cflowad_watch_reset(cflowad_watch *watch);

/**
 * Writes what a watch knows, to go on after a restart of the host: bytes that mean nothing to others.
 *
 * @param data      receives them. NULL with a capacity of 0: only their number is wanted.
 * @param size      receives how many they are, also when there is not room for them.
 * @return CFLOWAD_ERROR_BUFFER_TOO_SMALL.
 */
cflowad_status cflowad_watch_export(const cflowad_watch *watch, void *data, size_t capacity, size_t *size);

/**
 * Goes on from what was exported, with its options.
 *
 * @return CFLOWAD_ERROR_INVALID_ARGUMENT when it is of another calibration, CFLOWAD_ERROR_FORMAT when it is damaged.
 */
cflowad_status cflowad_watch_import(cflowad_watch *watch, const void *data, size_t size);

/** Closes the handle; sessions go on with the watch. NULL is allowed. */
cflowad_status cflowad_watch_close(cflowad_watch *watch);

/* ----------------------------------------------------------------------------------------- training */

/** Trains a detector from defect-free frames, recalibrates one, or makes it one of 8 bits. */
typedef struct cflowad_trainer cflowad_trainer;

/** How coupling blocks mix their channels: a fixed random rotation (the paper) or an index permutation. */
enum { CFLOWAD_PERMUTATION_SOFT = 0, CFLOWAD_PERMUTATION_HARD = 1 };

/**
 * Soft clamping of the log-scale s: alpha * tanh(s) (the paper's FrEIA, anomalib) or alpha * tanh(s / alpha) (FrEIA
 * since August 2023).
 */
enum { CFLOWAD_CLAMP_TANH = 0, CFLOWAD_CLAMP_TANH_SCALED = 1 };

/** How the learning rate falls from one meta epoch to the next. */
enum {
    CFLOWAD_SCHEDULE_CONSTANT = 0,
    CFLOWAD_SCHEDULE_COSINE = 1, /**< half a period down to learning_rate * decay_rate^3 */
    CFLOWAD_SCHEDULE_STEPS = 2   /**< multiplied by decay_rate after each of decay_percents */
};

/**
 * How calibration sets the threshold. The second and third need defective frames (CFLOWAD_ROLE_DEFECTIVE), and choose
 * among the scores of the good and the defective frames; of equally good ones they take the lowest.
 */
enum {
    CFLOWAD_THRESHOLD_CONFORMAL = 0, /**< from good frames alone, for false_reject_rate; see cflowad_calibration_promise
                                          */
    CFLOWAD_THRESHOLD_F1 = 1,        /**< the largest F1 */
    CFLOWAD_THRESHOLD_COST = 2       /**< the lowest (rejected share of the good) + miss_cost * (missed share of the
                                          defective). Where one missed frame costs as much as c rejected good ones, and
                                          d defective frames come to each good one: miss_cost = c d */
};

/**
 * Where the flows of a new detector begin. Since 1.2.
 *
 * A Gaussian is fitted in seconds and detects at once; the paper's flows need many passes over the frames. Fitting a
 * Gaussian loads libopenblas.so.0, and sets its number of threads to 1 meanwhile, since bits must not depend on it; fit
 * returns CFLOWAD_ERROR_UNSUPPORTED where there is none.
 */
enum {
    /** GAUSSIAN; but PAPER when an option that only the paper's training reads differs from its default: epochs, schedule,
        batches, learning rate, rotation, flows' settings. */
    CFLOWAD_START_AUTOMATIC = 0,
    /** FrEIA's random weights, trained by the original's loops (paper, section 3). */
    CFLOWAD_START_PAPER = 1,
    /** A Gaussian for each position of each level, in closed form, and coupling_steps behind it: the form that is likeliest
        for frames held back (PaDiM's, T. Defard et al., ICPR 2020, by level and with shrinkage). Without rotation:
        rotation_degrees is its default, which then means none, or 0. */
    CFLOWAD_START_GAUSSIAN = 2,
    /** FrEIA's own weights, which whiten by one mean and one covariance for all positions, in closed form, and
        coupling_steps behind them: the original's flows, for `python -m cflowad to-checkpoint`. One covariance is less than
        GAUSSIAN has, but trained couplings make up for much of it. Takes CFLOWAD_PERMUTATION_SOFT, 2 coupling_blocks or more,
        3 with coupling_steps, and no rotation, as GAUSSIAN. */
    CFLOWAD_START_WHITENED = 3
};

/** What a detector is trained for: decides start and coupling_steps. Since 1.2. */
enum {
    CFLOWAD_PRESET_NONE = 0,
    CFLOWAD_PRESET_QUICK = 1, /**< a Gaussian in closed form alone: seconds */
    CFLOWAD_PRESET_BEST = 2,  /**< a Gaussian and 2000 coupling steps: minutes of two cores with a small encoder */
    CFLOWAD_PRESET_PAPER = 3  /**< the published training: CFLOWAD_START_PAPER */
};

/**
 * For cflowad_train_options.coupling_steps: 400 for a whitened start, 0 for others, or as many as time_budget allows.
 */
#define CFLOWAD_COUPLING_STEPS_AUTOMATIC UINT32_MAX

/**
 * Settings of a training run; defaults in brackets. Those of the paper's training (epochs, schedule, batches, learning
 * rate, rotation, flows) are the original system's; where flows start by default is not. An option that was set and has
 * no effect with the start is CFLOWAD_ERROR_INVALID_ARGUMENT: nothing is ignored.
 */
typedef struct cflowad_train_options {
    size_t struct_size;
    uint32_t input_width;         /**< network input, pixels, 32 to 2048 [256] */
    uint32_t input_height;        /**< network input, pixels, 32 to 2048 [256] */
    uint32_t level_count;         /**< feature levels ("pool layers"), the coarsest ones kept: 1 to 3 [3] */
    uint32_t coupling_blocks;     /**< K, 1 to 64 [8] */
    uint32_t condition_channels;  /**< P, a multiple of 4 up to 1024; 0: unconditional [128] */
    int32_t permutation;          /**< CFLOWAD_PERMUTATION_ [SOFT] */
    int32_t clamp;                /**< CFLOWAD_CLAMP_ [TANH] */
    float clamp_alpha;            /**< alpha of the clamp, 0.1 to 10 [1.9] */
    uint32_t meta_epochs;         /**< 1 to 10000 [25] */
    uint32_t sub_epochs;          /**< passes over the frames per meta epoch, 1 to 10000 [8] */
    uint32_t warmup_epochs;       /**< meta epochs of linear warm-up; values from meta_epochs on count as one less than
                                       that [2] */
    int32_t schedule;             /**< CFLOWAD_SCHEDULE_ [COSINE] */
    uint32_t image_batch;         /**< frames per batch, 1 to 4096; the short last one is dropped, fewer frames than
                                       this are one batch [32] */
    uint32_t fiber_batch;         /**< fibers per Adam step, 1 to 65536; the remainder of an image batch is dropped,
                                       fewer fibers than this are one step [256] */
    float learning_rate;          /**< Adam's, above 0 up to 1 [2e-4]; the default means 3e-3 for coupling steps of
                                       CFLOWAD_START_GAUSSIAN, 1e-2 for WHITENED */
    float rotation_degrees;       /**< augmentation: uniform angle in +-degrees, nearest, zero fill, 0 to 180 [5]; 0
                                       lets the encoder run only once per frame */
    float calibration_fraction;   /**< share of the frames held back from training for calibration when no frame was
                                       added for it, 0 to 0.9 [0.1]; at least one is */
    float false_reject_rate;      /**< wanted share of good frames above the default threshold, 0 to 0.5 [0.01] */
    uint64_t seed;                /**< seed of all randomness [0] */
    uint64_t feature_cache_bytes; /**< memory for cached encoder features [2 GiB]; without room they are recomputed */
    /* since 1.1 */
    float decay_rate;           /**< factor of the schedule, above 0 up to 1 [0.1] */
    uint32_t decay_percents[3]; /**< when the rate falls, in percent of the meta epochs, 0 to 100; 100: never [50, 75,
                                     90] */
    float review_rate;          /**< wanted share of good frames above the review threshold, false_reject_rate to 0.5;
                                     0: no review threshold [0] */
    float pixel_rate;           /**< wanted share of good pixels above the maps' threshold, 0 to 0.5 [0.001] */
    int32_t threshold_rule;     /**< CFLOWAD_THRESHOLD_ [CONFORMAL] */
    float miss_cost;            /**< for CFLOWAD_THRESHOLD_COST, 1e-6 to 1e6 [10] */
    float window_low;           /**< sample of more than 8 bits that is black, as a share of 2^bits - 1, 0 to 1 [0] */
    float window_high;          /**< the one that is white, above window_low up to 1 [1]: v becomes round(255 * clamp((v
                                     / (2^bits - 1) - low) / (high - low), 0, 1)), kept in the model */
    uint32_t tile_width;        /**< for large frames: what the network sees at a time, in pixels of the frame, 32 to
                                     65535; a tile is resized to the network's input, has a positional encoding of its
                                     own, and counts as a frame for image_batch and progress. 0: frames are not cut, and
                                     the next two are 0 too. Kept in the model [0] */
    uint32_t tile_height;       /**< the same in rows; in a frame that is lower, tiles are as low [0] */
    uint32_t tile_overlap;      /**< pixels that neighbours share, at most half a tile's shorter side; the last tiles
                                     end with the frame and may share more [0] */
    uint32_t reserved;          /**< 0 */
    /* since 1.2 */
    uint32_t thread_count; /**< threads that share the work of this trainer's calls, the calling one included, at most
                                256; 0: cflowad_default_thread_count() of the creating thread. Leave some to sessions
                                that score meanwhile. No number depends on it [0] */
    int32_t resample;      /**< CFLOWAD_RESAMPLE_: the version of Pillow in PyTorch, for a detector that was trained
                                there or is to be compared with one; kept in the model [PILLOW_3_3] */
    cflowad_parallel_for parallel_for; /**< NULL, or the host's threads, of which at most thread_count work for the
                                            trainer at a time; it then has none of its own [NULL] */
    void *parallel_for_context;        /**< passed to each call of it [NULL] */
    float low_rate; /**< wanted share of good frames whose score is below the low threshold, 0 to 0.5: those lower than
                         nearly all calibration frames, which are as strange as those above threshold [0.01] */
    cflowad_verdict low_verdict; /**< the mildest verdict about such frames and about those that are strange all over
                                      (cflowad_model_info.mean_threshold): CFLOWAD_VERDICT_PASS for neither threshold
                                      [CFLOWAD_VERDICT_REVIEW] */
    int32_t start;               /**< CFLOWAD_START_ [AUTOMATIC]; PAPER for callers whose struct has no start */
    uint32_t coupling_steps;     /**< for CFLOWAD_START_GAUSSIAN and WHITENED: steps of Adam, for each level, that train
                                      coupling_blocks (2 or more, SOFT) behind the closed form, from the identity on, up
                                      to 1000000, by learning_rate and fiber_batch. A sixth of the frames, never trained
                                      on, judges them ten times on the way: the best state is kept, none if the closed
                                      form alone is likelier, and a level ends early after four judgements without a
                                      better one. 0: the closed form is the whole flow
                                      [CFLOWAD_COUPLING_STEPS_AUTOMATIC] */
    uint64_t gaussian_bytes;     /**< for CFLOWAD_START_GAUSSIAN: memory for the positions' own covariances, all levels
                                      together (a file takes twice as much); where it is too little, the leading
                                      directions have some and the others share one [64 MiB] */
    float map_smoothing; /**< standard deviation of a Gaussian that smooths maps before scores are taken from them, 0 to
                              64 pixels of the network's input, 0: none. Negative: as a calibrated detector to go on
                              from has it, or else 4 pixels of 256 for flows that start at a Gaussian and none for
                              others. Kept in the model [-1] */
    int32_t half_turns;  /**< for CFLOWAD_START_GAUSSIAN: CFLOWAD_HALF_TURNS_ [AUTOMATIC] */
    float time_budget;   /**< for CFLOWAD_START_GAUSSIAN and WHITENED, in place of coupling_steps: seconds that fit may
                              take, up to 1e6. After encoding and closed form it times a few steps and plans as many as
                              there is time for, none if there is none; cflowad_trainer_coupling_steps tells how many,
                              and a fit with these coupling_steps ends with the same weights. Encoding and closed form
                              are done in any case. 0: no budget [0] */
    int32_t preset;      /**< CFLOWAD_PRESET_; unless it is NONE, start, coupling_steps and time_budget must have their
                              defaults [NONE] */
    int32_t precision; /**< CFLOWAD_PRECISION_ of the encoder. With INT8, fit makes an encoder of float32 one of 8 bits
                              before flows are fitted to its features, also that of a detector to go on from; one of 8
                              bits stays so. For a detector whose flows are to stay see cflowad_trainer_quantize
                              [FLOAT32] */
} cflowad_train_options;

/**
 * Whether a Gaussian is also fitted to the training frames turned by 180 degrees (since 1.2): twice the frames to learn
 * from, where a part may lie either way round or looks the same both ways.
 */
enum {
    CFLOWAD_HALF_TURNS_AUTOMATIC = 0, /**< when turned frames look as good as others, on every feature level, to a
                                           Gaussian that was fitted without them */
    CFLOWAD_HALF_TURNS_NEVER = 1,
    CFLOWAD_HALF_TURNS_ALWAYS = 2
};

/** Sets struct_size and every field to its default. Thread-safe. */
cflowad_status cflowad_train_options_init(cflowad_train_options *options, size_t struct_size);

/** What a frame given to a trainer is for. */
enum {
    CFLOWAD_ROLE_TRAINING = 0,    /**< a good frame to learn from */
    CFLOWAD_ROLE_CALIBRATION = 1, /**< a good frame held back: never trained on, sets the constants and thresholds */
    CFLOWAD_ROLE_DEFECTIVE = 2    /**< a defective frame, used only to choose the threshold, by the rules that need one;
                                       never trained on. Since 1.1 */
};

/** Which part of the work a progress report is about. */
enum { CFLOWAD_STAGE_ENCODE = 0, CFLOWAD_STAGE_FIT = 1, CFLOWAD_STAGE_CALIBRATE = 2 };

/** A report to the progress callback. Filled by the library; valid during the callback. */
typedef struct cflowad_progress {
    size_t struct_size;
    int32_t stage;   /**< CFLOWAD_STAGE_ */
    uint32_t epoch;  /**< fit: sub-epochs, or coupling steps for each level, finished; else 0 */
    uint32_t epochs; /**< fit: their number in all; else 0 */
    float loss;     /**< fit: mean -log sigmoid(log p / C) since the sub-epoch began, or of the last coupling step; else
                         0 */
    uint64_t done;  /**< units of the stage done: frames (encode, calibrate); frames x sub-epochs or coupling steps of
                         all levels (fit), where a level that ends early counts as complete */
    uint64_t total; /**< units of the stage in all */
    float learning_rate; /**< fit: that of the last step; else 0 */
    uint32_t reserved;   /**< 0 */
} cflowad_progress;

/**
 * Called on the thread that called fit or calibrate, in its own floating-point mode, several times a second or less.
 * Non-zero return cancels.
 */
typedef int32_t (*cflowad_progress_callback)(const cflowad_progress *progress, void *user);

/**
 * Creates a trainer.
 *
 * @param weights_path  model file with an encoder, made by `python -m cflowad export`: its flows begin where
 *                      options->start says; or a complete detector: its flows go on from where they are (but a Gaussian is
 *                      fitted anew, to the frames given), and the options about input size, tiles, levels and flows are
 *                      taken from the file. fit refuses options that its kind of flows cannot follow.
 * @param options       NULL for defaults.
 * @param trainer       receives the handle; close it with cflowad_trainer_close. Thread-safe.
 */
cflowad_status cflowad_trainer_create(
    const char *weights_path, const cflowad_train_options *options, cflowad_trainer **trainer);

/**
 * Adds a frame; it, or each of its tiles, is resized to the network's input and copied.
 *
 * @param role  a CFLOWAD_ROLE_.
 * @return CFLOWAD_ERROR_STATE for a frame that is not to be trained on, but was: by this trainer's fit, or, since 1.1,
 *         by the training of the detector that it began with, as far as its file knows.
 */
cflowad_status cflowad_trainer_add_frame(cflowad_trainer *trainer, const cflowad_frame *frame, int32_t role);

/**
 * Adds a frame with a name, such as its file's path, by which cflowad_model_advice mentions it. Since 1.2.
 *
 * @param name  UTF-8, copied; NULL: none. The name of a frame that sets a threshold is kept in the model file.
 */
cflowad_status cflowad_trainer_add_named_frame(
    cflowad_trainer *trainer, const cflowad_frame *frame, int32_t role, const char *name);

/**
 * Makes fit keep its state in a file, so that a fit that was killed or cancelled can be resumed: a trainer with the
 * same encoder, options and frames, in the same order, then goes on from there and ends with the same weights, bit for
 * bit on the same machine, as a fit that was never stopped (of a time_budget: by the number of coupling steps that the
 * first one planned). The file is written after passes over the frames (sub-epochs) or every 50 coupling steps, taking
 * at most about a twentieth of the time, to a temporary name first and then renamed; it is left for the caller to
 * delete. fit returns CFLOWAD_ERROR_STATE when the file belongs to another training, CFLOWAD_ERROR_FORMAT when it is
 * damaged.
 *
 * @param path  file, UTF-8, which need not exist yet; NULL: none.
 */
cflowad_status cflowad_trainer_set_checkpoint(cflowad_trainer *trainer, const char *path);

/**
 * Fits the flows as options->start says, in closed form or by the paper's training (section 3; Adam, groups of fibers),
 * until done or cancelled. After CFLOWAD_ERROR_CANCELLED, CFLOWAD_ERROR_DIVERGED or CFLOWAD_ERROR_OUT_OF_MEMORY the
 * trainer can only be closed. The same frames, options and seed give the same weights bit for bit on the same machine.
 *
 * @return CFLOWAD_ERROR_UNSUPPORTED also where a closed form needs libopenblas.so.0 (LAPACK; Debian's libopenblas0) and it
 *         cannot be loaded.
 */
cflowad_status cflowad_trainer_fit(cflowad_trainer *trainer, cflowad_progress_callback progress, void *user);

/**
 * Calibrates within a region of interest, which becomes that of the model: see cflowad_session_set_region_of_interest.
 * Training is on whole frames. A trainer of a complete detector begins with that detector's region.
 *
 * @param roi  borrowed for the call; NULL: whole frames.
 */
cflowad_status cflowad_trainer_set_region_of_interest(cflowad_trainer *trainer, const cflowad_roi *roi);

/**
 * Computes the frozen constants and the default thresholds from the calibration frames.
 *
 * The maps' threshold is the smallest value (in steps of 2^-16) that at most pixel_rate of all pixels of the
 * calibration frames' maps exceed; a new good frame's share exceeds it by at most 1 / (frames + 1) on average
 * (conformal risk control, A. Angelopoulos et al. 2022). map_low leaves 1 % of those pixels above it, map_high is the
 * value where all levels find a likelihood of 0.
 *
 * Since 1.2 it then tries whether the detector passes frames that it should not, a few of each CFLOWAD_STRANGE_ kind,
 * which count as frames of the stage: see cflowad_model_info.strange_passed.
 *
 * @return CFLOWAD_ERROR_STATE also when there is no defective frame for a rule that needs one.
 */
cflowad_status cflowad_trainer_calibrate(cflowad_trainer *trainer, cflowad_progress_callback progress, void *user);

/**
 * What a threshold set by good frames promises (split-conformal prediction). Such a threshold is the k-th smallest of n
 * scores; if calibration frames and new ones come from the same production in no particular order, a new good frame is
 * rejected with probability at most (n + 1 - k) / (n + 1), whatever the distribution of scores. k is the smallest that
 * keeps this within the wanted rate, or n. The promise is an average over calibrations: after one of them the line's
 * rate is drawn from Beta(n + 1 - k, k).
 *
 * It is exact for a given encoder, flows and level maxima. The maxima are the calibration frames' own: a new frame
 * exceeds one of them, and only then can it be ranked otherwise, with probability at most levels / (n + 1).
 *
 * @param frame_count    n, good frames to calibrate with.
 * @param wanted_rate    false_reject_rate or review_rate, 0 to 1.
 * @param promised_rate  receives (n + 1 - k) / (n + 1); above wanted_rate when n is too small. NULL: not wanted.
 * @param likely_rate    receives the rate that the line's stays below in 95 of 100 calibrations. NULL: not wanted.
 * @param frames_needed  receives the smallest n that can promise wanted_rate; UINT64_MAX for 0. NULL: not wanted.
 *                       Thread-safe. Since 1.1.
 */
cflowad_status cflowad_calibration_promise(
    uint64_t frame_count, double wanted_rate, double *promised_rate, double *likely_rate, uint64_t *frames_needed);

/**
 * Writes the detector to a model file, to a temporary name beside it first and then renamed: after a crash the old file
 * is whole, and the next save removes the leftover. A symbolic link stays and the file that it leads to is replaced; a
 * file keeps its mode; only regular files are replaced (CFLOWAD_ERROR_IO for others). A trainer that was not calibrated
 * writes a model that gives no scores; one whose flows are still random writes nothing (CFLOWAD_ERROR_STATE).
 */
cflowad_status cflowad_trainer_save(cflowad_trainer *trainer, const char *path);

/**
 * Like cflowad_trainer_save, with the encoder in a file of its own that detectors in the same folder share (since 1.1).
 * The model file names it by an HDF5 external link and has a fingerprint of its contents; links to other folders are
 * refused. Open such a model by its path; through a symbolic link the folder is that of the real file, or, when the
 * encoder is not there, the link's.
 *
 * @param encoder_file  plain name of a file in path's folder. It is written when it is not there; when it is, it must
 *                      hold the same encoder (CFLOWAD_ERROR_INVALID_ARGUMENT if not).
 */
cflowad_status cflowad_trainer_save_linked(cflowad_trainer *trainer, const char *path, const char *encoder_file);

/**
 * Makes a model of the trainer's detector, without a file (since 1.2): its numbers are, bit for bit, those of a model that
 * was saved and opened. The trainer stays as it is, and what is done with it later does not change the model.
 *
 * @param model  receives the handle; close it with cflowad_model_close.
 * @return CFLOWAD_ERROR_STATE when the flows are still random. A trainer that was not calibrated gives a model without
 *         calibration.
 */
cflowad_status cflowad_trainer_model(cflowad_trainer *trainer, cflowad_model **model);

/**
 * How many coupling steps for each level the fit planned, by coupling_steps or by time_budget (since 1.2): with this
 * number as coupling_steps, and no time_budget, the same frames, options and seed give the same weights.
 *
 * @param steps  receives it; 0 before the fit, without time for any, and for the paper's training.
 */
cflowad_status cflowad_trainer_coupling_steps(cflowad_trainer *trainer, uint32_t *steps);

/**
 * Sets a text that model files and models keep for people (since 1.2), such as "name", what they call the detector, and
 * "created", when it was made: the library does not look at the clock, so that the same training gives the same file. A
 * trainer of a detector keeps that detector's texts but "created".
 *
 * @param name  1 to 64 small letters, digits and underscores; "training" and "quantization" are the trainer's own.
 * @param text  UTF-8, 1 to 60000 bytes; NULL: none.
 */
cflowad_status cflowad_trainer_set_provenance(cflowad_trainer *trainer, const char *name, const char *text);

/**
 * Makes the complete float32 detector that the trainer began with one of 8 bits, in place of cflowad_trainer_fit (since
 * 1.2): for detectors that came from PyTorch, or were trained before. Frames of CFLOWAD_ROLE_TRAINING, of which 32 are
 * enough, say what the encoder's bytes stand for. Features are a little different then: cflowad_trainer_calibrate must
 * follow, and it also finds what cflowad_trainer_get_quantization tells.
 *
 * Where no frame was added for calibration, some are held back first: calibration_fraction of them, and without passes
 * all that ranges do not need. A model file from elsewhere does not say which frames it was trained on: give frames that
 * it was not, or thresholds are too low.
 *
 * @param passes    0: the flows stay as they are. Up to 10000: they are trained further, on the new features, by the
 *                  paper's loops with so many passes over the training frames, along options->schedule; meta_epochs,
 *                  sub_epochs and warmup_epochs must have their defaults. There is no checkpoint.
 * @param progress  gets reports of CFLOWAD_STAGE_ENCODE, two for each frame that gives ranges, then those of a fit.
 * @return CFLOWAD_ERROR_STATE for a trainer without a detector, a detector of 8 bits, and one frame alone;
 *         CFLOWAD_ERROR_INVALID_ARGUMENT also for options that have no effect here; CFLOWAD_ERROR_UNSUPPORTED for vision
 *         transformers, and for passes with flows that start at a Gaussian: fit with options->precision fits it anew.
 *         Otherwise as of cflowad_trainer_fit.
 */
cflowad_status cflowad_trainer_quantize(
    cflowad_trainer *trainer, uint32_t passes, cflowad_progress_callback progress, void *user);

/**
 * What cflowad_trainer_quantize changed, by the frames that both detectors were calibrated with: the float32 one anew, so
 * that thresholds differ by 8 bits alone (since 1.2). These frames gave no ranges and were not trained on, but set both
 * detectors' thresholds. To compare by others, score them with both models.
 */
typedef struct cflowad_quantization {
    size_t struct_size;
    uint64_t range_count;       /**< good frames that gave the ranges */
    uint64_t good_count;        /**< good frames that were held back */
    uint64_t good_changed;      /**< those of them about which the two decide differently */
    uint64_t defective_count;   /**< defective frames (CFLOWAD_ROLE_DEFECTIVE) */
    uint64_t defective_changed; /**< those of them about which the two decide differently */
    double rank_correlation; /**< Spearman's of the good frames' scores, -1 to 1; NaN for one frame, or equal scores */
    double float32_auroc;    /**< image AUROC of the good and the defective frames in float32; NaN without the latter */
    double int8_auroc;       /**< with 8 bits */
    uint32_t passes;         /**< passes that trained the flows further */
    uint32_t reserved;       /**< 0 */
} cflowad_quantization;

/**
 * Fills in what quantizing changed. report->struct_size must be set. Since 1.2.
 *
 * @return CFLOWAD_ERROR_STATE before cflowad_trainer_quantize and the cflowad_trainer_calibrate that follows it.
 */
cflowad_status cflowad_trainer_get_quantization(cflowad_trainer *trainer, cflowad_quantization *report);

/** Closes the trainer. NULL is allowed. */
cflowad_status cflowad_trainer_close(cflowad_trainer *trainer);

/* ---------------------------------------------------------------------------------- images and metrics */

/**
 * Whether a file is an image by the ending of its name, 1 or 0: of a kind that cflowad_image_read reads, or of one that
 * it refuses with a message (GIF, HEIF ...), so that a folder's frames are not left out silently. 0 for hidden files
 * and NULL. Since 1.2. Thread-safe.
 */
int32_t cflowad_image_is_name(const char *path);

/**
 * Size and format of an image file, from its header; format is what cflowad_image_read will write: GRAY8 or RGB8, and MONO16
 * or RGB16 where the file has more than 8 bits a sample. Since 1.2. Errors as of cflowad_image_read. Thread-safe.
 */
cflowad_status cflowad_image_read_info(
    const char *path, uint32_t *width, uint32_t *height, cflowad_pixel_format *format);

/**
 * Reads an image file as the command-line tool does, so that a file has the same score there and here: PNG, JPEG, TIFF,
 * BMP, WebP and PNM (PBM, PGM, PPM), recognised by their contents. JPEG, TIFF and WebP need libjpeg, libtiff and
 * libwebp, which are loaded when the first such file is read. Since 1.2.
 *
 * 16-bit samples are kept, so that the model's window applies to them as to a camera's; PGM and PPM files with another
 * largest value than 255 or 65535 are scaled to one of these. Alpha is dropped, not composed. A TIFF file's picture is
 * turned by its orientation; an orientation in Exif data is not applied.
 *
 * @param pixels    receives height x width pixels, rows without gaps; left alone on failure.
 * @param capacity  bytes at pixels.
 * @return CFLOWAD_ERROR_IO, CFLOWAD_ERROR_FORMAT (damaged, or no image), CFLOWAD_ERROR_UNSUPPORTED (another kind of image;
 *         several pages or frames; samples of 12 or 32 bits, signed or floating-point; a library is not installed),
 *         CFLOWAD_ERROR_BUFFER_TOO_SMALL, CFLOWAD_ERROR_OUT_OF_MEMORY. Thread-safe.
 */
cflowad_status cflowad_image_read(const char *path, void *pixels, size_t capacity);

/** Size and format of a PNG file. format is what cflowad_png_read will write: GRAY8 or RGB8. Thread-safe. */
cflowad_status cflowad_png_read_info(const char *path, uint32_t *width, uint32_t *height, cflowad_pixel_format *format);

/**
 * Reads a PNG file of any kind (1 to 16 bit, palette, alpha, interlaced) as GRAY8 or RGB8. 16-bit samples are rounded
 * to 8, whatever a model's window: cflowad_image_read keeps them. Alpha is dropped.
 *
 * @param pixels    receives height x width pixels, rows without gaps.
 * @param capacity  bytes at pixels.
 * @return CFLOWAD_ERROR_IO, CFLOWAD_ERROR_FORMAT (damaged; pixels may then be written in part),
 *         CFLOWAD_ERROR_BUFFER_TOO_SMALL, CFLOWAD_ERROR_OUT_OF_MEMORY. Thread-safe.
 */
cflowad_status cflowad_png_read(const char *path, void *pixels, size_t capacity);

/**
 * Writes a frame as a PNG file (8 bit; grey or RGB, alpha is left out), in the way of cflowad_trainer_save. Thread-safe.
 */
cflowad_status cflowad_png_write(const char *path, const cflowad_frame *frame);

/** How cflowad_render_overlay draws. */
typedef struct cflowad_overlay_options {
    size_t struct_size;
    float low;       /**< map value at which the heat begins: there and below the frame is as it was [0] */
    float high;      /**< map value of the strongest heat, above low [3] */
    float threshold; /**< map value whose contour is drawn; NaN: none [NaN] */
    float opacity;   /**< opacity of the heat at high, 0 to 1; it fades out towards low [0.6] */
} cflowad_overlay_options;

/** Sets struct_size and every field to its default. Thread-safe. */
cflowad_status cflowad_overlay_options_init(cflowad_overlay_options *options, size_t struct_size);

/**
 * Sets struct_size and every field, with a model's own scale: low, high and threshold are its map_low, map_high and
 * pixel_threshold, as the tool draws. With the defaults of cflowad_overlay_options_init good frames may look hot. Since
 * 1.2.
 *
 * @return CFLOWAD_ERROR_NOT_CALIBRATED, CFLOWAD_ERROR_INVALID_HANDLE. Thread-safe.
 */
cflowad_status cflowad_model_overlay_options(
    const cflowad_model *model, cflowad_overlay_options *options, size_t struct_size);

/**
 * Draws a heat map over a frame: the perceptual colour map "inferno" from purple to orange by value (its dark and its
 * pale end would not show on dark and on bright parts), a contour at the threshold.
 *
 * @param map       frame's height x width values, row-major (cflowad_result.frame_map).
 * @param options   NULL for defaults.
 * @param rgb       receives height x width RGB8 pixels, rows without gaps.
 * @param capacity  bytes at rgb, at least 3 * width * height. Thread-safe.
 */
cflowad_status cflowad_render_overlay(
    const cflowad_frame *frame, const float *map, size_t map_count, const cflowad_overlay_options *options, void *rgb,
    size_t capacity);

/**
 * Area under the ROC curve: the exact rank statistic (Mann-Whitney U / (positives * negatives)), ties averaged.
 * Computes the image AUROC from images' scores, and the pixel AUROC from all pixels of all maps and masks.
 *
 * For this and the next two time is linear in the count, and up to 8 bytes of memory per score are needed meanwhile.
 *
 * @param scores  count finite values, higher is more anomalous.
 * @param labels  count values, 0 good, anything else defective; both must occur.
 * @param count   2 to 2^30.
 * @param auroc   receives a value from 0 to 1; left alone on failure.
 * @return CFLOWAD_ERROR_INVALID_ARGUMENT (a class is missing, a score is not finite, NULL), CFLOWAD_ERROR_UNSUPPORTED
 *         (too many), CFLOWAD_ERROR_OUT_OF_MEMORY. Thread-safe.
 */
cflowad_status cflowad_auroc(const float *scores, const uint8_t *labels, size_t count, double *auroc);

/**
 * Average precision: sum over the distinct scores as thresholds, from the highest, of (R_n - R_(n-1)) P_n, with the
 * precision P and the recall R of "defective at this score and above". scikit-learn's average_precision_score.
 *
 * Arguments and errors as of cflowad_auroc; receives a value above 0, up to 1.
 */
cflowad_status cflowad_average_precision(
    const float *scores, const uint8_t *labels, size_t count, double *average_precision);

/**
 * The largest F1 = 2 TP / (2 TP + FP + FN) of all thresholds, and the threshold that gives it.
 *
 * Arguments and errors as of cflowad_auroc, and
 *
 * @param f1         receives a value above 0, up to 1.
 * @param threshold  receives the score that, as "defective at this score and above", gives it; the lowest of several.
 */
cflowad_status cflowad_f1_max(const float *scores, const uint8_t *labels, size_t count, double *f1, float *threshold);

/**
 * The kinds of area under the per-region-overlap curve. Both plot, over thresholds, the mean share of a defective
 * region that is found against the share of good pixels that is found by mistake (FPR), up to an FPR of 0.3. Regions
 * are 8-connected and of one image. The two give different values: compare like with like.
 */
typedef int32_t cflowad_aupro_kind;

enum {
    CFLOWAD_AUPRO_STANDARD = 0, /**< MVTec AD's evaluation code, torchmetrics, anomalib: a threshold at every value that
                                     occurs (found is >= it), holes do not count, the curve interpolated at 0.3 */
    CFLOWAD_AUPRO_PAPER = 1     /**< CFLOW-AD's tables: 1000 thresholds from the largest value down in equal steps
                                     (found is > it), a region's share counts its holes' pixels too but divides by its
                                     area without them, FPRs up to 0.3 stretched to 0...1 */
};

/**
 * Area under the per-region-overlap curve (AUPRO; P. Bergmann et al., "Uninformed Students", CVPR 2020).
 *
 * It needs 10 bytes of memory per pixel of one image meanwhile, and for CFLOWAD_AUPRO_STANDARD up to 8 per good pixel
 * and 16 per defective one of all images.
 *
 * @param maps         image_count x height x width finite values, row-major, higher is more anomalous.
 * @param masks        as many values, 0 good, anything else defective; both must occur. A mask may be empty.
 * @param image_count  image_count * width * height must be 2 to 2^30.
 * @param kind         CFLOWAD_AUPRO_.
 * @param aupro        receives a value from 0 to 1 (CFLOWAD_AUPRO_PAPER: above 1 where holes are found); left alone on
 *                     failure.
 * @return CFLOWAD_ERROR_INVALID_ARGUMENT (a class is missing, a value is not finite, no such kind, NULL; for
 *         CFLOWAD_AUPRO_PAPER also: no two thresholds have a different FPR up to 0.3, the original divides 0 by 0
 *         then), CFLOWAD_ERROR_UNSUPPORTED (too many), CFLOWAD_ERROR_OUT_OF_MEMORY. Thread-safe.
 */
cflowad_status cflowad_aupro(
    const float *maps, const uint8_t *masks, size_t image_count, uint32_t width, uint32_t height,
    cflowad_aupro_kind kind, double *aupro);

#ifdef __cplusplus
}
#endif

#endif /* CFLOWAD_H */
