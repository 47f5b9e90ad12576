#include "COpenBLASShim.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static struct {
    __typeof__(&cblas_sgemm) sgemm;
    __typeof__(&openblas_get_config) config;
    __typeof__(&openblas_get_corename) core_name;
    __typeof__(&openblas_get_num_threads) thread_count;
    __typeof__(&openblas_set_num_threads) set_thread_count;
} blas;

static int is_loaded;

/* POSIX: a symbol's address may be stored as a function's this way. */
static int find(void *library, const char *name, void *function) {
    return (*(void **)function = dlsym(library, name)) != NULL;
}

static void load(void) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);

    is_loaded = library != NULL && find(library, "cblas_sgemm", &blas.sgemm)
        && find(library, "openblas_get_config", &blas.config) && find(library, "openblas_get_corename", &blas.core_name)
        && find(library, "openblas_get_num_threads", &blas.thread_count)
        && find(library, "openblas_set_num_threads", &blas.set_thread_count);
}

int cflowad_blas_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
    return is_loaded ? 0 : -1;
}

void cflowad_blas_sgemm(
    int transposed_a, int transposed_b, int rows, int columns, int depth, float alpha, const float *a, int stride_a,
    const float *b, int stride_b, float beta, float *c, int stride_c) {
    blas.sgemm(CblasRowMajor, transposed_a ? CblasTrans : CblasNoTrans, transposed_b ? CblasTrans : CblasNoTrans, rows,
               columns, depth, alpha, a, stride_a, b, stride_b, beta, c, stride_c);
}

const char *cflowad_blas_config(void) { return blas.config(); }

const char *cflowad_blas_core_name(void) { return blas.core_name(); }

int cflowad_blas_thread_count(void) { return blas.thread_count(); }

void cflowad_blas_set_thread_count(int count) { blas.set_thread_count(count); }
