/*
 * Watching the line: what the session adds, what the host adds, states, and bad calls. The numbers themselves are held by
 * Tests/ScoringTests/WatchTests.swift.
 *
 *     watch_test DETECTOR.h5 FOLDER
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"
#include "setup.h"

enum { SIDE = 60 };

static int failed;

#define CHECK(holds) check((holds) != 0, __LINE__, #holds)

static void check(int holds, int line, const char *what) {
    if (holds) return;
    failed++;
    fprintf(stderr, "line %d: %s (%s)\n", line, what, cflowad_last_error());
}

static unsigned char pixels[SIDE * SIDE * 3];

static cflowad_watch_state state_of(const cflowad_watch *watch) {
    cflowad_watch_state state;
    memset(&state, 0, sizeof state);
    state.struct_size = sizeof state;
    CHECK(cflowad_watch_get_state(watch, &state) == CFLOWAD_OK);
    return state;
}

static float score(cflowad_session *session, unsigned seed) {
    cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, seed);
    cflowad_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    CHECK(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK);
    return result.score;
}

static cflowad_watch *new_watch(const cflowad_model *model) {
    cflowad_watch *watch = NULL;
    cflowad_watch_options options;
    CHECK(cflowad_watch_options_init(&options, sizeof options) == CFLOWAD_OK);
    CHECK(options.false_alarm_rate == 0.01 && options.seed == 0);
    options.false_alarm_rate = 0.001;
    options.seed = 3;
    CHECK(cflowad_watch_create(model, &options, &watch) == CFLOWAD_OK);
    return watch;
}

/* The same detector with other calibration frames. */
static cflowad_model *recalibrated(const char *detector, const char *folder) {
    cflowad_trainer *trainer = NULL;
    cflowad_model *model = NULL;
    char path[4096];
    unsigned seed;
    snprintf(path, sizeof path, "%s/watch.h5", folder);
    CHECK(cflowad_trainer_create(detector, NULL, &trainer) == CFLOWAD_OK);
    for (seed = 0; seed < 20; seed++) {
        cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, 30 + seed);
        CHECK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_CALIBRATION) == CFLOWAD_OK);
    }
    CHECK(cflowad_trainer_calibrate(trainer, NULL, NULL) == CFLOWAD_OK);
    CHECK(cflowad_trainer_save(trainer, path) == CFLOWAD_OK && cflowad_trainer_close(trainer) == CFLOWAD_OK);
    CHECK(cflowad_model_open(path, &model) == CFLOWAD_OK);
    return model;
}

/* A session's frames are those that the host would add. */
static void test_session(const cflowad_model *model, const cflowad_model *other) {
    cflowad_watch *watch = new_watch(model), *by_hand = new_watch(model), *strange = new_watch(other);
    cflowad_session *session = NULL;
    cflowad_queue *queue = NULL;
    cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, 1);
    cflowad_result result;
    cflowad_completion done;
    cflowad_rect corner = {0, 0, SIDE / 2, SIDE / 2};
    cflowad_roi roi;
    cflowad_watch_state a, b;
    unsigned seed;
    memset(&result, 0, sizeof result);
    memset(&done, 0, sizeof done);
    memset(&roi, 0, sizeof roi);
    result.struct_size = sizeof result;
    done.struct_size = sizeof done;
    roi.struct_size = sizeof roi;
    roi.frame_width = roi.frame_height = SIDE;
    roi.rects = &corner;
    roi.rect_count = 1;
    a = state_of(watch);
    CHECK(a.frame_count == 0 && a.evidence == 1 && a.highest_evidence == 1 && a.false_alarm_rate == 0.001);
    CHECK(a.changed_at == 0 && !a.has_changed && isnan(a.recent_share) && a.calibration_count == 20);
    CHECK(cflowad_session_create(model, NULL, &session) == CFLOWAD_OK);
    score(session, 1);
    CHECK(cflowad_session_set_watch(session, 1, watch) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_set_watch(session, 0, strange) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_set_watch(session, 0, watch) == CFLOWAD_OK);
    for (seed = 0; seed < 10; seed++) CHECK(cflowad_watch_add(by_hand, score(session, seed)) == CFLOWAD_OK);
    CHECK(cflowad_queue_create(session, NULL, &queue) == CFLOWAD_OK);
    frame = striped_frame(pixels, SIDE, SIDE, 11);
    CHECK(cflowad_queue_submit(queue, &frame, &result, NULL, NULL) == CFLOWAD_OK);
    CHECK(cflowad_queue_wait(queue, CFLOWAD_FOREVER, &done) == CFLOWAD_OK && done.status == CFLOWAD_OK);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
    CHECK(cflowad_watch_add(by_hand, result.score) == CFLOWAD_OK);
    a = state_of(watch);
    b = state_of(by_hand);
    CHECK(a.frame_count == 11 && b.frame_count == 11 && a.evidence == b.evidence && a.evidence != 1);
    CHECK(a.recent_share == b.recent_share && a.highest_evidence == b.highest_evidence);

    /* In another region of interest frames do not count. */
    CHECK(cflowad_session_set_region_of_interest(session, &roi) == CFLOWAD_OK);
    score(session, 1);
    CHECK(state_of(watch).frame_count == 11);
    CHECK(cflowad_session_set_region_of_interest(session, NULL) == CFLOWAD_OK);
    /* The handle may be closed; another model's frames do not count; nor do any without a watch. */
    score(session, 1);
    CHECK(state_of(watch).frame_count == 12);
    CHECK(cflowad_session_replace_model(session, 0, other) == CFLOWAD_OK);
    score(session, 1);
    CHECK(state_of(watch).frame_count == 12);
    CHECK(cflowad_session_set_watch(session, 0, watch) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_set_watch(session, 0, strange) == CFLOWAD_OK);
    score(session, 1);
    CHECK(cflowad_session_set_watch(session, 0, NULL) == CFLOWAD_OK);
    score(session, 1);
    CHECK(state_of(strange).frame_count == 1);
    CHECK(cflowad_session_set_watch(session, 0, strange) == CFLOWAD_OK && cflowad_watch_close(strange) == CFLOWAD_OK);
    score(session, 1);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    CHECK(cflowad_watch_close(watch) == CFLOWAD_OK && cflowad_watch_close(by_hand) == CFLOWAD_OK);
}

