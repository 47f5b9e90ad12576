/*
 * TIFF files through libtiff, which is loaded when the first one is read, for Swift: its messages come by callbacks with
 * variable arguments. Nothing is printed.
 */
#ifndef CTIFFSHIM_H
#define CTIFFSHIM_H

#include "CPicture.h"

/**
 * Reads a file's picture as grey or RGB of 8 or 16 bits, turned as its orientation says: the upper left pixel comes first.
 * Alpha is dropped, not composed. A file of several pages is refused; smaller copies of a page and masks are no pages.
 */
void ctiff_read(const char *path, cpicture *picture);

#endif
