#include "CPicture.h"

#include <dlfcn.h>
#include <pthread.h>
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

static int load(const cpicture_library *library) {
    void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return 0;
    /* POSIX: a symbol's address may be stored as a function's this way. */
    for (size_t i = 0; i < library->function_count; i++)
        if (!(*(void **)library->functions[i].pointer = dlsym(handle, library->functions[i].name))) return 0;
    return 1;
}

int cpicture_find(cpicture_library *library, cpicture *picture) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (library->state == 0) library->state = load(library) ? 1 : -1;
    int is_loaded = library->state > 0;
    pthread_mutex_unlock(&lock);
    if (is_loaded) return 1;
    char text[sizeof picture->message];
    snprintf(
        text, sizeof text, "%s images are read by %s (Debian: %s), which is not installed", library->kind,
        library->file, library->package);
    cpicture_fail(picture, CPICTURE_UNSUPPORTED, text);
    return 0;
}
