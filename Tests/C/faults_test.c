/*
 * Shortage of memory: every allocation of 8 KB or more fails in its turn, and what the library was asked for must then end
 * with CFLOWAD_ERROR_OUT_OF_MEMORY, or succeed all the same, and never end the process.
 *
 *     faults_test DETECTOR.h5 FOLDER STEP
 *
 * Each case runs in a process of its own, which is this program again: the work is prepared, then the n-th allocation of
 * 8 KB or more fails, for n = 1, 1 + STEP ... until the work needs no more. It fails in three ways:
 *
 *     once   it alone
 *     large  it, and every later one of 8 KB or more, until the call returns
 *     all    it, and every later one of any size, until the call returns
 *
 * After the shortage the same work must succeed, unless the header says that it cannot. The allocator is this program's own
 * and counts; so does mmap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cflowad.h"
#include "setup.h"

/* ---- the allocator */

enum { ONCE, LARGE, ALL, MODES };

static const char *const mode_names[MODES] = {"once", "large", "all"};

static const size_t least = 8192;
static atomic_int armed, mode, has_failed;
static atomic_long large_count, failing;

/* glibc's own allocator under its internal names, which stay when malloc is replaced. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int fails(size_t size) {
    if (!armed) return 0;
    if (size >= least && ++large_count == failing) {
        has_failed = 1;
        return 1;
    }
    return has_failed && (mode == ALL || (mode == LARGE && size >= least));
}

void *malloc(size_t size) {
    if (!fails(size)) return __libc_malloc(size);
    errno = ENOMEM;
    return NULL;
}

void *calloc(size_t count, size_t size) {
    if (!fails(count * size)) return __libc_calloc(count, size);
    errno = ENOMEM;
    return NULL;
}

void *realloc(void *memory, size_t size) {
    if (!fails(size)) return __libc_realloc(memory, size);
    errno = ENOMEM;
    return NULL;
}

void *aligned_alloc(size_t alignment, size_t size) {
    if (!fails(size)) return __libc_memalign(alignment, size);
    errno = ENOMEM;
    return NULL;
}

void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *start = aligned_alloc(alignment, size);

    if (!start) return ENOMEM;
    *memory = start;
    return 0;
}

void *mmap(void *start, size_t size, int protection, int flags, int file, off_t offset) {
    if (!fails(size)) return (void *)syscall(SYS_mmap, start, size, protection, flags, file, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

static void arm(int how, long which) {
    mode = how;
    failing = which;
    large_count = has_failed = 0;
    armed = 1;
}

/* ---- the work */

enum { SIDE = 100, FRAMES = 6 };

static const char *detector_path;
static char path[1100], other_path[1100], encoder_path[1100], new_encoder_path[1100], checkpoint_path[1100];
static unsigned char pixels[SIDE * SIDE * 3], read_pixels[SIDE * SIDE * 3];
static float map[SIDE * SIDE], scores[SIDE * SIDE];
static uint8_t labels[SIDE * SIDE];
static cflowad_model *model;
static cflowad_session *session;
static cflowad_queue *queue;
static cflowad_trainer *trainer;
static cflowad_result result;
static void *file_bytes;
static size_t file_size;

static cflowad_frame a_frame(unsigned seed) { return striped_frame(pixels, SIDE, SIDE - 3, seed); }

static cflowad_status open_model(void) { return cflowad_model_open(detector_path, &model); }

static cflowad_status open_memory(void) { return cflowad_model_open_memory(file_bytes, file_size, &model); }

static cflowad_status create_session(void) {
    cflowad_session_options options;

    cflowad_session_options_init(&options, sizeof options);
    options.thread_count = 2;
    return cflowad_session_create(model, &options, &session);
}

static cflowad_status score(void) {
    cflowad_frame frame = a_frame(1);

    result = result_with_regions(map, sizeof map / sizeof *map);
    return cflowad_session_score(session, &frame, &result);
}

static cflowad_status create_queue(void) {
    cflowad_queue_options options;

    cflowad_queue_options_init(&options, sizeof options);
    options.capacity = CFLOWAD_MAX_QUEUE_CAPACITY; /* so that its places are 8 KB and more */
    return cflowad_queue_create(session, &options, &queue);
}

