/*
 * Queues: what is submitted comes back once, with the bits of the call that waits, whatever is cancelled, late, stopped or
 * closed meanwhile.
 *
 *     queue_test DETECTOR.h5 FOLDER [SECONDS]
 *
 * A session whose parallel_for waits at a gate stands still in the midst of a frame, so that nothing here depends on time.
 * Then threads submit, fetch, cancel and exchange the model for SECONDS.
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cflowad.h"
#include "host_threads.h"
#include "setup.h"

enum { WIDTH = 90, HEIGHT = 70, KINDS = 5, SHORT = 2000000 };

static int failed;

#define CHECK(holds) check((holds) != 0, __LINE__, #holds)

static void check(int holds, int line, const char *what) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (holds) return;
    pthread_mutex_lock(&lock);
    failed++;
    pthread_mutex_unlock(&lock);
    fprintf(stderr, "line %d: %s (%s)\n", line, what, cflowad_last_error());
}

/* ---- the gate */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int is_closed, is_reached;

static void gated(void *jobs, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    pthread_mutex_lock(&gate);
    is_reached = 1;
    pthread_cond_broadcast(&moved);
    while (is_closed) pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
    in_order(jobs, count, body, context);
}

static void set_gate(int closed) {
    pthread_mutex_lock(&gate);
    is_closed = closed;
    is_reached = 0;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&gate);
}

/* Until a frame stands at the gate. */
static void wait_at_gate(void) {
    pthread_mutex_lock(&gate);
    while (!is_reached) pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
}

/* ---- frames and what is right for them */

/* A frame with its own memory, until its completion was fetched. */
typedef struct job {
    unsigned char pixels[WIDTH * HEIGHT * 3];
    float map[WIDTH * HEIGHT];
    cflowad_frame frame;
    cflowad_result results[2];
    int kind;
} job;

static job *new_job(int kind) {
    job *self = calloc(1, sizeof *self);
    if (!self) abort();
    self->kind = kind;
    self->frame = striped_frame(self->pixels, (uint32_t)(WIDTH - kind), (uint32_t)(HEIGHT - 2 * kind), (unsigned)kind);
    self->results[0].struct_size = self->results[1].struct_size = sizeof self->results[0];
    self->results[0].frame_map = self->map;
    self->results[0].frame_map_capacity = WIDTH * HEIGHT;
    return self;
}

static cflowad_model *models[2];
static job *truth[2][KINDS];

static void find_truth(void) {
    int m, kind;
    for (m = 0; m < 2; m++) {
        cflowad_session *session = NULL;
        CHECK(cflowad_session_create(models[m], NULL, &session) == CFLOWAD_OK);
        for (kind = 0; kind < KINDS; kind++) {
            truth[m][kind] = new_job(kind);
            CHECK(cflowad_session_score(session, &truth[m][kind]->frame, &truth[m][kind]->results[0]) == CFLOWAD_OK);
        }
        CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    }
    CHECK(truth[0][0]->results[0].score != truth[1][0]->results[0].score);
    CHECK(truth[0][0]->results[0].score != truth[0][1]->results[0].score);
}

/* Whether a job has the bits of a model. */
static int is_right(const job *one, int m) {
    const job *right = truth[m][one->kind];
    return one->results[0].score == right->results[0].score && one->results[0].verdict == right->results[0].verdict
        && !memcmp(one->map, right->map, sizeof one->map);
}

static int is_untouched(const job *one) { return one->results[0].score == 0 && one->map[0] == 0; }

/* The same detector with another calibration. */
static void recalibrate(const char *detector, const char *path) {
    static unsigned char memory[HEIGHT * WIDTH * 3];
    cflowad_trainer *trainer = NULL;
    unsigned seed;
    CHECK(cflowad_trainer_create(detector, NULL, &trainer) == CFLOWAD_OK);
    for (seed = 0; seed < 3; seed++) {
        cflowad_frame frame = striped_frame(memory, WIDTH, HEIGHT, 20 + seed);
        CHECK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_CALIBRATION) == CFLOWAD_OK);
    }
    CHECK(cflowad_trainer_calibrate(trainer, NULL, NULL) == CFLOWAD_OK);
    CHECK(cflowad_trainer_save(trainer, path) == CFLOWAD_OK);
    CHECK(cflowad_trainer_close(trainer) == CFLOWAD_OK);
}

