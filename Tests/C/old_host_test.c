/*
 * A host of some release: built against that release's header, it uses every function that the release had. Tests/C/old_hosts.sh
 * builds it against each of Tests/Fixtures/abi and against today's, and compares what they print, line by line.
 *
 *     old_host_test DETECTOR.h5 FOLDER
 *
 * Lines begin with the release whose functions they come from. Guards behind the structs show that no field is written that the
 * release did not know.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"

enum { WIDTH = 96, HEIGHT = 80, FRAMES = 6, GUARD = 4096 };

/* A struct at the end of its memory, as a program built long ago has it: what follows is somebody else's. */
#define GUARDED(type, name)                                                                                            \
    struct {                                                                                                           \
        type value;                                                                                                    \
        unsigned char guard[GUARD];                                                                                    \
    } name;                                                                                                            \
    memset(&name, 0, sizeof name);                                                                                     \
    memset(name.guard, 0xA5, GUARD)

#define INTACT(name) check_guard(name.guard, #name)

static unsigned char pixels[FRAMES][WIDTH * HEIGHT * 3];

static void require(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "old_host_test: not so: %s (%s)\n", what, cflowad_last_error());
    exit(1);
}

#define OK(call) require((call) == CFLOWAD_OK, #call)

static void check_guard(const unsigned char *guard, const char *name) {
    size_t i;

    for (i = 0; i < GUARD; i++) require(guard[i] == 0xA5, name);
}

static cflowad_frame frame(int number) {
    cflowad_frame frame;

    memset(&frame, 0, sizeof frame);
    frame.struct_size = sizeof frame;
    frame.data = pixels[number];
    frame.width = WIDTH;
    frame.height = HEIGHT;
    frame.stride = WIDTH * 3;
    frame.format = CFLOWAD_PIXEL_RGB8;
    return frame;
}

static cflowad_model *open_model(const char *release, const char *path) {
    cflowad_model *model = NULL;
    cflowad_model_info info;
    GUARDED(cflowad_model_info, guarded);

    OK(cflowad_model_open(path, &model));
    guarded.value.struct_size = sizeof guarded.value;
    OK(cflowad_model_get_info(model, &guarded.value));
    INTACT(guarded);
    info = guarded.value;
    require(info.struct_size == sizeof info, "struct_size stays");
    printf(
        "%s: model %s %s %ux%u, %u levels %ux%ux%u, K %u, P %u, %u, threshold %.9g, %llu parameters\n", release,
        info.architecture, info.padding, info.input_width, info.input_height, info.level_count, info.level_width[0],
        info.level_height[0], info.level_channels[0], info.coupling_blocks, info.condition_channels, info.is_calibrated,
        info.threshold, (unsigned long long)info.parameter_count);
#if CFLOWAD_VERSION >= 10100
    printf(
        "1.1: model review %.9g, pixels %.9g, maps %.9g to %.9g, %llu frames, promised %.9g, tile %u\n",
        info.review_threshold, info.pixel_threshold, info.map_low, info.map_high,
        (unsigned long long)info.calibration_count, info.promised_rate, info.tile_width);
#endif
    return model;
}

/* The map's sum tells more than the score, which is one of its values. */
static void print_result(const char *release, const char *what, const cflowad_result *result, const float *map) {
    double sum = 0;
    size_t i;

    for (i = 0; i < WIDTH * HEIGHT; i++) sum += map[i];
    printf(
        "%s: %s: %.9g of %.9g, verdict %d, map %.17g\n", release, what, result->score, result->threshold,
        result->verdict, sum);
#if CFLOWAD_VERSION >= 10100
    printf("1.1: %s: p %.9g, review %.9g\n", what, result->p_value, result->review_threshold);
#endif
}

