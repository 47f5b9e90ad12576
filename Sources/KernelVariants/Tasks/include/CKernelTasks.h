#ifndef CFLOWAD_KERNEL_TASKS_H
#define CFLOWAD_KERNEL_TASKS_H

/* What the inner loops work on. They are structs of C so that Swift and C inlined into it can read the same task, and so
   that Swift makes their initialisers. Strides are in floats, from one row to the next. */

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

/// What a product adds to its sums: one vector for all rows of x; or, with `columns`, `rows[position / width] +
/// columns[position % width]`, row i of x being position `first` + i. Vectors are as long as the panels are wide together.
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
/// is summed in one order, whatever rows or panels are computed together: the products by tap and then along the run, 32 of
/// them in a sum of their own; then these sums; then the scale, the bias and the residual. An addition loses as much as the
/// sum is large that it adds to: one long sum would lose more the longer it is, and one that begins with the bias would lose
/// the bias's share with every product.
typedef struct CFLOWAD_TASK(GEMM) cflowad_gemm {
    long rows;
    const float *x;
    /// Not used with `offsets`.
    long xStride;
    /// For each row, for each tap: where its run begins, in floats from `x`; negative for a run of zeros. nil: one tap, rows
    /// `xStride` apart.
    const int32_t *_Nullable offsets;
    long taps, depth;
    /// `depth` zeros.
    const float *zeros;
    const float *panels;
    /// What to fetch into the caches meanwhile, as many floats as a pair of panels has; nil: the panels that follow.
    const float *_Nullable next;
    long outputs;
    /// Outputs with the padding of the last panel: the length of bias vectors.
    long paddedOutputs;
    /// Of each output, as long as the panels are wide together; nil for 1.
    const float *_Nullable scale;
    cflowad_row_bias bias;
    /// Rows as y's; may be y itself.
    const float *_Nullable residual;
    cflowad_activation activation;
    float *y;
    long yStride;
} cflowad_gemm;

/// Products with lower triangular matrices, a matrix for each row: in place x = W x, of the first `size` values of each row.
///
/// A matrix is stored as panels of 8 of its rows, the last rows' first, as they are used. A panel is 8 floats, the scales of its
/// rows, and then 8 weights of 16 bits for each column up to its last row's diagonal, with zeros where a row has none. A frame
/// reads every matrix once: half the bytes are half the time.
typedef struct CFLOWAD_TASK(TriangularProduct) cflowad_triangular_product {
    /// The matrix of the first row; the others follow, ``TriangularProduct/matrixCount(size:)`` numbers each.
    const short *matrices;
    long size;
    /// Changed in place.
    float *x;
    long stride;
} cflowad_triangular_product;

/// A weighted mean of rows that follow each other in memory: row 0 + sum of weights[i] (row i+1 - row 0). By differences from
/// the first row, so that the mean of equal rows is that row to the bit. All builds give the same bits: products are rounded
/// before they are added.
typedef struct CFLOWAD_TASK(RowMean) cflowad_row_mean {
    const float *rows;
    /// From one row to the next, and how many values of a row are wanted.
    long pitch, length;
    /// Of the rows behind the first.
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
    /// For each output row, for each tap: the input row, or -1 beyond the border. Columns likewise.
    const long *rowSources, *columnSources;
    /// Output columns whose taps are neighbours in the input, none beyond the border.
    long interiorStart, interiorEnd;
    long outputWidth;
    float *y;
} cflowad_windowed_map;

/// A convolution of each channel by itself. Every output is summed in one order: tap by tap, of kernels larger than 3 x 3 each
/// row by itself and then the rows; times the scale and plus the bias.
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
    /// Tiles in a row.
    long tileColumns;
    /// The tile that row 0 of the matrices belongs to.
    long firstTile;
    /// 36 matrices, `matrixStride` floats apart, of rows of `channels`.
    float *transformed;
    long matrixStride;
} cflowad_winograd_input;

/// The transform of a panel's kernels, a row of places at a time: places 6 `row` ..< 6 `row` + 6.
typedef struct CFLOWAD_TASK(WinogradWeights) cflowad_winograd_weights {
    /// For each of `inputs` the 9 taps, each a panel's outputs.
    const float *kernels;
    long inputs, row;
    /// For each place a panel: for each input a vector of outputs. Places are `placeStride` floats apart.
    float *transformed;
    long placeStride;
} cflowad_winograd_weights;

/// From the 36 products back to positions: y = activation(output * scale + bias + residual).
typedef struct CFLOWAD_TASK(WinogradOutput) cflowad_winograd_output {
    /// 36 matrices of rows of `channels`; overwritten as they are read.
    float *products;
    long matrixStride, firstTile, tileColumns, height, width;
    /// A multiple of ``WinogradInput/channelMultiple``.
    long channels;
    const float *scale, *bias;
    /// As y; may be y itself.
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
    /// nil: zeros.
    const float *_Nullable offset;
    /// Rows as x's.
    const float *_Nullable residual;
    /// May be x.
    float *y;
} cflowad_channel_affine;

/// Each row of channels less its mean, divided by sqrt(variance + epsilon), then times weight plus bias.
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
    /// Rows of s (`width` values, already divided by alpha for the scaled clamp) and then t.
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

/// A gradient's sums over the rows of each place of a grid's axis, as wide as the gradient's rows, and the place of each row.
/// The sums begin as zeros. nil for an unconditional flow.
typedef struct CFLOWAD_TASK(PlaceSums) cflowad_place_sums {
    float *_Nullable sums;
    const int32_t *_Nullable indices;
} cflowad_place_sums;

/// The gradient of a relu, for some columns of the group's rows: gradient = value > 0 ? gradient : 0, with its sums by column,
/// over all rows and over those of each place.
typedef struct CFLOWAD_TASK(ReluGradient) cflowad_relu_gradient {
    /// Changed in place.
    float *gradient;
    long stride;
    /// Rows of relu's values.
    const float *values;
    long valueStride;
    /// Over all rows; begins as zeros.
    float *sum;
    cflowad_place_sums firstPlaces;
    cflowad_place_sums secondPlaces;
} cflowad_relu_gradient;

/// The gradient of v = u gain + offset: gradient *= gain, and the sums over the rows that are d loss / d gain and d loss / d
/// offset, which begin as zeros.
typedef struct CFLOWAD_TASK(AffineGradient) cflowad_affine_gradient {
    /// Rows of d loss / d v, then of d loss / d u.
    float *gradient;
    long stride;
    const float *u;
    long uStride;
    const float *gain;
    float *gainGradient, *offsetGradient;
} cflowad_affine_gradient;

/// The gradient of u2 = x2 e^j + t with j = alpha tanh(s): gradient *= e^j, and d loss / d s and d loss / d t before their
/// factors, with their sums over the rows, which begin as zeros.
typedef struct CFLOWAD_TASK(CouplingGradient) cflowad_coupling_gradient {
    /// Rows of d loss / d u2, then of d loss / d x2.
    float *gradient;
    const float *x2;
    /// Of both.
    long stride;
    /// Rows of tanh(s) and e^j.
    const float *tanh, *exponential;
    long keptStride;
    /// d loss / d log p of each row.
    const float *lossGradient;
    /// Rows of d loss / d s and d loss / d t.
    float *scale, *shift;
    long outputStride;
    float *scaleSum, *shiftSum;
    /// alpha times the factor of s, and the factor of t.
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
