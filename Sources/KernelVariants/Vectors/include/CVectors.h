#ifndef CFLOWAD_VECTORS_H
#define CFLOWAD_VECTORS_H

/* Instructions that Swift cannot express, as functions over vector types, which Swift imports as SIMD4, SIMD8 and SIMD16. They are
   inlined where they are called, so that sums stay in registers. A module sees those for which it is built. All of them are
   exact, except that conversions round. */

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>

#include "CWeights.h"

#pragma clang assume_nonnull begin

#define CFLOWAD_INLINE static inline __attribute__((always_inline))

/* Hides from the optimizer what a vector holds, and keeps it from being computed once for two places. Of a vector whose lanes it knows to
   be equal it would compute one lane in a general register first, and broadcast that: two more instructions, on a port that
   products and sums need. */
#if defined(__AVX512F__)
#define CFLOWAD_OPAQUE(vector) __asm__ volatile("" : "+v"(vector))
#else
#define CFLOWAD_OPAQUE(vector) __asm__ volatile("" : "+x"(vector))
#endif

/* For vectors of n lanes, in registers of `vector`:
   pairs      in each lane the sum of the products of two 16-bit numbers
   even       in each lane the first and third of four bytes, as 16-bit numbers
   odd        in each lane the second and fourth
   floats     integers as floats, rounded to nearest even
   load       bytes as integers
   store      floats within 0...255 as bytes, rounded to nearest even */
#define CFLOWAD_VECTORS(n, vector, madd, srli, cvt)                                                                    \
    typedef int32_t cflowad_ints_##n __attribute__((ext_vector_type(n)));                                              \
    typedef float cflowad_floats_##n __attribute__((ext_vector_type(n)));                                              \
    typedef uint8_t cflowad_bytes_##n __attribute__((ext_vector_type(n)));                                             \
    CFLOWAD_INLINE cflowad_ints_##n cflowad_broadcast_##n(const void *bytes) {                                         \
        int32_t four;                                                                                                  \
        __builtin_memcpy(&four, bytes, 4);                                                                             \
        cflowad_ints_##n a = four - (cflowad_ints_##n){};                                                              \
        CFLOWAD_OPAQUE(a);                                                                                             \
        return a;                                                                                                      \
    }                                                                                                                  \
    CFLOWAD_INLINE cflowad_ints_##n cflowad_pairs_##n(cflowad_ints_##n a, cflowad_ints_##n b) {                        \
        return (cflowad_ints_##n)madd((vector##i)a, (vector##i)b);                                                     \
    }                                                                                                                  \
    CFLOWAD_INLINE cflowad_ints_##n cflowad_even_##n(const void *bytes) {                                              \
        return cflowad_broadcast_##n(bytes) & 0x00ff00ff;                                                              \
    }                                                                                                                  \
    CFLOWAD_INLINE cflowad_ints_##n cflowad_odd_##n(const void *bytes) {                                               \
        return (cflowad_ints_##n)srli((vector##i)cflowad_broadcast_##n(bytes), 8);                                     \
    }                                                                                                                  \
    CFLOWAD_INLINE cflowad_floats_##n cflowad_to_floats_##n(cflowad_ints_##n a) {                                      \
        return __builtin_convertvector(a, cflowad_floats_##n);                                                         \
    }                                                                                                                  \
    CFLOWAD_INLINE cflowad_ints_##n cflowad_load_ints_##n(const uint8_t *bytes) {                                      \
        cflowad_bytes_##n a;                                                                                           \
        __builtin_memcpy(&a, bytes, n);                                                                                \
        return __builtin_convertvector(a, cflowad_ints_##n);                                                           \
    }                                                                                                                  \
    CFLOWAD_INLINE void cflowad_store_bytes_##n(cflowad_floats_##n a, uint8_t *bytes) {                                \
        cflowad_bytes_##n b = __builtin_convertvector((cflowad_ints_##n)cvt((vector)a), cflowad_bytes_##n);            \
        __builtin_memcpy(bytes, &b, n);                                                                                \
    }

CFLOWAD_VECTORS(4, __m128, _mm_madd_epi16, _mm_srli_epi16, _mm_cvtps_epi32)

