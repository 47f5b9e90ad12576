#include "CPicture.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void cpicture_fail(cpicture *picture, cpicture_status status, const char *text) {
    if (picture->status != CPICTURE_SUCCESS) return;
    picture->status = status;
    snprintf(picture->message, sizeof picture->message, "%s", text);
    for (char *c = picture->message; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
}

int cpicture_allocate(cpicture *picture, uint32_t width, uint32_t height, uint32_t channels, uint32_t bits) {
    picture->width = width;
    picture->height = height;
    picture->channels = channels;
    picture->bits = bits;
    if (width == 0 || height == 0 || width > CPICTURE_MAX_SIDE || height > CPICTURE_MAX_SIDE
        || (uint64_t)width * height > CPICTURE_MAX_PIXELS) {
        cpicture_fail(picture, CPICTURE_FORMAT, "the image is empty, wider or taller than 65535, or above 2^28 pixels");
        return 0;
    }
    if (picture->is_size_only) return 0;
    picture->pixels = malloc((size_t)width * height * channels * (bits / 8));
    if (!picture->pixels) cpicture_fail(picture, CPICTURE_MEMORY, "no memory for the pixels");
    return picture->pixels != NULL;
}

int cpicture_load(const char *library, const cpicture_function *functions, size_t count) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return 0;
    /* POSIX: a symbol's address may be stored as a function's this way. */
    for (size_t i = 0; i < count; i++)
        if (!(*(void **)functions[i].pointer = dlsym(handle, functions[i].name))) return 0;
    return 1;
}
