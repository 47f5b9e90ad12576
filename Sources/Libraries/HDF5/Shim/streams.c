/*
 * The static libhdf5 that the shared library is linked with is compiled for programs: it refers to stderr and stdout in a
 * way that cannot be linked into a shared library. The linker (--wrap) gives it the streams below instead. They discard what
 * is written, because libhdf5 prints when it cannot clean up at the end of a process without memory, and what is printed is
 * the host's affair.
 */
#define _GNU_SOURCE
#include <stdio.h>

FILE *__wrap_stderr, *__wrap_stdout;

/* Not there where the linker does not wrap. */
extern FILE *__real_stderr __attribute__((weak)), *__real_stdout __attribute__((weak));

/* A stream without a function that writes discards what it is given. If there is no memory even for that when a process
   begins, the real streams are used: such a process will soon fail, and its messages may help. */
__attribute__((constructor)) static void make_streams(void) {
    cookie_io_functions_t none = {NULL, NULL, NULL, NULL};
    FILE *sink;

    if (!&__real_stderr || !&__real_stdout) return;
    sink = fopencookie(NULL, "w", none);
    __wrap_stderr = sink ? sink : __real_stderr;
    __wrap_stdout = sink ? sink : __real_stdout;
}
