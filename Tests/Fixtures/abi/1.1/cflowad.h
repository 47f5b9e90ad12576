#ifndef CFLOWAD_H
#define CFLOWAD_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define CFLOWAD_VERSION_MAJOR 1
#define CFLOWAD_VERSION_MINOR 1
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
    CFLOWAD_PIXEL_BGRA8 = 5,
    CFLOWAD_PIXEL_RGBX8 = CFLOWAD_PIXEL_RGBA8,
    CFLOWAD_PIXEL_BGRX8 = CFLOWAD_PIXEL_BGRA8,
    CFLOWAD_PIXEL_MONO16 = 10,
    CFLOWAD_PIXEL_MONO10P = 11,
    CFLOWAD_PIXEL_MONO12P = 12,
    CFLOWAD_PIXEL_MONO10_PACKED = 13,
    CFLOWAD_PIXEL_MONO12_PACKED = 14,
    CFLOWAD_PIXEL_RGB16 = 20,
    CFLOWAD_PIXEL_BGR16 = 21,
    CFLOWAD_PIXEL_RGB8_PLANAR = 22,
    CFLOWAD_PIXEL_BAYER_RG8 = 30,
    CFLOWAD_PIXEL_BAYER_GR8 = 31,
    CFLOWAD_PIXEL_BAYER_GB8 = 32,
    CFLOWAD_PIXEL_BAYER_BG8 = 33,
    CFLOWAD_PIXEL_NV12 = 40,
    CFLOWAD_PIXEL_YUY2 = 41
};
#define CFLOWAD_FRAME_BOTTOM_UP 1u
#define CFLOWAD_MAX_FRAME_SIDE 65535
typedef struct cflowad_frame {
    size_t struct_size;
    const void *data;
    uint32_t width;
    uint32_t height;
    size_t stride;
    cflowad_pixel_format format;
    uint32_t flags;
    const void *planes[2];
    size_t plane_strides[2];
    uint32_t significant_bits;
    uint32_t shift;
    uint32_t crop_x;
    uint32_t crop_y;
    uint32_t crop_width;
    uint32_t crop_height;
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
    float review_threshold;
    float pixel_threshold;
    float map_low;
    float map_high;
    uint64_t calibration_count;
    uint32_t has_region_of_interest;
    uint32_t reserved;
    double promised_rate;
    uint32_t tile_width;
    uint32_t tile_height;
    uint32_t tile_overlap;
    uint32_t reserved2;
} cflowad_model_info;
cflowad_status cflowad_model_open(const char *path, cflowad_model **model);
cflowad_status cflowad_model_open_memory(const void *data, size_t size, cflowad_model **model);
cflowad_status cflowad_model_get_info(const cflowad_model *model, cflowad_model_info *info);
cflowad_status cflowad_model_info_map_size(
    const cflowad_model_info *info, uint32_t frame_width, uint32_t frame_height, uint32_t *map_width,
    uint32_t *map_height, uint32_t *tile_count);
cflowad_status cflowad_model_close(cflowad_model *model);
typedef struct cflowad_session cflowad_session;
typedef void (*cflowad_parallel_for)(
    void *context, uint32_t count, void (*body)(void *body_context, uint32_t index), void *body_context);
typedef struct cflowad_session_options {
    size_t struct_size;
    float threshold;
    uint32_t thread_count;
    float review_threshold;
    float region_threshold;
    uint32_t region_min_area;
    float region_min_score;
    cflowad_parallel_for parallel_for;
    void *parallel_for_context;
} cflowad_session_options;
cflowad_status cflowad_session_options_init(cflowad_session_options *options, size_t struct_size);
typedef int32_t cflowad_verdict;
enum { CFLOWAD_VERDICT_PASS = 0, CFLOWAD_VERDICT_REVIEW = 1, CFLOWAD_VERDICT_REJECT = 2 };
typedef struct cflowad_point {
    int32_t x;
    int32_t y;
} cflowad_point;
typedef struct cflowad_region {
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
    uint32_t area;
    float centroid_x;
    float centroid_y;
    float peak;
    uint32_t peak_x;
    uint32_t peak_y;
    float mean;
    float p_value;
    size_t contour_first;
    size_t contour_count;
} cflowad_region;
typedef struct cflowad_shape {
    uint32_t map_width;
    uint32_t map_height;
    uint32_t tile_count;
    uint32_t level_count;
    uint32_t level_width[CFLOWAD_MAX_LEVELS];
    uint32_t level_height[CFLOWAD_MAX_LEVELS];
    uint32_t level_channels[CFLOWAD_MAX_LEVELS];
} cflowad_shape;
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
    float p_value;
    float review_threshold;
    void *regions;
    size_t region_size;
    size_t region_capacity;
    size_t region_count;
    cflowad_point *contour_points;
    size_t contour_capacity;
    size_t contour_count;
    cflowad_shape shape;
} cflowad_result;
cflowad_status cflowad_session_create(
    const cflowad_model *model, const cflowad_session_options *options, cflowad_session **session);