static void score(const cflowad_model *model) {
    static float map[WIDTH * HEIGHT], likelihoods[1 << 20];
    cflowad_session *session = NULL;
    cflowad_frame frames[2];
    cflowad_result results[2];
    GUARDED(cflowad_session_options, options);
    GUARDED(cflowad_result, result);
    GUARDED(cflowad_frame, one);

    OK(cflowad_session_options_init(&options.value, sizeof options.value));
    INTACT(options);
    options.value.thread_count = 2;
    OK(cflowad_session_create(model, &options.value, &session));
    one.value = frame(1);
    result.value.struct_size = sizeof result.value;
    result.value.frame_map = map;
    result.value.frame_map_capacity = WIDTH * HEIGHT;
    result.value.log_likelihoods = likelihoods;
    result.value.log_likelihoods_capacity = sizeof likelihoods / sizeof *likelihoods;
    OK(cflowad_session_score(session, &one.value, &result.value));
    INTACT(result);
    print_result("1.0", "score", &result.value, map);
    printf("1.0: likelihoods %.9g %.9g\n", likelihoods[0], likelihoods[1]);

    frames[0] = frame(2);
    frames[1] = frame(3);
    memset(results, 0, sizeof results);
    results[0].struct_size = results[1].struct_size = sizeof *results;
    OK(cflowad_session_score_batch(session, frames, 2, results));
    printf("1.0: batch %.9g %.9g\n", results[0].score, results[1].score);
#if CFLOWAD_VERSION >= 10100
    {
        const cflowad_model *two[2];
        cflowad_session *group = NULL;
        cflowad_region regions[4];
        cflowad_rect rect = {8, 8, 40, 40};
        uint32_t map_width, map_height, tiles;
        GUARDED(cflowad_roi, roi);
        GUARDED(cflowad_model_info, info);

        memset(regions, 0, sizeof regions);
        two[0] = two[1] = model;
        OK(cflowad_session_create_many(two, 2, NULL, &group));
        OK(cflowad_session_score_all(group, frames, results));
        printf("1.1: by two %.9g %.9g\n", results[0].score, results[1].score);
        OK(cflowad_session_replace_model(group, 1, model));
        OK(cflowad_session_close(group));
        roi.value.struct_size = sizeof roi.value;
        roi.value.frame_width = WIDTH;
        roi.value.frame_height = HEIGHT;
        roi.value.rects = &rect;
        roi.value.rect_count = 1;
        OK(cflowad_session_set_region_of_interest(session, &roi.value));
        INTACT(roi);
        result.value.regions = regions;
        result.value.region_size = sizeof *regions;
        result.value.region_capacity = 4;
        OK(cflowad_session_score(session, &one.value, &result.value));
        INTACT(result);
        print_result("1.1", "within a region of interest", &result.value, map);
        printf(
            "1.1: %llu regions, the first %u %u %u %u, peak %.9g\n", (unsigned long long)result.value.region_count,
            regions[0].x, regions[0].y, regions[0].width, regions[0].height, regions[0].peak);
        info.value.struct_size = sizeof info.value;
        OK(cflowad_model_get_info(model, &info.value));
        OK(cflowad_model_info_map_size(&info.value, WIDTH, HEIGHT, &map_width, &map_height, &tiles));
        printf("1.1: map %ux%u of %u tiles\n", map_width, map_height, tiles);
    }
#endif
    OK(cflowad_session_close(session));
}

static int32_t count_progress(const cflowad_progress *progress, void *count) {
    require(progress->struct_size >= sizeof *progress, "progress has what this host knows");
    require(progress->done <= progress->total, "progress is a share");
    ++*(int *)count;
    return 0;
}

/* The published training, as 1.0 had no other: options that only it reads are set. */
static void train(const char *detector, const char *folder) {
    char path[4096];
    cflowad_trainer *trainer = NULL;
    cflowad_model *model;
    int i, calls = 0;
    GUARDED(cflowad_train_options, options);

    OK(cflowad_train_options_init(&options.value, sizeof options.value));
    INTACT(options);
    printf(
        "1.0: defaults %ux%u, K %u, %u x %u epochs, rate %.9g, rotation %.9g, reject %.9g\n", options.value.input_width,
        options.value.input_height, options.value.coupling_blocks, options.value.meta_epochs, options.value.sub_epochs,
        options.value.learning_rate, options.value.rotation_degrees, options.value.false_reject_rate);
    options.value.input_width = options.value.input_height = 64;
    options.value.coupling_blocks = 2;
    options.value.meta_epochs = 2;
    options.value.sub_epochs = 1;
    options.value.warmup_epochs = 1;
    options.value.calibration_fraction = 0.4f;
    OK(cflowad_trainer_create(detector, &options.value, &trainer));
    for (i = 0; i < FRAMES; i++) {
        cflowad_frame one = frame(i);
        OK(cflowad_trainer_add_frame(trainer, &one, CFLOWAD_ROLE_TRAINING));
    }
#if CFLOWAD_VERSION >= 10100
    snprintf(path, sizeof path, "%s/state", folder);
    OK(cflowad_trainer_set_checkpoint(trainer, path));
    OK(cflowad_trainer_set_region_of_interest(trainer, NULL));
#endif
    OK(cflowad_trainer_fit(trainer, count_progress, &calls));
    OK(cflowad_trainer_calibrate(trainer, count_progress, &calls));
    require(calls > 0, "progress is told");
    snprintf(path, sizeof path, "%s/trained.h5", folder);
    OK(cflowad_trainer_save(trainer, path));
    model = open_model("1.0", path);
    score(model);
    OK(cflowad_model_close(model));
#if CFLOWAD_VERSION >= 10100
    snprintf(path, sizeof path, "%s/linked.h5", folder);
    OK(cflowad_trainer_save_linked(trainer, path, "encoder.h5"));
    OK(cflowad_model_close(open_model("1.1", path)));
#endif
    OK(cflowad_trainer_close(trainer));
}

