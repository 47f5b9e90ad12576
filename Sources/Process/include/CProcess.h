#ifndef CFLOWAD_PROCESS_H
#define CFLOWAD_PROCESS_H

/* Forks of the host's process. A child has the memory and the locks of all threads, but of these only the one that forked:
   it can go on when no call of the library ran meanwhile, and must not begin one otherwise. */

/* Begins a call of the library. 0 when there must be none: a call ran when this process, or one that it descends from, was
   forked. */
int cflowad_process_begin_call(void);

/* Ends a call that was begun. */
void cflowad_process_end_call(void);

/* Another number in a child than in its parent: threads that were started under another one are not in this process. */
unsigned cflowad_process_generation(void);

#endif
