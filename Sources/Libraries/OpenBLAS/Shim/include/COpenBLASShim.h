#ifndef C_OPENBLAS_SHIM_H
#define C_OPENBLAS_SHIM_H

/*
 * What fitting a detector needs from OpenBLAS and the LAPACK in it, in double precision, without its enumerations and its
 * blasint, whose width depends on how OpenBLAS was built. Matrices are square or row-major as said; nothing is copied.
 *
 * OpenBLAS starts a thread for each processor and takes memory as soon as it is loaded, so that it is loaded when a
 * detector is fitted and not with the library: a host that only scores is spared both.
 */

/** What the next two return. */
enum {
    CFLOWAD_LAPACK_OK = 0,
    CFLOWAD_LAPACK_MISSING = 1,  /**< there is no OpenBLAS on the machine */
    CFLOWAD_LAPACK_NO_MEMORY = 2 /**< no address space, or no threads, for what it takes at once */
};

/**
 * Loads OpenBLAS, unless it is loaded. Nothing below may be called before it has returned CFLOWAD_LAPACK_OK. It may be asked
 * again after a failure. Thread-safe.
 */
int cflowad_lapack_load(void);

/**
 * Between begin and end OpenBLAS computes every call on the thread that makes it: with several threads it would sum in an order
 * that depends on their number (OpenBLAS 0.3.21: dsyevd from n = 24 on, dpotrf from n = 64 on). `threads` is how many of our
 * threads call it at the same time. OpenBLAS has one number of threads for the process, which the last end restores. Do not call
 * end if begin has failed. Pairs may nest and may come from several threads.
 */
int cflowad_lapack_begin(int threads);
void cflowad_lapack_end(int threads);

/** C += A' A for A of rows x n, row-major; of C, n x n, the lower triangle by rows is computed. cblas_dsyrk. */
void cflowad_lapack_add_gram(int n, int rows, const double *a, double *c);

/** C = A B' for A of rows x depth and B of columns x depth, row-major. cblas_dgemm. */
void cflowad_lapack_multiply_transposed(int rows, int columns, int depth, const double *a, const double *b, double *c);

/** B = B L' for B of rows x n, row-major, rows b_stride apart, and L lower triangular, rows l_stride apart. cblas_dtrmm. */
void cflowad_lapack_multiply_triangular(int rows, int n, const double *l, int l_stride, double *b, int b_stride);

/**
 * Eigenvalues, ascending, and eigenvectors, as the rows of a, of a symmetric matrix whose lower triangle by rows is in a.
 * work has 1 + 6 n + 2 n n numbers, iwork 3 + 5 n of 8 bytes each. 0, or LAPACK's info. dsyevd.
 */
int cflowad_lapack_eigenvectors(int n, double *a, double *values, double *work, long long *iwork);

/**
 * The inverse of the Cholesky factor of a positive definite matrix, both lower triangles by rows, in place: W with W A W' =
 * 1. 0, or LAPACK's info: the number of the first row where the matrix is not positive. dpotrf, dtrtri.
 */
int cflowad_lapack_inverse_cholesky(int n, double *a);

/**
 * 1 or -1, the sign of the determinant of a, which is overwritten; 0 when it is singular or not finite. pivots has n numbers
 * of 8 bytes each. dgetrf.
 */
int cflowad_lapack_determinant_sign(int n, double *a, long long *pivots);

#endif /* C_OPENBLAS_SHIM_H */
