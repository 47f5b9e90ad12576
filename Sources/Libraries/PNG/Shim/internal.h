#ifndef CPNGSHIM_INTERNAL_H
#define CPNGSHIM_INTERNAL_H

#include "include/CPNGShim.h"

#include <png.h>

/** The first error of an image, kept by libpng's callbacks until the caller asks. */
typedef struct {
    cpng_status status;
    cpng_message message;
} cpng_failure;

/** Keeps a failure unless there is one already. */
void cpng_fail(cpng_failure *failure, cpng_status status, const char *text);
/** Keeps what errno says, as a failure of memory or of input and output. */
void cpng_fail_by_errno(cpng_failure *failure);
/** libpng's own memory, of whose shortage the failure tells. */
png_voidp cpng_allocate(png_structp png, png_alloc_size_t size);
void cpng_free(png_structp png, png_voidp memory);
/** libpng's error callback: keeps the text as a failure of format and jumps back. */
void cpng_on_error(png_structp png, png_const_charp text);
/** libpng's warning callback: silence. */
void cpng_on_warning(png_structp png, png_const_charp text);

#endif
