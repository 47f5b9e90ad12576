/*
 * A line that runs for long: sessions score frames of many sizes and formats, half of them through queues, their models are exchanged
 * while they do, a trainer works beside them and is cancelled now and then. Every result is compared with that of one thread alone, and the process must
 * not grow: not in memory, not in threads, not in open files.
 *
 *     soak_test SECONDS FOLDER DETECTOR.h5 ANOTHER.h5 [PERIOD]
 *
 * Each session scores a frame every PERIOD milliseconds, as cameras give them, or two with a queue; without a period, or with 0, as fast
 * as it can.
 *
 * All of this is done three times, a third of the time each, and ended in between, when the process must have what it had before:
 * its threads, its open files, and, the first time being for warming up, its memory within 0.5 % (from ten minutes on, with a
 * period from half an hour on). While it runs the largest memory is by chance that of all sessions and the trainer at their
 * hungriest at once, which minutes do not level out: it is judged from half an hour on, by the same measure. All threads allocate
 * from one arena: of many, glibc keeps what was freed in each, up to 35 MB where a trainer ran, and which thread gets which is
 * chance (until all have had their turn that looks like a leak). Latencies, of the first minute and of each tenth of the time, are
 * printed and judged by who reads them, since other programs may run on the machine.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cflowad.h"
#include "setup.h"

enum {
    SESSIONS = 8,
    MODELS = 3,
    IN_FLIGHT = 2, /* frames in a queue */
    MOST_PIXELS = 320 * 240,
    TRAINING_FRAMES = 8,
    BINS = 1600,
    TENTHS = 10,
    THIRDS = 3,
    LONG = 600,
    VERY_LONG = 1800
};

/* ---- frames, and what they must give */

static const struct {
    uint32_t width, height;
    cflowad_pixel_format format;
    size_t row_bytes;
    uint32_t bits;
} kinds[] = {{320, 240, CFLOWAD_PIXEL_RGB8, 960, 0},        {128, 128, CFLOWAD_PIXEL_GRAY8, 128, 0},
             {97, 61, CFLOWAD_PIXEL_BGR8, 291, 0},          {200, 150, CFLOWAD_PIXEL_BAYER_RG8, 200, 0},
             {160, 120, CFLOWAD_PIXEL_MONO12P, 240, 0},     {64, 300, CFLOWAD_PIXEL_BGRA8, 256, 0},
             {320, 200, CFLOWAD_PIXEL_YUY2, 640, 0},        {240, 240, CFLOWAD_PIXEL_NV12, 240, 0},
             {120, 90, CFLOWAD_PIXEL_MONO16, 240, 12},      {33, 32, CFLOWAD_PIXEL_RGB8, 99, 0},
             {300, 16, CFLOWAD_PIXEL_MONO10_PACKED, 450, 0}};

enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct truth {
    float score, p_value;
    cflowad_verdict verdict;
    size_t region_count;
    uint64_t map;
} truth;

static unsigned char bytes[KINDS][MOST_PIXELS * 4];
static truth truths[MODELS][KINDS];
static float trained_score;
/* In float32: whole frames, and tiles; the first one in 8 bits. */
static const char *paths[MODELS], *folder;
static atomic_int ending;
/* Milliseconds. */
static double period, beginning;
static atomic_long frames_scored, frames_cancelled, swaps, trainings, cancellations, wrong;

static void require(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "soak_test: not so: %s (%s)\n", what, cflowad_last_error());
    exit(1);
}

#define OK(call) require((call) == CFLOWAD_OK, #call)

static cflowad_frame frame_of(int kind) {
    cflowad_frame frame = frame_over(bytes[kind], kinds[kind].width, kinds[kind].height, kinds[kind].format, 1);

    frame.stride = kinds[kind].row_bytes;
    frame.significant_bits = kinds[kind].bits;
    return frame;
}

static uint64_t hash_of(const float *values, size_t count) {
    const unsigned char *all = (const unsigned char *)values;
    uint64_t hash = 14695981039346656037u;
    size_t i;

    for (i = 0; i < count * sizeof *values; i++) hash = (hash ^ all[i]) * 1099511628211u;
    return hash;
}

/* Memory of its own for each thread that scores. */
typedef struct scratch {
    float map[MOST_PIXELS];
    cflowad_region regions[32];
} scratch;

static cflowad_result result_in(scratch *room) {
    cflowad_result result;

    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    result.frame_map = room->map;
    result.frame_map_capacity = MOST_PIXELS;
    result.regions = room->regions;
    result.region_size = sizeof *room->regions;
    result.region_capacity = sizeof room->regions / sizeof *room->regions;
    return result;
}

