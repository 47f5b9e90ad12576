#include "CWebPShim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <webp/decode.h>

/* The largest pictures of the format, 16383 pixels a side, without any compression. */
static const off_t MAX_FILE = (off_t)1 << 30;

static struct {
    __typeof__(&WebPGetFeaturesInternal) get_features;
    __typeof__(&WebPDecodeRGBInto) decode;
} library;

static const cpicture_function functions[] = {
    {"WebPGetFeaturesInternal", &library.get_features},
    {"WebPDecodeRGBInto", &library.decode},
};

static cpicture_library source = {"WebP", "libwebp.so.7", "libwebp7", functions, sizeof functions / sizeof *functions,
                                  0};

/* The file's bytes, *size of them, for free(); NULL with the failure kept. */
static uint8_t *read_file(const char *path, size_t *size, cpicture *picture) {
    struct stat status;
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rbe");
    if (!file || fstat(fileno(file), &status) != 0) {
        cpicture_fail(picture, CPICTURE_IO, strerror(errno));
    } else if (status.st_size > MAX_FILE) {
        cpicture_fail(picture, CPICTURE_FORMAT, "the file is larger than any WebP image");
    } else if (!(bytes = malloc((size_t)status.st_size + 1))) {
        cpicture_fail(picture, CPICTURE_MEMORY, "no memory for the file");
    } else {
        *size = fread(bytes, 1, (size_t)status.st_size, file);
        if (ferror(file)) cpicture_fail(picture, CPICTURE_IO, strerror(errno));
    }
    if (file) fclose(file);
    return bytes;
}

static void decode(const uint8_t *bytes, size_t size, cpicture *picture) {
    WebPBitstreamFeatures features;
    VP8StatusCode status = library.get_features(bytes, size, &features, WEBP_DECODER_ABI_VERSION);
    if (status != VP8_STATUS_OK) {
        cpicture_fail(
            picture, CPICTURE_FORMAT,
            status == VP8_STATUS_NOT_ENOUGH_DATA ? "the image ends too early" : "the image is damaged");
        return;
    }
    if (features.has_animation) {
        cpicture_fail(
            picture, CPICTURE_UNSUPPORTED, "it holds several pictures, of which each would be a frame: split it");
        return;
    }
    uint32_t width = (uint32_t)features.width, height = (uint32_t)features.height;
    if (!cpicture_allocate(picture, width, height, 3, 8)) return;
    if (!library.decode(bytes, size, picture->pixels, (size_t)width * height * 3, (int)width * 3))
        cpicture_fail(picture, CPICTURE_FORMAT, "the image is damaged or ends too early");
}

void cwebp_read(const char *path, cpicture *picture) {
    if (!cpicture_find(&source, picture)) return;
    size_t size = 0;
    uint8_t *bytes = read_file(path, &size, picture);
    if (bytes && picture->status == CPICTURE_SUCCESS) decode(bytes, size, picture);
    free(bytes);
}
