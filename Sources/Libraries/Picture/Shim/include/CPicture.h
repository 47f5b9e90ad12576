/*
 * What the shims of image libraries give: pixels, or why there are none.
 */
#ifndef CPICTURE_H
#define CPICTURE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CPICTURE_SUCCESS = 0,
    CPICTURE_IO,          /**< the file could not be opened or read */
    CPICTURE_FORMAT,      /**< damaged, or beyond the limits */
    CPICTURE_UNSUPPORTED, /**< of a kind that is not read */
    CPICTURE_MEMORY       /**< memory could not be had */
} cpicture_status;

/** Largest width and height. */
#define CPICTURE_MAX_SIDE 65535
/** Most pixels of an image. */
#define CPICTURE_MAX_PIXELS ((uint64_t)1 << 28)

/** An image, or the first failure on the way to it. All zero to begin with. */
typedef struct {
    uint32_t width;
    uint32_t height;
    uint32_t channels; /**< 1 (grey) or 3 (RGB) */
    uint8_t *pixels;   /**< height x width x channels bytes, rows without gaps; for free() */
    cpicture_status status;
    char message[200]; /**< one sentence, NUL-terminated */
} cpicture;

/** Keeps a failure unless there is one already. */
void cpicture_fail(cpicture *picture, cpicture_status status, const char *text);

/**
 * Sets the size and allocates height x width x bytes_per_pixel bytes. Returns 0, with the failure kept, for sizes beyond
 * the limits and when there is no memory.
 */
int cpicture_allocate(cpicture *picture, uint32_t width, uint32_t height, uint32_t channels, uint32_t bytes_per_pixel);

#endif
