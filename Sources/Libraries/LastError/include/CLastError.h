#ifndef CFLOWAD_LAST_ERROR_BUFFER_H
#define CFLOWAD_LAST_ERROR_BUFFER_H

/* Bytes of the message buffer, the closing NUL included. */
#define CFLOWAD_LAST_ERROR_CAPACITY 1024

/* The calling thread's message buffer. Swift has no thread-local storage of its own that needs no allocation. */
char *cflowad_last_error_buffer(void);

/* Says in it that this process was forked in the midst of a call. */
void cflowad_last_error_set_forked(void);

#endif
