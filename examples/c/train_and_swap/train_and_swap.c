/*
 * Learns a new detector in the background while the old one goes on scoring, and puts it in the old one's place.
 *
 *     train_and_swap OLD.h5 ENCODER.h5 GOOD_FOLDER NEW.h5 [SECONDS]
 *
 * The frames of GOOD_FOLDER are learnt from, and stand for the camera as well. Ctrl-C, or SECONDS when they have passed, cancel
 * the training; the old detector then stays.
 */
#define _POSIX_C_SOURCE 200809L /* sigaction, clock_gettime, nanosleep, dirent */

#include <cflowad.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_FRAMES = 500, PERIOD_MS = 50, FRAMES_AFTER_SWAP = 20 };

typedef struct training {
    const char *encoder, *output;
    const cflowad_frame *frames;
    size_t frame_count;
    cflowad_session *session; /* the one that scores meanwhile */
    double deadline;
    atomic_int stage, percent, is_finished; /* for the thread that scores */
    cflowad_status status;                  /* this and the next: once is_finished is set */
    char message[512];
} training;

static atomic_int is_interrupted;

static void interrupt(int signal) {
    (void)signal;
    is_interrupted = 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ------------------------------------------------------------------------------------------------------ training */

/* Called by the library on the training's thread; another value than 0 cancels. */
static int32_t report(const cflowad_progress *progress, void *user) {
    training *job = user;
    atomic_store(&job->stage, progress->stage);
    if (progress->total) atomic_store(&job->percent, (int)(100 * progress->done / progress->total));
    return is_interrupted || now() > job->deadline;
}

static void *train(void *user) {
    training *job = user;
    cflowad_trainer *trainer = NULL;
    cflowad_model *model = NULL;
    cflowad_train_options options;
    cflowad_status status = cflowad_train_options_init(&options, sizeof options);
    const uint32_t threads = cflowad_default_thread_count();
    size_t i;

    options.thread_count = threads > 1 ? threads / 2 : 1; /* the rest is the camera's */
    options.input_width = options.input_height = 128;
    options.calibration_fraction = 0.3f;
    if (status == CFLOWAD_OK) status = cflowad_trainer_create(job->encoder, &options, &trainer);
    for (i = 0; i < job->frame_count && status == CFLOWAD_OK; i++)
        status = cflowad_trainer_add_frame(trainer, &job->frames[i], CFLOWAD_ROLE_TRAINING);
    if (status == CFLOWAD_OK) status = cflowad_trainer_fit(trainer, report, job);
    if (status == CFLOWAD_OK) status = cflowad_trainer_calibrate(trainer, report, job);
    if (status == CFLOWAD_OK) status = cflowad_trainer_save(trainer, job->output);
    if (status == CFLOWAD_OK) status = cflowad_trainer_model(trainer, &model);
    /* Prepared on this thread: the frame that is being scored ends with the old model, the next one begins with the new. */
    if (status == CFLOWAD_OK) status = cflowad_session_replace_model(job->session, 0, model);
    /* The message is this thread's own. */
    if (status != CFLOWAD_OK) snprintf(job->message, sizeof job->message, "%s", cflowad_last_error());
    job->status = status;
    cflowad_model_close(model);
    cflowad_trainer_close(trainer);
    atomic_store(&job->is_finished, 1);
    return NULL;
}

/* -------------------------------------------------------------------------------------------------------- frames */

static int read_frame(const char *path, cflowad_frame *frame) {
    void *pixels;
    memset(frame, 0, sizeof *frame);
    frame->struct_size = sizeof *frame;
    if (cflowad_image_read_info(path, &frame->width, &frame->height, &frame->format) != CFLOWAD_OK) return 0;
    if (frame->format != CFLOWAD_PIXEL_GRAY8 && frame->format != CFLOWAD_PIXEL_RGB8) return 0;
    frame->stride = frame->width * (frame->format == CFLOWAD_PIXEL_GRAY8 ? 1u : 3u);
    pixels = malloc(frame->stride * frame->height);
    frame->data = pixels;
    return pixels && cflowad_image_read(path, pixels, frame->stride * frame->height) == CFLOWAD_OK;
}

/* How many frames were read; each one's data is to be freed. */
static size_t read_folder(const char *folder, cflowad_frame *frames) {
    char path[4096];
    size_t count = 0;
    struct dirent *entry;
    DIR *directory = opendir(folder);
    if (!directory) return 0;
    while (count < MOST_FRAMES && (entry = readdir(directory))) {
        const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof path || !cflowad_image_is_name(path)) continue;
        if (read_frame(path, &frames[count])) {
            count++;
        } else {
            fprintf(stderr, "train_and_swap: %s is left out\n", path);
            free((void *)frames[count].data);
        }
    }
    closedir(directory);
    return count;
}

