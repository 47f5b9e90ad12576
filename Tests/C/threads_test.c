/*
 * Four threads with a session each, one model, the same frames: every output has the bits of a run on one thread.
 * Threads of the host in place of a session's: the same bits, however the host runs them.
 * And two threads on one session: each call either gives those bits or is refused as busy.
 *
 *     threads_test DETECTOR.h5
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"
#include "host_threads.h"
#include "setup.h"

enum { THREADS = 4, FRAMES = 6, ROUNDS = 2 };

static const unsigned sizes[FRAMES][2] = {{64, 48}, {320, 200}, {1, 1}, {640, 480}, {48, 64}, {129, 257}};
static unsigned char *pixels[FRAMES];
static cflowad_model_info info;
static size_t likelihood_count, feature_count;

typedef struct outputs {
    float score;
    cflowad_verdict verdict;
    float *map, *frame_map, *log_likelihoods, *features;
} outputs;

typedef struct worker {
    const cflowad_model *model;
    const cflowad_session_options *options;
    outputs outputs[FRAMES];
    int offset; /* threads meet the frames in different orders */
    int failed;
} worker;

static float *floats(size_t count) {
    float *memory = calloc(count, sizeof *memory);
    if (!memory) exit(2);
    return memory;
}

static size_t frame_pixels(int n) { return (size_t)sizes[n][0] * sizes[n][1]; }

static cflowad_status score(cflowad_session *session, int n, outputs *out) {
    cflowad_frame frame = frame_over(pixels[n], sizes[n][0], sizes[n][1], CFLOWAD_PIXEL_BGR8, 3);
    cflowad_result result;
    cflowad_status status;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    result.map = out->map;
    result.map_capacity = (size_t)info.input_width * info.input_height;
    result.frame_map = out->frame_map;
    result.frame_map_capacity = frame_pixels(n);
    result.log_likelihoods = out->log_likelihoods;
    result.log_likelihoods_capacity = likelihood_count;
    result.features = out->features;
    result.features_capacity = feature_count;
    status = cflowad_session_score(session, &frame, &result);
    out->score = result.score;
    out->verdict = result.verdict;
    return status;
}

static void make_outputs(outputs *out, int n) {
    out->map = floats((size_t)info.input_width * info.input_height);
    out->frame_map = floats(frame_pixels(n));
    out->log_likelihoods = floats(likelihood_count);
    out->features = floats(feature_count);
}

static int equal(const outputs *a, const outputs *b, int n) {
    return !memcmp(&a->score, &b->score, sizeof a->score) && a->verdict == b->verdict
        && !memcmp(a->map, b->map, sizeof(float) * info.input_width * info.input_height)
        && !memcmp(a->frame_map, b->frame_map, sizeof(float) * frame_pixels(n))
        && !memcmp(a->log_likelihoods, b->log_likelihoods, sizeof(float) * likelihood_count)
        && !memcmp(a->features, b->features, sizeof(float) * feature_count);
}

static void *work(void *argument) {
    worker *self = argument;
    cflowad_session *session = NULL;
    int round, i;
    self->failed = cflowad_session_create(self->model, self->options, &session) != CFLOWAD_OK;
    for (round = 0; round < ROUNDS && !self->failed; round++)
        for (i = 0; i < FRAMES && !self->failed; i++) {
            int n = (i + self->offset) % FRAMES;
            if (score(session, n, &self->outputs[n]) == CFLOWAD_OK) continue;
            fprintf(stderr, "threads_test: frame %d: %s\n", n, cflowad_last_error());
            self->failed = 1;
        }
    if (cflowad_session_close(session) != CFLOWAD_OK) self->failed = 1;
    return NULL;
}

/* Hosts' ways to run the bodies of a job; each counts its calls. */
static void backwards(void *calls, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    ++*(int *)calls;
    while (count-- > 0) body(context, count);
}

static void not_at_all(void *calls, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    (void)count, (void)body, (void)context;
    ++*(int *)calls;
}

/* More calls than were asked for, with indices that are none. */
static void too_often(void *calls, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    uint32_t i;
    ++*(int *)calls;
    body(context, UINT32_MAX);
    for (i = 0; i < 3 * count; i++) body(context, i + 1000000 * (i % 2));
}

/* One index for all, at the same time, and one call more than were asked for. */
static void one_index(void *calls, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    host_call same[MOST_HOST_THREADS];
    uint32_t i;
    ++*(int *)calls;
    for (i = 0; i < MOST_HOST_THREADS; i++) same[i] = (host_call){body, context, 7};
    run_host_calls(same, count + 1);
}

