#include "CTIFFShim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiffio.h>

/* Most memory that one allocation inside of libtiff may take. */
static const tmsize_t MAX_ALLOCATION = (tmsize_t)1 << 30;

static struct {
    __typeof__(&TIFFOpenOptionsAlloc) options_alloc;
    __typeof__(&TIFFOpenOptionsFree) options_free;
    __typeof__(&TIFFOpenOptionsSetMaxSingleMemAlloc) set_max_alloc;
    __typeof__(&TIFFOpenOptionsSetErrorHandlerExtR) set_error_handler;
    __typeof__(&TIFFOpenOptionsSetWarningHandlerExtR) set_warning_handler;
    __typeof__(&TIFFOpenExt) open;
    __typeof__(&TIFFClose) close;
    __typeof__(&TIFFReadDirectory) read_directory;
    __typeof__(&TIFFSetDirectory) set_directory;
    __typeof__(&TIFFGetField) get_field;
    __typeof__(&TIFFGetFieldDefaulted) get_field_defaulted;
    __typeof__(&TIFFSetField) set_field;
    __typeof__(&TIFFRGBAImageOK) image_ok;
    __typeof__(&TIFFRGBAImageBegin) image_begin;
    __typeof__(&TIFFRGBAImageGet) image_get;
    __typeof__(&TIFFRGBAImageEnd) image_end;
} library;

static const cpicture_function functions[] = {
    {"TIFFOpenOptionsAlloc", &library.options_alloc},
    {"TIFFOpenOptionsFree", &library.options_free},
    {"TIFFOpenOptionsSetMaxSingleMemAlloc", &library.set_max_alloc},
    {"TIFFOpenOptionsSetErrorHandlerExtR", &library.set_error_handler},
    {"TIFFOpenOptionsSetWarningHandlerExtR", &library.set_warning_handler},
    {"TIFFOpenExt", &library.open},
    {"TIFFClose", &library.close},
    {"TIFFReadDirectory", &library.read_directory},
    {"TIFFSetDirectory", &library.set_directory},
    {"TIFFGetField", &library.get_field},
    {"TIFFGetFieldDefaulted", &library.get_field_defaulted},
    {"TIFFSetField", &library.set_field},
    {"TIFFRGBAImageOK", &library.image_ok},
    {"TIFFRGBAImageBegin", &library.image_begin},
    {"TIFFRGBAImageGet", &library.image_get},
    {"TIFFRGBAImageEnd", &library.image_end},
};

static cpicture_library source = {"TIFF", "libtiff.so.6", "libtiff6", functions, sizeof functions / sizeof *functions,
                                  0};

static int on_error(TIFF *tiff, void *picture, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    char text[sizeof((cpicture *)0)->message];
    vsnprintf(text, sizeof text, format, arguments);
    cpicture_fail(picture, CPICTURE_FORMAT, text);
    return 1;
}

static int on_warning(TIFF *tiff, void *picture, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)picture;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

/* A picture as it is stored, before it is turned: packed pixels of 8-bit samples as libtiff makes them, or 16-bit ones. */
typedef struct {
    TIFFRGBAImage image; /* first: libtiff hands out its address */
    uint32_t *packed;    /* or */
    uint16_t *deep;      /* the same memory: channels samples a pixel */
    uint32_t channels;
} stored_image;

/* Where the samples of a pixel belong that libtiff would pack: it only cuts 16 bits down to 8. */
static uint16_t *deep_pixel(TIFFRGBAImage *image, const uint32_t *out) {
    stored_image *stored = (stored_image *)(void *)image;
    return stored->deep + (size_t)(out - stored->packed) * stored->channels;
}

static uint16_t deep_sample(const TIFFRGBAImage *image, uint16_t value) {
    return image->photometric == PHOTOMETRIC_MINISWHITE ? (uint16_t)(65535 - value) : value;
}

