#include "internal.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct cpng_reader {
    png_structp png;
    png_infop info;
    FILE *file;
    uint64_t file_size; /* in bytes */
    int passes;
    cpng_samples samples;
    cpng_failure failure;
};

static void read_file(png_structp png, png_bytep bytes, size_t count) {
    cpng_reader *reader = png_get_io_ptr(png);
    if (fread(bytes, 1, count, reader->file) == count) return;
    if (ferror(reader->file)) cpng_fail_by_errno(&reader->failure);
    png_error(png, "the image ends too early");
}

/* Reads the header and asks for grey or RGB. Errors jump out. */
static void start(cpng_reader *reader) {
    png_structp png = reader->png;
    png_infop info = reader->info;

    /* Nothing but the picture is of interest: text, profiles and the like are skipped without being unpacked, and a
       transparent colour (tRNS) is an ordinary one where alpha is not wanted. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    if (reader->samples != CPNG_WITH_ALPHA)
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1);
    png_set_user_limits(png, CPNG_MAX_SIDE, CPNG_MAX_SIDE);
    png_set_chunk_cache_max(png, 16);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_read_info(png, info);

    uint64_t pixels = (uint64_t)png_get_image_width(png, info) * png_get_image_height(png, info);
    if (pixels > CPNG_MAX_PIXELS) png_error(png, "the image has more than 2^28 pixels");
    /* Deflate packs 1032 bytes into one at best: a small file that claims more is refused before memory is asked for. */
    uint64_t raw = (uint64_t)png_get_rowbytes(png, info) * png_get_image_height(png, info);
    if (raw / 1032 > reader->file_size) png_error(png, "the image ends too early");

    png_byte color = png_get_color_type(png, info);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
    if (reader->samples == CPNG_STORED && png_get_bit_depth(png, info) == 16) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        png_set_swap(png);
#endif
    } else {
        png_set_scale_16(png);
    }
    if (reader->samples == CPNG_WITH_ALPHA) png_set_tRNS_to_alpha(png);
    else png_set_strip_alpha(png);
    reader->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    uint32_t bits = cpng_bits(reader);
    if ((bits != 8 && (bits != 16 || reader->samples != CPNG_STORED))
        || png_get_rowbytes(png, info) != (size_t)png_get_image_width(png, info) * cpng_channels(reader) * (bits / 8))
        png_error(png, "the image is of an unknown kind");
}

static cpng_status give_up(cpng_reader *reader, cpng_message *message) {
    cpng_status status = reader->failure.status;
    *message = reader->failure.message;
    cpng_close(reader);
    return status;
}

/* Takes the reader: gives it out or closes it. */
static cpng_status open_source(cpng_reader *source, cpng_reader **reader, cpng_message *message) {
    png_byte signature[8];
    source->png = png_create_read_struct_2(
        PNG_LIBPNG_VER_STRING, &source->failure, cpng_on_error, cpng_on_warning, &source->failure, cpng_allocate,
        cpng_free);
    source->info = source->png ? png_create_info_struct(source->png) : NULL;
    if (!source->info) {
        cpng_fail(&source->failure, CPNG_MEMORY, "no memory to read a PNG image");
        return give_up(source, message);
    }
    if (setjmp(png_jmpbuf(source->png))) return give_up(source, message);
    png_set_read_fn(source->png, source, read_file);
    read_file(source->png, signature, sizeof signature);
    if (png_sig_cmp(signature, 0, sizeof signature)) png_error(source->png, "not a PNG image");
    png_set_sig_bytes(source->png, sizeof signature);
    start(source);
    *reader = source;
    return CPNG_SUCCESS;
}

cpng_status cpng_open(const char *path, cpng_samples samples, cpng_reader **reader, cpng_message *message) {
    struct stat file;
    *reader = NULL;
    cpng_reader *source = calloc(1, sizeof *source);
    if (!source) {
        snprintf(message->text, sizeof message->text, "no memory to read a PNG image");
        return CPNG_MEMORY;
    }
    /* Only regular files: a pipe would wait, and has no size. */
    if (stat(path, &file) != 0) cpng_fail_by_errno(&source->failure);
    else if (!S_ISREG(file.st_mode)) cpng_fail(&source->failure, CPNG_IO, "not a regular file");
    else if (!(source->file = fopen(path, "rbe"))) cpng_fail_by_errno(&source->failure);
    if (source->failure.status != CPNG_SUCCESS) return give_up(source, message);
    source->file_size = (uint64_t)file.st_size;
    source->samples = samples;
    return open_source(source, reader, message);
}

uint32_t cpng_width(const cpng_reader *reader) { return png_get_image_width(reader->png, reader->info); }

uint32_t cpng_height(const cpng_reader *reader) { return png_get_image_height(reader->png, reader->info); }

uint32_t cpng_channels(const cpng_reader *reader) { return png_get_channels(reader->png, reader->info); }

uint32_t cpng_bits(const cpng_reader *reader) { return png_get_bit_depth(reader->png, reader->info); }

cpng_status cpng_read(cpng_reader *reader, uint8_t *pixels, cpng_message *message) {
    if (setjmp(png_jmpbuf(reader->png))) {
        *message = reader->failure.message;
        return reader->failure.status;
    }
    size_t row_bytes = (size_t)cpng_width(reader) * cpng_channels(reader) * (cpng_bits(reader) / 8);
    for (int pass = 0; pass < reader->passes; pass++)
        for (uint32_t y = 0; y < cpng_height(reader); y++) png_read_row(reader->png, pixels + y * row_bytes, NULL);
    png_read_end(reader->png, NULL);
    return CPNG_SUCCESS;
}

void cpng_close(cpng_reader *reader) {
    if (!reader) return;
    if (reader->png) png_destroy_read_struct(&reader->png, &reader->info, NULL);
    if (reader->file) fclose(reader->file);
    free(reader);
}
