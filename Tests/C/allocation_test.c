/*
 * Scoring a frame allocates nothing once a frame of its size has been scored, by a call or in a queue: this program's own
 * malloc counts.
 *
 *     allocation_test DETECTOR.h5
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"
#include "host_threads.h"
#include "setup.h"

static atomic_long calls;

/* glibc's own allocator under its internal names, which stay when malloc is replaced. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    calls++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    calls++;
    return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
    calls++;
    return __libc_realloc(memory, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    calls++;
    return __libc_memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
    calls++;
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

static int failed;

static void check(int holds, const char *what) {
    if (!holds) {
        failed++;
        printf("failed: %s (%s)\n", what, cflowad_last_error());
    }
}

/* Frames through a queue with a watch, some that come too late, and waiting in vain. */
static void test_queue(
    const cflowad_model *model, cflowad_session *session, const cflowad_frame *frame, cflowad_result *result) {
    cflowad_queue *queue = NULL;
    cflowad_watch *watch = NULL;
    cflowad_submission late;
    cflowad_completion done;
    long before = 0;
    int i;

    memset(&late, 0, sizeof late);
    memset(&done, 0, sizeof done);
    late.struct_size = sizeof late;
    done.struct_size = sizeof done;
    late.start_within_ns = 1;
    late.timeout_ns = 1000000;
    check(cflowad_watch_create(model, NULL, &watch) == CFLOWAD_OK, "create a watch");
    check(cflowad_session_set_region_of_interest(session, NULL) == CFLOWAD_OK, "the calibration's region");
    check(cflowad_session_set_watch(session, 0, watch) == CFLOWAD_OK, "watch");
    check(cflowad_queue_create(session, NULL, &queue) == CFLOWAD_OK, "create a queue");
    for (i = 0; i < 12; i++) {
        if (i == 2) before = calls;
        check(cflowad_queue_submit(queue, frame, result, i % 3 ? NULL : &late, NULL) == CFLOWAD_OK, "submit");
        check(cflowad_queue_wait(queue, CFLOWAD_FOREVER, &done) == CFLOWAD_OK, "wait");
        check(done.status == (i % 3 ? CFLOWAD_OK : CFLOWAD_ERROR_LATE), "status");
        check(cflowad_queue_wait(queue, 0, &done) == CFLOWAD_ERROR_TIMEOUT, "wait in vain");
    }
    check(calls == before, "no allocation by a queue");
    check(cflowad_queue_close(queue) == CFLOWAD_OK, "close a queue");
    {
        cflowad_watch_state state;
        memset(&state, 0, sizeof state);
        state.struct_size = sizeof state;
        check(cflowad_watch_get_state(watch, &state) == CFLOWAD_OK && state.frame_count == 8, "frames were watched");
    }
    check(cflowad_watch_close(watch) == CFLOWAD_OK, "close a watch");
}

