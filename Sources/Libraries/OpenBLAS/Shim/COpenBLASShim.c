#include "COpenBLASShim.h"

#include <cblas.h>

void cflowad_blas_sgemm(
    int transposed_a, int transposed_b, int rows, int columns, int depth, float alpha, const float *a, int stride_a,
    const float *b, int stride_b, float beta, float *c, int stride_c) {
    cblas_sgemm(CblasRowMajor, transposed_a ? CblasTrans : CblasNoTrans, transposed_b ? CblasTrans : CblasNoTrans,
                rows, columns, depth, alpha, a, stride_a, b, stride_b, beta, c, stride_c);
}

const char *cflowad_blas_config(void) { return openblas_get_config(); }

const char *cflowad_blas_core_name(void) { return openblas_get_corename(); }

int cflowad_blas_thread_count(void) { return openblas_get_num_threads(); }

void cflowad_blas_set_thread_count(int count) { openblas_set_num_threads(count); }
