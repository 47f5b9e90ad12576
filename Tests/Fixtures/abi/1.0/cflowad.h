#ifndef CFLOWAD_H
#define CFLOWAD_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define CFLOWAD_VERSION_MAJOR 1
#define CFLOWAD_VERSION_MINOR 0
#define CFLOWAD_VERSION_PATCH 0
#define CFLOWAD_VERSION (CFLOWAD_VERSION_MAJOR * 10000 + CFLOWAD_VERSION_MINOR * 100 + CFLOWAD_VERSION_PATCH)
int32_t cflowad_version(void);
const char *cflowad_build_info(void);
typedef int32_t cflowad_status;
enum {
    CFLOWAD_OK = 0,
    CFLOWAD_ERROR_INVALID_ARGUMENT = 1,
    CFLOWAD_ERROR_INVALID_HANDLE = 2,
    CFLOWAD_ERROR_STRUCT_SIZE = 3,
    CFLOWAD_ERROR_BUFFER_TOO_SMALL = 4,
    CFLOWAD_ERROR_IO = 5,
    CFLOWAD_ERROR_FORMAT = 6,
    CFLOWAD_ERROR_UNSUPPORTED = 7,
    CFLOWAD_ERROR_NOT_CALIBRATED = 8,
    CFLOWAD_ERROR_BUSY = 9,
    CFLOWAD_ERROR_CANCELLED = 10,
    CFLOWAD_ERROR_DIVERGED = 11,
    CFLOWAD_ERROR_OUT_OF_MEMORY = 12,
    CFLOWAD_ERROR_STATE = 13
};
const char *cflowad_status_name(cflowad_status status);
const char *cflowad_last_error(void);
typedef int32_t cflowad_pixel_format;
enum {
    CFLOWAD_PIXEL_GRAY8 = 1,
    CFLOWAD_PIXEL_RGB8 = 2,
    CFLOWAD_PIXEL_BGR8 = 3,
    CFLOWAD_PIXEL_RGBA8 = 4,
    CFLOWAD_PIXEL_BGRA8 = 5
};
#define CFLOWAD_MAX_FRAME_SIDE 65535
typedef struct cflowad_frame {
    size_t struct_size;
    const void *data;
    uint32_t width;
    uint32_t height;
    size_t stride;
    cflowad_pixel_format format;
    uint32_t reserved;
} cflowad_frame;
typedef struct cflowad_model cflowad_model;
#define CFLOWAD_MAX_LEVELS 4
typedef struct cflowad_model_info {
    size_t struct_size;
    char architecture[32];
    char padding[16];
    uint32_t input_width;
    uint32_t input_height;
    uint32_t level_count;
    uint32_t level_width[CFLOWAD_MAX_LEVELS];
    uint32_t level_height[CFLOWAD_MAX_LEVELS];
    uint32_t level_channels[CFLOWAD_MAX_LEVELS];
    uint32_t coupling_blocks;
    uint32_t condition_channels;
    uint32_t is_calibrated;
    float threshold;
    uint64_t parameter_count;
    uint64_t session_bytes;
} cflowad_model_info;
cflowad_status cflowad_model_open(const char *path, cflowad_model **model);
cflowad_status cflowad_model_open_memory(const void *data, size_t size, cflowad_model **model);
cflowad_status cflowad_model_get_info(const cflowad_model *model, cflowad_model_info *info);
cflowad_status cflowad_model_close(cflowad_model *model);
typedef struct cflowad_session cflowad_session;
typedef struct cflowad_session_options {
    size_t struct_size;
    float threshold;
    uint32_t thread_count;
} cflowad_session_options;
cflowad_status cflowad_session_options_init(cflowad_session_options *options, size_t struct_size);
typedef int32_t cflowad_verdict;
enum { CFLOWAD_VERDICT_PASS = 0, CFLOWAD_VERDICT_REJECT = 2 };
typedef struct cflowad_result {
    size_t struct_size;
    float score;
    float threshold;
    cflowad_verdict verdict;
    uint32_t reserved;
    float *map;
    size_t map_capacity;
    float *frame_map;
    size_t frame_map_capacity;
    float *log_likelihoods;
    size_t log_likelihoods_capacity;
    float *features;
    size_t features_capacity;
} cflowad_result;
cflowad_status cflowad_session_create(
    const cflowad_model *model, const cflowad_session_options *options, cflowad_session **session);