int main(int argc, char **argv) {
    enum { WIDTH = 317, HEIGHT = 211, FRAMES = 10, BATCH = 5 };
    static unsigned char pixels[(WIDTH + 1) * HEIGHT * 6];
    static float frame_map[WIDTH * HEIGHT];
    static const int formats[] = {
        CFLOWAD_PIXEL_GRAY8,         CFLOWAD_PIXEL_RGB8,          CFLOWAD_PIXEL_BGR8,      CFLOWAD_PIXEL_RGBA8,
        CFLOWAD_PIXEL_BGRA8,         CFLOWAD_PIXEL_MONO16,        CFLOWAD_PIXEL_MONO10P,   CFLOWAD_PIXEL_MONO12P,
        CFLOWAD_PIXEL_MONO10_PACKED, CFLOWAD_PIXEL_MONO12_PACKED, CFLOWAD_PIXEL_RGB16,     CFLOWAD_PIXEL_BGR16,
        CFLOWAD_PIXEL_RGB8_PLANAR,   CFLOWAD_PIXEL_BAYER_RG8,     CFLOWAD_PIXEL_BAYER_GR8, CFLOWAD_PIXEL_BAYER_GB8,
        CFLOWAD_PIXEL_BAYER_BG8,     CFLOWAD_PIXEL_NV12,          CFLOWAD_PIXEL_YUY2};
    cflowad_model *model = NULL;
    static cflowad_region regions[64];
    static cflowad_point points[4096];
    cflowad_session *session = NULL;
    cflowad_session_options options;
    cflowad_rect most = {1, 1, WIDTH - 1, HEIGHT - 1};
    cflowad_roi roi;
    cflowad_model_info info;
    uint32_t map_width, map_height, tiles;
    cflowad_result result;
    static cflowad_frame batch_frames[BATCH];
    static cflowad_result batch_results[BATCH];
    size_t i, positions = 0, features = 0;
    size_t format;
    int frame_index;
    long before;

    if (argc < 2) return 2;
    for (i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * 2654435761u >> 13);
    check(cflowad_session_options_init(&options, sizeof options) == CFLOWAD_OK, "options");
    options.region_threshold = 0.03f;
    check(cflowad_model_open(argv[1], &model) == CFLOWAD_OK, "open");
    check(cflowad_session_create(model, &options, &session) == CFLOWAD_OK, "create");
    memset(&roi, 0, sizeof roi);
    roi.struct_size = sizeof roi;
    roi.frame_width = WIDTH;
    roi.frame_height = HEIGHT;
    roi.rects = &most;
    roi.rect_count = 1;
    check(cflowad_session_set_region_of_interest(session, &roi) == CFLOWAD_OK, "region of interest");
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    check(cflowad_model_get_info(model, &info) == CFLOWAD_OK, "info");
    check(cflowad_model_info_map_size(&info, WIDTH, HEIGHT, &map_width, &map_height, &tiles) == CFLOWAD_OK, "map size");
    for (i = 0; i < info.level_count; i++) {
        size_t level = (size_t)info.level_width[i] * info.level_height[i];
        positions += level;
        features += level * info.level_channels[i];
    }
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    result.map_capacity = (size_t)map_width * map_height;
    result.map = calloc(result.map_capacity, sizeof(float));
    result.frame_map = frame_map;
    result.frame_map_capacity = WIDTH * HEIGHT;
    positions *= tiles;
    result.log_likelihoods_capacity = positions;
    result.log_likelihoods = calloc(positions, sizeof(float));
    result.regions = regions;
    result.region_size = sizeof regions[0];
    result.region_capacity = sizeof regions / sizeof regions[0];
    result.contour_points = points;
    result.contour_capacity = sizeof points / sizeof points[0];
    features *= tiles;
    result.features_capacity = features;
    result.features = calloc(features, sizeof(float));

    check(calls > 0, "the counter counts");
    for (format = 0; format < sizeof formats / sizeof *formats; format++) {
        cflowad_frame frame = rgb_frame(pixels, WIDTH, HEIGHT);
        frame.stride = formats[format] < CFLOWAD_PIXEL_RGB8_PLANAR ? 6 * WIDTH : 2 * (WIDTH + 1);
        frame.format = formats[format];
        result.frame_map = NULL;
        check(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK, "first score");
        before = calls;
        for (frame_index = 0; frame_index < FRAMES; frame_index++) {
            pixels[frame_index] ^= 255;
            /* With memory of the caller and with the session's own. */
            result.frame_map = frame_index % 2 ? frame_map : NULL;
            check(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK, "score");
            check(result.region_count > 0 && result.contour_count > 0, "regions");
        }
        if (calls != before) {
            failed++;
            printf("failed: format %d: %ld allocations in %d frames\n", formats[format], calls - before, FRAMES);
        }
    }
    /* Frames of four sizes in turn, and what is found in them, in a session that has met no other format yet. */
    cflowad_session_close(session);
    check(cflowad_session_create(model, &options, &session) == CFLOWAD_OK, "create");
    result.frame_map = NULL;
    for (frame_index = 0; frame_index < 3 * 4; frame_index++) {
        cflowad_frame frame = rgb_frame(pixels, WIDTH - 20 * (frame_index % 2), HEIGHT - 30 * (frame_index / 2 % 2));
        if (frame_index == 4) before = calls;
        check(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK, "score");
        check(result.region_count > 0 && result.contour_count > 0, "regions");
    }
    check(calls == before, "no allocation by frames of four sizes");
    /* The same sizes in every format. */
    for (frame_index = 0; frame_index < 4; frame_index++)
        for (format = 0; format < sizeof formats / sizeof *formats; format++) {
            cflowad_frame frame =
                rgb_frame(pixels, WIDTH - 20 * (frame_index % 2), HEIGHT - 30 * (frame_index / 2 % 2));
            frame.stride = formats[format] < CFLOWAD_PIXEL_RGB8_PLANAR ? 6 * WIDTH : 2 * (WIDTH + 1);
            frame.format = formats[format];
            check(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK, "score");
        }
    check(calls == before, "no allocation by frames of four sizes in all formats");
    {
        cflowad_frame frame = rgb_frame(pixels, WIDTH, HEIGHT);
        test_queue(model, session, &frame, &result);
    }
    cflowad_session_close(session);

    options.parallel_for = in_order;
    check(cflowad_session_create(model, &options, &session) == CFLOWAD_OK, "create with the host's threads");
    for (frame_index = 0; frame_index < 2; frame_index++) {
        cflowad_frame frame = rgb_frame(pixels, WIDTH, HEIGHT);
        before = calls;
        check(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK, "score with the host's threads");
    }
    check(calls == before, "no allocation with the host's threads");
    cflowad_session_close(session);

    /* A batch, whose frames the threads share out. */
    options.parallel_for = NULL;
    options.thread_count = 3;
    check(cflowad_session_create(model, &options, &session) == CFLOWAD_OK, "create with three threads");
    for (i = 0; i < BATCH; i++) {
        batch_frames[i] = rgb_frame(pixels, WIDTH - 20 * (i % 2), HEIGHT);
        memset(&batch_results[i], 0, sizeof batch_results[i]);
        batch_results[i].struct_size = sizeof batch_results[i];
        batch_results[i].regions = regions;
        batch_results[i].region_size = sizeof regions[0];
        batch_results[i].region_capacity = sizeof regions / sizeof regions[0];
    }
    check(cflowad_session_score_batch(session, batch_frames, BATCH, batch_results) == CFLOWAD_OK, "first batch");
    before = calls;
    for (frame_index = 0; frame_index < FRAMES; frame_index++)
        check(cflowad_session_score_batch(session, batch_frames, BATCH, batch_results) == CFLOWAD_OK, "batch");
    check(calls == before, "no allocation by batches");
    cflowad_session_close(session);
    cflowad_model_close(model);
    free(result.map);
    free(result.log_likelihoods);
    free(result.features);
    printf("allocation_test: %d failed\n", failed);
    return failed != 0;
}
