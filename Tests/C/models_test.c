/*
 * Several models in one session, and models exchanged while frames are scored.
 *
 *     models_test DETECTOR.h5 FOLDER [SECONDS [OTHER.h5]]
 *
 * The second model is the first one, or the other file's, with other calibration frames: other scores.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cflowad.h"
#include "setup.h"

enum { WIDTH = 96, HEIGHT = 72, THREADS = 4 };

static unsigned char pixels[HEIGHT * WIDTH * 3];
static int failed;

#define CHECK(holds) check(holds, __LINE__, #holds)

static void check(int holds, int line, const char *what) {
    if (holds) return;
    failed++;
    fprintf(stderr, "line %d: %s (%s)\n", line, what, cflowad_last_error());
}

static cflowad_frame frame_of(unsigned char *memory, unsigned seed) {
    int i;
    for (i = 0; i < HEIGHT * WIDTH * 3; i++)
        memory[i] =
            (unsigned char)((unsigned)(i / 24 % 12 + i / (24 * WIDTH) * 12 + 1) * (2654435761u + 8 * seed) >> 13);
    return rgb_frame(memory, WIDTH, HEIGHT);
}

static float score_with(cflowad_session *session) {
    cflowad_frame frame = frame_of(pixels, 5);
    cflowad_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    CHECK(cflowad_session_score(session, &frame, &result) == CFLOWAD_OK);
    return result.score;
}

static float score_alone(const cflowad_model *model) {
    cflowad_session *session = NULL;
    float score;
    CHECK(cflowad_session_create(model, NULL, &session) == CFLOWAD_OK);
    score = score_with(session);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    return score;
}

/* The same detector with another calibration. */
static void recalibrate(const char *detector, const char *path) {
    static unsigned char memory[HEIGHT * WIDTH * 3];
    cflowad_trainer *trainer = NULL;
    unsigned seed;
    CHECK(cflowad_trainer_create(detector, NULL, &trainer) == CFLOWAD_OK);
    for (seed = 0; seed < 3; seed++) {
        cflowad_frame frame = frame_of(memory, seed);
        CHECK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_CALIBRATION) == CFLOWAD_OK);
    }
    CHECK(cflowad_trainer_calibrate(trainer, NULL, NULL) == CFLOWAD_OK);
    CHECK(cflowad_trainer_save(trainer, path) == CFLOWAD_OK);
    CHECK(cflowad_trainer_close(trainer) == CFLOWAD_OK);
}

