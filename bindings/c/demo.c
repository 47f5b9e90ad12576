/*
 * Scores PNG frames with a detector: a table on the standard output, overlays in a folder. For a report as a web page
 * there is `cflowad evaluate --html`.
 *
 *     demo [--overlays N] DETECTOR.h5 OUTPUT_DIR LIST.tsv
 *     demo [--overlays N] DETECTOR.h5 OUTPUT_DIR FRAME.png ...
 *
 * A line of LIST.tsv is a file, or a file, a tab and a label: 0 or "good", else it is defective. Files are relative to
 * the current folder. N overlays are written [all].
 */
#define _POSIX_C_SOURCE 199309L /* clock_gettime, mkdir */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cflowad.h"

/* What is known of a frame. */
typedef struct scored_frame {
    char *name;
    int label; /* 0 good, 1 defective, -1 unknown */
    float score;
    cflowad_verdict verdict;
} scored_frame;

/* A frame read from a PNG file. */
typedef struct picture {
    unsigned char *pixels;
    cflowad_frame frame;
} picture;

static void die(const char *what) {
    fprintf(stderr, "demo: %s\n", what);
    exit(1);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) die("out of memory");
    return memory;
}

static char *copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(allocate(size, 1), text, size);
}

/* ------------------------------------------------------------------------------------------------ list of frames */

typedef struct list {
    scored_frame *items;
    size_t count, room;
} list;

static void append(list *frames, const char *name, int label) {
    if (frames->count == frames->room) {
        frames->room = 2 * frames->room + 16;
        frames->items = realloc(frames->items, frames->room * sizeof *frames->items);
        if (!frames->items) die("out of memory");
    }
    memset(&frames->items[frames->count], 0, sizeof *frames->items);
    frames->items[frames->count].name = copy_text(name);
    frames->items[frames->count++].label = label;
}

static void append_list(list *frames, const char *path) {
    char line[4096], *tab;
    FILE *file = fopen(path, "r");
    if (!file) die("cannot read the list");
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        tab = strchr(line, '\t');
        if (tab) *tab = 0;
        if (*line) append(frames, line, tab ? strcmp(tab + 1, "0") && strcmp(tab + 1, "good") : -1);
    }
    fclose(file);
}

static int ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* ------------------------------------------------------------------------------------------------------- pictures */

static cflowad_status read_picture(const char *path, picture *image) {
    cflowad_frame frame;
    cflowad_status status;
    size_t channels;
    memset(&frame, 0, sizeof frame);
    frame.struct_size = sizeof frame;
    status = cflowad_png_read_info(path, &frame.width, &frame.height, &frame.format);
    channels = frame.format == CFLOWAD_PIXEL_GRAY8 ? 1 : 3;
    if (status != CFLOWAD_OK) return status;
    frame.stride = frame.width * channels;
    image->pixels = allocate(frame.height, frame.stride);
    frame.data = image->pixels;
    image->frame = frame;
    return cflowad_png_read(path, image->pixels, frame.stride * frame.height);
}

/* ------------------------------------------------------------------------------------------------------- scoring */

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* OUTPUT_DIR/003_name_overlay.png: numbered, since frames of several folders often share their names. */
static char *overlay_path(const char *folder, size_t number, const char *frame) {
    const char *base = strrchr(frame, '/') ? strrchr(frame, '/') + 1 : frame;
    const char *dot = strrchr(base, '.');
    int length = (int)(dot ? (size_t)(dot - base) : strlen(base));
    size_t room = strlen(folder) + (size_t)length + 64;
    char *path = allocate(room, 1);
    snprintf(path, room, "%s/%03lu_%.*s_overlay.png", folder, (unsigned long)number, length, base);
    return path;
}

static cflowad_status draw(
    const picture *image, const float *map, const cflowad_overlay_options *options, const char *path) {
    cflowad_frame overlay = image->frame;
    size_t pixels = (size_t)overlay.width * overlay.height;
    unsigned char *rgb = allocate(pixels, 3);
    cflowad_status status = cflowad_render_overlay(&image->frame, map, pixels, options, rgb, pixels * 3);
    overlay.data = rgb;
    overlay.stride = (size_t)overlay.width * 3;
    overlay.format = CFLOWAD_PIXEL_RGB8;
    if (status == CFLOWAD_OK) status = cflowad_png_write(path, &overlay);
    free(rgb);
    return status;
}

