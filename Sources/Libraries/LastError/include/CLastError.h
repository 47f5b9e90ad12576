#ifndef CFLOWAD_LAST_ERROR_BUFFER_H
#define CFLOWAD_LAST_ERROR_BUFFER_H

/* Bytes of the message buffer, the closing NUL included. */
#define CFLOWAD_LAST_ERROR_CAPACITY 1024

/* The calling thread's message buffer. It is in C because Swift's thread-local storage would allocate. */
char *cflowad_last_error_buffer(void);

/* Whether the calling thread is in the host's log callback: not 0 then. */
int *cflowad_thread_is_logging(void);

/* Writes into it that this process was forked during a call. */
void cflowad_last_error_set_forked(void);

#endif
