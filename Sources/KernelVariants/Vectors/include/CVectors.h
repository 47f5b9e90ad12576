#ifndef CFLOWAD_VECTORS_H
#define CFLOWAD_VECTORS_H

/* Instructions that Swift has no words for, as functions over vector types, which Swift imports as SIMD4, SIMD8 and SIMD16.
   They are inlined where they are called, so that sums stay in registers. What there is follows from the instructions that
   the importing module is built for. All but the conversions' rounding is exact. */

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang assume_nonnull begin

#define CFLOWAD_INLINE static inline __attribute__((always_inline))

/* For vectors of n lanes, in registers of `vector`:
   pairs      in each lane the sum of the products of two 16-bit numbers
   floats     integers as floats, rounded to nearest even
   load       bytes as integers
   store      floats within 0...255 as bytes, rounded to nearest even */
#define CFLOWAD_VECTORS(n, vector, madd, cvt)                                                                          \
    typedef int32_t cflowad_ints_##n __attribute__((ext_vector_type(n)));                                              \
    typedef float cflowad_floats_##n __attribute__((ext_vector_type(n)));                                              \
    typedef uint8_t cflowad_bytes_##n __attribute__((ext_vector_type(n)));                                             \
    CFLOWAD_INLINE cflowad_ints_##n cflowad_pairs_##n(cflowad_ints_##n a, cflowad_ints_##n b) {                        \
        return (cflowad_ints_##n)madd((vector##i)a, (vector##i)b);                                                     \
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

CFLOWAD_VECTORS(4, __m128, _mm_madd_epi16, _mm_cvtps_epi32)
#if defined(__AVX2__)
CFLOWAD_VECTORS(8, __m256, _mm256_madd_epi16, _mm256_cvtps_epi32)
#endif
#if defined(__AVX512BW__)
CFLOWAD_VECTORS(16, __m512, _mm512_madd_epi16, _mm512_cvtps_epi32)
#endif

/* sum + in each lane the products of four unsigned bytes of a with four signed ones of b. */
#if defined(__AVX512VNNI__)
CFLOWAD_INLINE cflowad_ints_16 cflowad_dot_16(cflowad_ints_16 sum, cflowad_ints_16 a, cflowad_ints_16 b) {
    return (cflowad_ints_16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}
#elif defined(__AVXVNNI__)
CFLOWAD_INLINE cflowad_ints_8 cflowad_dot_8(cflowad_ints_8 sum, cflowad_ints_8 a, cflowad_ints_8 b) {
    return (cflowad_ints_8)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
}
#endif

#pragma clang assume_nonnull end
#endif
#endif