/* ------------------------------------------------------------------------------------------------------- scoring */

static void wait_until(double time) {
    const double seconds = time - now();
    struct timespec rest;
    if (seconds <= 0) return;
    rest.tv_sec = (time_t)seconds;
    rest.tv_nsec = (long)((seconds - (double)rest.tv_sec) * 1e9);
    nanosleep(&rest, NULL);
}

/* Scores until the training has ended, and some frames more when there is a new detector. */
static cflowad_status run(training *job) {
    static const char *const stages[] = {"encoding", "fitting", "calibrating"};
    size_t scored[2] = {0, 0}, frame = 0;
    double longest = 0, start, next = now();
    int shown = -1;

    while (scored[1] < FRAMES_AFTER_SWAP) {
        const int is_finished = atomic_load(&job->is_finished), stage = atomic_load(&job->stage);
        const int percent = atomic_load(&job->percent) / 50 * 50, state = 1000 * stage + percent;
        cflowad_result result = {.struct_size = sizeof result};
        cflowad_status status;
        if (is_finished && job->status != CFLOWAD_OK) break;
        start = now();
        status = cflowad_session_score(job->session, &job->frames[frame++ % job->frame_count], &result);
        if (status != CFLOWAD_OK) return status;
        if (now() - start > longest) longest = now() - start;
        scored[is_finished]++;
        if (!is_finished && state != shown)
            printf("%s %d %%, meanwhile %s\n", stages[stage], percent, cflowad_verdict_name(result.verdict));
        shown = state;
        wait_until(next += PERIOD_MS * 1e-3);
    }
    printf(
        "%lu frames by the old detector, %lu by the new one; the longest took %.1f ms\n", (unsigned long)scored[0],
        (unsigned long)scored[1], 1e3 * longest);
    return CFLOWAD_OK;
}

int main(int argc, char **argv) {
    static cflowad_frame frames[MOST_FRAMES];
    static training job;
    const struct sigaction action = {.sa_handler = interrupt};
    cflowad_model *model = NULL;
    cflowad_status status;
    pthread_t thread;
    size_t i;
    int exit_status = 1;

    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: train_and_swap OLD.h5 ENCODER.h5 GOOD_FOLDER NEW.h5 [SECONDS]\n");
        return 2;
    }
    sigaction(SIGINT, &action, NULL);
    job.encoder = argv[2];
    job.output = argv[4];
    job.deadline = now() + (argc == 6 ? strtod(argv[5], NULL) : 3600);
    job.frames = frames;
    job.frame_count = read_folder(argv[3], frames);
    status = cflowad_model_open(argv[1], &model);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &job.session);
    cflowad_model_close(model); /* the session keeps what it needs */
    if (status != CFLOWAD_OK) {
        fprintf(stderr, "train_and_swap: %s\n", cflowad_last_error());
    } else if (!job.frame_count) {
        fprintf(stderr, "train_and_swap: there are no frames in %s\n", argv[3]);
    } else if (pthread_create(&thread, NULL, train, &job)) {
        fprintf(stderr, "train_and_swap: no thread to train on\n");
    } else {
        status = run(&job);
        if (status != CFLOWAD_OK) {
            fprintf(stderr, "train_and_swap: %s\n", cflowad_last_error());
            is_interrupted = 1; /* nothing to train for */
        }
        pthread_join(thread, NULL);
        if (job.status == CFLOWAD_OK) printf("%s is in use\n", job.output);
        else fprintf(stderr, "train_and_swap: the old detector stays: %s\n", job.message);
        exit_status = status == CFLOWAD_OK && job.status == CFLOWAD_OK ? 0 : 1;
    }
    cflowad_session_close(job.session);
    for (i = 0; i < job.frame_count; i++) free((void *)frames[i].data);
    return exit_status;
}
