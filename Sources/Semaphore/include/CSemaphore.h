#ifndef CFLOWAD_TALLY_H
#define CFLOWAD_TALLY_H

#include <stdint.h>

/* Tallies: how many there are of something that threads wait for, as a descriptor that is readable as long as it is not 0.
   Nobody holds a lock while he waits, so that a process can be forked meanwhile. */

/* A new one, -1 on failure. */
int cflowad_tally_create(uint32_t count);

void cflowad_tally_close(int tally);

/* One more. */
void cflowad_tally_add(int tally);

/* One less, if there is one. */
void cflowad_tally_take(int tally);

/* Waits until it is not 0, or until a time of cflowad_tally_now(); UINT64_MAX: without end. It may return before. */
void cflowad_tally_wait(int tally, uint64_t until);

/* Nanoseconds of a clock that nobody sets. */
uint64_t cflowad_tally_now(void);

#endif
