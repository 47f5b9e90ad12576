/*
 * Scores PNG frames with a detector: a table on the standard output, overlays and a web page in a folder.
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
#include "report.h"

/* Longest side of the page's images. */
enum { THUMBNAIL_SIDE = 320 };

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
    report_item *items;
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

static report_image read_bytes(const char *path) {
    report_image image = {NULL, 0};
    FILE *file = fopen(path, "rb");
    long size;
    if (!file) return image;
    if (!fseek(file, 0, SEEK_END) && (size = ftell(file)) > 0) {
        rewind(file);
        image.data = allocate((size_t)size, 1);
        image.size = fread(image.data, 1, (size_t)size, file);
    }
    fclose(file);
    return image;
}

/* The frame, made smaller by averaging squares of pixels, as the bytes of a PNG file. `path` is used on the way. */
static report_image thumbnail(const cflowad_frame *frame, const char *path) {
    cflowad_frame small = *frame;
    report_image image = {NULL, 0};
    size_t channels = frame->format == CFLOWAD_PIXEL_GRAY8 ? 1 : 3;
    uint32_t side = frame->width > frame->height ? frame->width : frame->height;
    uint32_t factor = (side + THUMBNAIL_SIDE - 1) / THUMBNAIL_SIDE;
    uint32_t x, y, i, j;
    size_t c;
    unsigned char *out;
    if (frame->width < factor || frame->height < factor) return image; /* a line of pixels */
    small.width = frame->width / factor;
    small.height = frame->height / factor;
    small.stride = small.width * channels;
    out = allocate(small.height, small.stride);
    small.data = out;
    for (y = 0; y < small.height; y++)
        for (x = 0; x < small.width; x++)
            for (c = 0; c < channels; c++) {
                uint64_t sum = 0;
                for (j = 0; j < factor; j++)
                    for (i = 0; i < factor; i++)
                        sum += ((const unsigned char *)frame->data)[((size_t)y * factor + j) * frame->stride +
                                                                    ((size_t)x * factor + i) * channels + c];
                *out++ = (unsigned char)(sum / ((uint64_t)factor * factor));
            }
    if (cflowad_png_write(path, &small) == CFLOWAD_OK) image = read_bytes(path);
    remove(path);
    free((void *)small.data);
    return image;
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

static cflowad_status draw(const picture *image, const float *map, const cflowad_model_info *info, const char *path,
                           const char *temporary, report_item *item) {
    cflowad_overlay_options options = {.struct_size = sizeof options};
    cflowad_frame overlay = image->frame;
    size_t pixels = (size_t)overlay.width * overlay.height;
    unsigned char *rgb = allocate(pixels, 3);
    cflowad_status status = cflowad_overlay_options_init(&options, sizeof options);
    options.low = info->map_low;
    options.high = info->map_high;
    options.threshold = info->pixel_threshold;
    if (status == CFLOWAD_OK) status = cflowad_render_overlay(&image->frame, map, pixels, &options, rgb, pixels * 3);
    overlay.data = rgb;
    overlay.stride = (size_t)overlay.width * 3;
    overlay.format = CFLOWAD_PIXEL_RGB8;
    if (status == CFLOWAD_OK) status = cflowad_png_write(path, &overlay);
    if (status == CFLOWAD_OK) {
        item->frame = thumbnail(&image->frame, temporary);
        item->overlay = thumbnail(&overlay, temporary);
    }
    free(rgb);
    return status;
}

/* Fills the item. *elapsed grows by the time of scoring alone; overlay may be NULL. */
static cflowad_status score(
    cflowad_session *session, const cflowad_model_info *info, report_item *item, const char *overlay,
    const char *temporary, double *elapsed) {
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
        item->rejected = result.verdict == CFLOWAD_VERDICT_REJECT;
        item->verdict = cflowad_verdict_name(result.verdict);
        if (overlay) status = draw(&image, result.frame_map, info, overlay, temporary, item);
    }
    free(result.frame_map);
    free(image.pixels);
    return status;
}

/* AUROC of the labelled items; below 0 when one of the classes is missing. */
static double area(const report_item *items, size_t count) {
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
    cflowad_status status;
    report_summary summary;
    size_t overlays = (size_t)-1, scored = 0, failures = 0, i;
    double elapsed = 0;
    char description[128], *page, *temporary;
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
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    cflowad_model_close(model); /* the session keeps what it needs */
    if (status != CFLOWAD_OK) die(cflowad_last_error());

    page = allocate(strlen(argv[argument + 1]) + 32, 1);
    temporary = allocate(strlen(argv[argument + 1]) + 32, 1);
    sprintf(page, "%s/index.html", argv[argument + 1]);
    sprintf(temporary, "%s/.thumbnail.png", argv[argument + 1]);
    printf("%-48s %10s  %-7s %s\n", "file", "score", "verdict", "label");
    for (i = 0; i < frames.count; i++) {
        report_item item = frames.items[i];
        char *overlay = i < overlays ? overlay_path(argv[argument + 1], i, item.name) : NULL;
        status = score(session, &info, &item, overlay, temporary, &elapsed);
        free(overlay);
        if (status != CFLOWAD_OK) {
            fprintf(stderr, "demo: %s: %s: %s\n", item.name, cflowad_status_name(status), cflowad_last_error());
            failures++;
            continue;
        }
        printf("%-48s %10.4f  %-7s %s\n", item.name, (double)item.score, item.verdict,
               item.label < 0 ? "" : item.label ? "defective" : "good");
        frames.items[scored++] = item;
    }

    sprintf(description, "%s, input %lu x %lu", info.architecture, (unsigned long)info.input_width,
            (unsigned long)info.input_height);
    summary.detector = argv[argument];
    summary.description = description;
    summary.threshold = info.threshold;
    summary.auroc = area(frames.items, scored);
    summary.milliseconds = scored ? elapsed / (double)scored : 0;
    printf("\nthreshold %.4f, ", (double)summary.threshold);
    if (summary.auroc >= 0) printf("AUROC %.4f, ", summary.auroc);
    printf("%.1f ms per frame, %lu frames\n", summary.milliseconds, (unsigned long)scored);
    if (scored && report_write(page, &summary, frames.items, scored)) {
        fprintf(stderr, "demo: cannot write %s\n", page);
        failures++;
    }

    cflowad_session_close(session);
    for (i = 0; i < scored; i++) {
        free(frames.items[i].frame.data);
        free(frames.items[i].overlay.data);
        free((void *)frames.items[i].name);
    }
    free(frames.items);
    free(page);
    free(temporary);
    return failures ? 1 : 0;
}
