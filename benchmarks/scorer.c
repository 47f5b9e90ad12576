/*
 * A host that opens a detector, scores one frame of noise and says what that took, as JSON:
 *
 *     scorer DETECTOR.h5 THREADS
 *
 * The milliseconds of opening the model, of creating a session, of the first score and of the next ones' median, and of
 * reading the file's bytes (from the page cache; before all else); and the process's largest memory until then, in KiB.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cflowad.h"

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

static long peak(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (file) fclose(file);
    return kib;
}

static double read_file(const char *path) {
    static char bytes[1 << 18];
    double start = now();
    FILE *file = fopen(path, "rb");

    if (!file) return -1;
    setvbuf(file, NULL, _IONBF, 0);
    while (fread(bytes, 1, sizeof bytes, file) > 0) continue;
    fclose(file);
    return now() - start;
}

static int ascending(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

int main(int argc, char **argv) {
    enum { SIDE = 256, SCORES = 5 };
    static unsigned char pixels[SIDE * SIDE * 3];
    static float likelihoods[1 << 20];
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_session_options options;
    cflowad_frame frame = {
        .struct_size = sizeof frame,
        .data = pixels,
        .width = SIDE,
        .height = SIDE,
        .stride = 3 * SIDE,
        .format = CFLOWAD_PIXEL_RGB8};
    cflowad_result result = {
        .struct_size = sizeof result,
        .log_likelihoods = likelihoods,
        .log_likelihoods_capacity = sizeof likelihoods / sizeof *likelihoods};
    double read, start, opened, created, scored, next[SCORES];
    cflowad_status status;

    if (argc != 3) return 2;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * 2654435761u >> 24);
    cflowad_session_options_init(&options, sizeof options);
    options.thread_count = (uint32_t)atoi(argv[2]);
    read = read_file(argv[1]);
    start = now();
    status = cflowad_model_open(argv[1], &model);
    opened = now();
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, &options, &session);
    created = now();
    if (status == CFLOWAD_OK) status = cflowad_session_score(session, &frame, &result);
    scored = now();
    /* Without calibration the log-likelihoods are all there is. */
    if (status != CFLOWAD_OK && status != CFLOWAD_ERROR_NOT_CALIBRATED) {
        fprintf(stderr, "%s: %s\n", argv[1], cflowad_last_error());
        return 1;
    }
    printf("scored\n");
    fflush(stdout);
    for (int i = 0; i < SCORES; i++) {
        double before = now();

        cflowad_session_score(session, &frame, &result);
        next[i] = now() - before;
    }
    qsort(next, SCORES, sizeof *next, ascending);
    printf(
        "{\"read\": %.3f, \"open\": %.3f, \"create\": %.3f, \"first\": %.3f, \"score\": %.3f, \"peak\": %ld}\n", read,
        opened - start, created - opened, scored - created, next[SCORES / 2], peak());
    cflowad_session_close(session);
    cflowad_model_close(model);
    return 0;
}
