#include "report.h"

#include <stdio.h>
#include <stdlib.h>

enum { BINS = 24, PLOT_WIDTH = 360, PLOT_HEIGHT = 200, MARGIN = 28 };

static const char style[] =
    ":root{color-scheme:light dark;--good:#3b6fb6;--bad:#d9722e;--line:#8886}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1rem;margin:1.6rem 0 .4rem}p{margin:.3rem 0}"
    "dl{display:grid;grid-template-columns:max-content auto;gap:.1rem 1rem;margin:.8rem 0}dt{opacity:.7}dd{margin:0}"
    ".plots,.cards{display:flex;flex-wrap:wrap;gap:1rem}"
    "svg{font:11px system-ui,sans-serif;max-width:100%}svg text{fill:currentColor}"
    ".axis{stroke:currentColor;opacity:.5}.limit{stroke:currentColor;stroke-dasharray:4 3}"
    ".good{fill:var(--good)}.bad{fill:var(--bad)}.unknown{fill:#888}"
    ".roc{fill:none;stroke:var(--good);stroke-width:2}"
    ".card{border:1px solid var(--line);border-radius:6px;padding:.5rem;width:17rem}"
    ".card.wrong{border:3px solid #c62828}.card img{width:calc(50% - .15rem);border-radius:3px}"
    ".card b{font-variant-numeric:tabular-nums}.name{overflow-wrap:anywhere;opacity:.75;font-size:.85rem}"
    ".tag{display:inline-block;color:#fff;border-radius:3px;padding:0 .4rem;font-size:.8rem;background:#777}"
    ".tag.good{background:var(--good)}.tag.bad{background:var(--bad)}.tag.error{background:#c62828}"
    ".threshold{width:100%;display:flex;align-items:center;gap:1rem;font-weight:600}"
    ".threshold::before,.threshold::after{content:'';flex:1;border-top:2px dashed currentColor}";

static void put_text(FILE *file, const char *text) {
    for (; *text; text++) switch (*text) {
        case '<': fputs("&lt;", file); break;
        case '>': fputs("&gt;", file); break;
        case '&': fputs("&amp;", file); break;
        case '"': fputs("&quot;", file); break;
        default: fputc(*text, file);
        }
}

static void put_base64(FILE *file, const unsigned char *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned long bits = (unsigned long)data[i] << 16;
        if (left > 1) bits |= (unsigned long)data[i + 1] << 8;
        if (left > 2) bits |= data[i + 2];
        fputc(digits[bits >> 18], file);
        fputc(digits[bits >> 12 & 63], file);
        fputc(left > 1 ? digits[bits >> 6 & 63] : '=', file);
        fputc(left > 2 ? digits[bits & 63] : '=', file);
    }
}

static void put_image(FILE *file, const report_image *image, const char *what) {
    if (!image->data) return;
    fprintf(file, "<img alt=\"%s\" src=\"data:image/png;base64,", what);
    put_base64(file, image->data, image->size);
    fputs("\"> ", file);
}

static const char *label_class(int label) { return label < 0 ? "unknown" : label ? "bad" : "good"; }

static int by_score(const void *a, const void *b) {
    float x = ((const report_item *)a)->score, y = ((const report_item *)b)->score;
    return (x < y) - (x > y);
}

static void count_labels(const report_item *items, size_t count, size_t *good, size_t *bad) {
    size_t i;
    *good = *bad = 0;
    for (i = 0; i < count; i++) {
        *good += items[i].label == 0;
        *bad += items[i].label == 1;
    }
}

/* Bars side by side per bin: good, defective, unknown. */
static void put_histogram(FILE *file, const report_item *items, size_t count, float threshold) {
    size_t bins[3][BINS] = {{0}}, tallest = 1, i;
    float low = threshold, high = threshold;
    double scale, step = (double)PLOT_WIDTH / BINS;
    int kind, bin;
    for (i = 0; i < count; i++) {
        if (items[i].score < low) low = items[i].score;
        if (items[i].score > high) high = items[i].score;
    }
    scale = high > low ? (double)BINS / ((double)high - low) : 0;
    for (i = 0; i < count; i++) {
        bin = (int)(((double)items[i].score - low) * scale);
        if (bin >= BINS) bin = BINS - 1;
        kind = items[i].label < 0 ? 2 : items[i].label;
        if (++bins[kind][bin] > tallest) tallest = bins[kind][bin];
    }
    fprintf(file, "<figure style=\"margin:0\"><h2>Scores</h2><svg width=\"%d\" height=\"%d\" role=\"img\">",
            PLOT_WIDTH + 2 * MARGIN, PLOT_HEIGHT + 2 * MARGIN);
    for (bin = 0; bin < BINS; bin++) {
        int present = 0, drawn = 0;
        for (kind = 0; kind < 3; kind++) present += bins[kind][bin] > 0;
        for (kind = 0; kind < 3; kind++) {
            double height, width;
            if (!bins[kind][bin]) continue;
            height = (double)bins[kind][bin] * PLOT_HEIGHT / (double)tallest;
            width = (step - 2) / present;
            fprintf(file, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                    label_class(kind == 2 ? -1 : kind), MARGIN + bin * step + drawn++ * width + 1,
                    MARGIN + PLOT_HEIGHT - height, width, height);
        }
    }
    fprintf(file, "<path class=\"axis\" d=\"M%d %dh%d\"/>", MARGIN, MARGIN + PLOT_HEIGHT, PLOT_WIDTH);
    {
        double x = MARGIN + ((double)threshold - low) * scale * step;
        fprintf(file,
                "<path class=\"limit\" d=\"M%.1f %dv%d\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">threshold</text>",
                x, MARGIN - 6, PLOT_HEIGHT + 6, x, MARGIN - 10);
    }
    fprintf(file, "<text x=\"%d\" y=\"%d\">%.4g</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.4g</text>", MARGIN,
            MARGIN + PLOT_HEIGHT + 15, (double)low, MARGIN + PLOT_WIDTH, MARGIN + PLOT_HEIGHT + 15, (double)high);
    fprintf(file, "<text x=\"%d\" y=\"%d\">%lu</text></svg></figure>", 2, MARGIN + 4, (unsigned long)tallest);
}