/* Fills the item. *elapsed grows by the time of scoring alone; overlay may be NULL. */
static cflowad_status score(
    cflowad_session *session, const cflowad_overlay_options *options, scored_frame *item, const char *overlay,
    double *elapsed) {
    picture image = {0};
    cflowad_result result;
    double start;
    cflowad_status status = read_picture(item->name, &image);
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    if (status == CFLOWAD_OK) {
        result.frame_map_capacity = (size_t)image.frame.width * image.frame.height;
        result.frame_map = allocate(result.frame_map_capacity, sizeof(float));
        start = milliseconds();
        status = cflowad_session_score(session, &image.frame, &result);
        *elapsed += milliseconds() - start;
    }
    if (status == CFLOWAD_OK) {
        item->score = result.score;
        item->verdict = result.verdict;
        if (overlay) status = draw(&image, result.frame_map, options, overlay);
    }
    free(result.frame_map);
    free(image.pixels);
    return status;
}

/* AUROC of the labelled items; below 0 when one of the classes is missing. */
static double area(const scored_frame *items, size_t count) {
    float *scores = allocate(count, sizeof *scores);
    uint8_t *labels = allocate(count, sizeof *labels);
    size_t labelled = 0, defective = 0, i;
    double value = -1;
    for (i = 0; i < count; i++)
        if (items[i].label >= 0) {
            scores[labelled] = items[i].score;
            labels[labelled++] = (uint8_t)items[i].label;
            defective += items[i].label == 1;
        }
    if (defective && defective < labelled && cflowad_auroc(scores, labels, labelled, &value) != CFLOWAD_OK) value = -1;
    free(scores);
    free(labels);
    return value;
}

int main(int argc, char **argv) {
    list frames = {NULL, 0, 0};
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_model_info info;
    cflowad_overlay_options options;
    cflowad_status status;
    size_t overlays = (size_t)-1, scored = 0, failures = 0, i;
    double elapsed = 0, auroc;
    int argument = 1;

    if (argc > 2 && !strcmp(argv[1], "--overlays")) {
        overlays = (size_t)strtoul(argv[2], NULL, 10);
        argument = 3;
    }
    if (argc - argument < 3) die("usage: demo [--overlays N] DETECTOR.h5 OUTPUT_DIR LIST.tsv | FRAME.png ...");
    for (i = (size_t)argument + 2; i < (size_t)argc; i++)
        if (ends_with(argv[i], ".tsv")) append_list(&frames, argv[i]);
        else append(&frames, argv[i], -1);
    if (mkdir(argv[argument + 1], 0777) && errno != EEXIST) die("cannot make the output folder");

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    status = cflowad_model_open(argv[argument], &model);
    if (status == CFLOWAD_OK) status = cflowad_model_get_info(model, &info);
    if (status == CFLOWAD_OK) status = cflowad_model_overlay_options(model, &options, sizeof options);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    cflowad_model_close(model); /* the session keeps what it needs */
    if (status != CFLOWAD_OK) die(cflowad_last_error());

    printf("%-48s %10s  %-7s %s\n", "file", "score", "verdict", "label");
    for (i = 0; i < frames.count; i++) {
        scored_frame item = frames.items[i];
        char *overlay = i < overlays ? overlay_path(argv[argument + 1], i, item.name) : NULL;
        status = score(session, &options, &item, overlay, &elapsed);
        free(overlay);
        if (status != CFLOWAD_OK) {
            fprintf(stderr, "demo: %s: %s: %s\n", item.name, cflowad_status_name(status), cflowad_last_error());
            failures++;
            continue;
        }
        printf(
            "%-48s %10.4f  %-7s %s\n", item.name, (double)item.score, cflowad_verdict_name(item.verdict),
            item.label < 0   ? ""
                : item.label ? "defective"
                             : "good");
        frames.items[i].name = frames.items[scored].name;
        frames.items[scored++] = item;
    }

    auroc = area(frames.items, scored);
    printf("\nthreshold %.4f, ", (double)info.threshold);
    if (auroc >= 0) printf("AUROC %.4f, ", auroc);
    printf("%.4g ms per frame, %lu frames\n", scored ? elapsed / (double)scored : 0, (unsigned long)scored);

    cflowad_session_close(session);
    for (i = 0; i < frames.count; i++) free(frames.items[i].name);
    free(frames.items);
    return failures ? 1 : 0;
}
