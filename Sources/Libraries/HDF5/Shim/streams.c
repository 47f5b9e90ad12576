/*
 * The static libhdf5 that the shared library is linked with (Makefile, HDF5) is compiled for programs: it takes the C
 * library's streams for the program's own variables, which the linker of a shared library cannot give it. It is given
 * these instead (--wrap), which throw away what is written: the host's output is the host's, and libhdf5 prints when it
 * cannot clean up at the end of a process that had no memory.
 */
#define _GNU_SOURCE
#include <stdio.h>

FILE *__wrap_stderr, *__wrap_stdout;

/* Not there where the linker does not wrap. */
extern FILE *__real_stderr __attribute__((weak)), *__real_stdout __attribute__((weak));

/* A stream without a function that writes discards what it is given. Where there is no memory for it, a process that begins
   will not get far, and what it prints is of use. */
static FILE *sink_or(FILE *real) {
    cookie_io_functions_t none = {NULL, NULL, NULL, NULL};
    FILE *sink = fopencookie(NULL, "w", none);

    return sink ? sink : real;
}

__attribute__((constructor)) static void make_streams(void) {
    if (&__real_stderr) __wrap_stderr = sink_or(__real_stderr);
    if (&__real_stdout) __wrap_stdout = sink_or(__real_stdout);
}