/* ---- queues */

static cflowad_session *new_session(cflowad_parallel_for parallel_for) {
    cflowad_session *session = NULL;
    cflowad_session_options options;
    CHECK(cflowad_session_options_init(&options, sizeof options) == CFLOWAD_OK);
    options.thread_count = 2;
    options.parallel_for = parallel_for;
    CHECK(cflowad_session_create(models[0], &options, &session) == CFLOWAD_OK);
    return session;
}

static cflowad_queue *new_queue(cflowad_session *session, uint32_t capacity, uint32_t in_order_option) {
    cflowad_queue *queue = NULL;
    cflowad_queue_options options;
    CHECK(cflowad_queue_options_init(&options, sizeof options) == CFLOWAD_OK);
    options.capacity = capacity;
    options.in_order = in_order_option;
    CHECK(cflowad_queue_create(session, &options, &queue) == CFLOWAD_OK);
    return queue;
}

static cflowad_submission submission(void *tag, uint64_t timeout, uint64_t deadline) {
    cflowad_submission chosen;
    memset(&chosen, 0, sizeof chosen);
    chosen.struct_size = sizeof chosen;
    chosen.tag = tag;
    chosen.timeout_ns = timeout;
    chosen.start_within_ns = deadline;
    return chosen;
}

static cflowad_status submit(cflowad_queue *queue, job *one, uint64_t timeout, uint64_t deadline) {
    cflowad_submission chosen = submission(one, timeout, deadline);
    return cflowad_queue_submit(queue, &one->frame, one->results, &chosen, NULL);
}

static cflowad_completion fetch(cflowad_queue *queue) {
    cflowad_completion done;
    memset(&done, 0, sizeof done);
    done.struct_size = sizeof done;
    CHECK(cflowad_queue_wait(queue, CFLOWAD_FOREVER, &done) == CFLOWAD_OK);
    return done;
}

static cflowad_status fetch_within(cflowad_queue *queue, uint64_t timeout) {
    cflowad_completion done;
    memset(&done, 0, sizeof done);
    done.struct_size = sizeof done;
    return cflowad_queue_wait(queue, timeout, &done);
}

static cflowad_queue_state state_of(cflowad_queue *queue) {
    cflowad_queue_state state;
    memset(&state, 0, sizeof state);
    state.struct_size = sizeof state;
    CHECK(cflowad_queue_get_state(queue, &state) == CFLOWAD_OK);
    return state;
}

static int is_readable(cflowad_queue *queue) {
    struct pollfd wanted = {-1, POLLIN, 0};
    wanted.fd = cflowad_queue_descriptor(queue);
    CHECK(wanted.fd >= 0);
    return poll(&wanted, 1, 0) == 1;
}

static void test_bits(cflowad_parallel_for parallel_for) {
    cflowad_session *session = new_session(parallel_for);
    cflowad_queue *queue = new_queue(session, KINDS, 0);
    job *jobs[KINDS];
    uint64_t tickets[KINDS];
    int i;
    for (i = 0; i < KINDS; i++) {
        cflowad_submission chosen = submission(jobs[i] = new_job(i), 0, 0);
        CHECK(
            cflowad_queue_submit(queue, &jobs[i]->frame, jobs[i]->results, &chosen, &tickets[i]) == CFLOWAD_OK
            && tickets[i] == (uint64_t)i + 1);
    }
    for (i = 0; i < KINDS; i++) {
        cflowad_completion done = fetch(queue);
        CHECK(done.ticket == tickets[i] && done.tag == jobs[i] && done.results == jobs[i]->results);
        CHECK(done.status == CFLOWAD_OK && done.scored_ns > 0 && is_right(jobs[i], 0));
        free(jobs[i]);
    }
    CHECK(state_of(queue).scored == KINDS && fetch_within(queue, 0) == CFLOWAD_ERROR_TIMEOUT);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
}

