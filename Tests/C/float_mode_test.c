/*
 * Hosts with other floating-point modes: all roundings, denormals flushed to zero or taken for zero, traps. Whichever is
 * set, every function gives the same bits, leaves the mode as it was, down to the flags, and traps nothing; functions of
 * the host run in the host's mode.
 *
 *     float_mode_test DETECTOR.h5 FOLDER
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmmintrin.h>

#include "cflowad.h"
#include "setup.h"

enum { WIDTH = 61, HEIGHT = 43, PIXELS = WIDTH * HEIGHT, FRAMES = 6, STEPS = 200, MOST_BYTES = 32 << 20 };

typedef struct mode {
    unsigned sse;
    unsigned short x87;
} mode;

static const mode usual = {0x1f80, 0x37f};
static mode host;
static int failures, foreign_modes, host_calls;

static mode current(void) {
    mode now;
    now.sse = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(now.x87));
    return now;
}

static void set(mode wanted) {
    _mm_setcsr(wanted.sse);
    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(wanted.x87));
}

static int is_host(mode now) {
    unsigned short happened;
    __asm__ volatile("fnstsw %0" : "=m"(happened));
    return now.sse == host.sse && now.x87 == host.x87 && (happened & 0x3f) == 0;
}

/* What each step gave in the default mode, and gives now. */
static uint64_t expected[STEPS], hash;
static int step, is_first = 1;

static void add(const void *bytes, size_t count) {
    const unsigned char *byte = bytes;
    while (count-- > 0) hash = (hash ^ *byte++) * 0x100000001b3u;
}

static void end_step(int line) {
    if (step >= STEPS) exit(2);
    if (is_first) expected[step] = hash;
    if (hash != expected[step]) {
        failures++;
        fprintf(stderr, "float_mode_test: line %d: other bits in mode %x %x\n", line, host.sse, host.x87);
        hash = expected[step];
    }
    step++;
}

static void end_call(int line, const char *what, int is_good, mode after) {
    int is_kept = is_host(after);
    set(usual);
    if (is_kept && is_good) return;
    failures++;
    fprintf(
        stderr, "float_mode_test: line %d: %s: %s in mode %x %x (%s)\n", line, what,
        is_good ? "the mode has changed" : "failed", host.sse, host.x87, cflowad_last_error());
}

