/*
 * A camera that never waits: its thread hands frames to a queue, and another one takes the verdicts.
 *
 *     camera_queue DETECTOR.h5 WIDTH HEIGHT FRAME.ppm... -- frames of one size, as rows of R G B without gaps
 *
 * A frame for which there is no place is dropped at once, one whose verdict would come too late for the ejector is not scored;
 * both are counted, and a line would stop for them.
 */
#define _POSIX_C_SOURCE 199309L /* nanosleep */
#include <cflowad.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUFFERS = 4, PERIOD_MS = 50, DEADLINE_MS = 500 };

/* One of the camera's buffers. From submission to completion it is the queue's. */
typedef struct buffer {
    unsigned char *pixels;
    cflowad_result result;
    const char *name;
    int is_free;
} buffer;

typedef struct line {
    cflowad_queue *queue;
    uint32_t width, height;
    char **files;
    int file_count, dropped;
    buffer buffers[BUFFERS];
    pthread_mutex_t lock; /* of is_free */
} line;

static buffer *free_buffer(line *self) {
    buffer *found = NULL;
    int i;
    pthread_mutex_lock(&self->lock);
    for (i = 0; i < BUFFERS && !found; i++)
        if (self->buffers[i].is_free) found = &self->buffers[i];
    if (found) found->is_free = 0;
    pthread_mutex_unlock(&self->lock);
    return found;
}

static void give_back(line *self, buffer *one) {
    pthread_mutex_lock(&self->lock);
    one->is_free = 1;
    pthread_mutex_unlock(&self->lock);
}

/* What a camera's driver does: fills a buffer, and calls back. Here the pixels are the end of a file. */
static int grab(const line *self, const char *path, buffer *one) {
    const size_t bytes = (size_t)3 * self->width * self->height;
    FILE *file = fopen(path, "rb");
    const int is_read = file && !fseek(file, -(long)bytes, SEEK_END) && fread(one->pixels, 1, bytes, file) == bytes;
    if (file) fclose(file);
    return is_read;
}

static void *deliver(void *argument) {
    line *self = argument;
    const struct timespec period = {0, PERIOD_MS * 1000000L};
    int i;
    for (i = 0; i < self->file_count; i++) {
        cflowad_frame frame = {.struct_size = sizeof frame, .format = CFLOWAD_PIXEL_RGB8};
        cflowad_submission how = {.struct_size = sizeof how, .start_within_ns = DEADLINE_MS * 1000000ull};
        buffer *one = free_buffer(self);
        nanosleep(&period, NULL);
        if (!one) {
            self->dropped++;
            continue;
        }
        one->name = self->files[i];
        one->result = (cflowad_result){.struct_size = sizeof one->result};
        frame.data = one->pixels;
        frame.width = self->width;
        frame.height = self->height;
        frame.stride = (size_t)3 * self->width;
        how.tag = one;
        if (!grab(self, one->name, one)) fprintf(stderr, "camera_queue: cannot read %s\n", one->name);
        else if (cflowad_queue_submit(self->queue, &frame, &one->result, &how, NULL) == CFLOWAD_OK) continue;
        else fprintf(stderr, "camera_queue: %s: %s\n", one->name, cflowad_last_error());
        self->dropped++;
        give_back(self, one);
    }
    /* What waits is scored; after the last one cflowad_queue_wait says that no more will come. */
    cflowad_queue_stop(self->queue, CFLOWAD_QUEUE_DRAIN);
    return NULL;
}

int main(int argc, char **argv) {
    line self = {.lock = PTHREAD_MUTEX_INITIALIZER};
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_queue_options options;
    cflowad_completion done = {.struct_size = sizeof done};
    cflowad_status status;
    pthread_t camera;
    int i, late = 0;
    if (argc < 5) return fprintf(stderr, "usage: camera_queue DETECTOR.h5 WIDTH HEIGHT FRAME.ppm...\n"), 2;
    self.width = (uint32_t)strtoul(argv[2], NULL, 10);
    self.height = (uint32_t)strtoul(argv[3], NULL, 10);
    self.files = argv + 4;
    self.file_count = argc - 4;
    if (self.width < 1 || self.width > 8192 || self.height < 1 || self.height > 8192)
        return fprintf(stderr, "camera_queue: no such size\n"), 2;
    for (i = 0; i < BUFFERS; i++) {
        self.buffers[i].pixels = malloc((size_t)3 * self.width * self.height);
        self.buffers[i].is_free = 1;
        if (!self.buffers[i].pixels) return fprintf(stderr, "camera_queue: out of memory\n"), 1;
    }

    status = cflowad_queue_options_init(&options, sizeof options);
    options.capacity = BUFFERS;
    options.in_order = 1; /* the ejector wants verdicts in the order of the parts */
    if (status == CFLOWAD_OK) status = cflowad_model_open(argv[1], &model);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    if (status == CFLOWAD_OK) status = cflowad_queue_create(session, &options, &self.queue);
    cflowad_session_close(session); /* the queue keeps what it needs */
    cflowad_model_close(model);
    if (status != CFLOWAD_OK) fprintf(stderr, "camera_queue: %s\n", cflowad_last_error());
    else if (pthread_create(&camera, NULL, deliver, &self)) status = CFLOWAD_ERROR_OUT_OF_MEMORY;
    else {
        while (cflowad_queue_wait(self.queue, CFLOWAD_FOREVER, &done) == CFLOWAD_OK) {
            buffer *one = done.tag;
            if (done.status == CFLOWAD_OK)
                printf(
                    "%s: %s, score %.4f; waited %.1f ms, scored in %.1f ms\n", one->name,
                    cflowad_verdict_name(one->result.verdict), (double)one->result.score, 1e-6 * (double)done.waited_ns,
                    1e-6 * (double)done.scored_ns);
            else printf("%s: %s\n", one->name, cflowad_last_error());
            late += done.status == CFLOWAD_ERROR_LATE;
            give_back(&self, one);
        }
        pthread_join(camera, NULL);
        printf("%d frames, %d dropped, %d late\n", self.file_count, self.dropped, late);
    }
    cflowad_queue_close(self.queue);
    for (i = 0; i < BUFFERS; i++) free(self.buffers[i].pixels);
    return status != CFLOWAD_OK;
}
