/*
 * The static libhdf5 that the shared library is linked with (Makefile, HDF5) is compiled for programs: it takes the C
 * library's streams for the program's own variables, which the linker of a shared library cannot give it. It is given
 * these instead (--wrap).
 */
#include <stdio.h>

FILE *__wrap_stderr, *__wrap_stdout;

/* Not there where the linker does not wrap. */
extern FILE *__real_stderr __attribute__((weak)), *__real_stdout __attribute__((weak));

__attribute__((constructor)) static void take_streams(void) {
    if (&__real_stderr) __wrap_stderr = __real_stderr;
    if (&__real_stdout) __wrap_stdout = __real_stdout;
}