static void test_full(void) {
    cflowad_session *session = new_session(gated);
    cflowad_queue *queue = new_queue(session, 2, 0);
    job *a = new_job(0), *b = new_job(1), *c = new_job(2);
    cflowad_result result = c->results[0];
    cflowad_completion done;
    cflowad_queue_state state;
    set_gate(1);
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_OK);
    wait_at_gate();
    CHECK(submit(queue, b, 0, 0) == CFLOWAD_OK);
    CHECK(submit(queue, c, 0, 0) == CFLOWAD_ERROR_FULL);
    CHECK(submit(queue, c, SHORT, 0) == CFLOWAD_ERROR_FULL);
    state = state_of(queue);
    CHECK(state.capacity == 2 && state.waiting == 1 && state.scoring == 1 && state.completed == 0);
    CHECK(state.refused == 2 && state.scored == 0);
    CHECK(fetch_within(queue, 0) == CFLOWAD_ERROR_TIMEOUT && fetch_within(queue, SHORT) == CFLOWAD_ERROR_TIMEOUT);
    CHECK(!is_readable(queue));
    /* The session is in use, and its handle may go. */
    CHECK(cflowad_session_score(session, &c->frame, &result) == CFLOWAD_ERROR_BUSY);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    set_gate(0);
    done = fetch(queue);
    CHECK(done.tag == a && done.status == CFLOWAD_OK && is_right(a, 0));
    CHECK(submit(queue, c, CFLOWAD_FOREVER, 0) == CFLOWAD_OK);
    done = fetch(queue);
    CHECK(done.tag == b && done.status == CFLOWAD_OK && is_right(b, 0));
    while (!is_readable(queue)) poll(NULL, 0, 1);
    CHECK(state_of(queue).completed == 1);
    done = fetch(queue);
    CHECK(done.tag == c && done.status == CFLOWAD_OK && is_right(c, 0) && !is_readable(queue));
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
    free(a);
    free(b);
    free(c);
}

/* A frame that is cancelled and one that is late, behind one that stands still. */
static void test_giving_up(uint32_t in_order_option) {
    cflowad_session *session = new_session(gated);
    cflowad_queue *queue = new_queue(session, 4, in_order_option);
    job *a = new_job(0), *cancelled = new_job(1), *late = new_job(2), *b = new_job(3);
    cflowad_completion done;
    size_t count = 7;
    set_gate(1);
    CHECK(submit(queue, a, 0, UINT64_MAX) == CFLOWAD_OK);
    wait_at_gate();
    CHECK(submit(queue, cancelled, 0, 0) == CFLOWAD_OK);
    CHECK(submit(queue, late, 0, 1) == CFLOWAD_OK);
    CHECK(submit(queue, b, 0, UINT64_MAX - 1) == CFLOWAD_OK);
    CHECK(cflowad_queue_cancel(queue, 1) == CFLOWAD_ERROR_STATE);
    CHECK(cflowad_queue_cancel(queue, 5) == CFLOWAD_ERROR_STATE);
    CHECK(cflowad_queue_cancel(queue, 2) == CFLOWAD_OK);
    CHECK(cflowad_queue_cancel(queue, 2) == CFLOWAD_ERROR_STATE);
    CHECK(is_readable(queue) == !in_order_option);
    if (!in_order_option) {
        done = fetch(queue);
        CHECK(done.tag == cancelled && done.status == CFLOWAD_ERROR_CANCELLED && done.scored_ns == 0);
        CHECK(strstr(cflowad_last_error(), "cancelled") != NULL);
    }
    set_gate(0);
    done = fetch(queue);
    CHECK(done.tag == a && done.status == CFLOWAD_OK && is_right(a, 0));
    if (in_order_option) {
        done = fetch(queue);
        CHECK(done.tag == cancelled && done.status == CFLOWAD_ERROR_CANCELLED);
    }
    done = fetch(queue);
    CHECK(done.tag == late && done.status == CFLOWAD_ERROR_LATE && done.scored_ns == 0);
    CHECK(strstr(cflowad_last_error(), "deadline") != NULL);
    done = fetch(queue);
    CHECK(done.tag == b && done.status == CFLOWAD_OK && is_right(b, 0));
    CHECK(is_untouched(cancelled) && is_untouched(late));
    CHECK(state_of(queue).cancelled == 1 && state_of(queue).late == 1 && state_of(queue).scored == 2);

    /* All that wait. */
    set_gate(1);
    memset(a->map, 0, sizeof a->map);
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_OK);
    wait_at_gate();
    CHECK(submit(queue, cancelled, 0, 0) == CFLOWAD_OK && submit(queue, late, 0, 0) == CFLOWAD_OK);
    CHECK(cflowad_queue_cancel_all(queue, &count) == CFLOWAD_OK && count == 2);
    CHECK(cflowad_queue_cancel_all(queue, &count) == CFLOWAD_OK && count == 0);
    CHECK(cflowad_queue_cancel_all(queue, NULL) == CFLOWAD_OK);
    set_gate(0);
    for (count = 0; count < 3; count++) {
        done = fetch(queue);
        CHECK(done.status == (done.tag == a ? CFLOWAD_OK : CFLOWAD_ERROR_CANCELLED));
    }
    CHECK(is_right(a, 0) && is_untouched(cancelled) && is_untouched(late));
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK && cflowad_session_close(session) == CFLOWAD_OK);
    free(a);
    free(cancelled);
    free(late);
    free(b);
}

