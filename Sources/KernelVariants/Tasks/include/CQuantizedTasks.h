#ifndef CFLOWAD_QUANTIZED_TASKS_H
#define CFLOWAD_QUANTIZED_TASKS_H

/* What the inner loops of 8-bit detectors work on. A map of bytes stands for (byte - zero) * scale, with a zero and a scale for
   each channel. Sums of products are integers and exact; what is computed of them in float32 is rounded after each operation,
   in the order that is written here. So all builds give the same bits.

   Vectors of channels have as many numbers behind them that 16 can be read from every channel on. */

#include "CKernelTasks.h"

#pragma clang assume_nonnull begin

/// The values of a map that is read: bytes, or else floats.
typedef struct CFLOWAD_TASK(MapOperand) cflowad_map_operand {
    const uint8_t *_Nullable bytes;
    const float *_Nullable values;
    /// Of the bytes' channels.
    const float *_Nullable zero, *_Nullable scale;
} cflowad_map_operand;

/// Where values go: to bytes, to floats, or to both.
typedef struct CFLOWAD_TASK(MapTarget) cflowad_map_target {
    /// A value becomes the integer nearest to value * inverseScale + zero, within 0...255; of two the even one.
    uint8_t *_Nullable bytes;
    float *_Nullable values;
    /// Of the bytes' channels; nil when values are on the bytes' scale.
    const float *_Nullable zero, *_Nullable inverseScale;
} cflowad_map_target;

/// What becomes of sums: activation((sum * multiplier + offset) + residual). hardSwish(x) is (x * relu6(x + 3)) * (1 / 6)
/// here, by one multiplication.
typedef struct CFLOWAD_TASK(QuantizedEpilogue) cflowad_quantized_epilogue {
    const float *multiplier, *offset;
    /// Rows as the target's; with neither bytes nor floats nothing is added.
    cflowad_map_operand residual;
    cflowad_activation activation;
    cflowad_map_target target;
} cflowad_quantized_epilogue;

/// The work of a convolution: as ``GEMM``, with rows of bytes, and weights of 8 or 16 bits.
///
/// A panel has for each group of four inputs either four bytes for each of its 16 outputs; or two 16-bit numbers for each, of
/// the first and third input, and then as many of the second and fourth.
typedef struct CFLOWAD_TASK(QuantizedGEMM) cflowad_quantized_gemm {
    long rows;
    const uint8_t *x;
    /// Not used with `offsets`.
    long xStride;
    /// As of ``GEMM``.
    const int32_t *_Nullable offsets;
    /// `depth` is a multiple of 4.
    long taps, depth;
    /// `depth` bytes: the run of a tap beyond the border.
    const uint8_t *border;
    const void *panels;
    /// Whether the panels hold 16-bit numbers.
    _Bool isWide;
    long outputs;
    /// What the sum of each output begins with, as many as the panels are wide together.
    const int32_t *correction;
    cflowad_quantized_epilogue epilogue;
    /// From one row of residual and target to the next.
    long yStride;
} cflowad_quantized_gemm;

/// Rows of floats that become bytes, each with a scale of its own: a byte stands for (byte - zero) * scale. The magnitude that is
/// largest in a row decides: of signed values it becomes 127, with 128 for 0; of others 255, with 0 for 0. Values become the
/// nearest integers, of two the even one. A row that holds a value which is not finite has the scale NaN.
typedef struct CFLOWAD_TASK(RowQuantization) cflowad_row_quantization {
    const float *x;
    /// From row to row of x in floats, of the bytes in bytes.
    long xStride, byteStride;
    long count;
    _Bool isSigned;
    uint8_t *bytes;
    float *scales;
} cflowad_row_quantization;

/// y = activation((sum * multiplier) * scale + bias) for rows of bytes with a scale each: a linear layer whose inputs are quantized
/// row by row. Panels are those of ``QuantizedGEMM`` for weights of 8 bits.
typedef struct CFLOWAD_TASK(RowScaledGEMM) cflowad_row_scaled_gemm {
    const uint8_t *x;
    long xStride;
    /// A multiple of 4.
    long depth;
    /// Of the rows.
    const float *scales;
    const void *panels;
    /// For each output, as many as the panels are wide together.
    const int32_t *correction;
    const float *multiplier;
    /// Outputs with the padding of the last panel: the length of bias vectors.
    long paddedOutputs;
    cflowad_row_bias bias;
    /// One that limits values.
    cflowad_activation activation;
    /// Rows have room for the padded outputs.
    float *y;
    long yStride;
} cflowad_row_scaled_gemm;

/// A map of bytes under a sliding window, which sees each channel by itself: see ``WindowedMap``.
typedef struct CFLOWAD_TASK(QuantizedWindow) cflowad_quantized_window {
    const uint8_t *x;
    long inputWidth;
    long channels, kernel, stride;
    const long *rowSources, *columnSources;
    long interiorStart, interiorEnd;
    long outputWidth;
} cflowad_quantized_window;

/// A convolution of each channel by itself. Weights are of 16 bits.
typedef struct CFLOWAD_TASK(QuantizedDepthwise) cflowad_quantized_depthwise {
    cflowad_quantized_window window;
    /// For each two rows of the kernel, for each of its columns, one vector of channels: the upper row's weight in the lower half of
    /// each number, the lower row's in the upper half. A last row alone has 0 for the other.
    const int32_t *weights;
    /// The bytes beyond the border, with 16 behind them.
    const uint8_t *border;
    /// What the sum of each channel begins with.
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

/// An epilogue over rows of channels: the sums are a map's values.
typedef struct CFLOWAD_TASK(QuantizedAffine) cflowad_quantized_affine {
    cflowad_map_operand x;
    long channels;
    cflowad_quantized_epilogue epilogue;
} cflowad_quantized_affine;

#pragma clang assume_nonnull end
#endif