/* What happens on the queue's thread is the frame's own status. */
static cflowad_status score_in_queue(void) {
    cflowad_frame frame = a_frame(1);
    cflowad_completion completion;
    cflowad_status status;

    memset(&completion, 0, sizeof completion);
    completion.struct_size = sizeof completion;
    result = result_with_regions(map, sizeof map / sizeof *map);
    status = cflowad_queue_submit(queue, &frame, &result, NULL, NULL);
    if (status == CFLOWAD_OK) status = cflowad_queue_wait(queue, CFLOWAD_FOREVER, &completion);
    return status == CFLOWAD_OK ? completion.status : status;
}

static cflowad_status create_group(void) {
    const cflowad_model *models[2];

    models[0] = models[1] = model;
    return cflowad_session_create_many(models, 2, NULL, &session);
}

static cflowad_status score_all(void) {
    cflowad_frame frame = a_frame(1);
    cflowad_result both[2];

    memset(both, 0, sizeof both);
    both[0].struct_size = both[1].struct_size = sizeof *both;
    return cflowad_session_score_all(session, &frame, both);
}

static cflowad_status replace_model(void) { return cflowad_session_replace_model(session, 0, model); }

static cflowad_status set_region(void) {
    static uint8_t mask[SIDE * SIDE];
    cflowad_roi roi;

    memset(&roi, 0, sizeof roi);
    memset(mask, 1, sizeof mask / 2);
    roi.struct_size = sizeof roi;
    roi.mask = mask;
    roi.mask_width = roi.mask_height = roi.mask_stride = SIDE;
    roi.frame_width = SIDE;
    roi.frame_height = SIDE - 3;
    return cflowad_session_set_region_of_interest(session, &roi);
}

static cflowad_status make_trainer(int is_tiled) {
    cflowad_train_options options;

    cflowad_train_options_init(&options, sizeof options);
    if (is_tiled) {
        options.tile_width = options.tile_height = 64;
        options.tile_overlap = 16;
        options.rotation_degrees = 0; /* so that the features are kept */
        options.permutation = CFLOWAD_PERMUTATION_HARD;
    }
    options.input_width = options.input_height = 64;
    options.coupling_blocks = 2;
    options.meta_epochs = 2;
    options.sub_epochs = 1;
    options.warmup_epochs = 1;
    options.calibration_fraction = 0.4f;
    return cflowad_trainer_create(encoder_path, &options, &trainer);
}

static cflowad_status create_trainer(void) { return make_trainer(0); }

static cflowad_status create_tiled_trainer(void) {
    cflowad_status status = make_trainer(1);

    unlink(checkpoint_path);
    return status == CFLOWAD_OK ? cflowad_trainer_set_checkpoint(trainer, checkpoint_path) : status;
}

static cflowad_status create_second_trainer(void) { return cflowad_trainer_create(detector_path, NULL, &trainer); }

static cflowad_status add_frames(void) {
    cflowad_status status = CFLOWAD_OK;
    unsigned i;

    for (i = 0; i < FRAMES && status == CFLOWAD_OK; i++) {
        cflowad_frame frame = a_frame(i);
        status = cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING);
    }
    return status;
}

static cflowad_status fit(void) { return cflowad_trainer_fit(trainer, NULL, NULL); }

static cflowad_status calibrate(void) { return cflowad_trainer_calibrate(trainer, NULL, NULL); }

static cflowad_status trainer_model(void) { return cflowad_trainer_model(trainer, &model); }

static cflowad_status save(void) { return cflowad_trainer_save(trainer, path); }

static cflowad_status save_linked(void) { return cflowad_trainer_save_linked(trainer, other_path, "encoder.h5"); }

static cflowad_status save_with_new_encoder(void) {
    unlink(new_encoder_path);
    return cflowad_trainer_save_linked(trainer, other_path, "new-encoder.h5");
}

static cflowad_status open_linked(void) { return cflowad_model_open(other_path, &model); }

static cflowad_status write_png(void) {
    cflowad_frame frame = a_frame(2);

    return cflowad_png_write(path, &frame);
}

