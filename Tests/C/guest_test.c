/*
 * The library's whole work in surroundings that a host may have: it prints what it computed, the same in all of them.
 * Tests/C/guest.sh makes the surroundings and compares.
 *
 *     guest_test DETECTOR.h5 ENCODER.h5 FOLDER plain|locale|real-time|read-only|small
 *
 * plain      as they are; it first makes ENCODER.h5 of the detector's
 * locale     the host has set the locale of its environment, which writes decimal commas
 * real-time  threads of SCHED_FIFO and ordinary ones share one processor; who waits actively for ever is ended
 * read-only  nothing can be written: saving fails with a status, the rest works
 * small      the control group pays for half a processor: one thread is the default, and all must do with 256 MiB
 */
#define _GNU_SOURCE
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cflowad.h"
#include "setup.h"

enum { SIDE = 90, FRAMES = 8, SKIPPED = 77, PATIENCE = 300 /* seconds */, SPINNING = 20 /* seconds */ };

static unsigned char pixels[SIDE * SIDE * 3];
static const char *detector, *encoder, *folder, *surroundings;

static int is(const char *name) { return !strcmp(surroundings, name); }

static void require(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "guest_test %s: not so: %s (%s)\n", surroundings, what, cflowad_last_error());
    exit(1);
}

#define OK(call) require((call) == CFLOWAD_OK, #call)

/* Numbers as bits, since the host's printf knows its locale. */
static void print_bits(const char *what, const void *values, size_t count) {
    const unsigned char *bytes = values;
    size_t i;

    printf("%s:", what);
    for (i = 0; i < count * sizeof(float); i++) printf("%s%02x", i % sizeof(float) ? "" : " ", bytes[i]);
    printf("\n");
}

static void score(cflowad_session *session, const char *what) {
    static float map[SIDE * SIDE];
    unsigned seed;

    for (seed = 0; seed < 3; seed++) {
        cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, seed);
        cflowad_result result = result_with_regions(map, SIDE * SIDE);

        OK(cflowad_session_score(session, &frame, &result));
        print_bits(what, &result.score, 1);
        print_bits("map", map, 8);
    }
}

static cflowad_session *new_session(const cflowad_model *model) {
    cflowad_session *session = NULL;
    cflowad_session_options options;

    OK(cflowad_session_options_init(&options, sizeof options));
    options.thread_count = 2;
    OK(cflowad_session_create(model, &options, &session));
    return session;
}

static void use(const cflowad_model *model, const char *what) {
    const char *advice = cflowad_model_advice(model);
    cflowad_session *session = new_session(model);
    cflowad_model_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    OK(cflowad_model_get_info(model, &info));
    print_bits("threshold", &info.threshold, 1);
    require(advice != NULL, "advice");
    printf("%s\n", advice);
    score(session, what);
    OK(cflowad_session_close(session));
}

static void train(int32_t start, const char *name) {
    char path[4096];
    cflowad_trainer *trainer = NULL;
    cflowad_model *model = NULL;
    cflowad_train_options options;
    unsigned i;

    OK(cflowad_train_options_init(&options, sizeof options));
    options.input_width = options.input_height = 64;
    options.start = start;
    options.calibration_fraction = 0.4f;
    options.thread_count = 2;
    if (start == CFLOWAD_START_PAPER) {
        options.coupling_blocks = 2;
        options.meta_epochs = options.sub_epochs = 1;
    }
    OK(cflowad_trainer_create(encoder, &options, &trainer));
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, i);
        OK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    }
    OK(cflowad_trainer_fit(trainer, NULL, NULL));
    OK(cflowad_trainer_calibrate(trainer, NULL, NULL));
    OK(cflowad_trainer_model(trainer, &model));
    use(model, name);
    OK(cflowad_model_close(model));
    snprintf(path, sizeof path, "%s/%s.h5", folder, name);
    if (is("read-only")) {
        require(cflowad_trainer_save(trainer, path) == CFLOWAD_ERROR_IO, "saving is refused");
        require(strstr(cflowad_last_error(), "ead-only") != NULL, "and says why");
    } else {
        OK(cflowad_trainer_save(trainer, path));
        OK(cflowad_model_open(path, &model));
        OK(cflowad_model_close(model));
    }
    OK(cflowad_trainer_close(trainer));
}

