/*
 * Scores one frame: an image file, or the bytes that a camera has written.
 *
 *     score_frame DETECTOR.h5 FRAME.png
 *     score_frame DETECTOR.h5 FRAME.raw WIDTH HEIGHT mono8|mono12p|mono16|bayerrg8|rgb8|bgr8
 */
#include <cflowad.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REGIONS = 8 };

static const struct {
    const char *name;
    cflowad_pixel_format format;
    unsigned bits; /* of a pixel */
} raw_formats[] = {
    {"mono8", CFLOWAD_PIXEL_GRAY8, 8},    {"mono12p", CFLOWAD_PIXEL_MONO12P, 12},
    {"mono16", CFLOWAD_PIXEL_MONO16, 16}, {"bayerrg8", CFLOWAD_PIXEL_BAYER_RG8, 8},
    {"rgb8", CFLOWAD_PIXEL_RGB8, 24},     {"bgr8", CFLOWAD_PIXEL_BGR8, 24},
};

/* Says why a call of the library failed. */
static int refused(const char *what) {
    fprintf(stderr, "score_frame: %s: %s\n", what, cflowad_last_error());
    return 0;
}

/* Fills the frame with a file of any kind that the library reads; *pixels is to be freed in any case. */
static int read_image(const char *path, cflowad_frame *frame, void **pixels) {
    size_t bytes_per_pixel = 0;
    if (cflowad_image_read_info(path, &frame->width, &frame->height, &frame->format) != CFLOWAD_OK)
        return refused(path);
    switch (frame->format) {
    case CFLOWAD_PIXEL_GRAY8: bytes_per_pixel = 1; break;
    case CFLOWAD_PIXEL_MONO16: bytes_per_pixel = 2; break;
    case CFLOWAD_PIXEL_RGB8: bytes_per_pixel = 3; break;
    case CFLOWAD_PIXEL_RGB16: bytes_per_pixel = 6; break;
    }
    frame->stride = frame->width * bytes_per_pixel;
    *pixels = malloc(frame->stride * frame->height);
    if (!*pixels) {
        fprintf(stderr, "score_frame: out of memory\n");
        return 0;
    }
    if (cflowad_image_read(path, *pixels, frame->stride * frame->height) != CFLOWAD_OK) return refused(path);
    return 1;
}

/* The same with rows of raw pixels without gaps. */
static int read_raw(const char *path, char **size_and_format, cflowad_frame *frame, void **pixels) {
    const unsigned long width = strtoul(size_and_format[0], NULL, 10), height = strtoul(size_and_format[1], NULL, 10);
    size_t i = 0, count = sizeof raw_formats / sizeof *raw_formats, bytes;
    int is_read;
    FILE *file;
    while (i < count && strcmp(raw_formats[i].name, size_and_format[2])) i++;
    if (i == count || width < 1 || width > CFLOWAD_MAX_FRAME_SIDE || height < 1 || height > CFLOWAD_MAX_FRAME_SIDE) {
        fprintf(stderr, "score_frame: no such size or format\n");
        return 0;
    }
    frame->width = (uint32_t)width;
    frame->height = (uint32_t)height;
    frame->format = raw_formats[i].format;
    frame->stride = (width * raw_formats[i].bits + 7) / 8;
    bytes = frame->stride * height;
    *pixels = malloc(bytes);
    file = fopen(path, "rb");
    is_read = file && *pixels && fread(*pixels, 1, bytes, file) == bytes;
    if (file) fclose(file);
    if (!is_read) fprintf(stderr, "score_frame: %s: cannot read %lu bytes\n", path, (unsigned long)bytes);
    return is_read;
}

static int score(const char *detector, const cflowad_frame *frame, const char *name) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_region regions[MOST_REGIONS];
    cflowad_result result = {.struct_size = sizeof result};
    cflowad_status status = cflowad_model_open(detector, &model);
    size_t i;

    /* A program that scores a stream of frames opens once, and scores many times. */
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    cflowad_model_close(model); /* the session keeps what it needs */
    result.regions = regions;
    result.region_size = sizeof *regions;
    result.region_capacity = MOST_REGIONS;
    if (status == CFLOWAD_OK) status = cflowad_session_score(session, frame, &result);
    if (status == CFLOWAD_OK) {
        printf(
            "%s: %s, score %.4f, threshold %.4f, p-value %.4f\n", name, cflowad_verdict_name(result.verdict),
            (double)result.score, (double)result.threshold, (double)result.p_value);
        for (i = 0; i < result.region_count && i < MOST_REGIONS; i++)
            printf(
                "  %u x %u pixels at (%u, %u), peak %.4f, p-value %.4f\n", regions[i].width, regions[i].height,
                regions[i].x, regions[i].y, (double)regions[i].peak, (double)regions[i].p_value);
    } else {
        refused(name);
    }
    cflowad_session_close(session);
    return status == CFLOWAD_OK;
}

int main(int argc, char **argv) {
    cflowad_frame frame = {.struct_size = sizeof frame};
    void *pixels = NULL;
    int is_done;
    if (argc != 3 && argc != 6) {
        fprintf(stderr, "usage: score_frame DETECTOR.h5 FRAME [WIDTH HEIGHT FORMAT]\n");
        return 2;
    }
    is_done = argc == 3 ? read_image(argv[2], &frame, &pixels) : read_raw(argv[2], argv + 3, &frame, &pixels);
    frame.data = pixels;
    is_done = is_done && score(argv[1], &frame, argv[2]);
    free(pixels);
    return is_done ? 0 : 1;
}