static void test_states(const cflowad_model *model, const cflowad_model *other) {
    cflowad_watch *a = new_watch(model), *b = new_watch(model), *strange = new_watch(other);
    size_t size = 0, again = 0;
    char *bytes;
    int i;
    /* Far above every good frame. */
    for (i = 0; i < 40; i++) CHECK(cflowad_watch_add(a, (float)(100 + i)) == CFLOWAD_OK);
    CHECK(state_of(a).has_changed == 1 && state_of(a).changed_at > 2 && state_of(a).recent_share == 0);
    CHECK(state_of(a).evidence >= 1000);
    CHECK(cflowad_watch_export(a, NULL, 0, &size) == CFLOWAD_OK && size > 0);
    bytes = malloc(size);
    CHECK(bytes && cflowad_watch_export(a, bytes, size - 1, &again) == CFLOWAD_ERROR_BUFFER_TOO_SMALL && again == size);
    CHECK(cflowad_watch_export(a, bytes, size, &again) == CFLOWAD_OK && again == size);
    CHECK(cflowad_watch_import(b, bytes, size) == CFLOWAD_OK);
    CHECK(state_of(b).evidence == state_of(a).evidence && state_of(b).changed_at == state_of(a).changed_at);
    CHECK(cflowad_watch_import(b, bytes, size - 1) == CFLOWAD_ERROR_FORMAT);
    CHECK(cflowad_watch_import(strange, bytes, size) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_reset(b) == CFLOWAD_OK && state_of(b).frame_count == 0 && !state_of(b).has_changed);

    CHECK(cflowad_watch_export(a, NULL, size, &again) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_export(a, bytes, size, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_import(b, NULL, size) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_import(b, bytes, 0) == CFLOWAD_ERROR_FORMAT);
    free(bytes);
    CHECK(cflowad_watch_close(a) == CFLOWAD_OK && cflowad_watch_close(b) == CFLOWAD_OK);
    CHECK(cflowad_watch_close(strange) == CFLOWAD_OK);
}

static void test_bad_calls(const cflowad_model *model) {
    cflowad_watch *watch = NULL;
    cflowad_watch_options options;
    cflowad_watch_state state;
    cflowad_session *session = NULL;
    memset(&state, 0, sizeof state);
    CHECK(cflowad_watch_options_init(NULL, sizeof options) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_options_init(&options, 8) == CFLOWAD_ERROR_STRUCT_SIZE);
    CHECK(cflowad_watch_options_init(&options, sizeof options) == CFLOWAD_OK);
    options.false_alarm_rate = 0;
    CHECK(cflowad_watch_create(model, &options, &watch) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    options.false_alarm_rate = (double)NAN;
    CHECK(cflowad_watch_create(model, &options, &watch) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_create(NULL, NULL, &watch) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_create(model, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT && !watch);
    CHECK(cflowad_watch_create(model, NULL, &watch) == CFLOWAD_OK);
    CHECK(cflowad_watch_add(watch, NAN) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_add(NULL, 1) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_get_state(watch, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_watch_get_state(watch, &state) == CFLOWAD_ERROR_STRUCT_SIZE);
    CHECK(cflowad_session_create(model, NULL, &session) == CFLOWAD_OK);
    CHECK(cflowad_session_set_watch(session, (size_t)-1, watch) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_set_watch(session, 0, (cflowad_watch *)session) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_session_set_watch((cflowad_session *)watch, 0, watch) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_watch_close((cflowad_watch *)session) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    CHECK(cflowad_watch_close(NULL) == CFLOWAD_OK && cflowad_watch_close(watch) == CFLOWAD_OK);
    CHECK(cflowad_watch_close(watch) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_watch_reset(watch) == CFLOWAD_ERROR_INVALID_HANDLE);
}

int main(int argc, char **argv) {
    cflowad_model *model, *other = NULL;
    if (argc < 3) return 2;
    model = recalibrated(argv[1], argv[2]);
    CHECK(cflowad_model_open(argv[1], &other) == CFLOWAD_OK);
    test_session(model, other);
    test_states(model, other);
    test_bad_calls(model);
    CHECK(cflowad_model_close(model) == CFLOWAD_OK && cflowad_model_close(other) == CFLOWAD_OK);
    printf("watch_test: %d failed\n", failed);
    return failed != 0;
}