/* Computes a * b + c of two lanes with one rounding, for processors without the instruction. The product is exact in double
   precision. The sum is rounded to odd in double precision, so that rounding it to float32 gives the same as a single rounding
   (S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums", 2008). */
CFLOWAD_INLINE __m128 cflowad_multiply_add_2(__m128 a, __m128 b, __m128 c) {
    const __m128d p = _mm_mul_pd(_mm_cvtps_pd(a), _mm_cvtps_pd(b)), d = _mm_cvtps_pd(c), zero = _mm_setzero_pd();
    const __m128d sum = _mm_add_pd(p, d);
    /* The rounding error of the sum, by D. Knuth's TwoSum. */
    const __m128d part = _mm_sub_pd(sum, p);
    const __m128d error = _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(sum, part)), _mm_sub_pd(d, part));
    /* False for NaN, which is the error of an infinite sum. */
    const __m128i is_inexact = (__m128i)_mm_or_pd(_mm_cmplt_pd(error, zero), _mm_cmpgt_pd(error, zero));
    const __m128i one = _mm_set1_epi64x(1), is_even = _mm_sub_epi64(_mm_and_si128((__m128i)sum, one), one);
    /* One step away from zero when the error has the sum's sign, otherwise one towards zero. */
    const __m128i signs = _mm_shuffle_epi32(_mm_xor_si128((__m128i)sum, (__m128i)error), _MM_SHUFFLE(3, 3, 1, 1));
    const __m128i step = _mm_or_si128(_mm_srai_epi32(signs, 31), one);
    const __m128i odd = _mm_add_epi64((__m128i)sum, _mm_and_si128(step, _mm_and_si128(is_inexact, is_even)));
    return _mm_cvtpd_ps((__m128d)odd);
}

/* Computes a * b + c of four lanes with one rounding. */
CFLOWAD_INLINE cflowad_floats_4 cflowad_multiply_add_4(cflowad_floats_4 a, cflowad_floats_4 b, cflowad_floats_4 c) {
    const __m128 low = cflowad_multiply_add_2((__m128)a, (__m128)b, (__m128)c);
    const __m128 high = cflowad_multiply_add_2(
        _mm_movehl_ps((__m128)a, (__m128)a), _mm_movehl_ps((__m128)b, (__m128)b), _mm_movehl_ps((__m128)c, (__m128)c));
    return (cflowad_floats_4)_mm_movelh_ps(low, high);
}
#if defined(__AVX2__)
CFLOWAD_VECTORS(8, __m256, _mm256_madd_epi16, _mm256_srli_epi16, _mm256_cvtps_epi32)

/* Stores two vectors as `store` does with one. */
CFLOWAD_INLINE void cflowad_store_both_8(
    cflowad_floats_8 a, uint8_t *bytes_of_a, cflowad_floats_8 b, uint8_t *bytes_of_b) {
    /* Each half has four numbers of a and four of b. */
    const __m256i shorts = _mm256_packus_epi32(_mm256_cvtps_epi32((__m256)a), _mm256_cvtps_epi32((__m256)b));
    const __m128i halves = _mm_packus_epi16(_mm256_castsi256_si128(shorts), _mm256_extracti128_si256(shorts, 1));
    const __m128i all = _mm_shuffle_epi32(halves, _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storel_epi64((__m128i *)bytes_of_a, all);
    _mm_storeh_pd((double *)bytes_of_b, (__m128d)all);
}

/* In each lane a byte of a and the byte of b, as 16-bit numbers. */
CFLOWAD_INLINE cflowad_ints_8 cflowad_byte_pairs_8(const uint8_t *a, const uint8_t *b) {
    const __m128i bytes = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)a), _mm_loadl_epi64((const __m128i *)b));
    return (cflowad_ints_8)_mm256_cvtepu8_epi16(bytes);
}
#endif
#if defined(__AVX512BW__)
CFLOWAD_VECTORS(16, __m512, _mm512_madd_epi16, _mm512_srli_epi16, _mm512_cvtps_epi32)

