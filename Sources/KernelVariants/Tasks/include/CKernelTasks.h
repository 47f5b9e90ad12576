#ifndef CFLOWAD_KERNEL_TASKS_H
#define CFLOWAD_KERNEL_TASKS_H

/* What the inner loops work on. These are structs of C, so that Swift and C that is inlined into it can read the same task, and so
   that Swift makes the initialisers. Strides are distances between rows, in floats. */

#include <stdint.h>

#define CFLOWAD_TASK(name) __attribute__((swift_name(#name)))

#pragma clang assume_nonnull begin

/// The function after a layer.
typedef enum __attribute__((enum_extensibility(closed), swift_name("Activation"))) cflowad_activation {
    cflowad_activation_identity CFLOWAD_TASK(identity),
    cflowad_activation_relu CFLOWAD_TASK(relu),
    /// min(max(x, 0), 6).
    cflowad_activation_relu6 CFLOWAD_TASK(relu6),
    /// 1 / (1 + e^-x).
    cflowad_activation_sigmoid CFLOWAD_TASK(sigmoid),
    /// x sigmoid(x), also called swish.
    cflowad_activation_silu CFLOWAD_TASK(silu),
    /// relu6(x + 3) / 6 (Howard et al., "Searching for MobileNetV3", 2019).
    cflowad_activation_hard_sigmoid CFLOWAD_TASK(hardSigmoid),
    /// x hardSigmoid(x).
    cflowad_activation_hard_swish CFLOWAD_TASK(hardSwish),
    /// x (1 + erf(x / sqrt 2)) / 2: the exact form. Error below 2e-7 max(1, |x|).
    cflowad_activation_gelu CFLOWAD_TASK(gelu),
} cflowad_activation;

/* ---- Matrix products */

/// What a product adds to its sums. Without `columns` it is one vector for all rows of x. With `columns`, row i of x is position
/// `first` + i of a grid, and the vector is `rows[position / width] + columns[position % width]`. Vectors are padded like panels.
typedef struct CFLOWAD_TASK(RowBias) cflowad_row_bias {
    const float *rows;
    const float *_Nullable columns;
    long width, first;
} cflowad_row_bias;

/// y = activation(W x * scale + bias + residual) for rows of x: the work of a linear layer, a 1x1 convolution or, with
/// `offsets`, any other convolution.
///
/// A row of x is `taps` runs of `depth` floats, which lie where `offsets` says (indirect convolution: Dukhan, "The indirect
/// convolution algorithm", 2019). W is packed once into panels of outputs, as the build's ``GEMMShape`` says. Every output
/// is summed in one order, whatever rows or panels are computed together: first the products, tap by tap and along the run, in
/// partial sums of 32; then the partial sums; then scale, bias and residual. The rounding error of an addition is proportional to
/// its result, so one long sum would lose more with every product, and more still if it began with a large bias.
typedef struct CFLOWAD_TASK(GEMM) cflowad_gemm {
    long rows;
    const float *x;
    /// Not used with `offsets`.
    long xStride;
    /// Where the run of each row's each tap begins, in floats from `x`; negative for a run of zeros. If it is nil there is one tap,
    /// and rows are `xStride` apart.
    const int32_t *_Nullable offsets;
    long taps, depth;
    /// `depth` zeros.
    const float *zeros;
    const float *panels;
    /// Memory to fetch into the caches meanwhile, of the size of a pair of panels; nil for the panels that follow.
    const float *_Nullable next;
    long outputs;
    /// The number of outputs with the padding of the last panel, which is the length of bias vectors.
    long paddedOutputs;
    /// A factor for each output, padded like the panels; nil for 1.
    const float *_Nullable scale;
    cflowad_row_bias bias;
    /// Has rows like y's; may be y itself.
    const float *_Nullable residual;
    cflowad_activation activation;
    float *y;
    long yStride;
} cflowad_gemm;

/// Products with lower triangular matrices, one for each row of x: x = W x in place, for the first `size` values of the row.
///
/// A matrix is stored in panels of 8 of its rows, the last rows first, which is the order of their use. A panel is 8 floats, the
/// scales of its rows, and then 8 weights of 16 bits for each column up to the diagonal of its last row, with zeros above the
/// diagonal. Weights have 16 bits because a frame reads every matrix once, so that half the bytes take half the time.
typedef struct CFLOWAD_TASK(TriangularProduct) cflowad_triangular_product {
    /// The matrix of the first row; the others follow, ``TriangularProduct/matrixCount(size:)`` numbers each.
    const short *matrices;
    long size;
    /// Replaced by the products.
    float *x;
    long stride;
} cflowad_triangular_product;