static cflowad_status read_png(void) {
    uint32_t width, height;
    cflowad_pixel_format format;
    cflowad_status status = cflowad_png_read_info(path, &width, &height, &format);

    return status == CFLOWAD_OK ? cflowad_png_read(path, read_pixels, sizeof read_pixels) : status;
}

static cflowad_status overlay(void) {
    cflowad_frame frame = a_frame(3);

    return cflowad_render_overlay(
        &frame, map, (size_t)frame.width * frame.height, NULL, read_pixels, sizeof read_pixels);
}

static cflowad_status metrics(void) {
    double value;
    float threshold;
    cflowad_status status = cflowad_auroc(scores, labels, SIDE * SIDE, &value);

    if (status == CFLOWAD_OK) status = cflowad_average_precision(scores, labels, SIDE * SIDE, &value);
    if (status == CFLOWAD_OK) status = cflowad_f1_max(scores, labels, SIDE * SIDE, &value, &threshold);
    if (status == CFLOWAD_OK) status = cflowad_aupro(scores, labels, 1, SIDE, SIDE, CFLOWAD_AUPRO_PAPER, &value);
    if (status == CFLOWAD_OK) status = cflowad_aupro(scores, labels, 1, SIDE, SIDE, CFLOWAD_AUPRO_STANDARD, &value);
    return status;
}

/* ---- the cases */

typedef cflowad_status (*step)(void);

static const struct {
    const char *name;
    step preparation[4];
    step work;
    int is_final; /* a trainer whose fit failed can only be closed */
} cases[] = {
    {"save beside an encoder", {create_second_trainer}, save_linked, 0},
    {"open", {NULL}, open_model, 0},
    {"open from memory", {NULL}, open_memory, 0},
    {"session", {open_model}, create_session, 0},
    {"score", {open_model, create_session}, score, 0},
    {"score again", {open_model, create_session, score}, score, 0},
    {"queue", {open_model, create_session}, create_queue, 0},
    {"score in a queue", {open_model, create_session, create_queue}, score_in_queue, 0},
    {"session of two", {open_model}, create_group, 0},
    {"score by two", {open_model, create_group}, score_all, 0},
    {"replace the model", {open_model, create_session}, replace_model, 0},
    {"region of interest", {open_model, create_session, score}, set_region, 0},
    {"trainer", {NULL}, create_trainer, 0},
    {"add frames", {create_trainer}, add_frames, 0},
    {"fit", {create_trainer, add_frames}, fit, 1},
    {"calibrate", {create_trainer, add_frames, fit}, calibrate, 0},
    {"fit of tiles", {create_tiled_trainer, add_frames}, fit, 1},
    {"calibrate tiles", {create_tiled_trainer, add_frames, fit}, calibrate, 0},
    {"trainer of a detector", {NULL}, create_second_trainer, 0},
    {"model of a trainer", {create_trainer, add_frames, fit, calibrate}, trainer_model, 0},
    {"save", {create_trainer, add_frames, fit, calibrate}, save, 0},
    {"save with an encoder", {create_second_trainer}, save_with_new_encoder, 0},
    {"open with an encoder", {create_second_trainer, save_linked}, open_linked, 0},
    {"write PNG", {NULL}, write_png, 0},
    {"read PNG", {write_png}, read_png, 0},
    {"overlay", {NULL}, overlay, 0},
    {"metrics", {NULL}, metrics, 0},
};

enum { CASES = sizeof cases / sizeof *cases, SAVE_LINKED = 0 };

/* What a case's process ends with. */
enum { DONE = 10, OUT_OF_MEMORY, WRONG };

