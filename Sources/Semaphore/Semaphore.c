#define _GNU_SOURCE /* ppoll */
#include "CTally.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int cflowad_tally_create(uint32_t count) { return eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE); }

void cflowad_tally_close(int tally) { close(tally); }

/* Neither can fail but for a count beyond 2^64 or below 0. */
void cflowad_tally_add(int tally) { (void)!eventfd_write(tally, 1); }

void cflowad_tally_take(int tally) {
    eventfd_t one;
    (void)!eventfd_read(tally, &one);
}

void cflowad_tally_wait(int tally, uint64_t until) {
    struct pollfd wanted = {tally, POLLIN, 0};
    struct timespec rest;

    if (until != UINT64_MAX) {
        const uint64_t now = cflowad_tally_now(), left = until > now ? until - now : 0;
        rest.tv_sec = (time_t)(left / 1000000000);
        rest.tv_nsec = (long)(left % 1000000000);
    }
    ppoll(&wanted, 1, until != UINT64_MAX ? &rest : NULL, NULL);
}

uint64_t cflowad_tally_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
