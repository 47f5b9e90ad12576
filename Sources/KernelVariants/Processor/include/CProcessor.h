#ifndef CFLOWAD_PROCESSOR_H
#define CFLOWAD_PROCESSOR_H

/* 1 when processor and operating system run AVX2 and FMA instructions. */
int cflowad_processor_has_avx2(void);

/* Processors that the calling thread may run on. */
int cflowad_processor_count(void);

/* Tells the processor that the thread is waiting for another. */
static inline void cflowad_processor_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
