#include "CJPEGShim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#if JPEG_LIB_VERSION >= 80
#define LIBRARY "libjpeg.so.8"
#else
#define LIBRARY "libjpeg.so.62"
#endif

static struct {
    __typeof__(&jpeg_std_error) std_error;
    __typeof__(&jpeg_CreateDecompress) create;
    __typeof__(&jpeg_stdio_src) stdio_src;
    __typeof__(&jpeg_read_header) read_header;
    __typeof__(&jpeg_start_decompress) start;
    __typeof__(&jpeg_read_scanlines) read_scanlines;
    __typeof__(&jpeg_finish_decompress) finish;
    __typeof__(&jpeg_destroy_decompress) destroy;
} library;

static const cpicture_function functions[] = {
    {"jpeg_std_error", &library.std_error},      {"jpeg_CreateDecompress", &library.create},
    {"jpeg_stdio_src", &library.stdio_src},      {"jpeg_read_header", &library.read_header},
    {"jpeg_start_decompress", &library.start},   {"jpeg_read_scanlines", &library.read_scanlines},
    {"jpeg_finish_decompress", &library.finish}, {"jpeg_destroy_decompress", &library.destroy},
};

static cpicture_library source = {"JPEG", LIBRARY, "libjpeg62-turbo", functions, sizeof functions / sizeof *functions,
                                  0};

/* A progressive file may order any number of passes over the picture: more than any encoder writes is an attack. */
enum { MAX_SCANS = 500 };

typedef struct {
    struct jpeg_error_mgr errors; /* first: the library hands out its address */
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    cpicture *picture;
    int is_past_header;
} decoder;

static cpicture_status status_of(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY: return CPICTURE_MEMORY;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED: return CPICTURE_UNSUPPORTED;
    default: return CPICTURE_FORMAT;
    }
}

static void stop(j_common_ptr jpeg) {
    decoder *d = (decoder *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    cpicture_fail(d->picture, status_of(jpeg->err->msg_code), text);
    longjmp(d->jump, 1);
}

/* Warnings that leave every pixel what it is: odd version numbers, and bytes that some cameras leave between the segments
   before the picture's data, or behind all of it (before the marker EOI). All others tell of data that is missing. */
static int is_harmless(j_common_ptr jpeg) {
    const struct jpeg_error_mgr *errors = jpeg->err;
    if (errors->msg_code == JWRN_JFIF_MAJOR || errors->msg_code == JWRN_ADOBE_XFORM) return 1;
    return errors->msg_code == JWRN_EXTRANEOUS_DATA
        && (!((decoder *)jpeg->err)->is_past_header || errors->msg_parm.i[1] == JPEG_EOI);
}

static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0 && !is_harmless(jpeg)) stop(jpeg);
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
    d.is_past_header = 0;
    jpeg.err = library.std_error(&d.errors);
    d.errors.error_exit = stop;
    d.errors.emit_message = on_message;
    uint8_t *volatile row = NULL;
    if (!setjmp(d.jump)) {
        library.create(&jpeg, JPEG_LIB_VERSION, sizeof jpeg);
        d.progress.progress_monitor = on_progress;
        jpeg.progress = &d.progress;
        library.stdio_src(&jpeg, file);
        library.read_header(&jpeg, TRUE);
        d.is_past_header = 1;
        int is_gray = jpeg.jpeg_color_space == JCS_GRAYSCALE;
        int is_cmyk = jpeg.num_components == 4;
        jpeg.out_color_space = is_gray ? JCS_GRAYSCALE : is_cmyk ? JCS_CMYK : JCS_RGB;
        uint32_t channels = is_gray ? 1 : 3;
        if (cpicture_allocate(picture, jpeg.image_width, jpeg.image_height, channels, 8)) {
            row = malloc((size_t)jpeg.image_width * 4);
            if (!row) ERREXIT1(&jpeg, JERR_OUT_OF_MEMORY, 0);
            library.start(&jpeg);
            while (jpeg.output_scanline < jpeg.output_height) {
                uint8_t *target =
                    (uint8_t *)picture->pixels + (size_t)jpeg.output_scanline * jpeg.image_width * channels;
                JSAMPROW line = is_cmyk ? row : target;
                library.read_scanlines(&jpeg, &line, 1);
                if (is_cmyk) to_rgb(row, jpeg.image_width, target);
            }
            library.finish(&jpeg);
        }
    }
    free(row);
    library.destroy(&jpeg);
}

void cjpeg_read(const char *path, cpicture *picture) {
    if (!cpicture_find(&source, picture)) return;
    FILE *file = fopen(path, "rbe");
    if (!file) {
        cpicture_fail(picture, CPICTURE_IO, strerror(errno));
        return;
    }
    decode(file, picture);
    fclose(file);
}
