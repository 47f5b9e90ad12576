/*
 * Memory for a shortage of memory.
 *
 * Swift's own allocations - arrays, texts, closures - end the process when malloc has nothing: there is no status for them.
 * The shared library is therefore linked so that they come here (Makefile, RESERVE): what malloc cannot give is taken from
 * a reserve within the library, of which no page is touched before that. With it the call goes on to the next thing that
 * can fail, Basics' Buffer, which reports CFLOWAD_ERROR_OUT_OF_MEMORY and never draws on the reserve.
 */
#ifndef CRESERVE_H
#define CRESERVE_H

#include <stddef.h>

/** Bytes of the reserve. An array that may be larger is asked for first: Basics' checkMemory. */
#define CRESERVE_SIZE ((size_t)64 << 20)

/** Memory aligned to a power of two, from malloc's own alone, to be given back by free(); NULL in a shortage. */
void *creserve_allocate_strictly(size_t alignment, size_t size);

#endif
