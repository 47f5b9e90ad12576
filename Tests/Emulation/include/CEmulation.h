#ifndef CFLOWAD_EMULATION_H
#define CFLOWAD_EMULATION_H

/* Instructions of AVX-VNNI for processors that have AVX2 but not these: a handler of SIGILL computes their results. So the machine code
   of that build of the kernels is tested wherever the tests run, about a thousand times slower. */

/* Takes over SIGILL for the whole process, until cflowad_emulation_end; one at a time. Returns 1, or 0 when the system refuses. */
int cflowad_emulation_begin(void);

/* Gives SIGILL back, and returns how many instructions were computed since the beginning. */
long cflowad_emulation_end(void);

#endif
