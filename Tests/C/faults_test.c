/*
 * Whatever fails beneath the library - each allocation of 8 KB or more, each opening, reading, writing, syncing and renaming of a
 * file, each start of a thread - what it was asked for must end with a status that says so, or succeed all the same, and never end
 * the process.
 *
 *     faults_test DETECTOR.h5 FOLDER STEP [CASE]
 *
 * Each fault runs in a process of its own, which is this program again: the work is prepared, then the n-th call of a kind fails,
 * for n = 1, 1 + STEP ... (readings: STEP * STEP) until the work needs no more. It fails in the ways of failing_calls.h: it alone,
 * or all later ones too, until the call returns. A process that takes longer than ten minutes is one that hangs. As many run side
 * by side as there are processors, each in a folder of its own, and none may print anything. With CASE only the case of that name
 * is tried, or, where none has it, those whose names contain it.
 *
 * Afterwards the same work must succeed, unless the header says that it cannot. A file that was to be replaced is the old or the
 * new one, and nothing else is left in its folder.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cflowad.h"
#include "failing_calls.h"
#include "setup.h"

/* ---- the work */

enum { SIDE = 100, FRAMES = 6, PATIENCE = 600 /* seconds */ };

static const char *detector_path, *folder;
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

static cflowad_status create_gaussian_trainer(void) {
    cflowad_train_options options;

    cflowad_train_options_init(&options, sizeof options);
    options.input_width = options.input_height = 64;
    options.calibration_fraction = 0.4f;
    options.thread_count = 2;
    return cflowad_trainer_create(encoder_path, &options, &trainer);
}

static cflowad_status create_tiled_trainer(void) {
    cflowad_status status = make_trainer(1);

    unlink(checkpoint_path);
    return status == CFLOWAD_OK ? cflowad_trainer_set_checkpoint(trainer, checkpoint_path) : status;
}

static cflowad_status create_second_trainer(void) { return cflowad_trainer_create(detector_path, NULL, &trainer); }

static cflowad_status add_frames_of_role(int32_t role) {
    cflowad_status status = CFLOWAD_OK;
    unsigned i;

    for (i = 0; i < FRAMES && status == CFLOWAD_OK; i++) {
        cflowad_frame frame = a_frame(i);
        status = cflowad_trainer_add_frame(trainer, &frame, role);
    }
    return status;
}

static cflowad_status add_frames(void) { return add_frames_of_role(CFLOWAD_ROLE_TRAINING); }

static cflowad_status fit(void) { return cflowad_trainer_fit(trainer, NULL, NULL); }

/* OpenBLAS is loaded by then: libgfortran, which comes with it, ends the process when it is loaded and gets no memory. The
   library tries before whether there is some; Tests/C/limits_test.c has real shortages of it. */
static cflowad_status another_gaussian_trainer(void) {
    cflowad_status status = cflowad_trainer_close(trainer);

    if (status == CFLOWAD_OK) status = create_gaussian_trainer();
    return status == CFLOWAD_OK ? add_frames() : status;
}

static cflowad_status calibrate(void) { return cflowad_trainer_calibrate(trainer, NULL, NULL); }

/* The trainer of a detector: of its frames some give ranges, some are held back. */
static cflowad_status quantize(void) { return cflowad_trainer_quantize(trainer, 0, NULL, NULL); }

static cflowad_status quantize_and_train(void) { return cflowad_trainer_quantize(trainer, 1, NULL, NULL); }

static cflowad_status create_trainer_of_8_bits(void) {
    cflowad_train_options options;

    cflowad_train_options_init(&options, sizeof options);
    options.precision = CFLOWAD_PRECISION_INT8;
    options.input_width = options.input_height = 64;
    options.calibration_fraction = 0.4f;
    options.thread_count = 2;
    return cflowad_trainer_create(encoder_path, &options, &trainer);
}

static cflowad_status another_trainer_of_8_bits(void) {
    cflowad_status status = cflowad_trainer_close(trainer);

    if (status == CFLOWAD_OK) status = create_trainer_of_8_bits();
    return status == CFLOWAD_OK ? add_frames() : status;
}

/* The tests' detector has no self-test: of one that was calibrated here. */
static cflowad_status model_with_self_test(void) {
    cflowad_status status = create_second_trainer();

    if (status == CFLOWAD_OK) status = add_frames_of_role(CFLOWAD_ROLE_CALIBRATION);
    if (status == CFLOWAD_OK) status = calibrate();
    return status == CFLOWAD_OK ? cflowad_trainer_model(trainer, &model) : status;
}

