#define _GNU_SOURCE /* ppoll */
#include "CSemaphore.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int cflowad_semaphore_create(uint32_t count) { return eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE); }

void cflowad_semaphore_close(int semaphore) { close(semaphore); }

/* Neither can fail, unless the count would be beyond 2^64 or below 0. */
void cflowad_semaphore_add(int semaphore) { (void)!eventfd_write(semaphore, 1); }

void cflowad_semaphore_take(int semaphore) {
    eventfd_t one;
    (void)!eventfd_read(semaphore, &one);
}

void cflowad_semaphore_wait(int semaphore, uint64_t until) {
    struct pollfd wanted = {semaphore, POLLIN, 0};
    struct timespec rest;

    if (until != UINT64_MAX) {
        const uint64_t now = cflowad_semaphore_now(), left = until > now ? until - now : 0;
        rest.tv_sec = (time_t)(left / 1000000000);
        rest.tv_nsec = (long)(left % 1000000000);
    }
    ppoll(&wanted, 1, until != UINT64_MAX ? &rest : NULL, NULL);
}

uint64_t cflowad_semaphore_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
