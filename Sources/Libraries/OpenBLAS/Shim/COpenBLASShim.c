#include "COpenBLASShim.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

/* LAPACK's Fortran interface; lengths of text come last. */
typedef void syevd_function(
    const char *job, const char *uplo, const blasint *n, double *a, const blasint *lda, double *values, double *work,
    const blasint *work_count, blasint *iwork, const blasint *iwork_count, blasint *info, size_t, size_t);
typedef void potrf_function(const char *uplo, const blasint *n, double *a, const blasint *lda, blasint *info, size_t);
typedef void trtri_function(
    const char *uplo, const char *diagonal, const blasint *n, double *a, const blasint *lda, blasint *info, size_t,
    size_t);

typedef void getrf_function(
    const blasint *rows, const blasint *columns, double *a, const blasint *lda, blasint *pivots, blasint *info);

static struct {
    __typeof__(&cblas_dsyrk) syrk;
    __typeof__(&cblas_dgemm) gemm;
    __typeof__(&cblas_dtrmm) trmm;
    syevd_function *syevd;
    potrf_function *potrf;
    trtri_function *trtri;
    getrf_function *getrf;
    __typeof__(&openblas_get_num_threads) thread_count;
    __typeof__(&openblas_set_num_threads) set_thread_count;
} lapack;

static int is_loaded;

/* POSIX: a symbol's address may be stored as a function's this way. */
static int find(void *library, const char *name, void *function) {
    return (*(void **)function = dlsym(library, name)) != NULL;
}

static void load(void) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);

    is_loaded = library != NULL && find(library, "cblas_dsyrk", &lapack.syrk)
        && find(library, "cblas_dgemm", &lapack.gemm) && find(library, "cblas_dtrmm", &lapack.trmm)
        && find(library, "dsyevd_", &lapack.syevd) && find(library, "dpotrf_", &lapack.potrf)
        && find(library, "dtrtri_", &lapack.trtri) && find(library, "dgetrf_", &lapack.getrf)
        && find(library, "openblas_get_num_threads", &lapack.thread_count)
        && find(library, "openblas_set_num_threads", &lapack.set_thread_count);
}

int cflowad_lapack_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
    return is_loaded ? 0 : -1;
}

static pthread_mutex_t users_lock = PTHREAD_MUTEX_INITIALIZER;
static int users;
static int threads_before;

void cflowad_lapack_begin(void) {
    pthread_mutex_lock(&users_lock);
    if (users++ == 0) {
        threads_before = lapack.thread_count();
        if (threads_before != 1) lapack.set_thread_count(1);
    }
    pthread_mutex_unlock(&users_lock);
}

void cflowad_lapack_end(void) {
    pthread_mutex_lock(&users_lock);
    if (--users == 0 && threads_before != 1) lapack.set_thread_count(threads_before);
    pthread_mutex_unlock(&users_lock);
}

void cflowad_lapack_add_gram(int n, int rows, const double *a, double *c) {
    lapack.syrk(CblasRowMajor, CblasLower, CblasTrans, n, rows, 1, a, n, 1, c, n);
}

void cflowad_lapack_multiply_transposed(int rows, int columns, int depth, const double *a, const double *b, double *c) {
    lapack.gemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, depth, 1, a, depth, b, depth, 0, c, columns);
}

void cflowad_lapack_multiply_triangular(int rows, int n, const double *l, int l_stride, double *b, int b_stride) {
    lapack.trmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, rows, n, 1, l, l_stride, b, b_stride);
}

/* A lower triangle by rows is LAPACK's upper one by columns. */

int cflowad_lapack_eigenvectors(int n, double *a, double *values, double *work, long long *iwork) {
    const blasint size = n, work_count = 1 + 6 * size + 2 * size * size, iwork_count = 3 + 5 * size;
    blasint info = 0;

    lapack.syevd("V", "U", &size, a, &size, values, work, &work_count, (blasint *)iwork, &iwork_count, &info, 1, 1);
    return (int)info;
}

int cflowad_lapack_inverse_cholesky(int n, double *a) {
    const blasint size = n;
    blasint info = 0;

    lapack.potrf("U", &size, a, &size, &info, 1);
    if (info == 0) lapack.trtri("U", "N", &size, a, &size, &info, 1, 1);
    return (int)info;
}

int cflowad_lapack_determinant_sign(int n, double *a, long long *pivots) {
    const blasint size = n;
    blasint *rows = (blasint *)pivots;
    blasint info = 0;
    int sign = 1;

    lapack.getrf(&size, &size, a, &size, rows, &info);
    if (info != 0) return 0;
    for (int i = 0; i < n; i++) {
        if (rows[i] != i + 1) sign = -sign;
        if (a[(size_t)i * (size_t)n + (size_t)i] < 0) sign = -sign;
    }
    return sign;
}