/* A call in the host's mode; nothing else runs in it. */
#define CALL(call)                                                                                                     \
    do {                                                                                                               \
        cflowad_status status_;                                                                                        \
        set(host);                                                                                                     \
        status_ = (call);                                                                                              \
        end_call(__LINE__, #call, status_ == CFLOWAD_OK, current());                                                   \
    } while (0)

#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        cflowad_status status_;                                                                                        \
        set(host);                                                                                                     \
        status_ = (call);                                                                                              \
        end_call(__LINE__, #call, status_ != CFLOWAD_OK, current());                                                   \
    } while (0)

#define GIVES(memory, size) (add(memory, size), end_step(__LINE__))

static void add_file(const char *path) {
    static unsigned char bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb");
    size_t count;
    if (!file) exit(2);
    count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    remove(path);
    if (count == 0) exit(2);
    add(bytes, count);
}

static int32_t progress(const cflowad_progress *report, void *user) {
    mode now = current();
    (void)report, (void)user;
    foreign_modes += !is_host(now);
    host_calls++;
    return 0;
}

static void in_order(void *context, uint32_t count, void (*body)(void *, uint32_t), void *body_context) {
    uint32_t i;
    (void)context;
    foreign_modes += !is_host(current());
    host_calls++;
    for (i = 0; i < count; i++) {
        body(body_context, i);
        foreign_modes += !is_host(current());
    }
}

static unsigned char pixels[FRAMES][3 * PIXELS];

static cflowad_frame frame(int number) { return rgb_frame(pixels[number], WIDTH, HEIGHT); }

static float frame_map[PIXELS];
static cflowad_region regions[16];
static cflowad_point points[1024];

static cflowad_result result(void) {
    cflowad_result result;
    memset(&result, 0, sizeof result);
    memset(frame_map, 0, sizeof frame_map);
    memset(regions, 0, sizeof regions);
    result.struct_size = sizeof result;
    result.frame_map = frame_map;
    result.frame_map_capacity = PIXELS;
    result.regions = regions;
    result.region_size = sizeof regions[0];
    result.region_capacity = sizeof regions / sizeof *regions;
    result.contour_points = points;
    result.contour_capacity = sizeof points / sizeof *points;
    return result;
}

static void add_result(const cflowad_result *result) {
    add(&result->score, sizeof result->score);
    add(&result->threshold, sizeof result->threshold);
    add(&result->verdict, sizeof result->verdict);
    add(&result->p_value, sizeof result->p_value);
    add(frame_map, sizeof frame_map);
    add(regions, sizeof regions);
}

#define SCORES(session)                                                                                                \
    do {                                                                                                               \
        cflowad_frame one_ = frame(0);                                                                                 \
        cflowad_result got_ = result();                                                                                \
        CALL(cflowad_session_score(session, &one_, &got_));                                                            \
        add_result(&got_);                                                                                             \
        end_step(__LINE__);                                                                                            \
    } while (0)

static void test_scoring(const char *path, const void *bytes, size_t size) {
    cflowad_overlay_options overlay;
    cflowad_model *model = NULL, *other = NULL;
    const cflowad_model *both[2];
    cflowad_session *session = NULL, *many = NULL, *hosted = NULL;
    cflowad_session_options options;
    cflowad_model_info info;
    cflowad_rect part = {3, 4, 40, 30};
    cflowad_roi roi;
    cflowad_frame frames[2];
    cflowad_result results[2];
    uint32_t sizes[3];
    int i;

    CALL(cflowad_model_open(path, &model));
    CALL(cflowad_model_open_memory(bytes, size, &other));
    REFUSED(cflowad_model_open("/nowhere/at/all.h5", &other));
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    CALL(cflowad_model_get_info(model, &info));
    GIVES(&info, sizeof info);
    CALL(cflowad_model_info_map_size(&info, WIDTH, HEIGHT, &sizes[0], &sizes[1], &sizes[2]));
    GIVES(sizes, sizeof sizes);
    CALL(cflowad_model_overlay_options(model, &overlay, sizeof overlay));
    GIVES(&overlay, sizeof overlay);

    CALL(cflowad_session_options_init(&options, sizeof options));
    options.thread_count = 2;
    options.region_threshold = 0.03f;
    CALL(cflowad_session_create(model, &options, &session));
    SCORES(session);
    both[0] = other;
    both[1] = model;
    CALL(cflowad_session_create_many(both, 2, &options, &many));
    for (i = 0; i < 2; i++) {
        frames[i] = frame(i);
        results[i] = result();
        results[i].contour_points = NULL;
    }
    CALL(cflowad_session_score_all(many, frames, results));
    for (i = 0; i < 2; i++) add_result(&results[i]);
    end_step(__LINE__);
    CALL(cflowad_session_score_batch(session, frames, 2, results));
    for (i = 0; i < 2; i++) add_result(&results[i]);
    end_step(__LINE__);
    CALL(cflowad_session_replace_model(many, 0, model));
    SCORES(many);
    memset(&roi, 0, sizeof roi);
    roi.struct_size = sizeof roi;
    roi.frame_width = WIDTH;
    roi.frame_height = HEIGHT;
    roi.rects = &part;
    roi.rect_count = 1;
    CALL(cflowad_session_set_region_of_interest(session, &roi));
    SCORES(session);
    options.thread_count = 3;
    options.parallel_for = in_order;
    CALL(cflowad_session_create(model, &options, &hosted));
    SCORES(hosted);
    CALL(cflowad_session_close(hosted));
    CALL(cflowad_session_close(many));
    CALL(cflowad_session_close(session));
    CALL(cflowad_model_close(other));
    CALL(cflowad_model_close(model));
}

static void test_training(const char *detector, const char *folder) {
    static const int32_t roles[FRAMES] = {CFLOWAD_ROLE_TRAINING,    CFLOWAD_ROLE_TRAINING,    CFLOWAD_ROLE_CALIBRATION,
                                          CFLOWAD_ROLE_CALIBRATION, CFLOWAD_ROLE_CALIBRATION, CFLOWAD_ROLE_DEFECTIVE};
    char path[4096], encoder[4096], state[4096];
    cflowad_trainer *trainer = NULL;
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_train_options options;
    int i;

    snprintf(path, sizeof path, "%s/mode.h5", folder);
    snprintf(encoder, sizeof encoder, "%s/mode_encoder.h5", folder);
    snprintf(state, sizeof state, "%s/mode.state", folder);
    CALL(cflowad_train_options_init(&options, sizeof options));
    options.meta_epochs = options.sub_epochs = 1;
    options.thread_count = 2;
    options.threshold_rule = CFLOWAD_THRESHOLD_COST;
    options.false_reject_rate = 0.3f;
    CALL(cflowad_trainer_create(detector, &options, &trainer));
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame one = frame(i);
        CALL(cflowad_trainer_add_frame(trainer, &one, roles[i]));
    }
    CALL(cflowad_trainer_set_checkpoint(trainer, state));
    CALL(cflowad_trainer_fit(trainer, progress, NULL));
    add_file(state);
    end_step(__LINE__);
    CALL(cflowad_trainer_set_region_of_interest(trainer, NULL));
    CALL(cflowad_trainer_calibrate(trainer, progress, NULL));
    CALL(cflowad_trainer_model(trainer, &model));
    CALL(cflowad_session_create(model, NULL, &session));
    SCORES(session);
    CALL(cflowad_trainer_save(trainer, path));
    add_file(path);
    end_step(__LINE__);
    CALL(cflowad_trainer_save_linked(trainer, path, "mode_encoder.h5"));
    add_file(path);
    add_file(encoder);
    end_step(__LINE__);
    CALL(cflowad_session_close(session));
    CALL(cflowad_model_close(model));
    CALL(cflowad_trainer_close(trainer));
}

