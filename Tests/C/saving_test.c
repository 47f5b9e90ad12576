/*
 * Files that outlast the end of their writer: a process that saves is killed at a random moment, one that trains is killed and
 * another one goes on, and a file system becomes full. What is at the path is the old file or the new one, whole, every time.
 *
 *     saving_test DETECTOR.h5 FOLDER SAVING_KILLS TRAINING_KILLS
 *     saving_test DETECTOR.h5 FOLDER full        # FOLDER is on a file system that the model does not fit on twice
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cflowad.h"
#include "setup.h"

enum { SIDE = 80, FRAMES = 6, MOST_BYTES = 64 << 20 };

static unsigned char pixels[SIDE * SIDE * 3];
static const char *detector, *folder;
static char path[4096], checkpoint[4096];

static void require(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "saving_test: not so: %s (%s)\n", what, cflowad_last_error());
    exit(1);
}

#define OK(call) require((call) == CFLOWAD_OK, #call)

static unsigned char *contents(const char *file_path, size_t *size) {
    FILE *file = fopen(file_path, "rb");
    unsigned char *bytes = malloc(MOST_BYTES);

    require(file && bytes, file_path);
    *size = fread(bytes, 1, MOST_BYTES, file);
    fclose(file);
    return bytes;
}

static int leftovers(void) {
    DIR *directory = opendir(folder);
    struct dirent *entry;
    int count = 0;

    require(directory != NULL, folder);
    while ((entry = readdir(directory))) count += !strncmp(entry->d_name, ".cflowad-", 9);
    closedir(directory);
    return count;
}

static uint32_t next_random(void) {
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* Starts a process that does some work and says when it is ready; its number. */
static pid_t start(void (*work)(int ready)) {
    int pipes[2];
    char byte;
    pid_t child;

    require(pipe(pipes) == 0, "a pipe");
    child = fork();
    require(child >= 0, "a process");
    if (child == 0) {
        close(pipes[0]);
        work(pipes[1]);
        _exit(0);
    }
    close(pipes[1]);
    require(read(pipes[0], &byte, 1) == 1, "the other process is ready");
    close(pipes[0]);
    return child;
}

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int kill_within(pid_t child, double seconds) {
    double moment = seconds * next_random() / (1 << 24);
    struct timespec pause;
    int status;

    pause.tv_sec = (time_t)moment;
    pause.tv_nsec = (long)((moment - (double)pause.tv_sec) * 1e9);
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    require(waitpid(child, &status, 0) == child, "its end");
    return WIFSIGNALED(status) ? 1 : 0;
}

static cflowad_trainer *trainer_of(const char *file) {
    cflowad_trainer *trainer = NULL;

    OK(cflowad_trainer_create(file, NULL, &trainer));
    return trainer;
}

/* ---- saving */

static char first_path[4096], second_path[4096];

static void save_for_ever(int ready) {
    cflowad_trainer *first = trainer_of(first_path), *second = trainer_of(second_path);

    require(write(ready, "", 1) == 1, "telling that it is ready");
    for (;;) {
        OK(cflowad_trainer_save(first, path));
        OK(cflowad_trainer_save(second, path));
    }
}

/* A second detector: the first one calibrated on other frames. */
static void recalibrate(const char *from, const char *to, unsigned seed) {
    cflowad_trainer *trainer = trainer_of(from);
    unsigned i;

    for (i = 0; i < FRAMES; i++) {
        cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, seed + i);
        OK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_CALIBRATION));
    }
    OK(cflowad_trainer_calibrate(trainer, NULL, NULL));
    OK(cflowad_trainer_save(trainer, to));
    OK(cflowad_trainer_close(trainer));
}

static void kill_while_saving(int kills) {
    size_t first_size, second_size, size;
    unsigned char *first, *second;
    int i, firsts = 0;
    double seconds;
    cflowad_trainer *trainer;

    recalibrate(detector, first_path, 0);
    recalibrate(detector, second_path, 100);
    first = contents(first_path, &first_size);
    second = contents(second_path, &second_size);
    require(first_size != second_size || memcmp(first, second, first_size), "two models");
    trainer = trainer_of(first_path);
    seconds = now();
    OK(cflowad_trainer_save(trainer, path));
    seconds = now() - seconds;
    for (i = 0; i < kills; i++) {
        pid_t child = start(save_for_ever);
        cflowad_model *model = NULL;
        unsigned char *bytes;

        require(kill_within(child, 8 * seconds), "it saved until it was killed");
        bytes = contents(path, &size);
        if (size == first_size && !memcmp(bytes, first, size)) firsts++;
        else require(size == second_size && !memcmp(bytes, second, size), "the old file or the new one, whole");
        free(bytes);
        OK(cflowad_model_open(path, &model));
        OK(cflowad_model_close(model));
    }
    OK(cflowad_trainer_save(trainer, path));
    require(leftovers() == 0, "what dead processes left is removed by the next save");
    OK(cflowad_trainer_close(trainer));
    free(first);
    free(second);
    printf(
        "saving_test: killed %d times while it saved: %d times the one file, %d times the other\n", kills, firsts,
        kills - firsts);
}

