#ifndef C_OPENBLAS_SHIM_H
#define C_OPENBLAS_SHIM_H

/*
 * OpenBLAS's C interface without its enumerations and its blasint, whose width depends on how OpenBLAS was built.
 *
 * OpenBLAS starts a thread for each processor and takes memory as soon as it is loaded, so it is loaded when training
 * begins and not with the library: a host that only scores has nothing of it.
 */

/** Loads OpenBLAS unless it is loaded. 0, or -1 when it is not there; nothing below may be called then. Thread-safe. */
int cflowad_blas_load(void);

/** C = alpha op(A) op(B) + beta C, row-major; C is rows x columns, transposed_ values are 0 or 1. cblas_sgemm. */
void cflowad_blas_sgemm(
    int transposed_a, int transposed_b, int rows, int columns, int depth, float alpha, const float *a, int stride_a,
    const float *b, int stride_b, float beta, float *c, int stride_c);

/** How OpenBLAS was built, e.g. "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH". Static. */
const char *cflowad_blas_config(void);

/** Name of the processor family whose kernels OpenBLAS runs, e.g. "Haswell". Static. */
const char *cflowad_blas_core_name(void);

/** OpenBLAS's thread count, for the whole process. */
int cflowad_blas_thread_count(void);

/** Sets OpenBLAS's thread count for the whole process. For tests alone: the library leaves it as it found it. */
void cflowad_blas_set_thread_count(int count);

#endif /* C_OPENBLAS_SHIM_H */
