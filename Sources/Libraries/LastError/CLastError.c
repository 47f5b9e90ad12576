#include "CLastError.h"

#include <string.h>

static _Thread_local char buffer[CFLOWAD_LAST_ERROR_CAPACITY];

static _Thread_local int logging;

char *cflowad_last_error_buffer(void) { return buffer; }

int *cflowad_thread_is_logging(void) { return &logging; }

void cflowad_last_error_set_forked(void) {
    static const char message[] =
        "this process was forked while a call of the library ran, and cannot use it any more: fork between calls, or begin "
        "a new program (exec, Python's start method spawn)";
    memcpy(buffer, message, sizeof message);
}
