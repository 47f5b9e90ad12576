/*
 * What this machine can do at most, printed as JSON: billions of float32 multiply-adds a second from registers, of
 * multiply-adds of 16-bit numbers (vpmaddwd and vpaddd, by which 8 bits are multiplied where there are no dot products of
 * bytes), and billions of bytes a second read from memory, on 1 and on THREADS threads.
 *
 *     cc -O2 -pthread benchmarks/machine.c -o machine && ./machine THREADS
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Additions of integers take one cycle, and with more sums the compiler keeps some of them in memory. */
enum { PAIR_SUMS = 6, SUMS = 10, STEPS = 2000000, READ_BYTES = 1 << 28 };

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Each gives the number of multiply-adds; the sums are independent, enough of them for the units' latency. */
#define KERNEL(NAME, TARGET, VECTOR, LANES, FMA, SET, STORE)                                                           \
    TARGET static double NAME(void) {                                                                                  \
        VECTOR sums[SUMS], a = SET(0.999f), b = SET(0.001f);                                                           \
        float values[LANES], total = 0;                                                                                \
        for (int i = 0; i < SUMS; i++) sums[i] = SET((float)i);                                                        \
        for (int step = 0; step < STEPS; step++)                                                                       \
            for (int i = 0; i < SUMS; i++) sums[i] = FMA(sums[i], a, b);                                               \
        for (int i = 0; i < SUMS; i++) {                                                                               \
            STORE(values, sums[i]);                                                                                    \
            for (int lane = 0; lane < LANES; lane++) total += values[lane];                                            \
        }                                                                                                              \
        return total != 0 ? (double)STEPS * SUMS * LANES : 0;                                                          \
    }

#if defined(__x86_64__)
KERNEL(
    avx512, __attribute__((target("avx512f"), optimize("unroll-loops"))), __m512, 16, _mm512_fmadd_ps, _mm512_set1_ps,
    _mm512_storeu_ps)
KERNEL(
    avx2, __attribute__((target("avx2,fma"), optimize("unroll-loops"))), __m256, 8, _mm256_fmadd_ps, _mm256_set1_ps,
    _mm256_storeu_ps)

__attribute__((target("avx2"), optimize("unroll-loops"))) static double avx2_pairs(void) {
    __m256i sums[PAIR_SUMS], a = _mm256_set1_epi16(3);
    int values[8], total = 0;

#pragma GCC unroll 8
    for (int i = 0; i < PAIR_SUMS; i++) sums[i] = _mm256_set1_epi32(i);
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 8
        for (int i = 0; i < PAIR_SUMS; i++) {
            /* Not a product that is computed once. */
            __asm__ volatile("" : "+x"(a));
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(a, a));
        }
#pragma GCC unroll 8
    for (int i = 0; i < PAIR_SUMS; i++) {
        _mm256_storeu_si256((__m256i *)values, sums[i]);
        for (int lane = 0; lane < 8; lane++) total ^= values[lane];
    }
    return total != 1 ? (double)STEPS * PAIR_SUMS * 16 : 0;
}
#endif

static float *memory;

/* Reads all of the memory, which is far larger than the caches; gives the number of bytes. */
static double read_memory(void) {
    const unsigned long long *words = (const void *)memory;
    unsigned long long sums[8] = {0};

    for (size_t i = 0; i < READ_BYTES / sizeof *words; i += 8)
        for (int j = 0; j < 8; j++) sums[j] ^= words[i + j];
    for (int j = 1; j < 8; j++) sums[0] ^= sums[j];
    return sums[0] == 1 ? 0 : READ_BYTES;
}

typedef struct {
    double (*kernel)(void);
    pthread_barrier_t *start;
    double amount, began, ended;
} job;

static void *work(void *argument) {
    job *mine = argument;

    mine->kernel();
    pthread_barrier_wait(mine->start);
    mine->began = now();
    for (int i = 0; i < 4; i++) mine->amount += mine->kernel();
    mine->ended = now();
    return NULL;
}

/* The best of three, in billions a second, of all threads together. */
static double rate(double (*kernel)(void), int threads) {
    double best = 0;

    for (int attempt = 0; attempt < 3; attempt++) {
        pthread_t ids[64];
        job jobs[64];
        pthread_barrier_t start;
        double amount = 0, began = 1e300, ended = 0;

        pthread_barrier_init(&start, NULL, (unsigned)threads);
        for (int i = 0; i < threads; i++) {
            jobs[i] = (job){kernel, &start, 0, 0, 0};
            if (pthread_create(&ids[i], NULL, work, &jobs[i])) exit(1);
        }
        for (int i = 0; i < threads; i++) {
            pthread_join(ids[i], NULL);
            amount += jobs[i].amount;
            if (jobs[i].began < began) began = jobs[i].began;
            if (jobs[i].ended > ended) ended = jobs[i].ended;
        }
        pthread_barrier_destroy(&start);
        if (amount / (ended - began) > best) best = amount / (ended - began);
    }
    return best / 1e9;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 1;

    if (threads < 1 || threads > 64 || !(memory = malloc(READ_BYTES))) return 1;
    memset(memory, 1, READ_BYTES);
    printf("{\"threads\": %d", threads);
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        printf(
            ", \"avx2\": [%.1f, %.1f], \"avx2_pairs\": [%.1f, %.1f]", rate(avx2, 1), rate(avx2, threads),
            rate(avx2_pairs, 1), rate(avx2_pairs, threads));
    if (__builtin_cpu_supports("avx512f")) printf(", \"avx512\": [%.1f, %.1f]", rate(avx512, 1), rate(avx512, threads));
#endif
    printf(", \"read\": [%.1f, %.1f]}\n", rate(read_memory, 1), rate(read_memory, threads));
    return 0;
}
