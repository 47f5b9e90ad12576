/*
 * The C library's functions that fail on demand, in place of its own: allocations, opening, reading, writing, syncing and
 * renaming files, starting threads. For one program that includes this in one file, linked with -rdynamic.
 *
 * After arm(way, n) the n-th call of the way's kind fails, and every later one too where the way says so, until `armed` is 0.
 */
#ifndef FAILING_CALLS_H
#define FAILING_CALLS_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Allocations of 8 KB or more; those of any size only fail after one of these did. */
enum kind { MEMORY, OPENING, READING, WRITING, SYNCING, RENAMING, THREADS };

enum extent { ONCE, LATER_LARGE, ALL_LATER };

static const struct way {
    const char *name;
    enum kind kind;
    enum extent extent;
    int error;
} ways[] = {
    {"memory, once", MEMORY, ONCE, ENOMEM},       {"memory, all large", MEMORY, LATER_LARGE, ENOMEM},
    {"memory, all", MEMORY, ALL_LATER, ENOMEM},   {"opening, once", OPENING, ONCE, EMFILE},
    {"opening, all", OPENING, ALL_LATER, EMFILE}, {"reading, once", READING, ONCE, EIO},
    {"reading, all", READING, ALL_LATER, EIO},    {"writing, once", WRITING, ONCE, EIO},
    {"writing, all", WRITING, ALL_LATER, ENOSPC}, {"syncing, once", SYNCING, ONCE, EIO},
    {"syncing, all", SYNCING, ALL_LATER, EIO},    {"renaming, all", RENAMING, ALL_LATER, EACCES},
    {"threads, once", THREADS, ONCE, EAGAIN},     {"threads, all", THREADS, ALL_LATER, EAGAIN},
};

enum { WAYS = sizeof ways / sizeof *ways };

static const size_t least = 8192;
static atomic_int armed, has_failed;
static atomic_long call_count, failing;
static const struct way *failing_way = ways;

static void arm(int way, long which) {
    failing_way = &ways[way];
    failing = which;
    call_count = has_failed = 0;
    armed = 1;
}

/* Whether this call fails; errno then says why. */
static int fails(enum kind kind, size_t size) {
    if (!armed || kind != failing_way->kind) return 0;
    if ((kind != MEMORY || size >= least) && ++call_count == failing) has_failed = 1;
    else if (!has_failed || failing_way->extent == ONCE || (failing_way->extent == LATER_LARGE && size < least))
        return 0;
    errno = failing_way->error;
    return 1;
}

/* glibc's own allocator under its internal names, which stay when malloc is replaced. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return fails(MEMORY, size) ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return fails(MEMORY, count * size) ? NULL : __libc_calloc(count, size); }

void *realloc(void *memory, size_t size) { return fails(MEMORY, size) ? NULL : __libc_realloc(memory, size); }

void *aligned_alloc(size_t alignment, size_t size) {
    return fails(MEMORY, size) ? NULL : __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *start = aligned_alloc(alignment, size);

    if (!start) return ENOMEM;
    *memory = start;
    return 0;
}

void *mmap(void *start, size_t size, int protection, int flags, int file, off_t offset) {
    if (fails(MEMORY, size)) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, start, size, protection, flags, file, offset);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    int mode;

    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return fails(OPENING, 0) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t pread(int file, void *buffer, size_t size, off_t offset) {
    return fails(READING, 0) ? -1 : syscall(SYS_pread64, file, buffer, size, offset);
}

ssize_t read(int file, void *buffer, size_t size) {
    return fails(READING, 0) ? -1 : syscall(SYS_read, file, buffer, size);
}

ssize_t write(int file, const void *buffer, size_t size) {
    return fails(WRITING, 0) ? -1 : syscall(SYS_write, file, buffer, size);
}

int fsync(int file) { return fails(SYNCING, 0) ? -1 : (int)syscall(SYS_fsync, file); }

int rename(const char *from, const char *to) {
    return fails(RENAMING, 0) ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    static __typeof__(&pthread_create) original;

    if (fails(THREADS, 0)) return EAGAIN;
    if (!original) {
        void *found = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&original, &found, sizeof found);
    }
    return original(thread, attributes, body, argument);
}

#endif
