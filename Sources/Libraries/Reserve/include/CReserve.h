/*
 * A reserve of memory, for when malloc has none.
 *
 * Swift's own allocations - arrays, texts, closures - end the process when malloc has nothing: there is no status for them.
 * The shared library is therefore linked so that they come here (Makefile, RESERVE): what malloc cannot give is taken from
 * a reserve within the library, of which no page is touched before that. With it the call goes on to the next thing that
 * can fail, Basics' Buffer, which reports CFLOWAD_ERROR_OUT_OF_MEMORY and never draws on the reserve.
 */
#ifndef CRESERVE_H
#define CRESERVE_H

#include <stddef.h>

/** Bytes of the reserve. Basics' checkMemory asks for arrays that may be larger before they are made. */
#define CRESERVE_SIZE ((size_t)64 << 20)

/** Memory aligned to a power of two, from malloc alone, to be freed by free(); NULL in a shortage. */
void *creserve_allocate_strictly(size_t alignment, size_t size);

#endif