static void pictures(const char *folder) {
    static unsigned char rgb[WIDTH * HEIGHT * 3];
    static float map[WIDTH * HEIGHT];
    char path[4096];
    uint32_t width, height;
    cflowad_pixel_format format;
    cflowad_frame one = frame(0);
    GUARDED(cflowad_overlay_options, options);

    snprintf(path, sizeof path, "%s/frame.png", folder);
    OK(cflowad_png_write(path, &one));
    OK(cflowad_png_read_info(path, &width, &height, &format));
    require(width == WIDTH && height == HEIGHT && format == CFLOWAD_PIXEL_RGB8, "a PNG file's size");
    OK(cflowad_png_read(path, rgb, sizeof rgb));
    require(!memcmp(rgb, pixels[0], sizeof rgb), "a PNG file's pixels");
    OK(cflowad_overlay_options_init(&options.value, sizeof options.value));
    INTACT(options);
    printf("1.0: overlay %.9g %.9g %.9g\n", options.value.low, options.value.high, options.value.opacity);
    OK(cflowad_render_overlay(&one, map, WIDTH * HEIGHT, &options.value, rgb, sizeof rgb));
}

static void measures(void) {
    static const float scores[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t labels[8] = {0, 0, 1, 0, 0, 1, 1, 1};
    double auroc, precision, f1, aupro;
    float threshold;

    OK(cflowad_auroc(scores, labels, 8, &auroc));
    OK(cflowad_average_precision(scores, labels, 8, &precision));
    OK(cflowad_f1_max(scores, labels, 8, &f1, &threshold));
    OK(cflowad_aupro(scores, labels, 1, 4, 2, CFLOWAD_AUPRO_STANDARD, &aupro));
    printf("1.0: measures %.17g %.17g %.17g at %.9g, %.17g\n", auroc, precision, f1, threshold, aupro);
#if CFLOWAD_VERSION >= 10100
    {
        double promised, likely;
        uint64_t needed;

        OK(cflowad_calibration_promise(50, 0.05, &promised, &likely, &needed));
        printf("1.1: promise %.17g %.17g %llu\n", promised, likely, (unsigned long long)needed);
    }
#endif
}

static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes = malloc(64 << 20);

    require(file && bytes, "the detector's file");
    *size = fread(bytes, 1, 64 << 20, file);
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    cflowad_model *model = NULL;
    size_t i, size;
    void *bytes;

    if (argc != 3) return fprintf(stderr, "usage: old_host_test DETECTOR.h5 FOLDER\n"), 2;
    for (i = 0; i < sizeof pixels; i++) pixels[0][i] = (unsigned char)(90 + (i * i / 11 + 5 * i) % 71);
    require(cflowad_version() / 10000 == CFLOWAD_VERSION_MAJOR, "the major version is the header's");
    require(cflowad_version() >= CFLOWAD_VERSION, "the library is no older than the header");
    require(!strncmp(cflowad_build_info(), "libcflowad ", 11), "the build says what it is");
    require(!strcmp(cflowad_status_name(CFLOWAD_ERROR_STATE), "CFLOWAD_ERROR_STATE"), "a status has its name");
    require(cflowad_model_open("/nowhere", &model) == CFLOWAD_ERROR_IO && *cflowad_last_error(), "a failure is told");

    model = open_model("1.0", argv[1]);
    score(model);
    OK(cflowad_model_close(model));
    bytes = read_file(argv[1], &size);
    OK(cflowad_model_open_memory(bytes, size, &model));
    OK(cflowad_model_close(model));
    free(bytes);
    train(argv[1], argv[2]);
    pictures(argv[2]);
    measures();
    return 0;
}