/* Items are sorted by score, highest first. Equal scores are one step, as the rank statistic counts them. */
static void put_roc(FILE *file, const report_item *items, size_t count, size_t good, size_t bad, double auroc) {
    size_t hits = 0, alarms = 0, i;
    fprintf(file,
            "<figure style=\"margin:0\"><h2>ROC, area %.4f</h2><svg width=\"%d\" height=\"%d\" role=\"img\">"
            "<path class=\"axis\" fill=\"none\" d=\"M%d %dv%dh%d\"/><path class=\"roc\" d=\"M%d %d",
            auroc, PLOT_HEIGHT + 2 * MARGIN, PLOT_HEIGHT + 2 * MARGIN, MARGIN, MARGIN, PLOT_HEIGHT, PLOT_HEIGHT, MARGIN,
            MARGIN + PLOT_HEIGHT);
    for (i = 0; i < count; i++) {
        hits += items[i].label == 1;
        alarms += items[i].label == 0;
        if (i + 1 < count && !(items[i + 1].score < items[i].score)) continue;
        fprintf(file, "L%.1f %.1f", MARGIN + (double)alarms * PLOT_HEIGHT / (double)good,
                MARGIN + PLOT_HEIGHT - (double)hits * PLOT_HEIGHT / (double)bad);
    }
    fprintf(file,
            "\"/><text x=\"%d\" y=\"%d\">good frames rejected</text>"
            "<text transform=\"translate(%d %d) rotate(-90)\">defective frames rejected</text></svg></figure>",
            MARGIN, MARGIN + PLOT_HEIGHT + 15, MARGIN - 8, MARGIN + PLOT_HEIGHT);
}

static void put_card(FILE *file, const report_item *item) {
    int wrong = item->label >= 0 && item->label != item->rejected;
    fprintf(file, "<div class=\"card%s\">", wrong ? " wrong" : "");
    put_image(file, &item->frame, "frame");
    put_image(file, &item->overlay, "heat map");
    fprintf(file, "<p><b>%.4f</b> %s ", (double)item->score, item->verdict);
    if (item->label >= 0)
        fprintf(file, "<span class=\"tag %s\">%s</span> ", label_class(item->label),
                item->label ? "defective" : "good");
    if (wrong) fprintf(file, "<span class=\"tag error\">%s</span>", item->label ? "missed" : "false alarm");
    fputs("</p><div class=\"name\">", file);
    put_text(file, item->name);
    fputs("</div></div>\n", file);
}

static void put_threshold(FILE *file, float threshold) {
    fprintf(file, "<div class=\"threshold\">threshold %.4f: rejected above</div>\n", (double)threshold);
}

int report_write(const char *path, const report_summary *summary, report_item *items, size_t count) {
    size_t good, bad, wrong = 0, i;
    int crossed = 0, failed;
    FILE *file = fopen(path, "wb");
    if (!file) return -1;
    if (count) qsort(items, count, sizeof *items, by_score);
    count_labels(items, count, &good, &bad);
    for (i = 0; i < count; i++) wrong += items[i].label >= 0 && items[i].label != items[i].rejected;

    fprintf(file,
            "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width\"><title>Anomaly scores</title><style>%s</style>\n<h1>Anomaly scores</h1><dl>",
            style);
    fputs("<dt>detector</dt><dd>", file);
    put_text(file, summary->detector);
    fputs("</dd><dt>encoder</dt><dd>", file);
    put_text(file, summary->description);
    fprintf(file, "</dd><dt>frames</dt><dd>%lu", (unsigned long)count);
    if (good + bad)
        fprintf(file,
                ": <span class=\"tag good\">good</span> %lu, <span class=\"tag bad\">defective</span> %lu</dd>"
                "<dt>decided wrongly</dt><dd>%lu",
                (unsigned long)good, (unsigned long)bad, (unsigned long)wrong);
    if (summary->auroc >= 0) fprintf(file, "</dd><dt>AUROC</dt><dd>%.4f", summary->auroc);
    fprintf(file, "</dd><dt>time per frame</dt><dd>%.1f ms</dd></dl>\n<div class=\"plots\">", summary->milliseconds);
    put_histogram(file, items, count, summary->threshold);
    if (good && bad) put_roc(file, items, count, good, bad, summary->auroc);
    fputs("</div>\n<h2>Frames, most anomalous first</h2><div class=\"cards\">\n", file);
    for (i = 0; i < count; i++) {
        if (!crossed && !items[i].rejected) {
            put_threshold(file, summary->threshold);
            crossed = 1;
        }
        put_card(file, &items[i]);
    }
    if (!crossed) put_threshold(file, summary->threshold);
    fputs("</div></html>\n", file);
    failed = ferror(file);
    return fclose(file) || failed ? -1 : 0;
}
