/*
 * JPEG files through libjpeg-turbo, which is loaded when the first one is read, for Swift: it leaves an error by a callback
 * that must not return. Nothing is printed.
 */
#ifndef CJPEGSHIM_H
#define CJPEGSHIM_H

#include "CPicture.h"

/**
 * Reads a file as grey or RGB, with the library's accurate inverse transform and smooth upsampling. What the library
 * warns of, such as a file that is cut short, is a failure, unless it leaves every pixel what it is.
 *
 * CMYK is taken as Adobe writes it, inverted, and becomes RGB = (1 - CMY) (1 - K).
 */
void cjpeg_read(const char *path, cpicture *picture);

#endif