static void test_many(const cflowad_model *a, const cflowad_model *b) {
    const cflowad_model *models[3];
    float expected[3];
    cflowad_session *session = NULL;
    cflowad_frame frame = frame_of(pixels, 5);
    cflowad_result results[3];
    int i;
    models[0] = a;
    models[1] = b;
    models[2] = a;
    for (i = 0; i < 3; i++) expected[i] = score_alone(models[i]);
    CHECK(expected[0] != expected[1]);

    CHECK(cflowad_session_create_many(NULL, 3, NULL, &session) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_create_many(models, 0, NULL, &session) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_create_many(models, (size_t)-1, NULL, &session) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_create_many(models, 3, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    models[1] = NULL;
    CHECK(cflowad_session_create_many(models, 3, NULL, &session) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    models[1] = b;
    CHECK(cflowad_session_create_many(models, 3, NULL, &session) == CFLOWAD_OK);

    memset(results, 0, sizeof results);
    for (i = 0; i < 3; i++) results[i].struct_size = sizeof *results;
    CHECK(cflowad_session_score_all(session, &frame, results) == CFLOWAD_OK);
    for (i = 0; i < 3; i++) CHECK(results[i].score == expected[i]);
    CHECK(score_with(session) == expected[0]);
    CHECK(cflowad_session_score_all(session, &frame, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_score_all(session, NULL, results) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    results[2].struct_size--;
    CHECK(cflowad_session_score_all(session, &frame, results) == CFLOWAD_ERROR_STRUCT_SIZE);
    CHECK(strstr(cflowad_last_error(), "model 2") != NULL);
    results[2].struct_size++;
    /* Shapes of all are told before anything is scored. */
    memset(&results[2].shape, 0, sizeof results[2].shape);
    results[0].score = -77;
    results[0].map = &expected[0];
    CHECK(cflowad_session_score_all(session, &frame, results) == CFLOWAD_ERROR_BUFFER_TOO_SMALL);
    CHECK(results[0].score == -77 && results[2].shape.map_width > 0);
    results[0].map = NULL;

    CHECK(cflowad_session_replace_model(session, 3, b) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_replace_model(session, (size_t)-1, b) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_replace_model(session, 0, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_session_replace_model(session, 0, (cflowad_model *)session) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_session_replace_model((cflowad_session *)pixels, 0, b) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_session_replace_model(session, 2, b) == CFLOWAD_OK);
    CHECK(cflowad_session_score_all(session, &frame, results) == CFLOWAD_OK);
    CHECK(results[0].score == expected[0] && results[1].score == expected[1] && results[2].score == expected[1]);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
}

/* ------------------------------------------------------------------------------------------- under load */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int stop;
static float scores[2];

static int is_stopped(void) {
    int value;
    pthread_mutex_lock(&lock);
    value = stop;
    pthread_mutex_unlock(&lock);
    return value;
}

typedef struct camera {
    cflowad_session *session;
    long frames, wrong, refused, seen[2];
} camera;

static void *inspect(void *argument) {
    static __thread unsigned char memory[HEIGHT * WIDTH * 3];
    camera *self = argument;
    cflowad_frame frame = frame_of(memory, 5);
    while (!is_stopped()) {
        cflowad_result result;
        memset(&result, 0, sizeof result);
        result.struct_size = sizeof result;
        if (cflowad_session_score(self->session, &frame, &result) != CFLOWAD_OK) self->refused++;
        else if (result.score == scores[0]) self->seen[0]++;
        else if (result.score == scores[1]) self->seen[1]++;
        else self->wrong++;
        self->frames++;
    }
    return NULL;
}

static void test_swaps(const cflowad_model *a, const cflowad_model *b, double seconds) {
    camera cameras[THREADS];
    pthread_t threads[THREADS];
    const cflowad_model *models[2];
    cflowad_session_options options;
    time_t end = time(NULL) + (time_t)seconds;
    long swaps = 0, frames = 0, seen[2] = {0, 0};
    int i;
    models[0] = a;
    models[1] = b;
    for (i = 0; i < 2; i++) scores[i] = score_alone(models[i]);
    memset(cameras, 0, sizeof cameras);
    CHECK(cflowad_session_options_init(&options, sizeof options) == CFLOWAD_OK);
    options.thread_count = 1;
    for (i = 0; i < THREADS; i++) {
        CHECK(cflowad_session_create(a, &options, &cameras[i].session) == CFLOWAD_OK);
        CHECK(pthread_create(&threads[i], NULL, inspect, &cameras[i]) == 0);
    }
    while (time(NULL) < end || swaps < 20) {
        swaps++;
        for (i = 0; i < THREADS; i++)
            CHECK(cflowad_session_replace_model(cameras[i].session, 0, models[swaps % 2]) == CFLOWAD_OK);
    }
    pthread_mutex_lock(&lock);
    stop = 1;
    pthread_mutex_unlock(&lock);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(cameras[i].wrong == 0 && cameras[i].refused == 0);
        /* After the exchange returned, the new model it is. */
        CHECK(score_with(cameras[i].session) == scores[swaps % 2]);
        CHECK(cflowad_session_close(cameras[i].session) == CFLOWAD_OK);
        frames += cameras[i].frames;
        seen[0] += cameras[i].seen[0];
        seen[1] += cameras[i].seen[1];
    }
    CHECK(seen[0] > 0 && seen[1] > 0);
    printf("models_test: %ld exchanges in each of %d sessions, %ld frames scored meanwhile\n", swaps, THREADS, frames);
}

int main(int argc, char **argv) {
    cflowad_model *a = NULL, *b = NULL;
    char path[4096];
    if (argc < 3) return 2;
    snprintf(path, sizeof path, "%s/recalibrated.h5", argv[2]);
    recalibrate(argv[argc > 4 ? 4 : 1], path);
    CHECK(cflowad_model_open(argv[1], &a) == CFLOWAD_OK);
    CHECK(cflowad_model_open(path, &b) == CFLOWAD_OK);
    test_many(a, b);
    test_swaps(a, b, argc > 3 ? atof(argv[3]) : 1);
    CHECK(cflowad_model_close(a) == CFLOWAD_OK);
    CHECK(cflowad_model_close(b) == CFLOWAD_OK);
    printf("models_test: %d failed\n", failed);
    return failed != 0;
}
