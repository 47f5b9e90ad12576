/*
 * What the shims of image libraries share: pixels, or the reason why there are none, and libraries that are loaded when they
 * are first needed, so that hosts which read no such images do not need them.
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

/** The largest width and height. */
#define CPICTURE_MAX_SIDE 65535
/** The largest number of pixels of an image. */
#define CPICTURE_MAX_PIXELS ((uint64_t)1 << 28)

/** An image, or the first failure of reading it. Everything but is_size_only is zero at first. */
typedef struct {
    int is_size_only; /**< only size and kind of the pixels are wanted */
    uint32_t width;
    uint32_t height;
    uint32_t channels; /**< 1 (grey) or 3 (RGB) */
    uint32_t bits;     /**< of a sample: 8, or 16 in the host's byte order */
    void *pixels;      /**< height x width x channels samples, rows without gaps; for free() */
    cpicture_status status;
    char message[200]; /**< one sentence, NUL-terminated */
} cpicture;

/** Stores a failure, unless there is one already. */
void cpicture_fail(cpicture *picture, cpicture_status status, const char *text);

/**
 * Sets the size and kind of the pixels and allocates memory for them. Returns 0 when there is nothing more to do: when only
 * the size is wanted, or after a failure, for sizes beyond the limits and when there is no memory.
 */
int cpicture_allocate(cpicture *picture, uint32_t width, uint32_t height, uint32_t channels, uint32_t bits);

/** A function of a library by its name, and the address of the pointer that receives it. */
typedef struct {
    const char *name;
    void *pointer;
} cpicture_function;

/** A library that reads one kind of images. */
typedef struct {
    const char *kind;    /**< "JPEG" */
    const char *file;    /**< the library's name */
    const char *package; /**< Debian's package of it */
    const cpicture_function *functions;
    size_t function_count;
    int state; /**< 0 to begin with, 1 when it is loaded, -1 when it cannot be */
} cpicture_library;

/**
 * Loads a library and finds its functions, unless that was done before. Returns 0, with the failure stored, when one of them
 * is missing. Thread-safe.
 */
int cpicture_find(cpicture_library *library, cpicture *picture);

#endif
