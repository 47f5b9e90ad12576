#ifndef CFLOWAD_PROCESSOR_H
#define CFLOWAD_PROCESSOR_H

/* 1 when processor and operating system run AVX2 and FMA instructions. */
int cflowad_processor_has_avx2(void);

#endif
