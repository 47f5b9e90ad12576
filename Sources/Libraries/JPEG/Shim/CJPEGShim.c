#include "CJPEGShim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* A progressive file may order any number of passes over the picture: more than any encoder writes is an attack. */
enum { MAX_SCANS = 500 };

typedef struct {
    struct jpeg_error_mgr errors; /* first: the library hands out its address */
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    cpicture *picture;
} decoder;

static void stop(j_common_ptr jpeg) {
    decoder *d = (decoder *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    cpicture_fail(
        d->picture, jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? CPICTURE_MEMORY : CPICTURE_FORMAT, text);
    longjmp(d->jump, 1);
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0) stop(jpeg);
}

static void on_progress(j_common_ptr jpeg) {
    decoder *d = (decoder *)jpeg->err;
    if (((j_decompress_ptr)jpeg)->input_scan_number <= MAX_SCANS) return;
    cpicture_fail(d->picture, CPICTURE_FORMAT, "more than 500 passes over the picture");
    longjmp(d->jump, 1);
}

/* Rounded a * b / 255. */
static unsigned scaled(unsigned a, unsigned b) {
    unsigned product = a * b + 128;
    return (product + (product >> 8)) >> 8;
}

/* width pixels of inverted CMYK to RGB; they may be the same memory. */
static void to_rgb(const uint8_t *cmyk, uint32_t width, uint8_t *rgb) {
    for (uint32_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        unsigned light = cmyk[3];
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(light - scaled(255u - cmyk[c], light));
    }
}

static void decode(FILE *file, cpicture *picture) {
    decoder d;
    struct jpeg_decompress_struct jpeg;
    memset(&jpeg, 0, sizeof jpeg);
    d.picture = picture;
    jpeg.err = jpeg_std_error(&d.errors);
    d.errors.error_exit = stop;
    d.errors.emit_message = on_message;
    uint8_t *volatile row = NULL;
    if (!setjmp(d.jump)) {
        jpeg_create_decompress(&jpeg);
        d.progress.progress_monitor = on_progress;
        jpeg.progress = &d.progress;
        jpeg_stdio_src(&jpeg, file);
        jpeg_read_header(&jpeg, TRUE);
        int is_gray = jpeg.jpeg_color_space == JCS_GRAYSCALE;
        int is_cmyk = jpeg.num_components == 4;
        jpeg.out_color_space = is_gray ? JCS_GRAYSCALE : is_cmyk ? JCS_CMYK : JCS_RGB;
        uint32_t channels = is_gray ? 1 : 3;
        if (cpicture_allocate(picture, jpeg.image_width, jpeg.image_height, channels, channels)) {
            row = malloc((size_t)jpeg.image_width * 4);
            if (!row) ERREXIT1(&jpeg, JERR_OUT_OF_MEMORY, 0);
            jpeg_start_decompress(&jpeg);
            while (jpeg.output_scanline < jpeg.output_height) {
                uint8_t *target = picture->pixels + (size_t)jpeg.output_scanline * jpeg.image_width * channels;
                JSAMPROW line = is_cmyk ? row : target;
                jpeg_read_scanlines(&jpeg, &line, 1);
                if (is_cmyk) to_rgb(row, jpeg.image_width, target);
            }
            jpeg_finish_decompress(&jpeg);
        }
    }
    free(row);
    jpeg_destroy_decompress(&jpeg);
}

void cjpeg_read(const char *path, cpicture *picture) {
    FILE *file = fopen(path, "rbe");
    if (!file) {
        cpicture_fail(picture, CPICTURE_IO, strerror(errno));
        return;
    }
    decode(file, picture);
    fclose(file);
}