/* 16-bit pixels whose samples follow each other. Skews are in pixels. */
static void put_contiguous(
    TIFFRGBAImage *image, uint32_t *out, uint32_t x, uint32_t y, uint32_t width, uint32_t height, int32_t in_skew,
    int32_t out_skew, unsigned char *in) {
    (void)x;
    (void)y;
    const uint16_t *sample = (const uint16_t *)(void *)in;
    uint32_t channels = ((stored_image *)(void *)image)->channels;
    for (; height > 0; height--) {
        for (uint32_t i = 0; i < width; i++, out++, sample += image->samplesperpixel)
            for (uint32_t c = 0; c < channels; c++) deep_pixel(image, out)[c] = deep_sample(image, sample[c]);
        out += out_skew;
        sample += (ptrdiff_t)in_skew * image->samplesperpixel;
    }
}

/* 16-bit pixels in planes. */
static void put_separate(
    TIFFRGBAImage *image, uint32_t *out, uint32_t x, uint32_t y, uint32_t width, uint32_t height, int32_t in_skew,
    int32_t out_skew, unsigned char *red, unsigned char *green, unsigned char *blue, unsigned char *alpha) {
    (void)x;
    (void)y;
    (void)alpha;
    const uint16_t *planes[3] = {
        (const uint16_t *)(void *)red, (const uint16_t *)(void *)green, (const uint16_t *)(void *)blue};
    uint32_t channels = ((stored_image *)(void *)image)->channels;
    for (; height > 0; height--) {
        for (uint32_t i = 0; i < width; i++, out++)
            for (uint32_t c = 0; c < channels; c++) deep_pixel(image, out)[c] = deep_sample(image, *planes[c]++);
        out += out_skew;
        for (uint32_t c = 0; c < channels; c++) planes[c] += in_skew;
    }
}

static int is_gray(const TIFFRGBAImage *image) {
    return image->photometric == PHOTOMETRIC_MINISBLACK || image->photometric == PHOTOMETRIC_MINISWHITE;
}

/* Where a stored pixel is shown, by the orientation's definition in TIFF 6.0: from orientation 5 on the first row is a
   side of the picture. */
static size_t shown_place(uint16_t orientation, uint32_t width, uint32_t height, uint32_t column, uint32_t row) {
    uint32_t last_column = width - 1 - column, last_row = height - 1 - row;
    switch (orientation) {
    case ORIENTATION_TOPRIGHT: return (size_t)row * width + last_column;
    case ORIENTATION_BOTRIGHT: return (size_t)last_row * width + last_column;
    case ORIENTATION_BOTLEFT: return (size_t)last_row * width + column;
    case ORIENTATION_LEFTTOP: return (size_t)column * height + row;
    case ORIENTATION_RIGHTTOP: return (size_t)column * height + last_row;
    case ORIENTATION_RIGHTBOT: return (size_t)last_column * height + last_row;
    case ORIENTATION_LEFTBOT: return (size_t)last_column * height + row;
    default: return (size_t)row * width + column;
    }
}

static void turn(const stored_image *stored, uint16_t orientation, cpicture *picture) {
    uint32_t width = stored->image.width, height = stored->image.height, channels = stored->channels;
    uint8_t *bytes = picture->pixels;
    uint16_t *words = picture->pixels;
    for (uint32_t row = 0; row < height; row++)
        for (uint32_t column = 0; column < width; column++) {
            size_t from = (size_t)row * width + column;
            size_t to = shown_place(orientation, width, height, column, row) * channels;
            if (picture->bits == 16) {
                for (uint32_t c = 0; c < channels; c++) words[to + c] = stored->deep[from * channels + c];
            } else {
                for (uint32_t c = 0; c < channels; c++) bytes[to + c] = (uint8_t)(stored->packed[from] >> (8 * c));
            }
        }
}

static void get(stored_image *stored, uint16_t orientation, cpicture *picture) {
    TIFFRGBAImage *image = &stored->image;
    int is_deep = image->bitspersample == 16, is_on_its_side = orientation >= ORIENTATION_LEFTTOP;
    stored->channels = is_gray(image) ? 1 : 3;
    /* Rows are asked for as they are stored: libtiff turns pictures of some orientations only, so that `turn` does it for all. */
    image->req_orientation = image->orientation;
    if (is_deep && image->isContig) image->put.contig = put_contiguous;
    if (is_deep && !image->isContig) image->put.separate = put_separate;
    if (!cpicture_allocate(
            picture, is_on_its_side ? image->height : image->width, is_on_its_side ? image->width : image->height,
            stored->channels, is_deep ? 16 : 8))
        return;
    stored->packed = malloc((size_t)image->width * image->height * (is_deep && stored->channels == 3 ? 6 : 4));
    stored->deep = (uint16_t *)(void *)stored->packed;
    if (!stored->packed) cpicture_fail(picture, CPICTURE_MEMORY, "no memory for the pixels");
    else if (!library.image_get(image, stored->packed, image->width, image->height))
        cpicture_fail(picture, CPICTURE_FORMAT, "the image cannot be decoded");
    else turn(stored, orientation, picture);
    free(stored->packed);
}

