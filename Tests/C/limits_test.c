/*
 * A process whose memory is limited (ulimit -d, ulimit -v): within every limit the library's work is done or ends with
 * CFLOWAD_ERROR_OUT_OF_MEMORY, in time, and nothing is printed. What it needs beyond memory of its own is OpenBLAS, which asks for
 * address space over and over when it gets none.
 *
 *     limits_test DETECTOR.h5 FOLDER STEP        # every STEP-th MiB
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cflowad.h"
#include "setup.h"

enum { SIDE = 80, FRAMES = 6, PATIENCE = 120 /* seconds */, LEAST = 20, MOST = 1200 /* MiB */ };

/* What a process ends with. */
enum { DONE = 10, OUT_OF_MEMORY, WRONG };

static unsigned char pixels[SIDE * SIDE * 3];
static char encoder[4096];

static cflowad_status score(const char *path) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_session_options options;
    cflowad_result result;
    cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, 1);
    cflowad_status status = cflowad_session_options_init(&options, sizeof options);

    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    options.thread_count = 2;
    if (status == CFLOWAD_OK) status = cflowad_model_open(path, &model);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, &options, &session);
    if (status == CFLOWAD_OK) status = cflowad_session_score(session, &frame, &result);
    cflowad_session_close(session);
    cflowad_model_close(model);
    return status;
}

static cflowad_status train(void) {
    cflowad_trainer *trainer = NULL;
    cflowad_train_options options;
    cflowad_status status = cflowad_train_options_init(&options, sizeof options);
    unsigned i;

    options.input_width = options.input_height = 64;
    options.calibration_fraction = 0.4f;
    options.thread_count = 2;
    if (status == CFLOWAD_OK) status = cflowad_trainer_create(encoder, &options, &trainer);
    for (i = 0; i < FRAMES && status == CFLOWAD_OK; i++) {
        cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, i);
        status = cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING);
    }
    if (status == CFLOWAD_OK) status = cflowad_trainer_fit(trainer, NULL, NULL);
    if (status == CFLOWAD_OK) status = cflowad_trainer_calibrate(trainer, NULL, NULL);
    cflowad_trainer_close(trainer);
    return status;
}

/* In a process of its own, within the limit: its exit status, and whether it printed. */
static int within(int resource, rlim_t mebibytes, const char *detector, int *has_printed) {
    struct rlimit limit = {mebibytes << 20, mebibytes << 20};
    FILE *printed = tmpfile();
    int status;
    pid_t child;

    if (!printed || (child = fork()) < 0) return -1;
    if (child == 0) {
        alarm(PATIENCE);
        dup2(fileno(printed), STDERR_FILENO);
        dup2(fileno(printed), STDOUT_FILENO);
        if (setrlimit(resource, &limit) != 0) _exit(WRONG);
        status = score(detector);
        if (status == CFLOWAD_OK) status = train();
        _exit(status == CFLOWAD_OK ? DONE : status == CFLOWAD_ERROR_OUT_OF_MEMORY ? OUT_OF_MEMORY : WRONG);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    *has_printed = fseek(printed, 0, SEEK_END) != 0 || ftell(printed) > 0;
    fclose(printed);
    return status;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int resource;
    } limits[] = {{"data", RLIMIT_DATA}, {"address space", RLIMIT_AS}};
    char path[4096];
    cflowad_trainer *trainer = NULL;
    int failures = 0;
    size_t i;

    if (argc != 4 || atoi(argv[3]) < 1) return fprintf(stderr, "usage: limits_test DETECTOR.h5 FOLDER STEP\n"), 2;
    snprintf(encoder, sizeof encoder, "%s/limits-encoder.h5", argv[2]);
    snprintf(path, sizeof path, "%s/limits.h5", argv[2]);
    if (cflowad_trainer_create(argv[1], NULL, &trainer) != CFLOWAD_OK
        || cflowad_trainer_save_linked(trainer, path, "limits-encoder.h5") != CFLOWAD_OK)
        return fprintf(stderr, "limits_test: %s\n", cflowad_last_error()), 2;
    cflowad_trainer_close(trainer);
    for (i = 0; i < sizeof limits / sizeof *limits; i++) {
        int mebibytes, done = 0, refused = 0, least = 0;

        for (mebibytes = LEAST; mebibytes <= MOST; mebibytes += atoi(argv[3])) {
            int has_printed = 0, status = within(limits[i].resource, (rlim_t)mebibytes, argv[1], &has_printed);
            int result = WIFEXITED(status) ? WEXITSTATUS(status) : WRONG;

            if (result == DONE && !done++) least = mebibytes;
            refused += result == OUT_OF_MEMORY;
            if ((result == DONE || result == OUT_OF_MEMORY) && !has_printed) continue;
            failures++;
            printf(
                "limits_test: %d MiB of %s: %s %d%s\n", mebibytes, limits[i].name,
                WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : result,
                has_printed ? ", and something was printed" : "");
        }
        printf(
            "limits_test: %s: done in %d, from %d MiB on; out of memory in %d\n", limits[i].name, done, least, refused);
        if (!done || !refused) failures++;
    }
    return failures != 0;
}