static truth truth_of(const cflowad_result *result, int kind) {
    truth found;

    memset(&found, 0, sizeof found);
    found.score = result->score;
    found.p_value = result->p_value;
    found.verdict = result->verdict;
    found.region_count = result->region_count;
    found.map = hash_of(result->frame_map, (size_t)kinds[kind].width * kinds[kind].height);
    return found;
}

static truth score(cflowad_session *session, int kind, scratch *room) {
    cflowad_frame frame = frame_of(kind);
    cflowad_result result = result_in(room);

    OK(cflowad_session_score(session, &frame, &result));
    return truth_of(&result, kind);
}

static cflowad_session *new_session(const cflowad_model *model, uint32_t threads) {
    cflowad_session *session = NULL;
    cflowad_session_options options;

    OK(cflowad_session_options_init(&options, sizeof options));
    options.thread_count = threads;
    OK(cflowad_session_create(model, &options, &session));
    return session;
}

static int is_truth(const truth *found, int model, int kind) {
    return !memcmp(found, &truths[model][kind], sizeof *found);
}

static int is_truth_of_any(const truth *found, int kind) {
    int model;

    for (model = 0; model < MODELS; model++)
        if (is_truth(found, model, kind)) return 1;
    return 0;
}

/* ---- latencies: counts by their logarithm, from 10 microseconds on, in steps of 1 %, the last one for all above 80 s */

enum { FIRST_MINUTE = TENTHS, SPANS };

static const double shortest = 0.01, step = 1.01;
/* Which third it is, of how many seconds in all, and when it began: its last frames may end later than it should. */
static int third;
static double seconds, third_beginning;
static atomic_long latencies[SPANS][BINS];

