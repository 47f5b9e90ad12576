/*
 * An entry for libFuzzer: ENTRY, a name below, is given when this is compiled. Whatever bytes come, the library must return; a
 * sanitizer, the time or the memory of libFuzzer's limits end it otherwise.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cflowad.h"

enum { MOST_PIXELS = 4 << 20 };

void cflowad_fuzz_npy(const char *path);
void cflowad_fuzz_csv(const char *path);
void cflowad_fuzz_checkpoint(const char *path);

/* What was found to be wrong ends the process, as a sanitizer does. */
static void require(int good) {
    if (!good) abort();
}

static int is_status(cflowad_status status) { return status >= CFLOWAD_OK && status <= CFLOWAD_ERROR_STATE; }

/* ---- memory and frames */

/* A model that opens is asked for what a host asks. */
static void model(const uint8_t *data, size_t size) {
    cflowad_model *opened = NULL;
    cflowad_model_info info;
    cflowad_status status = cflowad_model_open_memory(data, size, &opened);

    require(is_status(status) && (status == CFLOWAD_OK) == (opened != NULL));
    if (status != CFLOWAD_OK) return;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    require(cflowad_model_get_info(opened, &info) == CFLOWAD_OK);
    require(cflowad_model_advice(opened) != NULL);
    require(cflowad_model_close(opened) == CFLOWAD_OK);
}

/* The struct comes from the first bytes, the pixels behind it are as many as its sizes need: those must be right. A detector that
   is opened once scores it; overlays and PNG files are the frame's other ways in. */
static void frame(const uint8_t *data, size_t size) {
    static cflowad_session *session;
    static uint8_t pixels[MOST_PIXELS * 4], rgb[MOST_PIXELS];
    static float map[MOST_PIXELS / 4];
    struct {
        uint16_t width, height, crop_x, crop_y, crop_width, crop_height;
        uint8_t format, flags, significant_bits, shift, padding, planes;
        uint32_t struct_size;
    } given;
    /* A struct of a later version is larger, and its memory is there. */
    static union {
        cflowad_frame known;
        uint8_t later[4096];
    } room;
    cflowad_frame frame;
    cflowad_result result;
    cflowad_status status;
    size_t i;

    if (!session) {
        cflowad_model *opened = NULL;
        const char *path = getenv("FUZZ_DETECTOR");
        require(path && cflowad_model_open(path, &opened) == CFLOWAD_OK);
        require(cflowad_session_create(opened, NULL, &session) == CFLOWAD_OK);
        for (i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * i >> 5);
    }
    if (size < sizeof given) return;
    memcpy(&given, data, sizeof given);
    memset(&frame, 0, sizeof frame);
    frame.struct_size = given.struct_size % 8 ? sizeof frame : given.struct_size % 4096;
    frame.data = pixels;
    frame.width = given.width % 2048;
    frame.height = given.height % 512;
    frame.stride = (size_t)frame.width * 8 + given.padding;
    frame.format = given.format % 48;
    frame.flags = given.flags % 4;
    frame.significant_bits = given.significant_bits % 20;
    frame.shift = given.shift % 20;
    frame.crop_x = given.crop_x % 2048;
    frame.crop_y = given.crop_y % 512;
    frame.crop_width = given.crop_width % 2048;
    frame.crop_height = given.crop_height % 512;
    if (given.planes % 2) {
        frame.planes[0] = pixels;
        frame.planes[1] = pixels;
        frame.plane_strides[0] = frame.plane_strides[1] = frame.stride;
    }
    /* As much as a frame of this stride can need, planes and all. */
    if (frame.stride * (frame.height + 1) * 3 > sizeof pixels) return;
    memcpy(pixels, data + sizeof given, size - sizeof given < sizeof pixels ? size - sizeof given : sizeof pixels);
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    result.frame_map = map;
    result.frame_map_capacity = sizeof map / sizeof *map;
    room.known = frame;
    status = cflowad_session_score(session, &room.known, &result);
    require(is_status(status));
    if (status == CFLOWAD_OK)
        require(is_status(
            cflowad_render_overlay(&room.known, map, (size_t)frame.width * frame.height, NULL, rgb, sizeof rgb)));
}

/* ---- files, which have a name in memory */

static char path[64];

static int make_file(const uint8_t *data, size_t size) {
    int file = memfd_create("fuzz", MFD_CLOEXEC);

    require(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return file;
}

#define FILE_ENTRY(name, work)                                                                                         \
    static void name(const uint8_t *data, size_t size) {                                                               \
        int file = make_file(data, size);                                                                              \
        work;                                                                                                          \
        close(file);                                                                                                   \
    }

static void read_image(int is_png) {
    uint32_t width = 0, height = 0;
    cflowad_pixel_format format = 0;
    cflowad_status status = is_png ? cflowad_png_read_info(path, &width, &height, &format)
                                   : cflowad_image_read_info(path, &width, &height, &format);
    size_t pixel_bytes = format == CFLOWAD_PIXEL_GRAY8 ? 1
        : format == CFLOWAD_PIXEL_MONO16               ? 2
        : format == CFLOWAD_PIXEL_RGB8                 ? 3
                                                       : 6;
    size_t bytes = (size_t)width * height * pixel_bytes;
    void *pixels;

    require(is_status(status));
    /* A host would not read what it has no memory for; libFuzzer limits ours. */
    if (status != CFLOWAD_OK || bytes > MOST_PIXELS * 8) return;
    pixels = malloc(bytes);
    require(
        pixels && is_status(is_png ? cflowad_png_read(path, pixels, bytes) : cflowad_image_read(path, pixels, bytes)));
    free(pixels);
}

FILE_ENTRY(png, read_image(1))
FILE_ENTRY(image, read_image(0))
FILE_ENTRY(npy, cflowad_fuzz_npy(path))
FILE_ENTRY(csv, cflowad_fuzz_csv(path))
FILE_ENTRY(checkpoint, cflowad_fuzz_checkpoint(path))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ENTRY(data, size);
    return 0;
}