/* Goes to the file's only page. Returns 0, with the failure kept, when there are several. */
static int find_page(TIFF *tiff, cpicture *picture) {
    tdir_t page = 0;
    unsigned directories = 0, pages = 0;
    do {
        uint32_t kind = 0;
        library.get_field(tiff, TIFFTAG_SUBFILETYPE, &kind);
        if (!(kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) && pages++ == 0) page = (tdir_t)directories;
        directories++;
    } while (library.read_directory(tiff));
    if (picture->status != CPICTURE_SUCCESS) return 0;
    if (pages > 1) {
        char text[sizeof picture->message];
        snprintf(text, sizeof text, "the file has %u pages, of which each would be a frame: split it", pages);
        cpicture_fail(picture, CPICTURE_UNSUPPORTED, text);
        return 0;
    }
    uint16_t children = 0;
    void *places = NULL;
    /* Some programs call their only picture a reduced one. */
    if (pages == 0 && (directories > 1 || library.get_field(tiff, TIFFTAG_SUBIFD, &children, &places))) {
        cpicture_fail(
            picture, CPICTURE_UNSUPPORTED, "the file holds a reduced picture alone, as cameras' raw files do");
        return 0;
    }
    return directories == 1 || library.set_directory(tiff, page);
}

static void decode(TIFF *tiff, cpicture *picture) {
    char message[1024] = "";
    stored_image stored = {0};
    uint16_t extra_count = 0, *extra = NULL, orientation = ORIENTATION_TOPLEFT, format = SAMPLEFORMAT_UINT;
    if (!find_page(tiff, picture)) {
        cpicture_fail(picture, CPICTURE_FORMAT, "the page cannot be read");
        return;
    }
    library.get_field_defaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    library.get_field_defaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
        cpicture_fail(
            picture, CPICTURE_UNSUPPORTED,
            format == SAMPLEFORMAT_IEEEFP
                ? "floating-point samples, whose black and white the file does not tell, are not read"
                : "signed or complex samples are not read");
        return;
    }
    /* libtiff leaves colours alone that it takes for multiplied by alpha already; here alpha is dropped, not composed. */
    if (library.get_field(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) && extra_count == 1) {
        uint16_t multiplied = EXTRASAMPLE_ASSOCALPHA;
        library.set_field(tiff, TIFFTAG_EXTRASAMPLES, 1, &multiplied);
    }
    if (!library.image_ok(tiff, message) || !library.image_begin(&stored.image, tiff, 1, message)) {
        cpicture_fail(picture, CPICTURE_UNSUPPORTED, message);
        return;
    }
    get(&stored, orientation, picture);
    library.image_end(&stored.image);
}

void ctiff_read(const char *path, cpicture *picture) {
    if (!cpicture_find(&source, picture)) return;
    TIFFOpenOptions *options = library.options_alloc();
    if (!options) {
        cpicture_fail(picture, CPICTURE_MEMORY, "no memory to read a TIFF image");
        return;
    }
    library.set_max_alloc(options, MAX_ALLOCATION);
    library.set_error_handler(options, on_error, picture);
    library.set_warning_handler(options, on_warning, picture);
    /* Mapped: by reading, libtiff 4.5.0 refuses uncompressed tiles whose size is no multiple of 1024 bytes. */
    TIFF *tiff = library.open(path, "r", options);
    library.options_free(options);
    if (!tiff) {
        cpicture_fail(picture, CPICTURE_FORMAT, "not a TIFF image");
        return;
    }
    decode(tiff, picture);
    library.close(tiff);
}
