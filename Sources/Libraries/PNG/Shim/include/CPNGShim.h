/*
 * PNG files through libpng, for Swift: libpng reports errors by longjmp, which must not cross Swift's frames. All of that
 * stays in here; nothing is printed, and every function returns.
 */
#ifndef CPNGSHIM_H
#define CPNGSHIM_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CPNG_SUCCESS = 0,
    CPNG_IO,     /**< the file could not be opened, read or written */
    CPNG_FORMAT, /**< not a PNG image, damaged, or beyond the limits */
    CPNG_MEMORY  /**< memory could not be had */
} cpng_status;

/** The largest width and height. */
#define CPNG_MAX_SIDE 65535
/** The largest number of pixels of an image. */
#define CPNG_MAX_PIXELS ((uint64_t)1 << 28)

/** One sentence about what went wrong, NUL-terminated; empty when nothing did. */
typedef struct {
    char text[160];
} cpng_message;

/** A PNG image that is being read. */
typedef struct cpng_reader cpng_reader;

/** The samples that cpng_read writes. */
typedef enum {
    CPNG_EIGHT_BITS, /**< samples of 8 bits, 16 rounded to 8 */
    CPNG_STORED,     /**< of 8 bits, or of 16 in the host's order where the file has 16 */
    CPNG_WITH_ALPHA  /**< of 8 bits, and alpha where the file has it, also a transparent colour */
} cpng_samples;

/** Opens a file and reads its header. *reader is NULL on failure. */
cpng_status cpng_open(const char *path, cpng_samples samples, cpng_reader **reader, cpng_message *message);

/** The width in pixels. */
uint32_t cpng_width(const cpng_reader *reader);
/** The number of rows. */
uint32_t cpng_height(const cpng_reader *reader);
/** The samples of a pixel that cpng_read writes: 1 (grey) or 3 (RGB), one more with alpha. */
uint32_t cpng_channels(const cpng_reader *reader);
/** The bits of a sample: 8 or 16. */
uint32_t cpng_bits(const cpng_reader *reader);

/** Reads height x width x channels samples, rows without gaps, to the end of the image. May be called once. */
cpng_status cpng_read(cpng_reader *reader, uint8_t *pixels, cpng_message *message);

/** Closes the reader; NULL is allowed. */
void cpng_close(cpng_reader *reader);

/**
 * Writes an image of 8-bit pixels (channels 1: grey, 3: RGB, 4: RGBA), rows stride bytes apart, into new memory, *bytes of
 * *size bytes, for free().
 */
cpng_status cpng_write_memory(
    uint8_t **bytes, size_t *size, const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride, int channels,
    cpng_message *message);

#endif