cflowad_status cflowad_session_score(cflowad_session *session, const cflowad_frame *frame, cflowad_result *result);
cflowad_status cflowad_session_score_batch(
    cflowad_session *session, const cflowad_frame *frames, size_t count, cflowad_result *results);
cflowad_status cflowad_session_close(cflowad_session *session);
typedef struct cflowad_trainer cflowad_trainer;
enum { CFLOWAD_PERMUTATION_SOFT = 0, CFLOWAD_PERMUTATION_HARD = 1 };
enum { CFLOWAD_CLAMP_TANH = 0, CFLOWAD_CLAMP_TANH_SCALED = 1 };
typedef struct cflowad_train_options {
    size_t struct_size;
    uint32_t input_width;
    uint32_t input_height;
    uint32_t level_count;
    uint32_t coupling_blocks;
    uint32_t condition_channels;
    int32_t permutation;
    int32_t clamp;
    float clamp_alpha;
    uint32_t meta_epochs;
    uint32_t sub_epochs;
    uint32_t warmup_epochs;
    uint32_t cosine_schedule;
    uint32_t image_batch;
    uint32_t fiber_batch;
    float learning_rate;
    float rotation_degrees;
    float calibration_fraction;
    float false_reject_rate;
    uint64_t seed;
    uint64_t feature_cache_bytes;
} cflowad_train_options;
cflowad_status cflowad_train_options_init(cflowad_train_options *options, size_t struct_size);
enum { CFLOWAD_ROLE_TRAINING = 0, CFLOWAD_ROLE_CALIBRATION = 1 };
enum { CFLOWAD_STAGE_ENCODE = 0, CFLOWAD_STAGE_FIT = 1, CFLOWAD_STAGE_CALIBRATE = 2 };
typedef struct cflowad_progress {
    size_t struct_size;
    int32_t stage;
    uint32_t epoch;
    uint32_t epochs;
    float loss;
    uint64_t done;
    uint64_t total;
    float learning_rate;
    uint32_t reserved;
} cflowad_progress;
typedef int32_t (*cflowad_progress_callback)(const cflowad_progress *progress, void *user);
cflowad_status cflowad_trainer_create(
    const char *weights_path, const cflowad_train_options *options, cflowad_trainer **trainer);
cflowad_status cflowad_trainer_add_frame(cflowad_trainer *trainer, const cflowad_frame *frame, int32_t role);
cflowad_status cflowad_trainer_fit(cflowad_trainer *trainer, cflowad_progress_callback progress, void *user);
cflowad_status cflowad_trainer_calibrate(cflowad_trainer *trainer, cflowad_progress_callback progress, void *user);
cflowad_status cflowad_trainer_save(cflowad_trainer *trainer, const char *path);
cflowad_status cflowad_trainer_close(cflowad_trainer *trainer);
cflowad_status cflowad_png_read_info(const char *path, uint32_t *width, uint32_t *height, cflowad_pixel_format *format);
cflowad_status cflowad_png_read(const char *path, void *pixels, size_t capacity);
cflowad_status cflowad_png_write(const char *path, const cflowad_frame *frame);
typedef struct cflowad_overlay_options {
    size_t struct_size;
    float low;
    float high;
    float threshold;
    float opacity;
} cflowad_overlay_options;
cflowad_status cflowad_overlay_options_init(cflowad_overlay_options *options, size_t struct_size);
cflowad_status cflowad_render_overlay(
    const cflowad_frame *frame, const float *map, size_t map_count, const cflowad_overlay_options *options, void *rgb,
    size_t capacity);
cflowad_status cflowad_auroc(const float *scores, const uint8_t *labels, size_t count, double *auroc);
cflowad_status cflowad_average_precision(
    const float *scores, const uint8_t *labels, size_t count, double *average_precision);
cflowad_status cflowad_f1_max(const float *scores, const uint8_t *labels, size_t count, double *f1, float *threshold);
typedef int32_t cflowad_aupro_kind;
enum { CFLOWAD_AUPRO_STANDARD = 0, CFLOWAD_AUPRO_PAPER = 1 };
cflowad_status cflowad_aupro(
    const float *maps, const uint8_t *masks, size_t image_count, uint32_t width, uint32_t height,
    cflowad_aupro_kind kind, double *aupro);
#ifdef __cplusplus
}
#endif
#endif
