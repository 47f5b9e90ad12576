/*
 * What the shims of image libraries have in common: pixels, or why there are none, and libraries that are loaded when they
 * are first needed, so that who reads no such images needs none of them.
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

/** An image, or the first failure on the way to it. All zero to begin with, but for is_size_only. */
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

/** Keeps a failure unless there is one already. */
void cpicture_fail(cpicture *picture, cpicture_status status, const char *text);

/**
 * Sets what is known of the pixels and allocates memory for them. Returns 0 when there is nothing more to do: only the size
 * is wanted, or the failure is kept, for sizes beyond the limits and when there is no memory.
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
 * Sees to it that a library is loaded and its functions are found. Returns 0, with the failure kept, when it or one of them
 * is missing. Thread-safe.
 */
int cpicture_find(cpicture_library *library, cpicture *picture);

#endif
