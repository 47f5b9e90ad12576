/*
 * Children of a process that has loaded the library, used it, uses it on another thread, or forks within a call: each gets
 * a working library or CFLOWAD_ERROR_STATE, at once, and never ends by a signal.
 *
 *     fork_test DETECTOR.h5 FOLDER
 */
#define _GNU_SOURCE

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cflowad.h"
#include "host_threads.h"
#include "setup.h"

enum { SIDE = 64, THREADS = 3, FORKS = 60, PATIENCE = 60 /* seconds until a child that waits for ever is ended */ };

/* Exit statuses of children. */
enum { WORKS = 0, REFUSED = 10, WRONG = 11 };

static const char *detector, *folder;
static int failures;

static void check(int good, const char *what) {
    if (good) return;
    failures++;
    fprintf(stderr, "fork_test: not so: %s (%s)\n", what, cflowad_last_error());
}

/* Runs the body in a child and returns its exit status. */
static int in_child(int (*body)(void *), void *argument) {
    int status = 0;
    pid_t child;
    fflush(NULL);
    child = fork();
    if (child < 0) exit(2);
    if (child == 0) {
        alarm(PATIENCE);
        _exit(body(argument));
    }
    if (waitpid(child, &status, 0) != child) exit(2);
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    fprintf(stderr, "fork_test: a child ended by signal %d\n", WTERMSIG(status));
    return WRONG;
}

static void child_works(int (*body)(void *), void *argument, const char *what) {
    check(in_child(body, argument) == WORKS, what);
}

static unsigned char pixels[SIDE * SIDE];

static cflowad_frame frame(void) { return gray_frame(pixels, SIDE); }

static cflowad_status score(cflowad_session *session, float *score) {
    cflowad_frame one = frame();
    cflowad_result result;
    cflowad_status status;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    status = cflowad_session_score(session, &one, &result);
    *score = result.score;
    return status;
}

static cflowad_session *new_session(const cflowad_model *model, cflowad_parallel_for parallel_for) {
    cflowad_session_options options;
    cflowad_session *session = NULL;
    if (cflowad_session_options_init(&options, sizeof options) != CFLOWAD_OK) return NULL;
    options.thread_count = THREADS;
    options.parallel_for = parallel_for;
    cflowad_session_create(model, &options, &session);
    return session;
}

/* From a file to a score on threads of its own, and all closed again. */
static int score_file(void *expected) {
    cflowad_model *model = NULL;
    cflowad_session *session;
    float got = 0;
    cflowad_status status = cflowad_model_open(detector, &model);
    if (status == CFLOWAD_ERROR_STATE) return *cflowad_last_error() ? REFUSED : WRONG;
    if (status != CFLOWAD_OK) return WRONG;
    session = new_session(model, NULL);
    if (score(session, &got) != CFLOWAD_OK || got != *(const float *)expected) return WRONG;
    if (cflowad_session_close(session) != CFLOWAD_OK || cflowad_model_close(model) != CFLOWAD_OK) return WRONG;
    return WORKS;
}

static int print_score(void *pipe_end) {
    cflowad_model *model = NULL;
    float got = 0;
    if (cflowad_model_open(detector, &model) != CFLOWAD_OK) return WRONG;
    if (score(new_session(model, NULL), &got) != CFLOWAD_OK) return WRONG;
    return write(*(const int *)pipe_end, &got, sizeof got) == sizeof got ? WORKS : WRONG;
}

/* What the parent has made. */
typedef struct heritage {
    float expected;
    cflowad_model *model;
    cflowad_session *session, *hosted;
    cflowad_trainer *trainer;
    cflowad_queue *queue;
} heritage;

static int use_heritage(void *argument) {
    heritage *mine = argument;
    cflowad_session *own = new_session(mine->model, NULL);
    cflowad_session *sessions[3];
    char path[4096];
    float got;
    int i;
    sessions[0] = mine->session;
    sessions[1] = mine->hosted;
    sessions[2] = own;
    for (i = 0; i < 6; i++)
        if (score(sessions[i % 3], &got) != CFLOWAD_OK || got != mine->expected) return WRONG;
    snprintf(path, sizeof path, "%s/child.h5", folder);
    if (cflowad_trainer_calibrate(mine->trainer, NULL, NULL) != CFLOWAD_OK) return WRONG;
    if (cflowad_trainer_save(mine->trainer, path) != CFLOWAD_OK) return WRONG;
    if (cflowad_trainer_close(mine->trainer) != CFLOWAD_OK) return WRONG;
    for (i = 0; i < 3; i++)
        if (cflowad_session_close(sessions[i]) != CFLOWAD_OK) return WRONG;
    if (cflowad_model_close(mine->model) != CFLOWAD_OK) return WRONG;
    return score_file(&mine->expected);
}

