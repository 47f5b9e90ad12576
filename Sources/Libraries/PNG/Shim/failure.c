#include "internal.h"

#include <setjmp.h>
#include <stdio.h>

void cpng_fail(cpng_failure *failure, cpng_status status, const char *text) {
    if (failure->status != CPNG_SUCCESS) return;
    failure->status = status;
    snprintf(failure->message.text, sizeof failure->message.text, "%s", text);
    for (char *c = failure->message.text; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
}

void cpng_on_error(png_structp png, png_const_charp text) {
    cpng_fail(png_get_error_ptr(png), CPNG_FORMAT, text);
    png_longjmp(png, 1);
}

void cpng_on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}
