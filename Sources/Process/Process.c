#include "CProcess.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_long running_calls;
static atomic_int is_torn;
static atomic_uint generation;

/* In the child, as its first thing. A call that began on another thread while the fork was on its way is counted before it
   does anything else, so that what the child has of its work it has with the count. */
static void after_fork(void) {
    atomic_fetch_add(&generation, 1);
    if (atomic_load(&running_calls) != 0) atomic_store(&is_torn, 1);
}

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

int cflowad_process_begin_call(void) {
    atomic_fetch_add(&running_calls, 1);
    if (!atomic_load(&is_torn)) return 1;
    cflowad_process_end_call();
    return 0;
}

void cflowad_process_end_call(void) { atomic_fetch_sub(&running_calls, 1); }

unsigned cflowad_process_generation(void) { return atomic_load(&generation); }
