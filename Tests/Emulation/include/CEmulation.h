#ifndef CFLOWAD_EMULATION_H
#define CFLOWAD_EMULATION_H

/* Instructions of AVX-VNNI for processors that have AVX2 but not these, and of AMX for those that have AVX-512 VNNI: a handler of SIGILL
   computes their results. So the machine code of these builds of the kernels is tested on more processors than have them, about a thousand
   times slower. */

/* Takes over SIGILL for the whole process, until cflowad_emulation_end; one at a time. Returns 1, or 0 when the system refuses. */
int cflowad_emulation_begin(void);

/* Gives SIGILL back, and returns how many instructions were computed since the beginning. */
long cflowad_emulation_end(void);

#endif