/* A child has no thread of its parent's queue, says so, and can make one of its own. */
static int use_queue(void *argument) {
    heritage *mine = argument;
    cflowad_session *session = new_session(mine->model, NULL);
    cflowad_queue *queue = NULL;
    cflowad_frame one = frame();
    cflowad_result result;
    cflowad_completion done;
    cflowad_queue_state state;
    memset(&result, 0, sizeof result);
    memset(&done, 0, sizeof done);
    memset(&state, 0, sizeof state);
    result.struct_size = sizeof result;
    done.struct_size = sizeof done;
    state.struct_size = sizeof state;
    if (cflowad_queue_submit(mine->queue, &one, &result, NULL, NULL) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_queue_wait(mine->queue, CFLOWAD_FOREVER, &done) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_queue_cancel(mine->queue, 1) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_queue_cancel_all(mine->queue, NULL) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_queue_get_state(mine->queue, &state) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_queue_stop(mine->queue, CFLOWAD_QUEUE_DROP) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_queue_descriptor(mine->queue) != -1) return WRONG;
    if (cflowad_queue_close(mine->queue) != CFLOWAD_OK) return WRONG;
    if (cflowad_queue_create(session, NULL, &queue) != CFLOWAD_OK) return WRONG;
    if (cflowad_queue_submit(queue, &one, &result, NULL, NULL) != CFLOWAD_OK) return WRONG;
    if (cflowad_queue_wait(queue, CFLOWAD_FOREVER, &done) != CFLOWAD_OK || done.status != CFLOWAD_OK) return WRONG;
    if (result.score != mine->expected || cflowad_queue_close(queue) != CFLOWAD_OK) return WRONG;
    return cflowad_session_close(session) == CFLOWAD_OK ? WORKS : WRONG;
}

static void *wait_in_queue(void *queue) {
    cflowad_completion done;
    memset(&done, 0, sizeof done);
    done.struct_size = sizeof done;
    if (cflowad_queue_wait(queue, CFLOWAD_FOREVER, &done) != CFLOWAD_OK || done.status != CFLOWAD_OK) abort();
    return NULL;
}

static int use_in_grandchild(void *argument) { return in_child(use_heritage, argument); }

static volatile int is_over;

static void *open_again_and_again(void *opened) {
    while (!is_over) {
        cflowad_model *model = NULL;
        if (cflowad_model_open(detector, &model) != CFLOWAD_OK || cflowad_model_close(model) != CFLOWAD_OK) abort();
        ++*(volatile int *)opened;
        usleep(10000);
    }
    return NULL;
}

static sem_t is_within, may_go_on;

static int32_t wait_within(const cflowad_progress *progress, void *waited) {
    (void)progress;
    if (++*(int *)waited > 1) return 0;
    sem_post(&is_within);
    sem_wait(&may_go_on);
    return 0;
}

static void *calibrate(void *trainer) {
    int waited = 0;
    if (cflowad_trainer_calibrate(trainer, wait_within, &waited) != CFLOWAD_OK) abort();
    return NULL;
}

/* A child that must not use the library: every call says so, also to its own children. */
static int is_refused(void *argument) {
    heritage *mine = argument;
    cflowad_session *session = NULL;
    cflowad_frame one = frame();
    float got = 0;
    double area = 0;
    float scores[2] = {1, 2};
    uint8_t labels[2] = {0, 1};
    if (cflowad_version() / 10000 != CFLOWAD_VERSION_MAJOR || !*cflowad_build_info()) return WRONG;
    if (score(mine->session, &got) != CFLOWAD_ERROR_STATE || !strstr(cflowad_last_error(), "forked")) return WRONG;
    if (cflowad_session_create(mine->model, NULL, &session) != CFLOWAD_ERROR_STATE || session) return WRONG;
    if (cflowad_trainer_add_frame(mine->trainer, &one, CFLOWAD_ROLE_CALIBRATION) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_auroc(scores, labels, 2, &area) != CFLOWAD_ERROR_STATE || area != 0) return WRONG;
    if (cflowad_session_close(mine->session) != CFLOWAD_ERROR_STATE) return WRONG;
    if (cflowad_model_close(mine->model) != CFLOWAD_ERROR_STATE) return WRONG;
    return score_file(&mine->expected);
}

