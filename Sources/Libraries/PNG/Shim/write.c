#include "internal.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    FILE *file;
    cpng_failure failure;
} writer;

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    writer *w = png_get_io_ptr(png);
    if (fwrite(bytes, 1, count, w->file) == count) return;
    cpng_fail_by_errno(&w->failure);
    png_error(png, "writing failed");
}

static void flush_bytes(png_structp png) { (void)png; }

static void encode(writer *w, const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride, int channels) {
    png_structp png = png_create_write_struct_2(
        PNG_LIBPNG_VER_STRING, &w->failure, cpng_on_error, cpng_on_warning, &w->failure, cpng_allocate, cpng_free);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        cpng_fail(&w->failure, CPNG_MEMORY, "no memory to write a PNG image");
        png_destroy_write_struct(&png, NULL);
        return;
    }
    if (!setjmp(png_jmpbuf(png))) {
        int color = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
        png_set_write_fn(png, w, write_bytes, flush_bytes);
        png_set_IHDR(
            png, info, width, height, 8, color, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
            PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png, info);
        for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + y * stride);
        png_write_end(png, info);
    }
    png_destroy_write_struct(&png, &info);
}

cpng_status cpng_write_memory(
    uint8_t **bytes, size_t *size, const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride, int channels,
    cpng_message *message) {
    char *memory = NULL;
    writer w = {open_memstream(&memory, size), {CPNG_SUCCESS, {""}}};
    if (!w.file) {
        cpng_fail(&w.failure, CPNG_MEMORY, "no memory to write a PNG image");
    } else {
        encode(&w, pixels, width, height, stride, channels);
        if (fclose(w.file) != 0) cpng_fail(&w.failure, CPNG_MEMORY, "no memory to write a PNG image");
    }
    if (w.failure.status != CPNG_SUCCESS) {
        free(memory);
        memory = NULL;
    }
    *bytes = (uint8_t *)memory;
    *message = w.failure.message;
    return w.failure.status;
}