/* ---- training */

static int32_t count_reports(const cflowad_progress *progress, void *count) {
    (void)progress;
    ++*(int *)count;
    return 0;
}

/* Trains with the checkpoint, from where it is. Without one from the start. */
static int train(const char *to, const char *state) {
    cflowad_trainer *trainer = NULL;
    cflowad_train_options options;
    int reports = 0;
    unsigned i;

    OK(cflowad_train_options_init(&options, sizeof options));
    options.input_width = options.input_height = 64;
    options.coupling_blocks = 2;
    options.meta_epochs = 12;
    options.sub_epochs = 2;
    options.calibration_fraction = 0.4f;
    options.thread_count = 1;
    OK(cflowad_trainer_create(detector, &options, &trainer));
    if (state) OK(cflowad_trainer_set_checkpoint(trainer, state));
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, i);
        OK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    }
    OK(cflowad_trainer_fit(trainer, count_reports, &reports));
    OK(cflowad_trainer_calibrate(trainer, NULL, NULL));
    OK(cflowad_trainer_save(trainer, to));
    OK(cflowad_trainer_close(trainer));
    return reports;
}

static void train_on(int ready) {
    require(write(ready, "", 1) == 1, "telling that it is ready");
    train(path, checkpoint);
}

static void kill_while_training(int kills) {
    size_t expected_size, size;
    unsigned char *expected, *bytes;
    double seconds;
    int i, killed = 0;

    seconds = now();
    train(first_path, NULL);
    seconds = now() - seconds;
    expected = contents(first_path, &expected_size);
    unlink(checkpoint);
    /* A killed training goes on where it was; one that came to its end begins anew. */
    for (i = 0; i < kills; i++) {
        if (kill_within(start(train_on), seconds)) killed++;
        else unlink(checkpoint);
    }
    train(path, checkpoint);
    bytes = contents(path, &size);
    require(
        size == expected_size && !memcmp(bytes, expected, size), "the detector of a training that was never killed");
    require(leftovers() == 0, "what dead processes left is removed by the next save");
    free(bytes);
    free(expected);
    printf("saving_test: killed %d times of %d while it trained\n", killed, kills);
}

/* ---- a full file system */

static void fill(void) {
    static unsigned char noise[400 * 400 * 3];
    char image[4096], filler[4096];
    size_t size, new_size, i;
    unsigned char *old, *new;
    cflowad_frame frame = rgb_frame(noise, 400, 400);
    cflowad_trainer *trainer = trainer_of(detector);
    cflowad_model *model = NULL;
    FILE *file;

    OK(cflowad_trainer_save(trainer, path));
    old = contents(path, &size);
    require(cflowad_trainer_save(trainer, path) == CFLOWAD_ERROR_IO, "a second one does not fit");
    require(strstr(cflowad_last_error(), "No space left on device") != NULL, "and the message says why");
    new = contents(path, &new_size);
    require(new_size == size && !memcmp(new, old, size), "the old file is as it was");
    require(leftovers() == 0, "no temporary file is left");
    OK(cflowad_model_open(path, &model));
    OK(cflowad_model_close(model));

    snprintf(filler, sizeof filler, "%s/filler", folder);
    snprintf(image, sizeof image, "%s/image.png", folder);
    file = fopen(filler, "wb");
    require(file != NULL, filler);
    while (fwrite(noise, 1, 4096, file) == 4096 && fflush(file) == 0) continue;
    fclose(file);
    for (i = 0; i < sizeof noise; i++) noise[i] = (unsigned char)next_random();
    require(cflowad_png_write(image, &frame) == CFLOWAD_ERROR_IO, "no room for an image");
    require(access(image, F_OK) != 0 && leftovers() == 0, "nothing of it is left");
    unlink(filler);
    OK(cflowad_png_write(image, &frame));
    OK(cflowad_trainer_close(trainer));
    free(old);
    free(new);
    printf("saving_test: a full file system\n");
}

int main(int argc, char **argv) {
    int is_full = argc == 4 && !strcmp(argv[3], "full");

    if (argc != 5 && !is_full) return fprintf(stderr, "usage: saving_test DETECTOR.h5 FOLDER KILLS KILLS | full\n"), 2;
    detector = argv[1];
    folder = argv[2];
    snprintf(path, sizeof path, "%s/model.h5", folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/state", folder);
    snprintf(first_path, sizeof first_path, "%s/first.h5", folder);
    snprintf(second_path, sizeof second_path, "%s/second.h5", folder);
    if (is_full) return fill(), 0;
    kill_while_saving(atoi(argv[3]));
    kill_while_training(atoi(argv[4]));
    return 0;
}
