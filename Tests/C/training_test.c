/*
 * A trainer's threads: as many as it is asked for, or the host's; the model is the same, byte for byte, whoever computed.
 * And a model that is made without a file scores as one that was saved and opened.
 *
 *     training_test DETECTOR.h5 FOLDER
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"
#include "host_threads.h"
#include "setup.h"

enum { SIDE = 40, FRAMES = 6, MOST_BYTES = 64 << 20 };

static int failures;

static void check(int good, const char *what, const char *where) {
    if (good) return;
    failures++;
    fprintf(stderr, "training_test: %s: not so: %s (%s)\n", where, what, cflowad_last_error());
}

/* Threads of this process. */
static int thread_count(void) {
    DIR *folder = opendir("/proc/self/task");
    int count = -2; /* . and .. */
    if (!folder) exit(2);
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

static cflowad_frame frame(int number) {
    static unsigned char pixels[FRAMES][SIDE * SIDE];
    size_t i;
    for (i = 0; i < sizeof pixels[0]; i++)
        pixels[number][i] = (unsigned char)(100 + (i * i + 7 * i * (size_t)number) % 61);
    return gray_frame(pixels[number], SIDE);
}

static int32_t count_threads(const cflowad_progress *progress, void *most) {
    int count = thread_count();
    (void)progress;
    if (count > *(int *)most) *(int *)most = count;
    return 0;
}

static size_t read_file(const char *path, unsigned char *bytes) {
    FILE *file = fopen(path, "rb");
    size_t size;
    if (!file) return 0;
    size = fread(bytes, 1, MOST_BYTES, file);
    fclose(file);
    return size;
}

static float score(const cflowad_model *model, const char *where) {
    cflowad_session *session = NULL;
    cflowad_frame one = frame(FRAMES - 1);
    cflowad_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    check(cflowad_session_create(model, NULL, &session) == CFLOWAD_OK, "a session", where);
    check(cflowad_session_score(session, &one, &result) == CFLOWAD_OK, "a score", where);
    check(result.score > 0, "a score above 0", where);
    cflowad_session_close(session);
    return result.score;
}

/* Trains with these threads and saves; the model's score without a file must be that of the file. */
static void train(
    const char *detector, const char *path, uint32_t threads, cflowad_parallel_for parallel_for, const char *where) {
    cflowad_trainer *trainer = NULL;
    cflowad_model *made = NULL, *saved = NULL, *early = NULL;
    cflowad_train_options options;
    cflowad_model_info info;
    int before = thread_count(), most = 0, host_jobs = 0, i;
    float score_made, score_saved;

    check(cflowad_train_options_init(&options, sizeof options) == CFLOWAD_OK, "options", where);
    check(options.thread_count == 0 && !options.parallel_for && options.warmup_epochs == 2, "their defaults", where);
    options.meta_epochs = options.sub_epochs = 1; /* one epoch: its warm-up of two counts as none */
    options.thread_count = threads;
    options.parallel_for = parallel_for;
    options.parallel_for_context = &host_jobs;
    check(cflowad_trainer_create(detector, &options, &trainer) == CFLOWAD_OK, "a trainer", where);
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame one = frame(i);
        int32_t role = i < FRAMES / 2 ? CFLOWAD_ROLE_TRAINING : CFLOWAD_ROLE_CALIBRATION;
        check(cflowad_trainer_add_frame(trainer, &one, role) == CFLOWAD_OK, "a frame", where);
    }
    check(cflowad_trainer_fit(trainer, count_threads, &most) == CFLOWAD_OK, "fit", where);
    check(cflowad_trainer_model(trainer, &early) == CFLOWAD_OK, "a model that is not calibrated", where);
    check(cflowad_trainer_calibrate(trainer, count_threads, &most) == CFLOWAD_OK, "calibrate", where);
    if (parallel_for) check(most == before && host_jobs > 0, "the host's threads alone", where);
    else check(most == before + (int)threads - 1, "as many threads as are asked for", where);
    check(cflowad_trainer_model(trainer, &made) == CFLOWAD_OK, "a model", where);
    check(cflowad_trainer_save(trainer, path) == CFLOWAD_OK, "save", where);
    check(cflowad_trainer_close(trainer) == CFLOWAD_OK && thread_count() == before, "no thread stays", where);

    check(cflowad_model_open(path, &saved) == CFLOWAD_OK, "open", where);
    score_made = score(made, where);
    score_saved = score(saved, where);
    check(!memcmp(&score_made, &score_saved, sizeof score_made), "one score with and without a file", where);
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    check(cflowad_model_get_info(early, &info) == CFLOWAD_OK && !info.is_calibrated, "not calibrated then", where);
    check(cflowad_model_get_info(made, &info) == CFLOWAD_OK && info.is_calibrated, "calibrated", where);
    check(cflowad_model_close(early) == CFLOWAD_OK && cflowad_model_close(made) == CFLOWAD_OK, "close", where);
    check(cflowad_model_close(saved) == CFLOWAD_OK, "close", where);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        uint32_t threads;
        cflowad_parallel_for parallel_for;
    } ways[] = {
        {"one thread", 1, NULL},
        {"three threads", 3, NULL},
        {"in order", 3, in_order},
        {"on new threads", 3, on_new_threads}};
    static unsigned char first[MOST_BYTES], other[MOST_BYTES];
    char path[4096];
    size_t i, size = 0;
    if (argc != 3) return fprintf(stderr, "usage: training_test DETECTOR.h5 FOLDER\n"), 2;
    snprintf(path, sizeof path, "%s/way.h5", argv[2]);
    for (i = 0; i < sizeof ways / sizeof *ways && !failures; i++) {
        train(argv[1], path, ways[i].threads, ways[i].parallel_for, ways[i].name);
        if (i == 0) {
            size = read_file(path, first);
            check(size > 0 && size < MOST_BYTES, "a file", ways[i].name);
        } else {
            check(read_file(path, other) == size && !memcmp(first, other, size), "the same file", ways[i].name);
        }
    }
    printf("training_test: %d ways, %d failed\n", (int)i, failures);
    return failures != 0;
}
