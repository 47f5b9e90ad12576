/* What programs of these tests set up: frames of generated pixels, and results with all outputs that lead to the library's
   own memory. */
#ifndef SETUP_H
#define SETUP_H

#include <string.h>

#include "cflowad.h"

/* Rows without gaps of pixels of so many bytes. */
static inline cflowad_frame frame_over(
    const void *pixels, uint32_t width, uint32_t height, cflowad_pixel_format format, size_t pixel_bytes) {
    cflowad_frame frame;

    memset(&frame, 0, sizeof frame);
    frame.struct_size = sizeof frame;
    frame.data = pixels;
    frame.width = width;
    frame.height = height;
    frame.stride = pixel_bytes * width;
    frame.format = format;
    return frame;
}

static inline cflowad_frame rgb_frame(const void *pixels, uint32_t width, uint32_t height) {
    return frame_over(pixels, width, height, CFLOWAD_PIXEL_RGB8, 3);
}

static inline cflowad_frame gray_frame(const void *pixels, uint32_t side) {
    return frame_over(pixels, side, side, CFLOWAD_PIXEL_GRAY8, 1);
}

/* Stripes, other ones for each seed, written into 3 * width * height bytes. */
static inline cflowad_frame striped_frame(unsigned char *pixels, uint32_t width, uint32_t height, unsigned seed) {
    size_t i, count = (size_t)3 * width * height;

    for (i = 0; i < count; i++) pixels[i] = (unsigned char)((i * (seed + 7)) >> 3);
    return rgb_frame(pixels, width, height);
}

enum { SETUP_REGIONS = 16, SETUP_POINTS = 4096 };

/* A result that asks for a map of the frame and for regions with contours; the regions' memory is shared by all. */
static inline cflowad_result result_with_regions(float *map, size_t map_capacity) {
    static cflowad_region regions[SETUP_REGIONS];
    static cflowad_point points[SETUP_POINTS];
    cflowad_result result;

    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    result.frame_map = map;
    result.frame_map_capacity = map_capacity;
    result.regions = regions;
    result.region_size = sizeof *regions;
    result.region_capacity = SETUP_REGIONS;
    result.contour_points = points;
    result.contour_capacity = SETUP_POINTS;
    return result;
}

#endif
