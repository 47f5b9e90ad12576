/*
 * The stacks that the header says are enough: calls on threads that have no more beside what the C library takes itself,
 * with a page that nobody may touch below. Overflow is a SIGSEGV.
 *
 *     stack_test DETECTOR.h5 FOLDER [quantize]
 *
 * Leaves in the folder stack.h5, a detector with all that a calibration gives, with "quantize" one of 8 bits.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cflowad.h"

enum { SIDE = 150, KILOBYTE = 1024, PAINT = 0xa5 };

static const char *detector, *folder;
static unsigned char pixels[SIDE * SIDE * 3];
static float frame_map[SIDE * SIDE];
static cflowad_model *model;
static cflowad_session *session;
static cflowad_trainer *trainer;
static int failures, quantizes;

static void check(cflowad_status status, const char *what) {
    if (status == CFLOWAD_OK) return;
    failures++;
    fprintf(stderr, "stack_test: %s: %s\n", what, cflowad_last_error());
}

static cflowad_frame frame(int number) {
    cflowad_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.struct_size = sizeof frame;
    frame.data = pixels + 3 * number;
    /* The second one is smaller than a network's input, which is resized by other code. */
    frame.width = number == 1 ? 40 : SIDE - 3;
    frame.height = number == 1 ? 30 : SIDE;
    frame.stride = 3 * SIDE;
    frame.format = CFLOWAD_PIXEL_RGB8;
    return frame;
}

/* What a call said; its message is this thread's. */
typedef struct outcome {
    cflowad_status status;
    char message[1024];
} outcome;

static void tell(outcome *outcome, cflowad_status status) {
    if (status == CFLOWAD_OK || outcome->status != CFLOWAD_OK) return;
    outcome->status = status;
    strncpy(outcome->message, cflowad_last_error(), sizeof outcome->message - 1);
}

static void *open_model(void *told) {
    tell(told, cflowad_model_open(detector, &model));
    tell(told, cflowad_session_create(model, NULL, &session));
    return NULL;
}

static void *score(void *told) {
    static cflowad_region regions[8];
    static cflowad_point points[256];
    static cflowad_result result;
    int i;
    for (i = 0; i < 3; i++) {
        cflowad_frame one = frame(i);
        memset(&result, 0, sizeof result);
        result.struct_size = sizeof result;
        result.frame_map = frame_map;
        result.frame_map_capacity = SIDE * SIDE;
        result.regions = regions;
        result.region_size = sizeof regions[0];
        result.region_capacity = 8;
        result.contour_points = points;
        result.contour_capacity = 256;
        tell(told, cflowad_session_score(session, &one, &result));
    }
    return NULL;
}

static void *train(void *told) {
    static cflowad_train_options options;
    static char path[4096];
    int i;
    snprintf(path, sizeof path, "%s/stack.h5", folder);
    tell(told, cflowad_train_options_init(&options, sizeof options));
    if (!quantizes) options.meta_epochs = options.sub_epochs = 1;
    tell(told, cflowad_trainer_create(detector, &options, &trainer));
    for (i = 0; i < 4; i++) {
        cflowad_frame one = frame(i);
        int32_t role = i < 2 ? CFLOWAD_ROLE_TRAINING : CFLOWAD_ROLE_CALIBRATION;
        tell(told, cflowad_trainer_add_frame(trainer, &one, role));
    }
    tell(told, quantizes ? cflowad_trainer_quantize(trainer, 0, NULL, NULL) : cflowad_trainer_fit(trainer, NULL, NULL));
    tell(told, cflowad_trainer_calibrate(trainer, NULL, NULL));
    tell(told, cflowad_trainer_save(trainer, path));
    tell(told, cflowad_trainer_close(trainer));
    return NULL;
}

static void *do_nothing(void *told) { return told; }

/* Runs the body on a thread with so much stack and returns how much of that was used. */
static size_t run(void *(*body)(void *), size_t size, const char *what) {
    static outcome told;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), untouched = 0;
    unsigned char *memory =
        mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE)) exit(2);
    memset(memory + page, PAINT, size);
    memset(&told, 0, sizeof told);
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, memory + page, size)) exit(2);
    if (pthread_create(&thread, &attributes, body, &told)) exit(2);
    pthread_join(thread, NULL);
    while (untouched < size && memory[page + untouched] == PAINT) untouched++;
    if (told.status != CFLOWAD_OK) {
        failures++;
        fprintf(stderr, "stack_test: %s: %s\n", what, told.message);
    }
    munmap(memory, page + size);
    pthread_attr_destroy(&attributes);
    return size - untouched;
}

/* Runs the body on a thread that has so much for it, to the page, and no more. */
static void test(void *(*body)(void *), size_t size, const char *what) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t taken = run(do_nothing, 64 * KILOBYTE, "nothing"), used;
    printf("stack_test: %s:", what);
    fflush(stdout); /* before it may end here */
    used = run(body, (size + taken + page - 1) / page * page, what) - taken;
    printf(" %lu bytes beside %lu of the thread's own\n", (unsigned long)used, (unsigned long)taken);
    if (used <= size) return;
    failures++;
    fprintf(stderr, "stack_test: %s needs more than %lu KB\n", what, (unsigned long)(size / KILOBYTE));
}

int main(int argc, char **argv) {
    size_t i;
    if (argc < 3) return fprintf(stderr, "usage: stack_test DETECTOR.h5 FOLDER [quantize]\n"), 2;
    detector = argv[1];
    folder = argv[2];
    quantizes = argc > 3;
    for (i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(60 + (i * 2654435761u >> 26));
    test(open_model, 48 * KILOBYTE, "opening a model and creating a session");
    test(score, 20 * KILOBYTE, "scoring");
    test(train, 64 * KILOBYTE, "training");
    check(cflowad_session_close(session), "close");
    check(cflowad_model_close(model), "close");
    printf("stack_test: %d failed\n", failures);
    return failures != 0;
}
