#include "CReserve.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Weak, since they exist only where the linker wraps; elsewhere the wrappers are never called. */
__attribute__((weak)) void *__real_malloc(size_t size);
__attribute__((weak)) void *__real_calloc(size_t count, size_t size);
__attribute__((weak)) void *__real_realloc(void *memory, size_t size);
__attribute__((weak)) void __real_free(void *memory);
__attribute__((weak)) int __real_posix_memalign(void **memory, size_t alignment, size_t size);
__attribute__((weak)) size_t __real_malloc_usable_size(void *memory);

void *creserve_allocate_strictly(size_t alignment, size_t size) {
    void *memory = NULL;
    int status = __real_posix_memalign ? __real_posix_memalign(&memory, alignment, size)
                                       : posix_memalign(&memory, alignment, size);

    return status == 0 ? memory : NULL;
}

/* ---- the reserve: blocks one after the other, all of them free again once none is in use */

typedef struct {
    size_t size;
    size_t unused; /* keeps what follows aligned as malloc does */
} block;

static _Alignas(64) unsigned char reserve[CRESERVE_SIZE];
static size_t end, blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int is_reserved(const void *memory) { return (uintptr_t)memory - (uintptr_t)reserve < sizeof reserve; }

/* A multiple of the alignment, as all blocks are. */
static size_t rounded(size_t size, size_t alignment) { return (size + alignment - 1) & ~(alignment - 1); }

static void *take(size_t alignment, size_t size) {
    block *taken = NULL;
    size_t first, last;

    if (size > sizeof reserve || alignment > 64) return NULL;
    pthread_mutex_lock(&lock);
    first = rounded(end + sizeof *taken, alignment);
    last = rounded(first + size, sizeof *taken);
    if (last <= sizeof reserve) {
        taken = (block *)(reserve + first) - 1;
        taken->size = size;
        end = last;
        blocks++;
    }
    pthread_mutex_unlock(&lock);
    return taken ? taken + 1 : NULL;
}

static size_t size_of(const void *memory) { return ((const block *)memory)[-1].size; }

static void give_back(void *memory) {
    size_t first = (size_t)((unsigned char *)memory - reserve);

    pthread_mutex_lock(&lock);
    blocks--;
    if (blocks == 0) end = 0;
    else if (rounded(first + size_of(memory), sizeof(block)) == end) end = first - sizeof(block);
    pthread_mutex_unlock(&lock);
}

/* ---- replacements of malloc and its like, by the linker's --wrap */

void *__wrap_malloc(size_t size) {
    void *memory = __real_malloc(size);

    return memory ? memory : take(16, size);
}

void *__wrap_calloc(size_t count, size_t size) {
    void *memory = __real_calloc(count, size);

    /* The reserve is used again, so that its memory need not be zero. */
    if (!memory && (count == 0 || size <= SIZE_MAX / count) && (memory = take(16, count * size)))
        memset(memory, 0, count * size);
    return memory;
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    int status = __real_posix_memalign(memory, alignment, size);

    if (status == ENOMEM && (*memory = take(alignment, size)) != NULL) status = 0;
    return status;
}

void __wrap_free(void *memory) {
    if (is_reserved(memory)) give_back(memory);
    else __real_free(memory);
}

size_t __wrap_malloc_usable_size(void *memory) {
    return is_reserved(memory) ? size_of(memory) : __real_malloc_usable_size(memory);
}

void *__wrap_realloc(void *memory, size_t size) {
    void *moved = is_reserved(memory) ? NULL : __real_realloc(memory, size);
    size_t old;

    if (moved || (memory && size == 0 && !is_reserved(memory))) return moved;
    moved = __wrap_malloc(size);
    if (moved && memory) {
        old = __wrap_malloc_usable_size(memory);
        memcpy(moved, memory, old < size ? old : size);
        __wrap_free(memory);
    }
    return moved;
}

/* ---- C++'s operators new and delete, of a size and of an alignment, which Swift's runtime uses */

/* The forms that do not throw. */
extern const char _ZSt7nothrow __attribute__((weak));
__attribute__((weak)) void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow);
__attribute__((weak)) void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t alignment, const void *nothrow);
__attribute__((weak)) void __real__ZdlPvm(void *memory, size_t size);
__attribute__((weak)) void __real__ZdlPvmSt11align_val_t(void *memory, size_t size, size_t alignment);

void *__wrap__Znwm(size_t size) {
    void *memory = _ZnwmRKSt9nothrow_t(size, &_ZSt7nothrow);

    if (!memory && !(memory = take(16, size))) abort();
    return memory;
}

void *__wrap__ZnwmSt11align_val_t(size_t size, size_t alignment) {
    void *memory = _ZnwmSt11align_val_tRKSt9nothrow_t(size, alignment, &_ZSt7nothrow);

    if (!memory && !(memory = take(alignment, size))) abort();
    return memory;
}

void __wrap__ZdlPvm(void *memory, size_t size) {
    if (is_reserved(memory)) give_back(memory);
    else __real__ZdlPvm(memory, size);
}

void __wrap__ZdlPvmSt11align_val_t(void *memory, size_t size, size_t alignment) {
    if (is_reserved(memory)) give_back(memory);
    else __real__ZdlPvmSt11align_val_t(memory, size, alignment);
}
