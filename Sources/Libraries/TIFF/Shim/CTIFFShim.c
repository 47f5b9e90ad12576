#include "CTIFFShim.h"

#include <stdarg.h>
#include <stdio.h>
#include <tiffio.h>

/* Most memory that one allocation inside of libtiff may take. */
static const tmsize_t MAX_ALLOCATION = (tmsize_t)1 << 30;

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

/* 16-bit grey, which libtiff itself cuts instead of rounding. Skews are in pixels. */
static void put_gray16(
    TIFFRGBAImage *image, uint32_t *out, uint32_t x, uint32_t y, uint32_t width, uint32_t height, int32_t in_skew,
    int32_t out_skew, unsigned char *in) {
    (void)x;
    (void)y;
    const uint16_t *sample = (const uint16_t *)in;
    for (; height > 0; height--) {
        for (uint32_t i = 0; i < width; i++, sample += image->samplesperpixel) {
            uint32_t value = (*sample * 255u + 32767u) / 65535u;
            if (image->photometric == PHOTOMETRIC_MINISWHITE) value = 255 - value;
            *out++ = value * 0x010101u;
        }
        out += out_skew;
        sample += (ptrdiff_t)in_skew * image->samplesperpixel;
    }
}

static int is_gray(const TIFFRGBAImage *image) {
    return image->photometric == PHOTOMETRIC_MINISBLACK || image->photometric == PHOTOMETRIC_MINISWHITE;
}

/* Packed pixels of 4 bytes become 1 or 3, in place. */
static void unpack(cpicture *picture) {
    const uint32_t *packed = (const uint32_t *)(void *)picture->pixels;
    uint8_t *out = picture->pixels;
    size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < count; i++) {
        uint32_t pixel = packed[i];
        *out++ = (uint8_t)TIFFGetR(pixel);
        if (picture->channels == 1) continue;
        *out++ = (uint8_t)TIFFGetG(pixel);
        *out++ = (uint8_t)TIFFGetB(pixel);
    }
}

static void decode(TIFF *tiff, cpicture *picture) {
    char message[1024] = "";
    TIFFRGBAImage image;
    uint16_t extra_count = 0, *extra = NULL, orientation = ORIENTATION_TOPLEFT;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    if (orientation < ORIENTATION_TOPLEFT || orientation > ORIENTATION_BOTLEFT) {
        cpicture_fail(picture, CPICTURE_UNSUPPORTED, "the image is to be turned by a quarter, which is not done");
        return;
    }
    /* Colours must not be multiplied by alpha: libtiff does not when it takes them for multiplied already. */
    if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) && extra_count == 1) {
        uint16_t multiplied = EXTRASAMPLE_ASSOCALPHA;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &multiplied);
    }
    if (!TIFFRGBAImageOK(tiff, message) || !TIFFRGBAImageBegin(&image, tiff, 1, message)) {
        cpicture_fail(picture, CPICTURE_UNSUPPORTED, message);
        return;
    }
    image.req_orientation = ORIENTATION_TOPLEFT;
    if (is_gray(&image) && image.bitspersample == 16 && image.isContig) image.put.contig = put_gray16;
    if (cpicture_allocate(picture, image.width, image.height, is_gray(&image) ? 1 : 3, sizeof(uint32_t))) {
        if (TIFFRGBAImageGet(&image, (uint32_t *)(void *)picture->pixels, image.width, image.height))
            unpack(picture);
        else
            cpicture_fail(picture, CPICTURE_FORMAT, "the image cannot be decoded");
    }
    TIFFRGBAImageEnd(&image);
}

void ctiff_read(const char *path, cpicture *picture) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) {
        cpicture_fail(picture, CPICTURE_MEMORY, "no memory to read a TIFF image");
        return;
    }
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MAX_ALLOCATION);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, picture);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, picture);
    /* Mapped: by reading, libtiff 4.5.0 refuses uncompressed tiles whose size is no multiple of 1024 bytes. */
    TIFF *tiff = TIFFOpenExt(path, "r", options);
    TIFFOpenOptionsFree(options);
    if (!tiff) {
        cpicture_fail(picture, CPICTURE_FORMAT, "not a TIFF image");
        return;
    }
    decode(tiff, picture);
    TIFFClose(tiff);
}
