#define _GNU_SOURCE /* MAP_ANONYMOUS, sched_getaffinity */

#include "COpenBLASShim.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

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

/* Guards all variables below. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int is_loaded;

/* What each thread that computes takes of address space, once and for good: (32 << 22) bytes in OpenBLAS 0.3 on x86-64. */
static const size_t thread_bytes = (size_t)129 << 20;
enum { MOST_THREADS = 128 };

/* OpenBLAS repeats an allocation that failed for ever. Whether there is room is asked first, so that we fail and do not hang. */
static int has_room(int threads) {
    const size_t size = thread_bytes * (size_t)threads;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) return 0;
    munmap(memory, size);
    return 1;
}

static void *wait_for_gate(void *gate) {
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* When OpenBLAS is loaded it starts a thread for each processor, and it prints and ends the process if that fails. So we first
   try to start as many threads ourselves. */
static int can_start(void) {
    cpu_set_t set;
    int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int threads = (processors < MOST_THREADS ? processors : MOST_THREADS) - 1, count = 0, can;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t started[MOST_THREADS];

    pthread_mutex_lock(&gate);
    while (count < threads && pthread_create(&started[count], NULL, wait_for_gate, &gate) == 0) count++;
    can = count == threads && has_room(threads + 1);
    pthread_mutex_unlock(&gate);
    while (count > 0) pthread_join(started[--count], NULL);
    return can;
}

/* POSIX: a symbol's address may be stored as a function's this way. */
static int find(void *library, const char *name, void *function) {
    return (*(void **)function = dlsym(library, name)) != NULL;
}

static int load(void) {
    static const char name[] = "libopenblas.so.0";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);

    if (library == NULL) {
        if (!can_start()) return CFLOWAD_LAPACK_NO_MEMORY;
        library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    is_loaded = library != NULL && find(library, "cblas_dsyrk", &lapack.syrk)
        && find(library, "cblas_dgemm", &lapack.gemm) && find(library, "cblas_dtrmm", &lapack.trmm)
        && find(library, "dsyevd_", &lapack.syevd) && find(library, "dpotrf_", &lapack.potrf)
        && find(library, "dtrtri_", &lapack.trtri) && find(library, "dgetrf_", &lapack.getrf)
        && find(library, "openblas_get_num_threads", &lapack.thread_count)
        && find(library, "openblas_set_num_threads", &lapack.set_thread_count);
    return is_loaded ? CFLOWAD_LAPACK_OK : CFLOWAD_LAPACK_MISSING;
}

int cflowad_lapack_load(void) {
    int status = CFLOWAD_LAPACK_OK;
    sigset_t all, before;

    pthread_mutex_lock(&lock);
    if (!is_loaded) {
        /* OpenBLAS's threads inherit what is blocked: the host's handlers run on the host's threads. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        status = load();
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static int users;
static int threads_before;
/* The threads of all current users, and the most threads for which room was found so far: OpenBLAS never gives its memory back,
   so that later users of as many threads need no new check. */
static int threads_in_use, threads_with_room;

int cflowad_lapack_begin(int threads) {
    int status = CFLOWAD_LAPACK_OK;

    pthread_mutex_lock(&lock);
    if (threads_in_use + threads > threads_with_room) {
        if (has_room(threads_in_use + threads - threads_with_room)) threads_with_room = threads_in_use + threads;
        else status = CFLOWAD_LAPACK_NO_MEMORY;
    }
    if (status == CFLOWAD_LAPACK_OK) {
        threads_in_use += threads;
        if (users++ == 0) {
            threads_before = lapack.thread_count();
            if (threads_before != 1) lapack.set_thread_count(1);
        }
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void cflowad_lapack_end(int threads) {
    pthread_mutex_lock(&lock);
    threads_in_use -= threads;
    if (--users == 0 && threads_before != 1) lapack.set_thread_count(threads_before);
    pthread_mutex_unlock(&lock);
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
