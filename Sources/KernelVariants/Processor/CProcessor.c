#define _GNU_SOURCE
#include "CProcessor.h"

#include <sched.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

int cflowad_processor_has_avx2(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

int cflowad_processor_has_avx512(void) {
#if defined(__x86_64__)
    return cflowad_processor_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

unsigned cflowad_processor_enter_default_float_mode(void) {
#if defined(__x86_64__)
    unsigned mode = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return mode;
#else
    return 0;
#endif
}

void cflowad_processor_restore_float_mode(unsigned mode) {
#if defined(__x86_64__)
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

int cflowad_processor_count(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}
