/* Ways of a host to run the bodies of a job: functions for parallel_for. The context is an int that counts the jobs, or NULL. */
#ifndef HOST_THREADS_H
#define HOST_THREADS_H

#include <fenv.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum { MOST_HOST_THREADS = 8 };

typedef struct host_call {
    void (*body)(void *, uint32_t);
    void *context;
    uint32_t index;
} host_call;

static inline void count_host_job(void *jobs) {
    if (jobs) ++*(int *)jobs;
}

/* Threads of a host that has none to spare. */
static inline void in_order(void *jobs, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    uint32_t i;

    count_host_job(jobs);
    for (i = 0; i < count; i++) body(context, i);
}

/* A thread that computes in a rounding mode of its own, and must keep it. */
static inline void *run_host_call(void *argument) {
    host_call *self = argument;

    fesetround(FE_TOWARDZERO);
    self->body(self->context, self->index);
    if (fegetround() != FE_TOWARDZERO) abort();
    return NULL;
}

/* All at the same time. */
static inline void run_host_calls(host_call *calls, uint32_t count) {
    pthread_t threads[MOST_HOST_THREADS];
    uint32_t i;

    if (count > MOST_HOST_THREADS) abort();
    for (i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run_host_call, &calls[i])) abort();
    for (i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static inline void on_new_threads(void *jobs, uint32_t count, void (*body)(void *, uint32_t), void *context) {
    host_call calls[MOST_HOST_THREADS];
    uint32_t i;

    count_host_job(jobs);
    if (count > MOST_HOST_THREADS) abort();
    for (i = 0; i < count; i++) {
        calls[i].body = body;
        calls[i].context = context;
        calls[i].index = i;
    }
    run_host_calls(calls, count);
}

#endif