static void all(void) {
    cflowad_session *session = NULL;
    cflowad_session_options options;
    cflowad_model *model = NULL;

    OK(cflowad_model_open(detector, &model));
    use(model, "detector");
    train(CFLOWAD_START_PAPER, "paper");
    train(CFLOWAD_START_GAUSSIAN, "gaussian");
    /* A message with a number in it that is no whole one. */
    OK(cflowad_session_options_init(&options, sizeof options));
    options.review_threshold = 1.5f;
    options.threshold = 0.25f;
    if (cflowad_session_create(model, &options, &session) != CFLOWAD_OK) printf("%s\n", cflowad_last_error());
    cflowad_session_close(session);
    OK(cflowad_model_close(model));
}

static void set_priority(int policy) {
    struct sched_param parameters;

    memset(&parameters, 0, sizeof parameters);
    parameters.sched_priority = policy == SCHED_OTHER ? 0 : 10;
    if (pthread_setschedparam(pthread_self(), policy, &parameters) == 0) return;
    fprintf(stderr, "real-time priority is not permitted here\n");
    exit(SKIPPED);
}

static cflowad_session *ordinary;

static void *score_with_ordinary_threads(void *unused) {
    (void)unused;
    set_priority(SCHED_FIFO);
    score(ordinary, "detector");
    return NULL;
}

/* All on one processor. Threads inherit their priority: first the session's own are ordinary, so that they only get the
   processor when the caller sleeps, then all are of real-time priority. */
static void run_in_real_time(void) {
    struct rlimit limit = {SPINNING * 1000000, SPINNING * 1000000};
    cpu_set_t processors;
    cflowad_model *model = NULL;
    pthread_t thread;
    int first = 0;

    require(sched_getaffinity(0, sizeof processors, &processors) == 0, "affinity");
    while (!CPU_ISSET(first, &processors)) first++;
    CPU_ZERO(&processors);
    CPU_SET(first, &processors);
    require(sched_setaffinity(0, sizeof processors, &processors) == 0, "one processor");
    /* SIGXCPU for who computes this long and never sleeps. */
    require(setrlimit(RLIMIT_RTTIME, &limit) == 0, "a limit of time");
    OK(cflowad_model_open(detector, &model));
    ordinary = new_session(model);
    require(pthread_create(&thread, NULL, score_with_ordinary_threads, NULL) == 0, "a thread");
    require(pthread_join(thread, NULL) == 0, "its end");
    OK(cflowad_session_close(ordinary));
    OK(cflowad_model_close(model));
    set_priority(SCHED_FIFO);
    all();
}

/* Of a detector that is saved beside it, which also is in that folder then. */
static void make_encoder(void) {
    char path[4096];
    cflowad_trainer *trainer = NULL;

    snprintf(path, sizeof path, "%s/linked.h5", folder);
    OK(cflowad_trainer_create(detector, NULL, &trainer));
    OK(cflowad_trainer_save_linked(trainer, path, strrchr(encoder, '/') + 1));
    OK(cflowad_trainer_close(trainer));
}

int main(int argc, char **argv) {
    char path[4096];
    struct rusage usage;
    FILE *file;

    if (argc != 5) return fprintf(stderr, "usage: guest_test DETECTOR.h5 ENCODER.h5 FOLDER SURROUNDINGS\n"), 2;
    detector = argv[1];
    encoder = argv[2];
    folder = argv[3];
    surroundings = argv[4];
    alarm(PATIENCE);
    if (is("locale")) {
        require(setlocale(LC_ALL, "") && !strcmp(localeconv()->decimal_point, ","), "a locale with decimal commas");
        all();
        require(!strcmp(localeconv()->decimal_point, ","), "the locale is as it was");
    } else if (is("real-time")) {
        run_in_real_time();
    } else if (is("read-only")) {
        snprintf(path, sizeof path, "%s/file", folder);
        file = fopen(path, "w");
        require(!file && errno == EROFS, "a read-only file system");
        all();
    } else {
        if (is("plain")) make_encoder();
        if (is("small")) require(cflowad_default_thread_count() == 1, "one thread for half a processor");
        all();
        if (is("small")) {
            require(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss <= 256 << 10, "256 MiB");
            fprintf(stderr, "at the most %ld MiB\n", usage.ru_maxrss >> 10);
        }
    }
    return 0;
}
