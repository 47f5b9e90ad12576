#ifndef CFLOWAD_PROCESSOR_H
#define CFLOWAD_PROCESSOR_H

/* 1 when processor and operating system run AVX2 and FMA instructions. */
int cflowad_processor_has_avx2(void);

/* 1 when they run AVX-512 F, BW, DQ and VL too. */
int cflowad_processor_has_avx512(void);

/* Processors that the calling thread may run on. */
int cflowad_processor_count(void);

/* Sets the calling thread's floating-point mode to the default (round to nearest, denormals kept, nothing traps) and
   returns what it was. */
unsigned cflowad_processor_enter_default_float_mode(void);

/* Sets the mode back. */
void cflowad_processor_restore_float_mode(unsigned mode);

/* Asks the processor to bring the cache line of an address into its second-level cache; any address will do. */
static inline void cflowad_processor_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

/* Tells the processor that the thread is waiting for another. */
static inline void cflowad_processor_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
