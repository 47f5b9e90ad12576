#include "CReserve.h"
#include "internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cpng_fail(cpng_failure *failure, cpng_status status, const char *text) {
    if (failure->status != CPNG_SUCCESS) return;
    failure->status = status;
    snprintf(failure->message.text, sizeof failure->message.text, "%s", text);
    for (char *c = failure->message.text; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
}

void cpng_fail_by_errno(cpng_failure *failure) {
    cpng_fail(failure, errno == ENOMEM ? CPNG_MEMORY : CPNG_IO, strerror(errno));
}

png_voidp cpng_allocate(png_structp png, png_alloc_size_t size) {
    void *memory = creserve_allocate_strictly(16, size);
    if (!memory) cpng_fail(png_get_mem_ptr(png), CPNG_MEMORY, "no memory for a PNG image");
    return memory;
}

void cpng_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

void cpng_on_error(png_structp png, png_const_charp text) {
    cpng_fail(png_get_error_ptr(png), CPNG_FORMAT, text);
    png_longjmp(png, 1);
}

void cpng_on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}