/// The same with weights of 8 bits.
typedef struct CFLOWAD_TASK(ByteTriangularProduct) cflowad_byte_triangular_product {
    /// The matrices, as those of ``TriangularProduct``, ``ByteTriangularProduct/matrixCount(size:)`` bytes each.
    const signed char *matrices;
    long size;
    /// Changed in place.
    float *x;
    long stride;
} cflowad_byte_triangular_product;

/// A weighted mean of rows that follow each other in memory: row 0 + sum of weights[i] (row i+1 - row 0). It uses differences from
/// the first row, so that the mean of equal rows is exactly that row. Products are rounded before they are added, so that all
/// builds give the same bits.
typedef struct CFLOWAD_TASK(RowMean) cflowad_row_mean {
    const float *rows;
    /// The distance between rows, and how many values of a row are wanted.
    long pitch, length;
    /// The weights of the rows behind the first.
    const float *weights;
    long weightCount;
} cflowad_row_mean;

/* ---- Sliding windows */

/// A position-major map under a sliding window, which sees each channel by itself.
typedef struct CFLOWAD_TASK(WindowedMap) cflowad_windowed_map {
    const float *x;
    /// Columns of the input.
    long inputWidth;
    long channels, kernel, stride;
    /// The input row of each output row's each tap, -1 beyond the border; the same for columns.
    const long *rowSources, *columnSources;
    /// The output columns whose taps are neighbours in the input, with none beyond the border.
    long interiorStart, interiorEnd;
    long outputWidth;
    float *y;
} cflowad_windowed_map;

/// A convolution of each channel by itself. Every output is summed in one order: tap by tap, where a kernel larger than 3 x 3 has a
/// partial sum for each of its rows; then times the scale and plus the bias.
typedef struct CFLOWAD_TASK(Depthwise) cflowad_depthwise {
    cflowad_windowed_map window;
    /// One vector of channels per tap.
    const float *weights;
    const float *scale, *bias;
    cflowad_activation activation;
} cflowad_depthwise;

/* ---- Winograd's convolution F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016): a
   tile of 6 x 6 inputs gives 4 x 4 outputs by 36 products instead of 144. Transformed values lie as 36 matrices, one for each
   place in a tile, with a row of channels for each tile. */

/// The transform of a map's tiles.
typedef struct CFLOWAD_TASK(WinogradInput) cflowad_winograd_input {
    const float *x;
    /// Columns of the input.
    long width;
    /// A multiple of ``WinogradInput/channelMultiple``.
    long channels;
    /// For each row of tiles 6 input rows, -1 beyond the border; columns likewise.
    const long *rowSources, *columnSources;
    /// `channels` zeros.
    const float *zeros;
    /// The number of tiles in a row of tiles.
    long tileColumns;
    /// The tile that row 0 of the matrices belongs to.
    long firstTile;
    /// 36 matrices, `matrixStride` floats apart, of rows of `channels`.
    float *transformed;
    long matrixStride;
} cflowad_winograd_input;

/// The transform of a panel's kernels for one row of places of a tile: places 6 `row` ..< 6 `row` + 6.
typedef struct CFLOWAD_TASK(WinogradWeights) cflowad_winograd_weights {
    /// For each of `inputs`, 9 taps; for each tap, a vector of the panel's outputs.
    const float *kernels;
    long inputs, row;
    /// For each place, a panel: for each input, a vector of outputs. Places are `placeStride` floats apart.
    float *transformed;
    long placeStride;
} cflowad_winograd_weights;

/// The transform of the 36 products back to positions: y = activation(output * scale + bias + residual).
typedef struct CFLOWAD_TASK(WinogradOutput) cflowad_winograd_output {
    /// 36 matrices of rows of `channels`; overwritten as they are read.
    float *products;
    long matrixStride, firstTile, tileColumns, height, width;
    /// A multiple of ``WinogradInput/channelMultiple``.
    long channels;
    const float *scale, *bias;
    /// Has rows like y's; may be y itself.
    const float *_Nullable residual;
    cflowad_activation activation;
    float *y;
} cflowad_winograd_output;

/* ---- Channels and rows of maps */

/// The mean of each channel over all positions of a map.
typedef struct CFLOWAD_TASK(ChannelMean) cflowad_channel_mean {
    const float *x;
    long height, width, channels;
    /// One value per channel.
    float *y;
} cflowad_channel_mean;

/// y = x * scale + offset + residual with one scale and one offset per channel, for rows of channels.
typedef struct CFLOWAD_TASK(ChannelAffine) cflowad_channel_affine {
    const float *x;
    long channels;
    const float *scale;
    /// nil for zeros.
    const float *_Nullable offset;
    /// Has rows like x's.
    const float *_Nullable residual;
    /// May be x.
    float *y;
} cflowad_channel_affine;

