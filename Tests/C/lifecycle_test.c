/*
 * All that a program does with memory and files, once: open, score, train, calibrate, save, open what was saved, quantize, read
 * and write images. For tools that watch a process: Tests/C/run.sh runs it under valgrind and under an allocator that overwrites
 * what is freed.
 *
 *     lifecycle_test DETECTOR.h5 FOLDER
 */
#include <stdio.h>
#include <string.h>

#include "cflowad.h"
#include "setup.h"

enum { WIDTH = 90, HEIGHT = 70, FRAMES = 5 };

static unsigned char pixels[HEIGHT * WIDTH * 3], copy[HEIGHT * WIDTH * 3];
static float map[HEIGHT * WIDTH];

static cflowad_frame a_frame(unsigned seed) { return striped_frame(pixels, WIDTH, HEIGHT, seed); }

static int failed;

static void check(cflowad_status status, const char *what) {
    if (status == CFLOWAD_OK) return;
    failed = 1;
    printf("failed: %s: %s: %s\n", what, cflowad_status_name(status), cflowad_last_error());
}

static void score(const char *path) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_session_options options;
    cflowad_frame frame = a_frame(1);
    cflowad_result result = result_with_regions(map, WIDTH * HEIGHT);

    check(cflowad_session_options_init(&options, sizeof options), "session options");
    options.thread_count = 2;
    check(cflowad_model_open(path, &model), "open");
    check(cflowad_session_create(model, &options, &session), "session");
    check(cflowad_session_score(session, &frame, &result), "score");
    check(cflowad_session_replace_model(session, 0, model), "replace");
    check(cflowad_session_score(session, &frame, &result), "score again");
    check(cflowad_session_close(session), "close the session");
    check(cflowad_model_close(model), "close the model");
}

static void train(const char *encoder, const char *path) {
    cflowad_trainer *trainer = NULL;
    cflowad_train_options options;
    unsigned i;

    check(cflowad_train_options_init(&options, sizeof options), "train options");
    options.input_width = options.input_height = 32;
    options.coupling_blocks = 1;
    options.condition_channels = 8;
    options.meta_epochs = 2;
    options.sub_epochs = 1;
    options.warmup_epochs = 1;
    options.calibration_fraction = 0.4f;
    check(cflowad_trainer_create(encoder, &options, &trainer), "trainer");
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame frame = a_frame(i);
        check(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING), "add a frame");
    }
    check(cflowad_trainer_fit(trainer, NULL, NULL), "fit");
    check(cflowad_trainer_calibrate(trainer, NULL, NULL), "calibrate");
    check(cflowad_trainer_save(trainer, path), "save");
    check(cflowad_trainer_close(trainer), "close the trainer");
}

/* A detector of 8 bits of one of float32, which then computes again what its file holds of a known frame. */
static void quantize(const char *detector, const char *path) {
    cflowad_trainer *trainer = NULL;
    cflowad_quantization changed;
    cflowad_model *model = NULL;
    unsigned i;

    changed.struct_size = sizeof changed;
    check(cflowad_trainer_create(detector, NULL, &trainer), "trainer to quantize");
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame frame = a_frame(i);
        check(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING), "add a frame to quantize by");
    }
    check(cflowad_trainer_quantize(trainer, 1, NULL, NULL), "quantize");
    check(cflowad_trainer_calibrate(trainer, NULL, NULL), "calibrate 8 bits");
    check(cflowad_trainer_get_quantization(trainer, &changed), "what changed");
    check(cflowad_trainer_save(trainer, path), "save 8 bits");
    check(cflowad_trainer_close(trainer), "close the trainer of 8 bits");
    check(cflowad_model_open(path, &model), "open 8 bits");
    check(cflowad_model_verify(model, NULL), "verify");
    check(cflowad_model_close(model), "close 8 bits");
}

/* The encoder of a detector, in a file of its own. */
static void split(const char *detector, const char *path, const char *name) {
    cflowad_trainer *trainer = NULL;

    check(cflowad_trainer_create(detector, NULL, &trainer), "trainer of a detector");
    check(cflowad_trainer_save_linked(trainer, path, name), "save linked");
    check(cflowad_trainer_close(trainer), "close the trainer of a detector");
}

static void images(const char *path) {
    cflowad_frame frame = a_frame(3);
    uint32_t width, height;
    cflowad_pixel_format format;

    check(cflowad_png_write(path, &frame), "write a PNG file");
    check(cflowad_png_read_info(path, &width, &height, &format), "look at a PNG file");
    check(cflowad_png_read(path, copy, sizeof copy), "read a PNG file");
    if (memcmp(pixels, copy, sizeof copy) != 0) failed = 1;
    check(cflowad_render_overlay(&frame, map, WIDTH * HEIGHT, NULL, copy, sizeof copy), "overlay");
}

int main(int argc, char **argv) {
    char linked[1200], encoder[1200], trained[1200], quantized[1200], image[1200];
    cflowad_model *model = NULL;

    if (argc != 3) return 2;
    snprintf(linked, sizeof linked, "%s/lifecycle-linked.h5", argv[2]);
    snprintf(encoder, sizeof encoder, "%s/lifecycle-encoder.h5", argv[2]);
    snprintf(trained, sizeof trained, "%s/lifecycle.h5", argv[2]);
    snprintf(quantized, sizeof quantized, "%s/lifecycle-8-bits.h5", argv[2]);
    snprintf(image, sizeof image, "%s/lifecycle.png", argv[2]);
    split(argv[1], linked, "lifecycle-encoder.h5");
    score(linked);
    train(encoder, trained);
    score(trained);
    quantize(trained, quantized);
    score(quantized);
    images(image);
    /* What is refused leaves nothing either. */
    if (cflowad_model_open(image, &model) != CFLOWAD_ERROR_FORMAT) failed = 1;
    printf("lifecycle: %s\n", failed ? "failed" : "passed");
    return failed;
}
