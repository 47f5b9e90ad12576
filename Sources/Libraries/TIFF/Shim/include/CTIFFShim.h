/*
 * TIFF files through libtiff, for Swift: its messages come by callbacks with variable arguments. Nothing is printed.
 */
#ifndef CTIFFSHIM_H
#define CTIFFSHIM_H

#include "CPicture.h"

/**
 * Reads the first picture of a file as grey or RGB, the upper left pixel first. 16-bit samples are scaled to 8 and
 * rounded; alpha is dropped, not composed.
 */
void ctiff_read(const char *path, cpicture *picture);

#endif