typedef struct cflowad_rect {
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
} cflowad_rect;
typedef struct cflowad_roi {
    size_t struct_size;
    uint32_t frame_width;
    uint32_t frame_height;
    const cflowad_rect *rects;
    size_t rect_count;
    const uint8_t *mask;
    uint32_t mask_width;
    uint32_t mask_height;
    size_t mask_stride;
} cflowad_roi;
cflowad_status cflowad_session_set_region_of_interest(cflowad_session *session, const cflowad_roi *roi);
cflowad_status cflowad_session_score(cflowad_session *session, const cflowad_frame *frame, cflowad_result *result);
cflowad_status cflowad_session_score_batch(
    cflowad_session *session, const cflowad_frame *frames, size_t count, cflowad_result *results);
cflowad_status cflowad_session_create_many(
    const cflowad_model *const *models, size_t count, const cflowad_session_options *options,
    cflowad_session **session);
cflowad_status cflowad_session_score_all(cflowad_session *session, const cflowad_frame *frame, cflowad_result *results);
cflowad_status cflowad_session_replace_model(cflowad_session *session, size_t index, const cflowad_model *model);
cflowad_status cflowad_session_close(cflowad_session *session);
typedef struct cflowad_trainer cflowad_trainer;
enum { CFLOWAD_PERMUTATION_SOFT = 0, CFLOWAD_PERMUTATION_HARD = 1 };
enum { CFLOWAD_CLAMP_TANH = 0, CFLOWAD_CLAMP_TANH_SCALED = 1 };
enum { CFLOWAD_SCHEDULE_CONSTANT = 0, CFLOWAD_SCHEDULE_COSINE = 1, CFLOWAD_SCHEDULE_STEPS = 2 };
enum { CFLOWAD_THRESHOLD_CONFORMAL = 0, CFLOWAD_THRESHOLD_F1 = 1, CFLOWAD_THRESHOLD_COST = 2 };
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
    int32_t schedule;
    uint32_t image_batch;
    uint32_t fiber_batch;
    float learning_rate;
    float rotation_degrees;
    float calibration_fraction;
    float false_reject_rate;
    uint64_t seed;
    uint64_t feature_cache_bytes;
    float decay_rate;
    uint32_t decay_percents[3];
    float review_rate;
    float pixel_rate;
    int32_t threshold_rule;
    float miss_cost;
    float window_low;
    float window_high;
    uint32_t tile_width;
    uint32_t tile_height;
    uint32_t tile_overlap;
    uint32_t reserved;
} cflowad_train_options;
cflowad_status cflowad_train_options_init(cflowad_train_options *options, size_t struct_size);
enum { CFLOWAD_ROLE_TRAINING = 0, CFLOWAD_ROLE_CALIBRATION = 1, CFLOWAD_ROLE_DEFECTIVE = 2 };
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
cflowad_status cflowad_trainer_set_checkpoint(cflowad_trainer *trainer, const char *path);
cflowad_status cflowad_trainer_fit(cflowad_trainer *trainer, cflowad_progress_callback progress, void *user);
cflowad_status cflowad_trainer_set_region_of_interest(cflowad_trainer *trainer, const cflowad_roi *roi);
cflowad_status cflowad_trainer_calibrate(cflowad_trainer *trainer, cflowad_progress_callback progress, void *user);
cflowad_status cflowad_calibration_promise(
    uint64_t frame_count, double wanted_rate, double *promised_rate, double *likely_rate, uint64_t *frames_needed);
cflowad_status cflowad_trainer_save(cflowad_trainer *trainer, const char *path);
cflowad_status cflowad_trainer_save_linked(cflowad_trainer *trainer, const char *path, const char *encoder_file);
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
