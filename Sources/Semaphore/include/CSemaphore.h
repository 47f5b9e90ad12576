#ifndef CFLOWAD_SEMAPHORE_H
#define CFLOWAD_SEMAPHORE_H

#include <stdint.h>

/* Counting semaphores with a descriptor, which is readable as long as the count is not 0. Threads wait for them without a lock, so
   that the process can be forked meanwhile. */

/* Makes a semaphore; returns -1 on failure. */
int cflowad_semaphore_create(uint32_t count);

void cflowad_semaphore_close(int semaphore);

/* Raises the count by one. */
void cflowad_semaphore_add(int semaphore);

/* Lowers the count by one, unless it is 0. Does not wait. */
void cflowad_semaphore_take(int semaphore);

/* Waits until the count is not 0, or until a time of cflowad_semaphore_now(); UINT64_MAX stands for never. May return earlier. */
void cflowad_semaphore_wait(int semaphore, uint64_t until);

/* Nanoseconds of the monotonic clock, which nobody can set. */
uint64_t cflowad_semaphore_now(void);

#endif
