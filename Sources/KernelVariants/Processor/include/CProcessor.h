#ifndef CFLOWAD_PROCESSOR_H
#define CFLOWAD_PROCESSOR_H

/* 1 when processor and operating system run AVX2 and FMA instructions. */
int cflowad_processor_has_avx2(void);

/* 1 when they run AVX-512 F, BW, DQ and VL too. */
int cflowad_processor_has_avx512(void);

/* 1 when they run dot products of bytes, on 256 bits beside AVX2 and on 512 bits beside AVX-512. */
int cflowad_processor_has_avx_vnni(void);
int cflowad_processor_has_avx512_vnni(void);

/* 1 when they run products of tiles of bytes (AMX-TILE, AMX-INT8) beside AVX-512 VNNI, and the process is permitted to. */
int cflowad_processor_has_amx(void);

/* Asks the system for this permission, which forked children have too. Linux refuses it while a thread has an alternative signal stack
   that is too small for the tiles' 8 KB, and refuses such stacks afterwards. */
void cflowad_processor_request_amx(void);

/* Processors that the calling thread may run on. */
int cflowad_processor_count(void);

/* The floating-point mode of a thread and its exception flags. The mode of the x87 unit belongs to it, because the C library
   rounds by that too. */
typedef struct cflowad_float_mode {
    unsigned sse;
    unsigned x87[7];
} cflowad_float_mode;

/* Sets the calling thread's mode to the default: round to nearest, keep denormals, no traps. Keeps the mode that was set as the
   host's. Returns the mode that was kept before, to be given to _leave, so that calls can be nested. */
cflowad_float_mode cflowad_processor_enter_default_float_mode(void);

/* Sets the host's mode back. */
void cflowad_processor_leave_default_float_mode(cflowad_float_mode outer);

/* To be called between these two, around a function of the host: sets the host's mode, and then the default again. A mode that
   the function sets becomes the host's. */
void cflowad_processor_enter_host_float_mode(void);
void cflowad_processor_leave_host_float_mode(void);

/* Asks the processor to bring the cache line of an address into its second-level cache; any address will do. */
static inline void cflowad_processor_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

typedef float cflowad_float8 __attribute__((ext_vector_type(8)));

/* Eight numbers of 16 bits as floats. */
static inline cflowad_float8 cflowad_processor_widened(const short *numbers) {
    short vector __attribute__((ext_vector_type(8)));
    __builtin_memcpy(&vector, numbers, sizeof vector);
    return __builtin_convertvector(vector, cflowad_float8);
}

/* Eight numbers of 8 bits as floats. */
static inline cflowad_float8 cflowad_processor_widened_bytes(const signed char *numbers) {
    signed char vector __attribute__((ext_vector_type(8)));
    __builtin_memcpy(&vector, numbers, sizeof vector);
    return __builtin_convertvector(vector, cflowad_float8);
}

/* Tells the processor that the thread is waiting for another. */
static inline void cflowad_processor_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
