/*
 * WebP files through libwebp, which is loaded when the first one is read. Nothing is printed.
 */
#ifndef CWEBPSHIM_H
#define CWEBPSHIM_H

#include "CPicture.h"

/** Reads a file's picture as RGB; alpha is dropped, not composed. An animation is refused. */
void cwebp_read(const char *path, cpicture *picture);

#endif
