#ifndef CFLOWAD_QUANTIZED_TASKS_H
#define CFLOWAD_QUANTIZED_TASKS_H

/* What the inner loops of 8-bit detectors work on. A byte of a map stands for (byte - zero) * scale, with a zero and a scale for
   each channel. Sums of products are integers and exact. What follows from them in float32 is rounded after each operation, in
   the order that is written here, so that all builds give the same bits.

   Vectors of channels are padded, so that 16 numbers can be read from every channel on. */

#include "CKernelTasks.h"

#pragma clang assume_nonnull begin

/// A map that is read. It holds either bytes or floats.
typedef struct CFLOWAD_TASK(MapOperand) cflowad_map_operand {
    const uint8_t *_Nullable bytes;
    const float *_Nullable values;
    /// What the bytes of each channel stand for.
    const float *_Nullable zero, *_Nullable scale;
} cflowad_map_operand;

/// Where values are written: as bytes, as floats, or as both.
typedef struct CFLOWAD_TASK(MapTarget) cflowad_map_target {
    /// A value becomes value * inverseScale + zero, limited to 0...255 and rounded to nearest even.
    uint8_t *_Nullable bytes;
    float *_Nullable values;
    /// What the bytes of each channel stand for; nil when values are on the bytes' scale already.
    const float *_Nullable zero, *_Nullable inverseScale;
} cflowad_map_target;

/// What becomes of sums: activation((sum * multiplier + offset) + residual). hardSwish(x) is (x * relu6(x + 3)) * (1 / 6)
/// here, by one multiplication.
typedef struct CFLOWAD_TASK(QuantizedEpilogue) cflowad_quantized_epilogue {
    const float *multiplier, *offset;
    /// Has rows like the target's. Nothing is added if it has neither bytes nor floats.
    cflowad_map_operand residual;
    cflowad_activation activation;
    cflowad_map_target target;
} cflowad_quantized_epilogue;

/// A convolution of bytes, with weights of 8 or 16 bits. Its structure is that of ``GEMM``.
///
/// For each group of four inputs a panel holds either four bytes for each of its 16 outputs, or 16-bit numbers: for each output
/// the weights of the first and third input, and then for each output those of the second and fourth. Where the shape is
/// split (``GEMMShape/isSplit``) a 16-bit number is 256 h + l, both signed: the first half of a panel has the h of all weights, as a panel
/// of bytes has them, and the second half the l.
/// ``GEMMShape/readAhead`` bytes behind the last panel may be read too.
typedef struct CFLOWAD_TASK(QuantizedGEMM) cflowad_quantized_gemm {
    long rows;
    const uint8_t *x;
    /// Not used with `offsets`.
    long xStride;
    /// As in ``GEMM``.
    const int32_t *_Nullable offsets;
    /// `depth` is a multiple of 4.
    long taps, depth;
    /// `depth` bytes, which a tap beyond the border reads.
    const uint8_t *border;
    const void *panels;
    /// Whether the panels hold 16-bit numbers, whole or split.
    _Bool isWide;
    long outputs;
    /// The number that each output's sum begins with; padded like the panels.
    const int32_t *correction;
    cflowad_quantized_epilogue epilogue;
    /// The distance between rows of residual and target.
    long yStride;
} cflowad_quantized_gemm;

/// Rows of floats that become bytes, each with a scale of its own: a byte stands for (byte - zero) * scale. The largest magnitude
/// of a row sets its scale. If values are signed, it becomes 127 away from the zero, which is 128; otherwise it becomes 255, and
/// the zero is 0. Values are rounded to nearest even. A row with a value that is not finite has the scale NaN.
typedef struct CFLOWAD_TASK(RowQuantization) cflowad_row_quantization {
    const float *x;
    /// The distances between rows of x, in floats, and between rows of bytes.
    long xStride, byteStride;
    long count;
    _Bool isSigned;
    uint8_t *bytes;
    float *scales;
} cflowad_row_quantization;

/// A linear layer whose inputs were quantized row by row: y = activation((sum * multiplier) * scale + bias), with a scale for each
/// row. Panels are those of ``QuantizedGEMM`` for weights of 8 bits.
typedef struct CFLOWAD_TASK(RowScaledGEMM) cflowad_row_scaled_gemm {
    const uint8_t *x;
    long xStride;
    /// A multiple of 4.
    long depth;
    /// The scale of each row.
    const float *scales;
    const void *panels;
    /// A number for each output; both are padded like the panels.
    const int32_t *correction;
    const float *multiplier;
    /// The number of outputs with the padding of the last panel, which is the length of bias vectors.
    long paddedOutputs;
    cflowad_row_bias bias;
    /// An activation that only limits values.
    cflowad_activation activation;
    /// Its rows have room for the padded outputs.
    float *y;
    long yStride;
} cflowad_row_scaled_gemm;

/// A Hadamard transform of rows of fibers behind their global affine: y = H (u * scale + offset). H, Sylvester's matrix, has -1 in row i
/// and column j if i & j has an odd number of ones, else 1. Each product, sum and difference is rounded, those of the channels that
/// are furthest apart first.
typedef struct CFLOWAD_TASK(HadamardTransform) cflowad_hadamard_transform {
    const float *u, *scale, *offset;
    float *y;
    /// A power of two, 32 at least.
    long channels;
    /// The distance between rows of u and of y.
    long stride;
} cflowad_hadamard_transform;

/// A map of bytes under a sliding window, which sees each channel by itself: see ``WindowedMap``.
typedef struct CFLOWAD_TASK(QuantizedWindow) cflowad_quantized_window {
    const uint8_t *x;
    long inputWidth;
    long channels, kernel, stride;
    const long *rowSources, *columnSources;
    long interiorStart, interiorEnd;
    long outputWidth;
} cflowad_quantized_window;

/// A convolution of each channel by itself, with weights of 16 bits.
typedef struct CFLOWAD_TASK(QuantizedDepthwise) cflowad_quantized_depthwise {
    cflowad_quantized_window window;
    /// For each pair of kernel rows and each kernel column, a vector of channels. A number holds the weight of the pair's first row
    /// in its lower half and that of the second row in its upper half, which is 0 behind a last row without a partner.
    const int32_t *weights;
    /// The bytes that stand for a position beyond the border, with 16 bytes behind them.
    const uint8_t *border;
    /// The number that each channel's sum begins with.
    const int32_t *correction;
    cflowad_quantized_epilogue epilogue;
} cflowad_quantized_depthwise;

/// The mean of each channel over all positions of a map of bytes: (sum / positions - zero) * scale.
typedef struct CFLOWAD_TASK(QuantizedMean) cflowad_quantized_mean {
    const uint8_t *x;
    /// At most 2^24.
    long positions;
    long channels;
    const float *zero, *scale;
    float *y;
} cflowad_quantized_mean;

/// An epilogue by itself, with the values of a map in place of sums.
typedef struct CFLOWAD_TASK(QuantizedAffine) cflowad_quantized_affine {
    cflowad_map_operand x;
    long channels;
    cflowad_quantized_epilogue epilogue;
} cflowad_quantized_affine;

#pragma clang assume_nonnull end
#endif