static int is_refused_in_grandchild(void *argument) { return in_child(is_refused, argument); }

static int32_t fork_within(const cflowad_progress *progress, void *mine) {
    (void)progress;
    check(in_child(is_refused, mine) == REFUSED, "a child of a callback is refused");
    check(in_child(is_refused_in_grandchild, mine) == REFUSED, "and so are its children");
    return 0;
}

static void make_heritage(heritage *mine) {
    cflowad_frame one = frame();
    check(cflowad_model_open(detector, &mine->model) == CFLOWAD_OK, "open");
    mine->session = new_session(mine->model, NULL);
    mine->hosted = new_session(mine->model, in_order);
    check(score(mine->session, &mine->expected) == CFLOWAD_OK && mine->expected > 0, "a score");
    check(cflowad_trainer_create(detector, NULL, &mine->trainer) == CFLOWAD_OK, "a trainer");
    check(cflowad_trainer_add_frame(mine->trainer, &one, CFLOWAD_ROLE_CALIBRATION) == CFLOWAD_OK, "a frame");
}

int main(int argc, char **argv) {
    static heritage mine;
    float loaded = 0, got = 0;
    int ends[2], works = 0, refused = 0, i;
    int opened = 0;
    pthread_t thread;
    if (argc != 3) return fprintf(stderr, "usage: fork_test DETECTOR.h5 FOLDER\n"), 2;
    detector = argv[1];
    folder = argv[2];
    for (i = 0; i < SIDE * SIDE; i++) pixels[i] = (unsigned char)(i * i / 7 + i / 19);

    /* Loaded, not used. */
    if (pipe(ends)) return 2;
    child_works(print_score, &ends[1], "a child of a process that has only loaded the library");
    check(read(ends[0], &loaded, sizeof loaded) == sizeof loaded, "its score");

    /* Used before: with what the parent has made, and anew. */
    make_heritage(&mine);
    check(loaded == mine.expected, "a child has the parent's bits");
    for (i = 0; i < 3; i++) child_works(use_heritage, &mine, "a child of a process that has used the library");
    child_works(use_in_grandchild, &mine, "a grandchild");
    check(score(mine.session, &got) == CFLOWAD_OK && got == mine.expected, "the parent goes on");

    /* A queue whose thread waits for frames, while another thread waits for it: nobody computes. */
    check(cflowad_queue_create(mine.session, NULL, &mine.queue) == CFLOWAD_OK, "a queue");
    if (pthread_create(&thread, NULL, wait_in_queue, mine.queue)) return 2;
    usleep(20000);
    child_works(use_queue, &mine, "a child of a process with a queue");
    {
        cflowad_frame one = frame();
        cflowad_result result;
        memset(&result, 0, sizeof result);
        result.struct_size = sizeof result;
        check(cflowad_queue_submit(mine.queue, &one, &result, NULL, NULL) == CFLOWAD_OK, "the parent's queue goes on");
        pthread_join(thread, NULL);
        check(result.score == mine.expected, "with its bits");
    }
    check(cflowad_queue_close(mine.queue) == CFLOWAD_OK, "close the queue");

    /* In use on another thread, within a call or between two: whichever it is. */
    if (pthread_create(&thread, NULL, open_again_and_again, &opened)) return 2;
    while (!*(volatile int *)&opened) usleep(100);
    for (i = 0; i < FORKS; i++) {
        int status = in_child(score_file, &mine.expected);
        works += status == WORKS;
        refused += status == REFUSED;
        usleep((useconds_t)(i * 37 % 100 * 10));
    }
    is_over = 1;
    pthread_join(thread, NULL);
    check(works + refused == FORKS, "a child of a process in use works or is refused");

    /* In use on another thread, certainly within a call; and after it. */
    if (sem_init(&is_within, 0, 0) || sem_init(&may_go_on, 0, 0)) return 2;
    if (pthread_create(&thread, NULL, calibrate, mine.trainer)) return 2;
    sem_wait(&is_within);
    check(in_child(is_refused, &mine) == REFUSED, "a child is refused when another thread is within a call");
    check(score(mine.session, &got) == CFLOWAD_OK && got == mine.expected, "its parent is not");
    sem_post(&may_go_on);
    pthread_join(thread, NULL);
    child_works(use_heritage, &mine, "a child after the call has ended");

    /* Within a call. */
    check(cflowad_trainer_calibrate(mine.trainer, fork_within, &mine) == CFLOWAD_OK, "calibrate");
    printf("fork_test: %d children worked, %d were refused, %d failed\n", works, refused, failures);
    return failures != 0;
}