static cflowad_status verify(void) { return cflowad_model_verify(model, NULL); }

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
    {"fit of a Gaussian", {create_gaussian_trainer, add_frames, fit, another_gaussian_trainer}, fit, 1},
    {"fit of tiles", {create_tiled_trainer, add_frames}, fit, 1},
    {"calibrate tiles", {create_tiled_trainer, add_frames, fit}, calibrate, 0},
    {"trainer of a detector", {NULL}, create_second_trainer, 0},
    {"fit of 8 bits", {create_gaussian_trainer, add_frames, fit, another_trainer_of_8_bits}, fit, 1},
    {"quantize", {create_second_trainer, add_frames}, quantize, 1},
    {"quantize and train", {create_second_trainer, add_frames}, quantize_and_train, 1},
    {"calibrate what was quantized", {create_second_trainer, add_frames, quantize}, calibrate, 0},
    {"verify", {model_with_self_test}, verify, 0},
    {"model of a trainer", {create_trainer, add_frames, fit, calibrate}, trainer_model, 0},
    {"save", {create_trainer, add_frames, fit, calibrate}, save, 0},
    {"save again", {create_second_trainer, save}, save, 0},
    {"save with an encoder", {create_second_trainer}, save_with_new_encoder, 0},
    {"open with an encoder", {create_second_trainer, save_linked}, open_linked, 0},
    {"write PNG", {NULL}, write_png, 0},
    {"read PNG", {write_png}, read_png, 0},
    {"overlay", {NULL}, overlay, 0},
    {"metrics", {NULL}, metrics, 0},
};

enum { CASES = sizeof cases / sizeof *cases, SAVE_LINKED = 0 };

/* What a case's process ends with. */
enum { DONE = 10, FAILED_WELL, WRONG, UNPREPARED };

static int is_expected(cflowad_status status) {
    if (status == CFLOWAD_OK) return 1;
    if (failing_way->kind == MEMORY || failing_way->kind == THREADS) return status == CFLOWAD_ERROR_OUT_OF_MEMORY;
    return status == CFLOWAD_ERROR_IO;
}

/* A file is not there yet, or whole. */
static int is_whole(const char *model_path) {
    cflowad_model *opened = NULL;

    if (access(model_path, F_OK) != 0) return 1;
    return cflowad_model_open(model_path, &opened) == CFLOWAD_OK && cflowad_model_close(opened) == CFLOWAD_OK;
}

static int has_leftovers(void) {
    DIR *directory = opendir(folder);
    struct dirent *entry;
    int found = 0;

    if (!directory) return 1;
    while ((entry = readdir(directory))) found |= !strncmp(entry->d_name, ".cflowad-", 9);
    closedir(directory);
    return found;
}

static int wrong(int index, const char *what) {
    fprintf(
        stderr, "%s, %s, call %ld: %s: %s\n", cases[index].name, failing_way->name, (long)failing, what,
        cflowad_last_error());
    return WRONG;
}

static int run_case(int index, int way, long which) {
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
    alarm(PATIENCE);
    for (i = 0; i < 4 && cases[index].preparation[i] && status == CFLOWAD_OK; i++)
        status = cases[index].preparation[i]();
    if (status != CFLOWAD_OK) return wrong(index, "its preparation failed"), UNPREPARED;
    arm(way, which);
    status = cases[index].work();
    armed = 0;
    if (which == LONG_MAX) printf("%s, %s: %ld calls\n", cases[index].name, ways[way].name, (long)call_count);
    if (!has_failed) return status == CFLOWAD_OK ? DONE : wrong(index, "nothing failed beneath it");
    if (!is_expected(status)) return wrong(index, cflowad_status_name(status));
    if (status != CFLOWAD_OK && cflowad_last_error()[0] == 0) return wrong(index, "no message");
    if (cases[index].work == save && !is_whole(path)) return wrong(index, "the file is damaged");
    if (cases[index].work == save_linked && !is_whole(other_path)) return wrong(index, "the file is damaged");
    if (has_leftovers()) return wrong(index, "a temporary file is left");
    if (status != CFLOWAD_OK && !cases[index].is_final && (status = cases[index].work()) != CFLOWAD_OK)
        return wrong(index, "when it is called again");
    cflowad_session_close(session);
    cflowad_model_close(model);
    cflowad_trainer_close(trainer);
    return FAILED_WELL;
}

/* ---- the processes, one for each fault */

enum { MOST_JOBS = 64 };

/* Runs one fault at a time, in a folder of its own. */
static struct job {
    char folder[1024], printed[1100];
    pid_t child; /* 0: none */
    long which;
} jobs[MOST_JOBS];

static int job_count;

static void start(char **arguments, struct job *job, int index, int way, long which) {
    extern char **environ;
    char texts[3][32];
    char *all[] = {arguments[0], arguments[1], job->folder, "case", texts[0], texts[1], texts[2], NULL};
    posix_spawn_file_actions_t actions;

    snprintf(job->printed, sizeof job->printed, "%s/printed", job->folder);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, job->printed, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    snprintf(texts[0], sizeof texts[0], "%d", index);
    snprintf(texts[1], sizeof texts[1], "%d", way);
    snprintf(texts[2], sizeof texts[2], "%ld", which);
    job->which = which;
    if (posix_spawn(&job->child, "/proc/self/exe", &actions, NULL, all, environ) != 0) {
        perror("faults_test");
        exit(2);
    }
    posix_spawn_file_actions_destroy(&actions);
}

