#ifndef CFLOWAD_TILES_H
#define CFLOWAD_TILES_H

/* Products of tiles, which Intel's AMX computes: 16 rows of up to 64 bytes with as many weights for each of 16 outputs, all at once.
   A processor has eight tiles, with fixed numbers here: four hold the sums of 32 rows and 32 outputs, two the inputs of the rows, two the
   weights of the outputs. They belong to a thread from `configure` to `release`. */

#if defined(__AMX_INT8__)

#pragma clang assume_nonnull begin

/* - depth: the inputs of a step, a multiple of 4 up to 64. */
CFLOWAD_INLINE void cflowad_tiles_configure(long depth) {
    struct {
        uint8_t palette, start, unused[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } configuration = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        configuration.row_bytes[tile] = (uint16_t)(tile == 4 || tile == 5 ? depth : 64);
        configuration.rows[tile] = (uint8_t)(tile > 5 ? depth / 4 : 16);
    }
    _tile_loadconfig(&configuration);
}

/* A thread that keeps its tiles would have the system save 8 KB more whenever another thread runs. */
CFLOWAD_INLINE void cflowad_tiles_release(void) { _tile_release(); }

CFLOWAD_INLINE void cflowad_tiles_clear(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/* Adds the products of a step's inputs with its weights.
   - low, high: the inputs of the first 16 rows and of the other ones, NULL when there are none, with the bytes from row to row.
   - a, b: the weights of the first 16 outputs and of the other ones, NULL when there are none: 64 bytes for each four inputs. */
CFLOWAD_INLINE void cflowad_tiles_add(
    const uint8_t *low, long low_stride, const uint8_t *_Nullable high, long high_stride, const void *a,
    const void *_Nullable b) {
    _tile_loadd(6, a, 64);
    _tile_loadd(4, low, low_stride);
    _tile_dpbusd(0, 4, 6);
    if (b) {
        _tile_loadd(7, b, 64);
        _tile_dpbusd(1, 4, 7);
    }
    if (high) {
        _tile_loadd(5, high, high_stride);
        _tile_dpbusd(2, 5, 6);
        if (b) _tile_dpbusd(3, 5, 7);
    }
}

/* Takes up the sums that were stored. */
CFLOWAD_INLINE void cflowad_tiles_load(const int32_t *sums) {
    _tile_loadd(0, sums, 128);
    _tile_loadd(1, sums + 16, 128);
    _tile_loadd(2, sums + 16 * 32, 128);
    _tile_loadd(3, sums + 16 * 32 + 16, 128);
}

/* Stores the sums of 32 rows, 32 outputs each. */
CFLOWAD_INLINE void cflowad_tiles_store(int32_t *sums) {
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + 16, 128);
    _tile_stored(2, sums + 16 * 32, 128);
    _tile_stored(3, sums + 16 * 32 + 16, 128);
}

/* The addresses of 16 rows. */
typedef struct cflowad_tile_rows {
    uintptr_t first, second, others[14];
} cflowad_tile_rows;

/* Finds the rows of a map at 16 offsets, which are `taps` apart; beyond the border, where they are negative, that is `border`. The row
   `last` stands for those behind it. Returns whether they are evenly spaced. */
CFLOWAD_INLINE int cflowad_tile_find(
    const uint8_t *x, const uint8_t *border, const int32_t *offsets, long taps, long last, cflowad_tile_rows *rows) {
    const cflowad_ints_16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i numbers = _mm512_min_epi32((__m512i)lanes, _mm512_set1_epi32((int)last));
    const __m512i found = _mm512_i32gather_epi32(_mm512_mullo_epi32(numbers, _mm512_set1_epi32((int)taps)), offsets, 4);
    const __m512i base = _mm512_set1_epi64((intptr_t)x), outside = _mm512_set1_epi64((intptr_t)border);
    const __mmask16 is_outside = _mm512_movepi32_mask(found);
    const __m512i low = _mm512_add_epi64(base, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(found)));
    const __m512i high = _mm512_add_epi64(base, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(found, 1)));
    const cflowad_ints_16 values = (cflowad_ints_16)found;
    _mm512_storeu_si512(rows, _mm512_mask_mov_epi64(low, (__mmask8)is_outside, outside));
    _mm512_storeu_si512((char *)rows + 64, _mm512_mask_mov_epi64(high, (__mmask8)(is_outside >> 8), outside));
    /* Evenly spaced rows are all within the border or all beyond it: an offset beyond it is -1, and the others of such a map are multiples
       of 4. Maps of pixels contain their border and have no -1. */
    return _mm512_cmpneq_epi32_mask(found, (__m512i)(values[0] + lanes * (values[1] - values[0]))) == 0;
}

/* Finds rows that are `stride` apart. The row `last` stands for those behind it. */
CFLOWAD_INLINE void cflowad_tile_space(const uint8_t *x, long stride, long last, cflowad_tile_rows *rows) {
    uintptr_t *addresses = (uintptr_t *)rows;
    for (int row = 0; row < 16; row++) addresses[row] = (uintptr_t)(x + (row < last ? row : last) * stride);
}

/* Copies `depth` bytes of each row, 64 at most, from `input` on to where a tile is loaded from. */
CFLOWAD_INLINE void cflowad_tile_copy(const cflowad_tile_rows *rows, long input, long depth, uint8_t *target) {
    const __mmask64 first = _cvtu64_mask64(~0ull >> (64 - depth));
    const uintptr_t *addresses = (const uintptr_t *)rows;
    for (int row = 0; row < 16; row++)
        _mm512_storeu_si512(
            target + 64 * row, _mm512_maskz_loadu_epi8(first, (const uint8_t *)(addresses[row] + (uintptr_t)input)));
}

#pragma clang assume_nonnull end
#endif
#endif