static void test_stop(int32_t how) {
    cflowad_session *session = new_session(gated);
    cflowad_queue *queue = new_queue(session, 3, 1);
    job *jobs[3];
    int i;
    set_gate(1);
    for (i = 0; i < 3; i++) CHECK(submit(queue, jobs[i] = new_job(i), 0, 0) == CFLOWAD_OK);
    wait_at_gate();
    CHECK(cflowad_queue_stop(queue, 2) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_stop(queue, how) == CFLOWAD_OK && cflowad_queue_stop(queue, how) == CFLOWAD_OK);
    CHECK(submit(queue, jobs[0], CFLOWAD_FOREVER, 0) == CFLOWAD_ERROR_STATE);
    set_gate(0);
    for (i = 0; i < 3; i++) {
        cflowad_completion done = fetch(queue);
        CHECK(done.tag == jobs[i]);
        CHECK(done.status == (i > 0 && how == CFLOWAD_QUEUE_DROP ? CFLOWAD_ERROR_CANCELLED : CFLOWAD_OK));
        CHECK(done.status == CFLOWAD_OK ? is_right(jobs[i], 0) : is_untouched(jobs[i]));
        free(jobs[i]);
    }
    CHECK(is_readable(queue));
    CHECK(fetch_within(queue, CFLOWAD_FOREVER) == CFLOWAD_ERROR_STATE && fetch_within(queue, 0) == CFLOWAD_ERROR_STATE);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK && cflowad_session_close(session) == CFLOWAD_OK);
}

static void *submit_waiting(void *argument) {
    void **arguments = argument;
    return (void *)(intptr_t)submit(arguments[0], arguments[1], CFLOWAD_FOREVER, 0);
}

static void *fetch_waiting(void *queue) { return (void *)(intptr_t)fetch_within(queue, CFLOWAD_FOREVER); }

/* Threads that wait for a place, or for a completion, when the queue goes on, stops and is closed. */
static void test_waiting(void) {
    cflowad_session *session = new_session(gated);
    cflowad_queue *queue = new_queue(session, 1, 0);
    job *a = new_job(0), *b = new_job(1), *c = new_job(2);
    void *arguments[2], *status = NULL;
    pthread_t thread;
    struct timespec moment = {0, SHORT};
    set_gate(1);
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_OK);
    wait_at_gate();
    arguments[0] = queue;
    arguments[1] = b;
    CHECK(pthread_create(&thread, NULL, submit_waiting, arguments) == 0);
    nanosleep(&moment, NULL);
    set_gate(0);
    CHECK(fetch(queue).tag == a);
    CHECK(pthread_join(thread, &status) == 0 && (intptr_t)status == CFLOWAD_OK);
    CHECK(fetch(queue).tag == b && is_right(b, 0));

    set_gate(1);
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_OK);
    wait_at_gate();
    arguments[1] = c;
    CHECK(pthread_create(&thread, NULL, submit_waiting, arguments) == 0);
    nanosleep(&moment, NULL);
    CHECK(cflowad_queue_stop(queue, CFLOWAD_QUEUE_DRAIN) == CFLOWAD_OK);
    CHECK(pthread_join(thread, &status) == 0 && (intptr_t)status == CFLOWAD_ERROR_STATE);
    set_gate(0);
    CHECK(fetch(queue).tag == a && is_right(a, 0) && is_untouched(c));
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_ERROR_INVALID_HANDLE);

    queue = new_queue(session, 1, 0);
    CHECK(pthread_create(&thread, NULL, fetch_waiting, queue) == 0);
    nanosleep(&moment, NULL);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
    CHECK(pthread_join(thread, &status) == 0);
    CHECK((intptr_t)status == CFLOWAD_ERROR_STATE || (intptr_t)status == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    free(a);
    free(b);
    free(c);
}