/* Waits for any of them, or for that one; NULL when none runs. */
static struct job *finished(struct job *only, int *status) {
    pid_t child;
    int i;

    while ((child = waitpid(only ? only->child : -1, status, 0)) < 0)
        if (errno != EINTR) return NULL;
    for (i = 0; i < job_count; i++)
        if (jobs[i].child == child) {
            jobs[i].child = 0;
            return &jobs[i];
        }
    return NULL;
}

static int is_done(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == DONE; }

/* Runs a case without a fault in each job's folder: encoder.h5, which trainers begin with, is what it saves. */
static int make_encoders(char **arguments) {
    int i, status = 0;

    for (i = 0; i < job_count; i++) {
        snprintf(jobs[i].folder, sizeof jobs[i].folder, "%s/%d", arguments[2], i);
        if (mkdir(jobs[i].folder, 0777) != 0) return 0;
        start(arguments, &jobs[i], SAVE_LINKED, 0, LONG_MAX);
        if (!finished(&jobs[i], &status) || !is_done(status)) return 0;
    }
    return 1;
}

static void tell(int index, int way, long which, int status) {
    printf("failed: %s, %s, call %ld", cases[index].name, ways[way].name, which);
    if (WIFSIGNALED(status)) printf(": signal %d", WTERMSIG(status));
    printf("\n");
}

/* Shows what the process printed, which is nothing unless it says what is wrong: the library never prints. */
static int has_printed(const struct job *job) {
    char text[1024];
    size_t count, all = 0;
    FILE *file = fopen(job->printed, "r");

    if (!file) return 1;
    for (; (count = fread(text, 1, sizeof text, file)) > 0; all += count) fwrite(text, 1, count, stdout);
    fclose(file);
    return all > 0;
}

/* Lets every stride-th call fail, and gives how many did; `failures` of them ended in another way than they should. */
static long run_faults(char **arguments, int index, int way, long stride, long *failures) {
    long which = 1, faults = 0;
    int is_over = 0, status = 0;
    struct job *job;

    for (;;) {
        for (job = jobs; job < jobs + job_count && !is_over; job++)
            if (!job->child) {
                start(arguments, job, index, way, which);
                which += stride;
            }
        if (!(job = finished(NULL, &status))) return faults;
        if (is_done(status)) {
            is_over = 1; /* the work needed fewer calls */
            if (has_printed(job)) (*failures)++;
            continue;
        }
        /* It would fail for ever. */
        if (WIFEXITED(status) && WEXITSTATUS(status) == UNPREPARED) is_over = 1;
        faults++;
        if (!has_printed(job) && WIFEXITED(status) && WEXITSTATUS(status) == FAILED_WELL) continue;
        (*failures)++;
        tell(index, way, job->which, status);
    }
}

/* Whether a case is one that was asked for. */
static int is_chosen(int index, const char *name) {
    int i;

    if (!name) return 1;
    for (i = 0; i < CASES; i++)
        if (!strcmp(cases[i].name, name)) return i == index;
    return strstr(cases[index].name, name) != NULL;
}

int main(int argc, char **argv) {
    long step, all_faults = 0, all_failures = 0;
    int index, way, status;

    if (argc < 4) return 2;
    detector_path = argv[1];
    folder = argv[2];
    snprintf(path, sizeof path, "%s/written", folder);
    snprintf(other_path, sizeof other_path, "%s/linked.h5", folder);
    snprintf(encoder_path, sizeof encoder_path, "%s/encoder.h5", folder);
    snprintf(new_encoder_path, sizeof new_encoder_path, "%s/new-encoder.h5", folder);
    snprintf(checkpoint_path, sizeof checkpoint_path, "%s/state.h5", folder);
    if (argc == 7 && strcmp(argv[3], "case") == 0) return run_case(atoi(argv[4]), atoi(argv[5]), atol(argv[6]));
    if ((step = atol(argv[3])) < 1) return 2;
    job_count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (job_count < 1) job_count = 1;
    if (job_count > MOST_JOBS) job_count = MOST_JOBS;

    if (!make_encoders(argv)) return 2;
    for (index = 0; index < CASES; index++) {
        if (!is_chosen(index, argc > 4 ? argv[4] : NULL)) continue;
        for (way = 0; way < WAYS; way++) {
            /* A model file is read in some thousand pages. */
            const long stride = ways[way].kind == MEMORY ? step : ways[way].kind == READING ? step * step : 1;
            long faults, failures = 0;

            if (way == 0 || ways[way].kind != ways[way - 1].kind) {
                start(argv, jobs, index, way, LONG_MAX);
                finished(jobs, &status);
            }
            faults = run_faults(argv, index, way, stride, &failures);
            all_faults += faults;
            all_failures += failures;
            if (faults > 0)
                printf("%s, %s: %ld faults, %ld wrong\n", cases[index].name, ways[way].name, faults, failures);
            fflush(stdout);
        }
    }
    printf("faults_test: %ld faults, %ld wrong\n", all_faults, all_failures);
    return all_failures != 0;
}
