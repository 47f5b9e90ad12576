#include "CLastError.h"

static _Thread_local char buffer[CFLOWAD_LAST_ERROR_CAPACITY];

char *cflowad_last_error_buffer(void) { return buffer; }
