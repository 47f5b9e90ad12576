/*
 * JPEG files through libjpeg-turbo, which is loaded when the first one is read, for Swift: it reports errors by a callback
 * that must not return. Nothing is printed.
 */
#ifndef CJPEGSHIM_H
#define CJPEGSHIM_H

#include "CPicture.h"

/**
 * Reads a file as grey or RGB, with the library's accurate inverse transform and smooth upsampling. A warning
 * of the library, such as for a file that is cut short, is a failure, unless it does not concern the pixels.
 *
 * CMYK is read as Adobe writes it, inverted, and becomes RGB = (1 - CMY) (1 - K).
 */
void cjpeg_read(const char *path, cpicture *picture);

#endif
