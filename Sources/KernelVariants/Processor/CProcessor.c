#define _GNU_SOURCE
#include "CProcessor.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
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
    return cflowad_processor_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

int cflowad_processor_has_avx_vnni(void) {
#if defined(__x86_64__)
    unsigned a = 0, b, c, d;
    return cflowad_processor_has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
#else
    return 0;
#endif
}

int cflowad_processor_has_avx512_vnni(void) {
#if defined(__x86_64__)
    return cflowad_processor_has_avx512() && __builtin_cpu_supports("avx512vnni");
#else
    return 0;
#endif
}

#if defined(__x86_64__)

/* Of Linux's <asm/prctl.h>, and the number of the tiles' contents among what the system saves of a thread (Linux 5.16 and later,
   Documentation/arch/x86/xstate.rst). */
enum { GET_PERMISSION = 0x1022, REQUEST_PERMISSION = 0x1023, TILE_CONTENTS = 18 };

static int has_tiles(void) {
    unsigned a, b, c, d = 0;
    return cflowad_processor_has_avx512_vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3;
}

int cflowad_processor_has_amx(void) {
    unsigned long permitted = 0;
    return has_tiles() && syscall(SYS_arch_prctl, GET_PERMISSION, &permitted) == 0 && (permitted >> TILE_CONTENTS & 1);
}

void cflowad_processor_request_amx(void) {
    if (has_tiles()) syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_CONTENTS);
}

#else

int cflowad_processor_has_amx(void) { return 0; }

void cflowad_processor_request_amx(void) {}

#endif

static _Thread_local cflowad_float_mode host_mode;

/* Keeps the host's mode and sets the default. Not by fegetenv and fesetenv, because they leave the trap for denormals as it is. */
static void set_default_mode(void) {
#if defined(__x86_64__)
    const unsigned short x87_default = 0x37f;
    host_mode.sse = _mm_getcsr();
    _mm_setcsr(0x1f80);
    __asm__ volatile("fnstenv %0\n\tfldcw %1" : "=m"(host_mode.x87) : "m"(x87_default));
#endif
}

static void set_host_mode(void) {
#if defined(__x86_64__)
    __asm__ volatile("fldenv %0" : : "m"(host_mode.x87));
    _mm_setcsr(host_mode.sse);
#endif
}

cflowad_float_mode cflowad_processor_enter_default_float_mode(void) {
    cflowad_float_mode outer = host_mode;
    set_default_mode();
    return outer;
}

void cflowad_processor_leave_default_float_mode(cflowad_float_mode outer) {
    set_host_mode();
    host_mode = outer;
}

void cflowad_processor_enter_host_float_mode(void) { set_host_mode(); }

void cflowad_processor_leave_host_float_mode(void) { set_default_mode(); }

int cflowad_processor_count(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}