static int run_case(int index, int how, long which) {
    cflowad_status status = CFLOWAD_OK;
    size_t i;
    FILE *file = fopen(detector_path, "rb");

    if (file && fseek(file, 0, SEEK_END) == 0) {
        file_size = (size_t)ftell(file);
        file_bytes = malloc(file_size);
        rewind(file);
        if (!file_bytes || fread(file_bytes, 1, file_size, file) != file_size) return WRONG;
    }
    if (file) fclose(file);
    for (i = 0; i < SIDE * SIDE; i++) {
        scores[i] = (float)((i * 7919) % 10007);
        labels[i] = (i / 20) % 5 == 0;
    }
    for (i = 0; i < 4 && cases[index].preparation[i] && status == CFLOWAD_OK; i++)
        status = cases[index].preparation[i]();
    if (status != CFLOWAD_OK) {
        fprintf(stderr, "%s: its preparation failed: %s\n", cases[index].name, cflowad_last_error());
        return WRONG;
    }
    arm(how, which);
    status = cases[index].work();
    armed = 0;
    if (which == LONG_MAX) printf("%s: %ld allocations\n", cases[index].name, (long)large_count);
    if (!has_failed) return status == CFLOWAD_OK ? DONE : WRONG;
    if (status != CFLOWAD_OK && status != CFLOWAD_ERROR_OUT_OF_MEMORY) {
        fprintf(stderr, "%s: %s: %s\n", cases[index].name, cflowad_status_name(status), cflowad_last_error());
        return WRONG;
    }
    if (status != CFLOWAD_OK && cflowad_last_error()[0] == 0) return WRONG;
    if (status != CFLOWAD_OK && !cases[index].is_final && (status = cases[index].work()) != CFLOWAD_OK) {
        fprintf(stderr, "%s: after the shortage: %s\n", cases[index].name, cflowad_last_error());
        return WRONG;
    }
    cflowad_session_close(session);
    cflowad_model_close(model);
    cflowad_trainer_close(trainer);
    return OUT_OF_MEMORY;
}

static int spawn_case(char **arguments, int index, int how, long which) {
    extern char **environ;
    char texts[3][32];
    char *all[] = {arguments[0], arguments[1], arguments[2], "case", texts[0], texts[1], texts[2], NULL};
    pid_t child;
    int status;

    snprintf(texts[0], sizeof texts[0], "%d", index);
    snprintf(texts[1], sizeof texts[1], "%d", how);
    snprintf(texts[2], sizeof texts[2], "%ld", which);
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, all, environ) != 0) return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return status;
}

int main(int argc, char **argv) {
    long step, which, runs = 0, wrong = 0;
    int index, how, status;

    if (argc < 4) return 2;
    detector_path = argv[1];
    snprintf(path, sizeof path, "%s/written", argv[2]);
    snprintf(other_path, sizeof other_path, "%s/linked.h5", argv[2]);
    snprintf(encoder_path, sizeof encoder_path, "%s/encoder.h5", argv[2]);
    snprintf(new_encoder_path, sizeof new_encoder_path, "%s/new-encoder.h5", argv[2]);
    snprintf(checkpoint_path, sizeof checkpoint_path, "%s/state.h5", argv[2]);
    if (argc == 7 && strcmp(argv[3], "case") == 0) return run_case(atoi(argv[4]), atoi(argv[5]), atol(argv[6]));
    if ((step = atol(argv[3])) < 1) return 2;

    /* The trainers' encoder: as a detector is saved beside it. */
    status = spawn_case(argv, SAVE_LINKED, ONCE, LONG_MAX);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != DONE) return 2;
    for (index = 0; index < CASES; index++) {
        spawn_case(argv, index, ONCE, LONG_MAX);
        for (how = 0; how < MODES; how++) {
            long failures = 0, survived = 0;
            for (which = 1;; which += step) {
                status = spawn_case(argv, index, how, which);
                if (WIFEXITED(status) && WEXITSTATUS(status) == DONE) break;
                runs++;
                if (WIFEXITED(status) && WEXITSTATUS(status) == OUT_OF_MEMORY) {
                    survived++;
                    continue;
                }
                failures++;
                if (WIFSIGNALED(status))
                    printf(
                        "failed: %s, %s, allocation %ld: signal %d\n", cases[index].name, mode_names[how], which,
                        WTERMSIG(status));
                else printf("failed: %s, %s, allocation %ld\n", cases[index].name, mode_names[how], which);
            }
            wrong += failures;
            printf(
                "%s, %s: %ld shortages, %ld wrong\n", cases[index].name, mode_names[how], survived + failures,
                failures);
            fflush(stdout);
        }
    }
    printf("faults_test: %ld shortages, %ld wrong\n", runs, wrong);
    return wrong != 0;
}