CFLOWAD_INLINE cflowad_floats_8 cflowad_low_8(cflowad_floats_16 a) {
    return __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7);
}
CFLOWAD_INLINE cflowad_floats_8 cflowad_high_8(cflowad_floats_16 a) {
    return __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
}
CFLOWAD_INLINE cflowad_floats_16 cflowad_joined_8(cflowad_floats_8 low, cflowad_floats_8 high) {
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* Stores the first eight of sixteen lanes as bytes. */
CFLOWAD_INLINE void cflowad_store_first_bytes_16(cflowad_floats_16 a, uint8_t *bytes) {
    cflowad_bytes_16 b = __builtin_convertvector((cflowad_ints_16)_mm512_cvtps_epi32((__m512)a), cflowad_bytes_16);
    __builtin_memcpy(bytes, &b, 8);
}
#endif

/* Sums and differences of lanes that are `d` apart: a[i] + a[i + d] where i & d is 0, and a[i - d] - a[i] where it is not. The latter
   have their signs turned by the bit of i that is d, which is moved to where a sign is. */
#define CFLOWAD_LANES_4(d) 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d
#define CFLOWAD_LANES_8(d) CFLOWAD_LANES_4(d), 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d
#define CFLOWAD_LANES_16(d) CFLOWAD_LANES_8(d), 8 ^ d, 9 ^ d, 10 ^ d, 11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d
#define CFLOWAD_BUTTERFLY(n, a, d)                                                                                     \
    do {                                                                                                               \
        const cflowad_ints_##n lanes = {CFLOWAD_LANES_##n(0)};                                                         \
        const cflowad_ints_##n signs = -(lanes / d & 1) & INT32_MIN;                                                   \
        const cflowad_floats_##n partners = __builtin_shufflevector(a, a, CFLOWAD_LANES_##n(d));                       \
        a = partners + (cflowad_floats_##n)((cflowad_ints_##n)a ^ signs);                                              \
    } while (0)

/* The Hadamard transform of a vector's lanes, those that are furthest apart first. */
CFLOWAD_INLINE cflowad_floats_4 cflowad_hadamard_4(cflowad_floats_4 a) {
    CFLOWAD_BUTTERFLY(4, a, 2);
    CFLOWAD_BUTTERFLY(4, a, 1);
    return a;
}
#if defined(__AVX2__)
CFLOWAD_INLINE cflowad_floats_8 cflowad_hadamard_8(cflowad_floats_8 a) {
    CFLOWAD_BUTTERFLY(8, a, 4);
    CFLOWAD_BUTTERFLY(8, a, 2);
    CFLOWAD_BUTTERFLY(8, a, 1);
    return a;
}
#endif
#if defined(__AVX512BW__)
CFLOWAD_INLINE cflowad_floats_16 cflowad_hadamard_16(cflowad_floats_16 a) {
    CFLOWAD_BUTTERFLY(16, a, 8);
    CFLOWAD_BUTTERFLY(16, a, 4);
    CFLOWAD_BUTTERFLY(16, a, 2);
    CFLOWAD_BUTTERFLY(16, a, 1);
    return a;
}
#endif

/* dot        adds to each lane of sum the products of four unsigned bytes of a with four signed ones of b
   dot_pairs  adds to each lane of sum the products of two 16-bit numbers */
#if defined(__AVX512VNNI__)
CFLOWAD_INLINE cflowad_ints_16 cflowad_dot_16(cflowad_ints_16 sum, cflowad_ints_16 a, cflowad_ints_16 b) {
    return (cflowad_ints_16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}
CFLOWAD_INLINE cflowad_ints_16 cflowad_dot_pairs_16(cflowad_ints_16 sum, cflowad_ints_16 a, cflowad_ints_16 b) {
    return (cflowad_ints_16)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}
#elif defined(__AVXVNNI__)
CFLOWAD_INLINE cflowad_ints_8 cflowad_dot_8(cflowad_ints_8 sum, cflowad_ints_8 a, cflowad_ints_8 b) {
    return (cflowad_ints_8)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
}
CFLOWAD_INLINE cflowad_ints_8 cflowad_dot_pairs_8(cflowad_ints_8 sum, cflowad_ints_8 a, cflowad_ints_8 b) {
    return (cflowad_ints_8)_mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
}
#endif

#pragma clang assume_nonnull end

#include "CTiles.h"
#endif
#endif
