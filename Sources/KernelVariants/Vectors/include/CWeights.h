#ifndef CFLOWAD_WEIGHTS_H
#define CFLOWAD_WEIGHTS_H

/* Converts floats to integers by instructions of any x86-64. Swift's rounding would call the C library for each number. */

#include <emmintrin.h>
#include <stdint.h>
#include <xmmintrin.h>

#pragma clang assume_nonnull begin

/* Copies numbers as integers. Returns false when one is not an integer, or beyond +-limit, which is at most 32767. */
static inline _Bool cflowad_round_to_int16(const float *x, long count, float limit, int16_t *y) {
    const __m128 largest = _mm_set1_ps(limit), sign = _mm_set1_ps(-0.0f);
    _Bool is_right = 1;
    long i = 0;

    for (; i + 4 <= count; i += 4) {
        const __m128 values = _mm_loadu_ps(x + i);
        const __m128i integers = _mm_cvtps_epi32(values);
        /* Both comparisons are false for NaN. */
        const __m128 same = _mm_cmpeq_ps(_mm_cvtepi32_ps(integers), values);
        const __m128 within = _mm_cmple_ps(_mm_andnot_ps(sign, values), largest);
        is_right &= _mm_movemask_ps(_mm_and_ps(same, within)) == 15;
        _mm_storel_epi64((__m128i *)(y + i), _mm_packs_epi32(integers, integers));
    }
    for (; i < count; i++) {
        const _Bool is_within = x[i] >= -limit && x[i] <= limit;
        y[i] = is_within ? (int16_t)x[i] : 0;
        is_right &= is_within && (float)y[i] == x[i];
    }
    return is_right;
}

/* Writes a row of finite numbers as integers within +-127, and returns their scale, largest / 127. */
static inline float cflowad_quantize_row(const float *row, long count, int16_t *integers) {
    float largest = 0, scale;
    long i = 0;

    for (i = 0; i < count; i++) {
        const float size = row[i] < 0 ? -row[i] : row[i];
        largest = size > largest ? size : largest;
    }
    /* With a smaller scale the quotients could be infinite. Rows of such small values become zeros. */
    scale = largest > 1e-30f ? largest / 127 : 0;
    for (i = 0; i < count; i++) {
        /* The instruction rounds to nearest even. */
        integers[i] = scale > 0 ? (int16_t)_mm_cvtss_si32(_mm_set_ss(row[i] / scale)) : 0;
    }
    return scale;
}

/* The error of weights that are rounded to integers within +-127, times step: the sum of its squares, each times its importance, in
   their order. Quotients must fit 32 bits. */
static inline double cflowad_rounding_error(const double *weights, const double *importance, long count, double step) {
    const __m128d steps = _mm_set1_pd(step), largest = _mm_set1_pd(127), least = _mm_set1_pd(-127);
    double error = 0;
    long i = 0;

    for (; i < count; i += 2) {
        const _Bool is_pair = i + 1 < count;
        const __m128d values = is_pair ? _mm_loadu_pd(weights + i) : _mm_load_sd(weights + i);
        const __m128d factors = is_pair ? _mm_loadu_pd(importance + i) : _mm_load_sd(importance + i);
        const __m128d integers = _mm_cvtepi32_pd(_mm_cvtpd_epi32(_mm_div_pd(values, steps)));
        const __m128d rounded = _mm_mul_pd(_mm_max_pd(_mm_min_pd(integers, largest), least), steps);
        const __m128d difference = _mm_sub_pd(rounded, values);
        const __m128d squares = _mm_mul_pd(_mm_mul_pd(difference, difference), factors);
        error += _mm_cvtsd_f64(squares);
        error += _mm_cvtsd_f64(_mm_unpackhi_pd(squares, squares));
    }
    return error;
}

/* Whether no number is beyond +-limit. */
static inline _Bool cflowad_are_within(const int16_t *x, long count, int16_t limit) {
    int16_t least = 0, largest = 0;
    long i;

    for (i = 0; i < count; i++) {
        least = x[i] < least ? x[i] : least;
        largest = x[i] > largest ? x[i] : largest;
    }
    return least >= -limit && largest <= limit;
}

/* Of a row of weights: the largest magnitude (32767 or 32768 for -32768), the sum of magnitudes, and the sum of products with inputs' zeros,
   0 to 255. */
typedef struct {
    int32_t largest;
    int64_t magnitude, products;
} cflowad_sums;

static inline cflowad_sums cflowad_row_sums(const int16_t *row, const int16_t *zeros, long count) {
    const __m128i ones = _mm_set1_epi16(1);
    __m128i largest = _mm_setzero_si128();
    int16_t sizes_at_most[8];
    cflowad_sums sums = {0, 0, 0};
    long i = 0;

    while (i + 8 <= count) {
        /* So few that each of four sums fits 32 bits. */
        const long end = count - i < 256 ? count : i + 256;
        __m128i magnitudes = _mm_setzero_si128(), products = _mm_setzero_si128();
        int32_t lanes[8];

        for (; i + 8 <= end; i += 8) {
            const __m128i weights = _mm_loadu_si128((const __m128i *)(row + i));
            const __m128i sizes = _mm_max_epi16(weights, _mm_subs_epi16(_mm_setzero_si128(), weights));
            largest = _mm_max_epi16(largest, sizes);
            magnitudes = _mm_add_epi32(magnitudes, _mm_madd_epi16(sizes, ones));
            products = _mm_add_epi32(products, _mm_madd_epi16(weights, _mm_loadu_si128((const __m128i *)(zeros + i))));
        }
        _mm_storeu_si128((__m128i *)lanes, magnitudes);
        _mm_storeu_si128((__m128i *)(lanes + 4), products);
        for (int lane = 0; lane < 4; lane++) {
            sums.magnitude += lanes[lane];
            sums.products += lanes[4 + lane];
        }
    }
    _mm_storeu_si128((__m128i *)sizes_at_most, largest);
    for (int lane = 0; lane < 8; lane++)
        sums.largest = sizes_at_most[lane] > sums.largest ? sizes_at_most[lane] : sums.largest;
    for (; i < count; i++) {
        const int32_t weight = row[i], size = weight < 0 ? -weight : weight;
        sums.largest = size > sums.largest ? size : sums.largest;
        sums.magnitude += size;
        sums.products += weight * zeros[i];
    }
    return sums;
}

#pragma clang assume_nonnull end
#endif
