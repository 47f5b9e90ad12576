/* Writes the demo's results as one HTML page that needs nothing beside it. */
#ifndef REPORT_H
#define REPORT_H

#include <stddef.h>

/* A PNG file in memory. */
typedef struct report_image {
    unsigned char *data;
    size_t size;
} report_image;

typedef struct report_item {
    const char *name;
    int label; /* 0 good, 1 defective, -1 unknown */
    const char *verdict; /* "pass", "review" or "reject" */
    int rejected;
    float score;
    report_image frame, overlay; /* shown when data is not NULL */
} report_item;

typedef struct report_summary {
    const char *detector;
    const char *description;
    float threshold;
    double auroc; /* below 0: unknown */
    double milliseconds;
} report_summary;

/* Sorts the items by score, highest first, and writes the page. Returns 0, or -1 when the file cannot be written. */
int report_write(const char *path, const report_summary *summary, report_item *items, size_t count);

#endif