static double milliseconds(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void note_latency(double start, double end) {
    const double latency = end - start, share = (start - third_beginning) / (seconds * 1e3 / THIRDS);
    const int tenth = (int)((third + (share < 1 ? share : 1)) / THIRDS * TENTHS);
    const int place = latency > shortest ? (int)(log(latency / shortest) / log(step)) : 0;
    const int bin = place < BINS ? place : BINS - 1;

    latencies[tenth < TENTHS ? tenth : TENTHS - 1][bin]++;
    if (start - beginning < 60e3) latencies[FIRST_MINUTE][bin]++;
}

/* Memory that is touched later would look like growth. */
static void touch_latencies(void) {
    int span, bin;

    for (span = 0; span < SPANS; span++)
        for (bin = 0; bin < BINS; bin++) latencies[span][bin] = 0;
}

static double percentile(int span, double share) {
    long total = 0, sum = 0;
    int bin;

    for (bin = 0; bin < BINS; bin++) total += latencies[span][bin];
    for (bin = 0; bin < BINS; bin++)
        if ((double)(sum += latencies[span][bin]) >= share * (double)total) break;
    return shortest * pow(step, bin + 1);
}

/* Waits for the next frame, which comes at a multiple of the period, other ones for each session. */
static void await_frame(int number) {
    double now = milliseconds(), offset = period * number / SESSIONS, next;

    if (period <= 0) return;
    next = ((double)(long)((now - offset) / period) + 1) * period + offset;
    usleep((unsigned)((next - now) * 1e3));
}

/* ---- the threads */

static cflowad_session *sessions[SESSIONS];
/* Held by who closes a session or exchanges its model from another thread. */
static pthread_mutex_t session_locks[SESSIONS];

static unsigned next_random(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* What the thread of a session works with. */
typedef struct line {
    int number;
    unsigned random;
    scratch *rooms[IN_FLIGHT];
    /* NULL for the first half of the sessions. */
    cflowad_queue *queue;
    /* The one that the session has, in sessions whose models no other thread exchanges. */
    int model;
    cflowad_model *models[MODELS];
} line;

static void open_line(line *self) {
    cflowad_queue_options options;

    sessions[self->number] = new_session(self->models[self->model], 1 + (uint32_t)self->number / 2 % 2);
    if (self->number < SESSIONS / 2) return;
    OK(cflowad_queue_options_init(&options, sizeof options));
    options.capacity = IN_FLIGHT;
    OK(cflowad_queue_create(sessions[self->number], &options, &self->queue));
}

static void close_line(line *self) {
    if (self->queue) OK(cflowad_queue_close(self->queue));
    self->queue = NULL;
    OK(cflowad_session_close(sessions[self->number]));
    sessions[self->number] = NULL;
}

static void check_truth(const line *self, const truth *found, int kind) {
    frames_scored++;
    if (self->number % 2 == 0 ? is_truth(found, self->model, kind) : is_truth_of_any(found, kind)) return;
    wrong++;
    fprintf(stderr, "soak_test: session %d, kind %d: %.9g is wrong\n", self->number, kind, found->score);
}

static void score_one(line *self) {
    const int kind = (int)(next_random(&self->random) % KINDS);
    const double start = milliseconds();
    truth found = score(sessions[self->number], kind, self->rooms[0]);

    note_latency(start, milliseconds());
    check_truth(self, &found, kind);
}

/* Fills the queue and fetches all that was submitted, of which the last is cancelled now and then. */
static void score_queued(line *self) {
    cflowad_frame frames[IN_FLIGHT];
    cflowad_result results[IN_FLIGHT];
    int kind[IN_FLIGHT], i, is_cancelled = next_random(&self->random) % 8 == 0;
    uint64_t ticket = 0;
    const double start = milliseconds();

    for (i = 0; i < IN_FLIGHT; i++) {
        cflowad_submission submission;

        memset(&submission, 0, sizeof submission);
        submission.struct_size = sizeof submission;
        submission.tag = &results[i];
        kind[i] = (int)(next_random(&self->random) % KINDS);
        frames[i] = frame_of(kind[i]);
        results[i] = result_in(self->rooms[i]);
        OK(cflowad_queue_submit(self->queue, &frames[i], &results[i], &submission, &ticket));
    }
    if (is_cancelled) {
        const cflowad_status status = cflowad_queue_cancel(self->queue, ticket);

        require(
            status == CFLOWAD_OK || status == CFLOWAD_ERROR_STATE, "a cancellation, unless the frame's turn has come");
    }
    for (i = 0; i < IN_FLIGHT; i++) {
        cflowad_completion done;
        ptrdiff_t which;
        truth found;

        memset(&done, 0, sizeof done);
        done.struct_size = sizeof done;
        OK(cflowad_queue_wait(self->queue, CFLOWAD_FOREVER, &done));
        which = (cflowad_result *)done.tag - results;
        if (which == IN_FLIGHT - 1 && is_cancelled && done.status == CFLOWAD_ERROR_CANCELLED) {
            frames_cancelled++;
            continue;
        }
        require(done.status == CFLOWAD_OK, "a frame of a queue");
        if (which == 0) note_latency(start, milliseconds());
        found = truth_of(&results[which], kind[which]);
        check_truth(self, &found, kind[which]);
    }
}

/* Even sessions exchange their models themselves, so that each result has one truth; those of odd ones are exchanged by another
   thread, in the middle of frames. */
static void *score_frames(void *argument) {
    line self;
    int i;

    memset(&self, 0, sizeof self);
    self.number = (int)(intptr_t)argument;
    self.random = (unsigned)self.number;
    for (i = 0; i < IN_FLIGHT; i++) require((self.rooms[i] = malloc(sizeof *self.rooms[i])) != NULL, "memory");
    for (i = 0; i < MODELS; i++) OK(cflowad_model_open(paths[i], &self.models[i]));
    open_line(&self);
    while (!ending) {
        await_frame(self.number);
        if (self.queue) score_queued(&self);
        else score_one(&self);
        if (self.number % 2 == 0 && next_random(&self.random) % 16 == 0) {
            self.model = (self.model + 1) % MODELS;
            OK(cflowad_session_replace_model(sessions[self.number], 0, self.models[self.model]));
            swaps++;
        }
        if (next_random(&self.random) % 256 == 0) {
            pthread_mutex_lock(&session_locks[self.number]);
            close_line(&self);
            open_line(&self);
            pthread_mutex_unlock(&session_locks[self.number]);
        }
    }
    pthread_mutex_lock(&session_locks[self.number]);
    close_line(&self);
    pthread_mutex_unlock(&session_locks[self.number]);
    for (i = 0; i < MODELS; i++) OK(cflowad_model_close(self.models[i]));
    for (i = 0; i < IN_FLIGHT; i++) free(self.rooms[i]);
    return NULL;
}

static void *exchange_models(void *unused) {
    unsigned random = 99;

    (void)unused;
    while (!ending) {
        int number = (int)(next_random(&random) % SESSIONS) | 1;
        cflowad_model *model = NULL;

        OK(cflowad_model_open(paths[next_random(&random) % MODELS], &model));
        pthread_mutex_lock(&session_locks[number]);
        if (sessions[number]) OK(cflowad_session_replace_model(sessions[number], 0, model));
        pthread_mutex_unlock(&session_locks[number]);
        OK(cflowad_model_close(model));
        swaps++;
        usleep(period > 0 ? 1000000 : 50000);
    }
    return NULL;
}

/* Cancels at the call whose number it is given. */
static int32_t count_down(const cflowad_progress *progress, void *calls) {
    (void)progress;
    return --*(int *)calls == 0;
}

/* Trains and gives the model's score; 0 when it was cancelled at the n-th report of progress. */
static float train(int cancel_at, scratch *room) {
    static unsigned char pixels[90 * 70 * 3];
    char path[4096];
    cflowad_trainer *trainer = NULL;
    cflowad_train_options options;
    cflowad_model *model = NULL;
    cflowad_session *session;
    cflowad_status status;
    truth found;
    unsigned i;

    OK(cflowad_train_options_init(&options, sizeof options));
    options.input_width = options.input_height = 64;
    options.coupling_blocks = 2;
    options.meta_epochs = 2;
    options.sub_epochs = 1;
    options.warmup_epochs = 1;
    options.calibration_fraction = 0.4f;
    options.thread_count = 2;
    OK(cflowad_trainer_create(paths[0], &options, &trainer));
    for (i = 0; i < TRAINING_FRAMES; i++) {
        cflowad_frame frame = striped_frame(pixels, 90, 70, i);
        OK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    }
    status = cflowad_trainer_fit(trainer, count_down, &cancel_at);
    if (status == CFLOWAD_ERROR_CANCELLED) {
        cancellations++;
        OK(cflowad_trainer_close(trainer));
        return 0;
    }
    require(status == CFLOWAD_OK, "fit");
    OK(cflowad_trainer_calibrate(trainer, NULL, NULL));
    snprintf(path, sizeof path, "%s/soak.h5", folder);
    OK(cflowad_trainer_save(trainer, path));
    OK(cflowad_trainer_close(trainer));
    OK(cflowad_model_open(path, &model));
    session = new_session(model, 1);
    found = score(session, 0, room);
    OK(cflowad_session_close(session));
    OK(cflowad_model_close(model));
    trainings++;
    return found.score;
}

/* Beside cameras' frames a training every half a minute leaves them time. */
static void pause_trainer(void) {
    int tenths = period > 0 ? 300 : 1;

    while (tenths-- > 0 && !ending) usleep(100000);
}

static void *train_models(void *unused) {
    scratch *room = malloc(sizeof *room);
    unsigned random = 7;

    (void)unused;
    require(room != NULL, "memory");
    while (!ending) {
        float score = train(next_random(&random) % 2 ? 0 : 1 + (int)(next_random(&random) % 20), room);

        if (score != 0 && memcmp(&score, &trained_score, sizeof score) != 0) {
            wrong++;
            fprintf(stderr, "soak_test: another detector of the same frames: %.9g\n", score);
        }
        pause_trainer();
    }
    free(room);
    return NULL;
}

/* ---- the process */

static long entries(const char *path) {
    DIR *directory = opendir(path);
    long count = -2; /* . and .. */

    require(directory != NULL, path);
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static long resident_kilobytes(void) {
    char line[256];
    long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");

    require(file != NULL, "/proc");
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1) break;
    fclose(file);
    return kilobytes;
}

static void quantize(const char *path) {
    static unsigned char pixels[90 * 70 * 3];
    cflowad_trainer *trainer = NULL;
    unsigned i;

    OK(cflowad_trainer_create(paths[0], NULL, &trainer));
    for (i = 0; i < TRAINING_FRAMES; i++) {
        cflowad_frame frame = striped_frame(pixels, 90, 70, i);
        OK(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    }
    OK(cflowad_trainer_quantize(trainer, 0, NULL, NULL));
    OK(cflowad_trainer_calibrate(trainer, NULL, NULL));
    OK(cflowad_trainer_save(trainer, path));
    OK(cflowad_trainer_close(trainer));
}

static void find_truths(void) {
    scratch *room = malloc(sizeof *room);
    int model, kind;

    require(room != NULL, "memory");
    for (model = 0; model < MODELS; model++) {
        cflowad_model *opened = NULL;
        cflowad_session *session;

        OK(cflowad_model_open(paths[model], &opened));
        session = new_session(opened, 1);
        for (kind = 0; kind < KINDS; kind++) truths[model][kind] = score(session, kind, room);
        OK(cflowad_session_close(session));
        OK(cflowad_model_close(opened));
    }
    trained_score = train(0, room);
    free(room);
}

/* The largest while it worked, and what was left when all had ended. */
typedef struct footprint {
    long memory, threads, files, memory_at_rest;
} footprint;

static footprint work(double seconds) {
    pthread_t workers[SESSIONS + 2];
    footprint found = {0, 0, 0, 0};
    double start = milliseconds();
    size_t i;

    ending = 0;
    third_beginning = start;
    for (i = 0; i < SESSIONS; i++)
        require(pthread_create(&workers[i], NULL, score_frames, (void *)(intptr_t)i) == 0, "a thread");
    require(pthread_create(&workers[SESSIONS], NULL, exchange_models, NULL) == 0, "a thread");
    require(pthread_create(&workers[SESSIONS + 1], NULL, train_models, NULL) == 0, "a thread");
    for (; milliseconds() - start < seconds * 1e3; usleep(100000)) {
        long memory = resident_kilobytes(), threads = entries("/proc/self/task"), files = entries("/proc/self/fd");

        if (memory > found.memory) found.memory = memory;
        if (threads > found.threads) found.threads = threads;
        if (files > found.files) found.files = files;
    }
    ending = 1;
    for (i = 0; i < SESSIONS + 2; i++) pthread_join(workers[i], NULL);
    /* What is free goes back, so that what is left is in use. */
    malloc_trim(0);
    found.memory_at_rest = resident_kilobytes();
    return found;
}

static double growth(long before, long after) { return (double)after / (double)before - 1; }

int main(int argc, char **argv) {
    static char quantized[4096];
    footprint found[THIRDS];
    long files;
    size_t i;
    int tenth, failed = 0;

    if (argc < 5 || argc > 6 || (seconds = atof(argv[1])) < THIRDS)
        return fprintf(stderr, "usage: soak_test SECONDS FOLDER DETECTOR.h5 ANOTHER.h5 [PERIOD]\n"), 2;
    if (argc == 6) period = atof(argv[5]);
    mallopt(M_ARENA_MAX, 1);
    folder = argv[2];
    paths[0] = argv[3];
    paths[1] = argv[4];
    snprintf(quantized, sizeof quantized, "%s/8-bits.h5", folder);
    quantize(paths[2] = quantized);
    for (i = 0; i < sizeof bytes; i++) ((unsigned char *)bytes)[i] = (unsigned char)(i * i / 7 + i / 192);
    find_truths();
    files = entries("/proc/self/fd");
    for (i = 0; i < SESSIONS; i++) pthread_mutex_init(&session_locks[i], NULL);
    touch_latencies();
    beginning = milliseconds();
    for (third = 0; third < THIRDS; third++) {
        found[third] = work(seconds / THIRDS);
        printf(
            "soak_test: third %d: at most %.1f MiB, %ld threads, %ld files; at rest %.2f MiB\n", third + 1,
            (double)found[third].memory / 1024, found[third].threads, found[third].files,
            (double)found[third].memory_at_rest / 1024);
        fflush(stdout);
        if (entries("/proc/self/fd") != files) failed = fprintf(stderr, "soak_test: files stay open\n");
        if (entries("/proc/self/task") != 1) failed = fprintf(stderr, "soak_test: threads stay\n");
    }
    printf(
        "soak_test: %.0f s, %ld frames (%ld cancelled), %ld exchanges of models, %ld trainings and %ld that were cancelled: "
        "%ld wrong; memory at most %+.2f %%, at rest %+.2f %%\n",
        seconds, (long)frames_scored, (long)frames_cancelled, (long)swaps, (long)trainings, (long)cancellations,
        (long)wrong, 100 * growth(found[1].memory, found[2].memory),
        100 * growth(found[1].memory_at_rest, found[2].memory_at_rest));
    printf(
        "soak_test: latency in the first minute: %.1f ms in the median, %.1f for 99 %%; in each tenth of the time:",
        percentile(FIRST_MINUTE, 0.5), percentile(FIRST_MINUTE, 0.99));
    for (tenth = 0; tenth < TENTHS; tenth++)
        printf("%s %.1f, %.1f", tenth > 0 ? ";" : "", percentile(tenth, 0.5), percentile(tenth, 0.99));
    printf("\n");
    if (wrong || frames_scored == 0 || frames_cancelled == 0 || swaps == 0) failed = 1;
    /* In 90 s half a percent, 130 KB, is less than one measurement differs from the next: +0.8 and -0.02 % were found. */
    if ((seconds >= (period > 0 ? VERY_LONG : LONG) && growth(found[1].memory_at_rest, found[2].memory_at_rest) > 0.005)
        || (seconds >= VERY_LONG && growth(found[1].memory, found[2].memory) > 0.005))
        failed = fprintf(stderr, "soak_test: memory grew\n");
    return failed != 0;
}