/// LayerNorm of rows of channels: (x - mean) / sqrt(variance + epsilon) * weight + bias.
typedef struct CFLOWAD_TASK(RowNorm) cflowad_row_norm {
    const float *x;
    long channels;
    const float *weight, *bias;
    float epsilon;
    float *y;
} cflowad_row_norm;

/* ---- Flows */

/// The elementwise half of an affine coupling (FrEIA AllInOneBlock): for each row x2 = x2 * e^j + t and
/// logDeterminant += sum(j), with j = alpha * tanh(s).
typedef struct CFLOWAD_TASK(Coupling) cflowad_coupling {
    /// Rows of `width` values of s, already divided by alpha for the scaled clamp, and then as many of t.
    const float *coefficients;
    long coefficientStride;
    float alpha;
    /// The second part of each fiber; changed in place.
    float *x2;
    long stride, width;
    float *logDeterminants;
} cflowad_coupling;

/// The global affine of a coupling block over rows of fibers: u * scale + offset.
typedef struct CFLOWAD_TASK(GlobalAffine) cflowad_global_affine {
    const float *u, *scale, *offset;
    long channels, stride;
} cflowad_global_affine;

/* ---- Training */

/// Sums of a gradient's rows by their place on one axis of the grid: a row of sums for each place, which begins as zeros, and the
/// place of each row. Both are nil for an unconditional flow.
typedef struct CFLOWAD_TASK(PlaceSums) cflowad_place_sums {
    float *_Nullable sums;
    const int32_t *_Nullable indices;
} cflowad_place_sums;

/// The gradient of a relu, for some columns of the group's rows: gradient = value > 0 ? gradient : 0. Also sums each column of it,
/// over all rows and over those of each place.
typedef struct CFLOWAD_TASK(ReluGradient) cflowad_relu_gradient {
    /// Replaced by the gradient before the relu.
    float *gradient;
    long stride;
    /// Rows of the relu's outputs.
    const float *values;
    long valueStride;
    /// The sum over all rows; begins as zeros.
    float *sum;
    cflowad_place_sums firstPlaces;
    cflowad_place_sums secondPlaces;
} cflowad_relu_gradient;

/// The gradient of v = u gain + offset: gradient *= gain. d loss / d gain and d loss / d offset are sums over the rows, which begin
/// as zeros.
typedef struct CFLOWAD_TASK(AffineGradient) cflowad_affine_gradient {
    /// Rows of d loss / d v, then of d loss / d u.
    float *gradient;
    long stride;
    const float *u;
    long uStride;
    const float *gain;
    float *gainGradient, *offsetGradient;
} cflowad_affine_gradient;

/// The gradient of u2 = x2 e^j + t with j = alpha tanh(s): gradient *= e^j. Also computes
/// d loss / d(subnet's outputs), where s and t are these outputs times a factor, and adds up both over the rows. The sums
/// begin as zeros.
typedef struct CFLOWAD_TASK(CouplingGradient) cflowad_coupling_gradient {
    /// Rows of d loss / d u2, then of d loss / d x2.
    float *gradient;
    const float *x2;
    /// The stride of `gradient` and of x2.
    long stride;
    /// Rows of tanh(s) and e^j.
    const float *tanh, *exponential;
    long keptStride;
    /// d loss / d log p of each row.
    const float *lossGradient;
    /// Rows of d loss / d(outputs), of those that give s and of those that give t.
    float *scale, *shift;
    long outputStride;
    float *scaleSum, *shiftSum;
    /// alpha times the factor between output and s, and the factor between output and t.
    float scaleFactor, shiftFactor;
} cflowad_coupling_gradient;

/// A step of Adam (D. Kingma, J. Ba, ICLR 2015) on some parameters, with torch.optim.Adam's arithmetic and no decay:
/// ```
/// m += (1 - beta1) (g - m)     v = beta2 v + (1 - beta2) g^2     p -= rate m / (sqrt(v) secondMomentRate + epsilon)
/// ```
typedef struct CFLOWAD_TASK(AdamStep) cflowad_adam_step {
    float *parameters;
    const float *gradient;
    float *firstMoments, *secondMoments;
    long count;
    /// The learning rate, corrected for the first moment's bias.
    float rate;
    /// Corrects the second moment's root for its bias.
    float secondMomentRate;
} cflowad_adam_step;

#pragma clang assume_nonnull end

#include "CQuantizedTasks.h"

#endif