/* The number of failures with a host's threads. */
static int failures_with(cflowad_parallel_for parallel_for, const worker *expected) {
    static worker hosted;
    cflowad_session_options options;
    int calls = 0, failures = 0, n;
    if (cflowad_session_options_init(&options, sizeof options) != CFLOWAD_OK) return 1;
    options.thread_count = THREADS;
    options.parallel_for = parallel_for;
    options.parallel_for_context = &calls;
    hosted.model = expected->model;
    hosted.options = &options;
    for (n = 0; n < FRAMES; n++)
        if (!hosted.outputs[n].map) make_outputs(&hosted.outputs[n], n);
        else memset(hosted.outputs[n].map, 0, sizeof(float) * info.input_width * info.input_height);
    work(&hosted);
    failures += hosted.failed || calls == 0;
    for (n = 0; n < FRAMES; n++) failures += !equal(&hosted.outputs[n], &expected->outputs[n], n);
    if (failures) fprintf(stderr, "threads_test: %d failed with the host's threads, %d calls\n", failures, calls);
    return failures;
}

/* Calls that may meet another thread's on the same session. */
typedef struct intruder {
    cflowad_session *session;
    const outputs *expected;
    outputs own;
    int busy, wrong;
} intruder;

static void *intrude(void *argument) {
    intruder *self = argument;
    int i;
    for (i = 0; i < 20; i++) {
        cflowad_status status = score(self->session, 0, &self->own);
        if (status == CFLOWAD_ERROR_BUSY) self->busy++;
        else if (status != CFLOWAD_OK || !equal(&self->own, self->expected, 0)) self->wrong++;
    }
    return NULL;
}

int main(int argc, char **argv) {
    static worker alone, workers[THREADS];
    static intruder intruders[2];
    pthread_t threads[THREADS];
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    int failures = 0, t, n;
    size_t i;
    if (argc != 2) return fprintf(stderr, "usage: threads_test DETECTOR.h5\n"), 2;
    info.struct_size = sizeof info;
    if (cflowad_model_open(argv[1], &model) != CFLOWAD_OK || cflowad_model_get_info(model, &info) != CFLOWAD_OK)
        return fprintf(stderr, "threads_test: %s\n", cflowad_last_error()), 1;
    for (i = 0; i < info.level_count; i++) {
        size_t positions = (size_t)info.level_width[i] * info.level_height[i];
        likelihood_count += positions;
        feature_count += positions * info.level_channels[i];
    }
    for (n = 0; n < FRAMES; n++) {
        unsigned state = 12345u + (unsigned)n;
        pixels[n] = malloc(3 * frame_pixels(n));
        if (!pixels[n]) return 2;
        for (i = 0; i < 3 * frame_pixels(n); i++) {
            state = state * 1664525u + 1013904223u;
            pixels[n][i] = (unsigned char)(state >> 24);
        }
    }

    alone.model = model;
    for (n = 0; n < FRAMES; n++) make_outputs(&alone.outputs[n], n);
    work(&alone);
    failures += alone.failed;
    for (t = 0; t < THREADS; t++) {
        workers[t].model = model;
        workers[t].offset = t;
        for (n = 0; n < FRAMES; n++) make_outputs(&workers[t].outputs[n], n);
        if (pthread_create(&threads[t], NULL, work, &workers[t])) return 2;
    }
    for (t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        failures += workers[t].failed;
        for (n = 0; n < FRAMES; n++)
            if (!equal(&workers[t].outputs[n], &alone.outputs[n], n)) {
                fprintf(stderr, "threads_test: thread %d differs on frame %d\n", t, n);
                failures++;
            }
    }

    failures += failures_with(backwards, &alone);
    failures += failures_with(not_at_all, &alone);
    failures += failures_with(on_new_threads, &alone);
    failures += failures_with(too_often, &alone);
    failures += failures_with(one_index, &alone);

    if (cflowad_session_create(model, NULL, &session) != CFLOWAD_OK) return 1;
    for (t = 0; t < 2; t++) {
        intruders[t].session = session;
        intruders[t].expected = &alone.outputs[0];
        make_outputs(&intruders[t].own, 0);
        if (pthread_create(&threads[t], NULL, intrude, &intruders[t])) return 2;
    }
    for (t = 0; t < 2; t++) {
        pthread_join(threads[t], NULL);
        if (intruders[t].wrong) {
            fprintf(stderr, "threads_test: a shared session gave %d wrong results\n", intruders[t].wrong);
            failures++;
        }
    }
    cflowad_session_close(session);
    cflowad_model_close(model);
    printf("threads_test: %d threads, %d frames, %d failed\n", THREADS, FRAMES, failures);
    return failures != 0;
}