/* Memory of frames that wait is the caller's again when the queue was closed. */
static void test_close(void) {
    int i, round;
    for (round = 0; round < 20; round++) {
        cflowad_session *session = new_session(NULL);
        cflowad_queue *queue = new_queue(session, KINDS, (uint32_t)round % 2);
        job *jobs[KINDS];
        for (i = 0; i < KINDS; i++) CHECK(submit(queue, jobs[i] = new_job(i), 0, 0) == CFLOWAD_OK);
        if (round % 4 > 1) CHECK(fetch(queue).tag == jobs[0]);
        if (round % 2) CHECK(cflowad_session_close(session) == CFLOWAD_OK);
        CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
        for (i = 0; i < KINDS; i++) {
            CHECK(is_untouched(jobs[i]) || is_right(jobs[i], 0));
            memset(jobs[i], 255, sizeof *jobs[i]);
            free(jobs[i]);
        }
        if (round % 2 == 0) CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    }
}

static void test_exchange(void) {
    cflowad_session *session = new_session(gated);
    cflowad_queue *queue = new_queue(session, 2, 0);
    job *a = new_job(0), *b = new_job(1);
    set_gate(1);
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_OK && submit(queue, b, 0, 0) == CFLOWAD_OK);
    wait_at_gate();
    CHECK(cflowad_session_replace_model(session, 0, models[1]) == CFLOWAD_OK);
    set_gate(0);
    CHECK(fetch(queue).tag == a && is_right(a, 0));
    CHECK(fetch(queue).tag == b && is_right(b, 1));
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK && cflowad_session_close(session) == CFLOWAD_OK);
    free(a);
    free(b);
}

static void test_many(void) {
    const cflowad_model *both[2];
    cflowad_session *session = NULL;
    cflowad_queue *queue;
    job *a = new_job(0);
    both[0] = models[0];
    both[1] = models[1];
    CHECK(cflowad_session_create_many(both, 2, NULL, &session) == CFLOWAD_OK);
    queue = new_queue(session, 1, 0);
    a->results[1].struct_size--;
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_ERROR_STRUCT_SIZE);
    a->results[1].struct_size++;
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_OK);
    CHECK(fetch(queue).status == CFLOWAD_OK && is_right(a, 0));
    CHECK(a->results[1].score == truth[1][0]->results[0].score);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK && cflowad_session_close(session) == CFLOWAD_OK);
    free(a);
}

