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

/* Stores the sums of 32 rows, 32 outputs each. */
CFLOWAD_INLINE void cflowad_tiles_store(int32_t *sums) {
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + 16, 128);
    _tile_stored(2, sums + 16 * 32, 128);
    _tile_stored(3, sums + 16 * 32 + 16, 128);
}

/* The offsets of 16 rows, which are `taps` apart; that of the row `last` for those behind it. */
CFLOWAD_INLINE cflowad_ints_16 cflowad_tile_offsets(const int32_t *offsets, long taps, long last) {
    const __m512i lanes = (__m512i)(cflowad_ints_16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i rows = _mm512_min_epi32(lanes, _mm512_set1_epi32((int)last));
    return (cflowad_ints_16)_mm512_i32gather_epi32(_mm512_mullo_epi32(rows, _mm512_set1_epi32((int)taps)), offsets, 4);
}

/* Whether each number is as much larger than the one before it as the second is larger than the first. */
CFLOWAD_INLINE int cflowad_is_even_16(cflowad_ints_16 values) {
    const cflowad_ints_16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const cflowad_ints_16 even = values[0] + lanes * (values[1] - values[0]);
    return _mm512_cmpneq_epi32_mask((__m512i)values, (__m512i)even) == 0;
}

/* Copies the first `depth` bytes of a row, 64 at most, to where a tile is loaded from. */
CFLOWAD_INLINE void cflowad_tile_copy(const uint8_t *row, long depth, uint8_t *target) {
    _mm512_storeu_si512(target, _mm512_maskz_loadu_epi8(_cvtu64_mask64(~0ull >> (64 - depth)), row));
}

#pragma clang assume_nonnull end
#endif
#endif