static void test_functions(const char *folder) {
    static unsigned char rgb[3 * PIXELS];
    char path[4096];
    cflowad_frame one = frame(1);
    cflowad_overlay_options options;
    cflowad_pixel_format format = 0;
    float scores[32], threshold = 0;
    uint8_t labels[32];
    double values[7];
    uint64_t needed = 0;
    uint32_t width = 0, height = 0;
    int i;

    snprintf(path, sizeof path, "%s/mode.png", folder);
    CALL(cflowad_overlay_options_init(&options, sizeof options));
    options.threshold = 0.5f;
    for (i = 0; i < PIXELS; i++) frame_map[i] = (float)(i * 7 % 101) / 37;
    memset(rgb, 0, sizeof rgb);
    CALL(cflowad_render_overlay(&one, frame_map, PIXELS, &options, rgb, sizeof rgb));
    GIVES(rgb, sizeof rgb);
    CALL(cflowad_png_write(path, &one));
    CALL(cflowad_png_read_info(path, &width, &height, &format));
    CALL(cflowad_png_read(path, rgb, sizeof rgb));
    GIVES(rgb, sizeof rgb);
    add_file(path);
    end_step(__LINE__);
    for (i = 0; i < 32; i++) {
        scores[i] = (float)(i * 11 % 31) / 3;
        labels[i] = (uint8_t)(i % 3 == 0);
    }
    memset(values, 0, sizeof values);
    CALL(cflowad_auroc(scores, labels, 32, &values[0]));
    CALL(cflowad_average_precision(scores, labels, 32, &values[1]));
    CALL(cflowad_f1_max(scores, labels, 32, &values[2], &threshold));
    CALL(cflowad_aupro(scores, labels, 2, 4, 4, CFLOWAD_AUPRO_STANDARD, &values[3]));
    CALL(cflowad_aupro(scores, labels, 2, 4, 4, CFLOWAD_AUPRO_PAPER, &values[4]));
    CALL(cflowad_calibration_promise(37, 0.1, &values[5], &values[6], &needed));
    GIVES(values, sizeof values);
    GIVES(&threshold, sizeof threshold);
    CALL(
        !*cflowad_build_info() || !*cflowad_status_name(3) || !*cflowad_verdict_name(1) || cflowad_version() == 0
        || cflowad_default_thread_count() == 0);
}

/* What a function of the host sets is the host's mode from then on. */
static int32_t change(const cflowad_progress *report, void *user) {
    (void)report, (void)user;
    host.sse = usual.sse | _MM_ROUND_UP;
    host.x87 = usual.x87 | 0x800;
    set(host);
    return 0;
}

static void test_change(const char *detector) {
    cflowad_trainer *trainer = NULL;
    cflowad_frame one = frame(0);
    host = usual;
    CALL(cflowad_trainer_create(detector, NULL, &trainer));
    CALL(cflowad_trainer_add_frame(trainer, &one, CFLOWAD_ROLE_CALIBRATION));
    CALL(cflowad_trainer_calibrate(trainer, change, NULL));
    if (host.sse == usual.sse) failures++;
    CALL(cflowad_trainer_close(trainer));
}

int main(int argc, char **argv) {
    static unsigned char bytes[MOST_BYTES];
    unsigned rounding, flushes, takes_zero, traps, modes = 0, i;
    size_t size;
    FILE *file;
    if (argc != 3) return fprintf(stderr, "usage: float_mode_test DETECTOR.h5 FOLDER\n"), 2;
    file = fopen(argv[1], "rb");
    if (!file || (size = fread(bytes, 1, sizeof bytes, file)) == 0 || fclose(file)) return 2;
    for (i = 0; i < sizeof pixels; i++) (&pixels[0][0])[i] = (unsigned char)(60 + (i * 2654435761u >> 26));
    for (i = 0; i < 3 * PIXELS; i++) pixels[FRAMES - 1][i] ^= 255;
    for (traps = 0; traps < 2; traps++)
        for (takes_zero = 0; takes_zero < 2; takes_zero++)
            for (flushes = 0; flushes < 2; flushes++)
                for (rounding = 0; rounding < 4; rounding++) {
                    host.sse =
                        (usual.sse & (traps ? ~0x1f80u : ~0u)) | rounding << 13 | flushes << 15 | takes_zero << 6;
                    host.x87 = (unsigned short)((usual.x87 & (traps ? ~0x3fu : ~0u)) | rounding << 10);
                    step = 0;
                    hash = 0xcbf29ce484222325u;
                    test_functions(argv[2]);
                    test_scoring(argv[1], bytes, size);
                    test_training(argv[1], argv[2]);
                    is_first = 0;
                    modes++;
                }
    test_change(argv[1]);
    if (foreign_modes || !host_calls) {
        failures++;
        fprintf(
            stderr, "float_mode_test: %d of %d calls of the host were not in its mode\n", foreign_modes, host_calls);
    }
    printf("float_mode_test: %u modes, %d steps, %d failed\n", modes, step, failures);
    return failures != 0;
}