static void test_bad_calls(void) {
    cflowad_session *session = new_session(NULL);
    cflowad_queue *queue = NULL;
    cflowad_queue_options options;
    cflowad_submission chosen = submission(NULL, 0, 0);
    cflowad_completion done;
    cflowad_queue_state state;
    job *a = new_job(0);
    memset(&state, 0, sizeof state);
    memset(&done, 0, sizeof done);
    CHECK(cflowad_queue_options_init(NULL, sizeof options) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_options_init(&options, 8) == CFLOWAD_ERROR_STRUCT_SIZE);
    CHECK(cflowad_queue_options_init(&options, sizeof options) == CFLOWAD_OK);
    CHECK(options.capacity == 8 && options.in_order == 0);
    CHECK(cflowad_queue_create(NULL, NULL, &queue) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_create((cflowad_session *)models[0], NULL, &queue) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_queue_create(session, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    options.capacity = 0;
    CHECK(cflowad_queue_create(session, &options, &queue) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    options.capacity = CFLOWAD_MAX_QUEUE_CAPACITY + 1;
    CHECK(cflowad_queue_create(session, &options, &queue) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    options.capacity = CFLOWAD_MAX_QUEUE_CAPACITY;
    options.in_order = 2;
    CHECK(cflowad_queue_create(session, &options, &queue) == CFLOWAD_ERROR_INVALID_ARGUMENT && !queue);
    options.in_order = 1;
    CHECK(cflowad_queue_create(session, &options, &queue) == CFLOWAD_OK && cflowad_queue_close(queue) == CFLOWAD_OK);
    CHECK(cflowad_queue_create(session, NULL, &queue) == CFLOWAD_OK);
    CHECK(state_of(queue).capacity == 8);

    CHECK(cflowad_queue_submit(NULL, &a->frame, a->results, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_submit(queue, NULL, a->results, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_submit(queue, &a->frame, NULL, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    chosen.struct_size = 8;
    CHECK(cflowad_queue_submit(queue, &a->frame, a->results, &chosen, NULL) == CFLOWAD_ERROR_STRUCT_SIZE);
    a->frame.width = 0;
    CHECK(cflowad_queue_submit(queue, &a->frame, a->results, NULL, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    a->frame.width = WIDTH;
    /* Too little room is told at once, with the shape. */
    a->results[0].map = a->map;
    CHECK(cflowad_queue_submit(queue, &a->frame, a->results, NULL, NULL) == CFLOWAD_ERROR_BUFFER_TOO_SMALL);
    CHECK(a->results[0].shape.map_width > 0 && is_untouched(a));
    a->results[0].map = NULL;
    a->results[0].frame_map_capacity = WIDTH * HEIGHT - 1;
    CHECK(cflowad_queue_submit(queue, &a->frame, a->results, NULL, NULL) == CFLOWAD_ERROR_BUFFER_TOO_SMALL);
    a->results[0].frame_map_capacity++;

    CHECK(cflowad_queue_wait(queue, 0, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_wait(queue, 0, &done) == CFLOWAD_ERROR_STRUCT_SIZE);
    CHECK(cflowad_queue_get_state(queue, NULL) == CFLOWAD_ERROR_INVALID_ARGUMENT);
    CHECK(cflowad_queue_get_state(queue, &state) == CFLOWAD_ERROR_STRUCT_SIZE);
    CHECK(cflowad_queue_close((cflowad_queue *)session) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_queue_close(NULL) == CFLOWAD_OK);
    CHECK(cflowad_queue_close(queue) == CFLOWAD_OK);
    CHECK(submit(queue, a, 0, 0) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(fetch_within(queue, 0) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_queue_descriptor(queue) == -1 && *cflowad_last_error());
    CHECK(cflowad_queue_cancel(queue, 1) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_queue_cancel_all(queue, NULL) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_queue_stop(queue, CFLOWAD_QUEUE_DROP) == CFLOWAD_ERROR_INVALID_HANDLE);
    CHECK(cflowad_session_close(session) == CFLOWAD_OK);
    free(a);
}

/* ------------------------------------------------------------------------------------------- under load */

enum { PRODUCERS = 3, CONSUMERS = 2 };

typedef struct line {
    cflowad_queue *queue;
    cflowad_session *session;
    double seconds;
    pthread_mutex_t lock;
    long submitted, fetched, wrong, counts[17];
} line;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *produce(void *argument) {
    line *self = argument;
    const double end = seconds_now() + self->seconds;
    unsigned i;
    long submitted = 0;
    for (i = 0; seconds_now() < end; i++) {
        job *one = new_job((int)(i % KINDS));
        /* Some do not wait for room, and some are in a hurry. */
        cflowad_status status = submit(self->queue, one, i % 3 ? CFLOWAD_FOREVER : 0, i % 7 ? 0 : 3000000);
        if (status == CFLOWAD_OK) {
            submitted++;
            continue;
        }
        CHECK(status == CFLOWAD_ERROR_FULL);
        free(one);
    }
    pthread_mutex_lock(&self->lock);
    self->submitted += submitted;
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void *consume(void *argument) {
    line *self = argument;
    cflowad_completion done;
    memset(&done, 0, sizeof done);
    done.struct_size = sizeof done;
    while (cflowad_queue_wait(self->queue, CFLOWAD_FOREVER, &done) == CFLOWAD_OK) {
        job *one = done.tag;
        int right = done.status == CFLOWAD_OK ? is_right(one, 0) || is_right(one, 1) : is_untouched(one);
        pthread_mutex_lock(&self->lock);
        self->fetched++;
        self->counts[done.status]++;
        if (!right) self->wrong++;
        pthread_mutex_unlock(&self->lock);
        memset(one, 255, sizeof *one); /* its memory is the host's again */
        free(one);
    }
    return NULL;
}

static void test_load(double seconds) {
    line self;
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    const double end = seconds_now() + seconds;
    cflowad_queue_state state;
    long i, swaps = 0;
    memset(&self, 0, sizeof self);
    pthread_mutex_init(&self.lock, NULL);
    self.seconds = seconds;
    self.session = new_session(NULL);
    self.queue = new_queue(self.session, 6, 0);
    for (i = 0; i < CONSUMERS; i++) CHECK(pthread_create(&consumers[i], NULL, consume, &self) == 0);
    for (i = 0; i < PRODUCERS; i++) CHECK(pthread_create(&producers[i], NULL, produce, &self) == 0);
    for (i = 0; seconds_now() < end; i++) {
        const struct timespec moment = {0, 1000000};
        nanosleep(&moment, NULL);
        if (i % 5 == 0) {
            cflowad_status status = cflowad_queue_cancel(self.queue, state_of(self.queue).scored + 2);
            CHECK(status == CFLOWAD_OK || status == CFLOWAD_ERROR_STATE);
        }
        if (i % 50 == 0) CHECK(cflowad_queue_cancel_all(self.queue, NULL) == CFLOWAD_OK);
        if (i % 20 == 0) CHECK(cflowad_session_replace_model(self.session, 0, models[++swaps % 2]) == CFLOWAD_OK);
    }
    for (i = 0; i < PRODUCERS; i++) CHECK(pthread_join(producers[i], NULL) == 0);
    CHECK(cflowad_queue_stop(self.queue, CFLOWAD_QUEUE_DRAIN) == CFLOWAD_OK);
    for (i = 0; i < CONSUMERS; i++) CHECK(pthread_join(consumers[i], NULL) == 0);
    state = state_of(self.queue);
    CHECK(self.wrong == 0 && self.fetched == self.submitted && self.counts[CFLOWAD_OK] > 0);
    CHECK((long)state.scored == self.counts[CFLOWAD_OK] && (long)state.late == self.counts[CFLOWAD_ERROR_LATE]);
    CHECK((long)state.cancelled == self.counts[CFLOWAD_ERROR_CANCELLED] && state.failed == 0);
    CHECK(state.waiting == 0 && state.scoring == 0 && state.completed == 0);
    CHECK(cflowad_queue_close(self.queue) == CFLOWAD_OK && cflowad_session_close(self.session) == CFLOWAD_OK);
    pthread_mutex_destroy(&self.lock);
    printf(
        "queue_test: %ld frames submitted, %ld scored, %ld late, %ld cancelled, %ld refused, %ld exchanges\n",
        self.submitted, self.counts[CFLOWAD_OK], self.counts[CFLOWAD_ERROR_LATE], self.counts[CFLOWAD_ERROR_CANCELLED],
        (long)state.refused, swaps);
}

int main(int argc, char **argv) {
    char path[4096];
    int m, kind;
    if (argc < 3) return 2;
    snprintf(path, sizeof path, "%s/queue_recalibrated.h5", argv[2]);
    recalibrate(argv[1], path);
    CHECK(cflowad_model_open(argv[1], &models[0]) == CFLOWAD_OK);
    CHECK(cflowad_model_open(path, &models[1]) == CFLOWAD_OK);
    find_truth();
    test_bits(NULL);
    test_bits(in_order);
    test_bits(on_new_threads);
    test_full();
    test_giving_up(0);
    test_giving_up(1);
    test_stop(CFLOWAD_QUEUE_DRAIN);
    test_stop(CFLOWAD_QUEUE_DROP);
    test_waiting();
    test_close();
    test_exchange();
    test_many();
    test_bad_calls();
    test_load(argc > 3 ? atof(argv[3]) : 2);
    for (m = 0; m < 2; m++) {
        for (kind = 0; kind < KINDS; kind++) free(truth[m][kind]);
        CHECK(cflowad_model_close(models[m]) == CFLOWAD_OK);
    }
    printf("queue_test: %d failed\n", failed);
    return failed != 0;
}
