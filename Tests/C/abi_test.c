/*
 * What the header promises about bad calls: each gives the documented status and a message, and touches nothing.
 *
 *     abi_test DETECTOR.h5 FOLDER [UNCALIBRATED.h5]
 *
 * FOLDER receives frame.png. Prints one line and returns 0 when all is as promised.
 */
#define _POSIX_C_SOURCE 200112L /* sigaction */

#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"
#include "setup.h"

/* Sizes are the ABI of 64-bit platforms: a change breaks every program that is compiled already. Structs grow behind
   the size that their first version had. */
#define STATIC_ASSERT(name, condition) typedef char name[(condition) ? 1 : -1]
STATIC_ASSERT(size_of_frame_1_0, offsetof(cflowad_frame, planes) == 40);
STATIC_ASSERT(size_of_model_info_1_0, offsetof(cflowad_model_info, review_threshold) == 152);
STATIC_ASSERT(size_of_session_options_1_0, offsetof(cflowad_session_options, review_threshold) == 16);
STATIC_ASSERT(size_of_session_options_1_1, sizeof(cflowad_session_options) == 48);
STATIC_ASSERT(size_of_result_1_0, offsetof(cflowad_result, p_value) == 88);
STATIC_ASSERT(size_of_train_options_1_0, offsetof(cflowad_train_options, decay_rate) == 96);
STATIC_ASSERT(size_of_train_options_1_1, offsetof(cflowad_train_options, thread_count) == 152);
STATIC_ASSERT(size_of_roi, sizeof(cflowad_roi) == 56);
STATIC_ASSERT(size_of_advice, sizeof(cflowad_advice) == 208);
STATIC_ASSERT(size_of_region, sizeof(cflowad_region) == 64);
STATIC_ASSERT(size_of_progress, sizeof(cflowad_progress) == 48);
STATIC_ASSERT(size_of_overlay_options, sizeof(cflowad_overlay_options) == 24);
STATIC_ASSERT(size_of_queue_options, sizeof(cflowad_queue_options) == 16);
STATIC_ASSERT(size_of_submission, sizeof(cflowad_submission) == 32);
STATIC_ASSERT(size_of_completion, sizeof(cflowad_completion) == 56);
STATIC_ASSERT(size_of_queue_state, sizeof(cflowad_queue_state) == 64);
STATIC_ASSERT(size_of_watch_options, sizeof(cflowad_watch_options) == 24);
STATIC_ASSERT(size_of_watch_state, sizeof(cflowad_watch_state) == 72);

static int checks, failures;

static void expect(int line, const char *call, cflowad_status got, cflowad_status wanted) {
    const char *message = cflowad_last_error();
    int good = got == wanted;
    if (got != CFLOWAD_OK) good = good && message && *message && !strchr(message, '\n');
    checks++;
    if (good) return;
    failures++;
    fprintf(
        stderr, "line %d: %s\n  gave %s (%s) in place of %s\n", line, call, cflowad_status_name(got),
        message ? message : "NULL", cflowad_status_name(wanted));
}

static void check(int line, const char *what, int good) {
    checks++;
    if (good) return;
    failures++;
    fprintf(stderr, "line %d: not so: %s\n", line, what);
}

#define EXPECT(wanted, call) expect(__LINE__, #call, call, CFLOWAD_##wanted)
#define CHECK(condition) check(__LINE__, #condition, (condition) != 0)
#define INVALID(call) EXPECT(ERROR_INVALID_ARGUMENT, call)
#define HANDLE(call) EXPECT(ERROR_INVALID_HANDLE, call)
#define SIZE(call) EXPECT(ERROR_STRUCT_SIZE, call)

enum { WIDTH = 64, HEIGHT = 48, PIXELS = WIDTH * HEIGHT };

static unsigned char pixels[PIXELS * 3];
static float map[PIXELS];

static cflowad_frame good_frame(void) { return rgb_frame(pixels, WIDTH, HEIGHT); }

static cflowad_result empty_result(void) {
    cflowad_result result;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    result.score = -77;
    return result;
}

/* A struct as a later version of the header would have it. */
typedef struct later_frame {
    cflowad_frame known;
    unsigned char later[24];
} later_frame;

typedef struct later_result {
    cflowad_result known;
    unsigned char later[40];
} later_result;

static void test_library(void) {
    cflowad_status status;
    CHECK(cflowad_version() / 10000 == CFLOWAD_VERSION_MAJOR);
    CHECK(cflowad_version() >= CFLOWAD_VERSION);
    CHECK(cflowad_build_info() && *cflowad_build_info());
    CHECK(cflowad_default_thread_count() >= 1 && cflowad_default_thread_count() <= 256);
    CHECK(!strcmp(cflowad_status_name(CFLOWAD_OK), "CFLOWAD_OK"));
    CHECK(!strcmp(cflowad_status_name(CFLOWAD_ERROR_STATE), "CFLOWAD_ERROR_STATE"));
    for (status = -2; status < 20; status++) CHECK(cflowad_status_name(status) && *cflowad_status_name(status));
    CHECK(cflowad_status_name(-2147483647 - 1) && cflowad_status_name(2147483647));
    CHECK(!strcmp(cflowad_verdict_name(CFLOWAD_VERDICT_PASS), "pass"));
    CHECK(!strcmp(cflowad_verdict_name(CFLOWAD_VERDICT_REVIEW), "review"));
    CHECK(!strcmp(cflowad_verdict_name(CFLOWAD_VERDICT_REJECT), "reject"));
    CHECK(*cflowad_verdict_name(-1) && *cflowad_verdict_name(3) && *cflowad_verdict_name(-2147483647 - 1));
    CHECK(cflowad_last_error() && !*cflowad_last_error()); /* nothing failed yet */
}

enum { HEARD = 64, LINE = 512 };

typedef struct heard {
    int count;
    int32_t levels[HEARD];
    char lines[HEARD][LINE];
    cflowad_model *reentrant; /* closed from within the callback, once */
} heard;

static void hear(int32_t level, const char *message, void *user) {
    heard *all = user;
    cflowad_model *model = all->reentrant;
    if (all->count < HEARD) {
        all->levels[all->count] = level;
        snprintf(all->lines[all->count], LINE, "%s", message);
        all->count++;
    }
    all->reentrant = NULL;
    if (model) EXPECT(OK, cflowad_model_close(model));
    cflowad_model_close((cflowad_model *)all); /* fails, and must not change what the call itself says */
}

static int was_heard(const heard *all, int32_t level, const char *text) {
    int i;
    for (i = 0; i < all->count; i++)
        if (all->levels[i] == level && strstr(all->lines[i], text)) return 1;
    return 0;
}

/* What the library tells the host, and nobody else. */
static void test_log(const char *path) {
    static heard all;
    cflowad_model *model = NULL, *missing = NULL;
    cflowad_session *session = NULL;
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    const char *error;
    int before;
    INVALID(cflowad_set_log_callback(hear, &all, -1));
    INVALID(cflowad_set_log_callback(hear, &all, 5));
    EXPECT(OK, cflowad_set_log_callback(hear, &all, CFLOWAD_LOG_INFO));
    EXPECT(OK, cflowad_model_open(path, &model));
    CHECK(was_heard(&all, CFLOWAD_LOG_INFO, "model opened: ") && was_heard(&all, CFLOWAD_LOG_INFO, "identity "));
    CHECK(was_heard(&all, CFLOWAD_LOG_WARNING, "no self-test"));
    EXPECT(OK, cflowad_session_create(model, NULL, &session));
    CHECK(was_heard(&all, CFLOWAD_LOG_INFO, "session created"));
    EXPECT(OK, cflowad_session_replace_model(session, 0, model));
    CHECK(was_heard(&all, CFLOWAD_LOG_INFO, "replaced"));
    before = all.count;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    result.map = &result.score;
    result.map_capacity = 1;
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    EXPECT(OK, cflowad_session_close(session));
    CHECK(all.count == before); /* scoring is silent, hosts provoke some errors, and closing is for DEBUG */
    all.reentrant = model;
    EXPECT(ERROR_IO, cflowad_model_open("/nowhere/at/all.h5", &missing));
    error = cflowad_last_error();
    CHECK(was_heard(&all, CFLOWAD_LOG_ERROR, "cflowad_model_open: /nowhere/at/all.h5"));
    CHECK(strstr(error, "/nowhere/at/all.h5") != NULL);
    HANDLE(cflowad_model_close(model)); /* the callback has closed it */
    EXPECT(OK, cflowad_set_log_callback(NULL, NULL, CFLOWAD_LOG_NONE));
    before = all.count;
    EXPECT(ERROR_IO, cflowad_model_open("/nowhere/at/all.h5", &missing));
    EXPECT(OK, cflowad_set_log_callback(hear, &all, CFLOWAD_LOG_NONE));
    EXPECT(ERROR_IO, cflowad_model_open("/nowhere/at/all.h5", &missing));
    CHECK(all.count == before);
    EXPECT(OK, cflowad_set_log_callback(NULL, NULL, CFLOWAD_LOG_DEBUG));
}

/* Texts of how a model was made, its name by its contents, and what it is held against. */
static void test_identity(const char *detector, const char *folder) {
    char path[4096];
    cflowad_trainer *trainer = NULL;
    cflowad_model *model = NULL, *made = NULL;
    cflowad_model_info info = {0}, other = {0};
    cflowad_verification found = {0};
    cflowad_frame frame = good_frame();
    snprintf(path, sizeof path, "%s/identity.h5", folder);
    info.struct_size = other.struct_size = sizeof info;
    EXPECT(OK, cflowad_model_open(detector, &model));
    EXPECT(OK, cflowad_model_get_info(model, &info));
    CHECK(strlen(info.identity) == 64 && !*info.name && !*info.created);
    CHECK(cflowad_model_provenance(model, "name") == NULL && cflowad_model_provenance(model, NULL) == NULL);
    CHECK(cflowad_model_provenance(NULL, "name") == NULL && cflowad_model_provenance_name(NULL, 0) == NULL);
    CHECK(cflowad_model_provenance_name(model, (size_t)-1) == NULL);
    EXPECT(ERROR_NO_SELF_TEST, cflowad_model_verify(model, NULL));
    INVALID(cflowad_model_verify(NULL, NULL));
    SIZE(cflowad_model_verify(model, &found));
    found.struct_size = sizeof found;
    EXPECT(ERROR_NO_SELF_TEST, cflowad_model_verify(model, &found));
    CHECK(found.value_count == 0);
    EXPECT(OK, cflowad_model_close(model));

    EXPECT(OK, cflowad_trainer_create(detector, NULL, &trainer));
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_CALIBRATION));
    EXPECT(OK, cflowad_trainer_calibrate(trainer, NULL, NULL));
    INVALID(cflowad_trainer_set_provenance(NULL, "name", "x"));
    INVALID(cflowad_trainer_set_provenance(trainer, NULL, "x"));
    INVALID(cflowad_trainer_set_provenance(trainer, "Name", "x"));
    INVALID(cflowad_trainer_set_provenance(trainer, "training", "x"));
    INVALID(cflowad_trainer_set_provenance(trainer, "name", ""));
    EXPECT(OK, cflowad_trainer_set_provenance(trainer, "name", "line 3"));
    EXPECT(OK, cflowad_trainer_set_provenance(trainer, "operator", "x"));
    EXPECT(OK, cflowad_trainer_set_provenance(trainer, "operator", NULL));
    EXPECT(OK, cflowad_trainer_save(trainer, path));
    EXPECT(OK, cflowad_trainer_model(trainer, &made));
    EXPECT(OK, cflowad_trainer_close(trainer));
    EXPECT(OK, cflowad_model_open(path, &model));
    EXPECT(OK, cflowad_model_get_info(model, &info));
    EXPECT(OK, cflowad_model_get_info(made, &other));
    CHECK(!strcmp(info.identity, other.identity) && !strcmp(info.name, "line 3"));
    CHECK(!strcmp(cflowad_model_provenance(model, "name"), "line 3") && !cflowad_model_provenance(model, "operator"));
    CHECK(!strcmp(cflowad_model_provenance_name(model, 0), "name")); /* "source" follows, as the file had it */
    CHECK(cflowad_model_provenance_name(model, 1) && !cflowad_model_provenance_name(model, 2));
    EXPECT(OK, cflowad_model_verify(made, NULL));
    EXPECT(OK, cflowad_model_verify(model, &found));
    CHECK(found.value_count > 0 && found.largest_error == 0 && found.tolerance > 0);
    CHECK(found.score == found.expected_score);
    EXPECT(OK, cflowad_model_close(made));
    EXPECT(OK, cflowad_model_close(model));
}

static void test_model(const char *path, cflowad_model *model, cflowad_session *session) {
    cflowad_model *other = NULL;
    cflowad_model_info info;
    struct {
        cflowad_model_info known;
        unsigned char later[16];
    } later;
    unsigned char rubbish[512];
    cflowad_overlay_options overlay;
    cflowad_advice advice;
    int i;
    memset(rubbish, 0x5a, sizeof rubbish);

    INVALID(cflowad_model_open(NULL, &other));
    INVALID(cflowad_model_open(path, NULL));
    EXPECT(ERROR_IO, cflowad_model_open("\xff\xfe not UTF-8", &other)); /* a path is bytes */
    EXPECT(ERROR_IO, cflowad_model_open("/nowhere/at/all.h5", &other));
    EXPECT(ERROR_IO, cflowad_model_open("/", &other));
    INVALID(cflowad_model_open_memory(NULL, 100, &other));
    INVALID(cflowad_model_open_memory(rubbish, sizeof rubbish, NULL));
    EXPECT(ERROR_FORMAT, cflowad_model_open_memory(rubbish, sizeof rubbish, &other));
    CHECK(other == NULL);

    memset(&info, 0, sizeof info);
    SIZE(cflowad_model_get_info(model, &info));
    info.struct_size = offsetof(cflowad_model_info, review_threshold) - 1;
    SIZE(cflowad_model_get_info(model, &info));
    info.struct_size = (size_t)-1;
    SIZE(cflowad_model_get_info(model, &info));
    CHECK(info.level_count == 0);
    info.struct_size = sizeof info;
    INVALID(cflowad_model_get_info(NULL, &info));
    INVALID(cflowad_model_get_info(model, NULL));
    HANDLE(cflowad_model_get_info((cflowad_model *)session, &info));
    HANDLE(cflowad_model_get_info((cflowad_model *)(void *)&info, &info));
    HANDLE(cflowad_model_get_info((cflowad_model *)(uintptr_t)-1, &info));
    EXPECT(OK, cflowad_model_get_info(model, &info));
    CHECK(info.struct_size == sizeof info && info.level_count >= 1 && info.level_count <= CFLOWAD_MAX_LEVELS);
    CHECK(info.is_calibrated == 1 && info.threshold == info.threshold && info.session_bytes > 0);
    /* Calibrated before 1.2: low scores pass, and nothing is known of strange frames. */
    CHECK(info.low_threshold != info.low_threshold && info.low_verdict == CFLOWAD_VERDICT_PASS);
    CHECK(info.low_promised_rate != info.low_promised_rate && !info.strange_tried && !info.strange_passed);

    INVALID(cflowad_model_overlay_options(NULL, &overlay, sizeof overlay));
    INVALID(cflowad_model_overlay_options(model, NULL, sizeof overlay));
    SIZE(cflowad_model_overlay_options(model, &overlay, 3));
    HANDLE(cflowad_model_overlay_options((cflowad_model *)session, &overlay, sizeof overlay));
    EXPECT(OK, cflowad_model_overlay_options(model, &overlay, sizeof overlay));
    CHECK(overlay.struct_size == sizeof overlay && overlay.low == info.map_low && overlay.high == info.map_high);
    CHECK(overlay.threshold == info.pixel_threshold && overlay.opacity == 0.6f);

    /* Made elsewhere: nothing is known of a fit, and text and numbers are there all the same. */
    memset(&advice, 0x5a, sizeof advice);
    advice.struct_size = sizeof advice - 1;
    SIZE(cflowad_model_get_advice(model, &advice));
    advice.struct_size = sizeof advice;
    INVALID(cflowad_model_get_advice(NULL, &advice));
    INVALID(cflowad_model_get_advice(model, NULL));
    HANDLE(cflowad_model_get_advice((cflowad_model *)session, &advice));
    EXPECT(OK, cflowad_model_get_advice(model, &advice));
    CHECK(advice.given_count == 0 && advice.fitted_count == 0 && advice.curve_full_count == 0);
    CHECK(advice.more_frames == CFLOWAD_MORE_FRAMES_UNKNOWN && advice.level_count == info.level_count);
    CHECK(advice.doubling_gain != advice.doubling_gain && advice.wanted_rate != advice.wanted_rate);
    for (i = 0; i < CFLOWAD_MAX_LEVELS; i++) {
        CHECK(advice.curve_full[i] != advice.curve_full[i] && advice.level_share[i] != advice.level_share[i]);
        CHECK(advice.coupling_gain[i] != advice.coupling_gain[i] && advice.curve_half[i] != advice.curve_half[i]);
    }
    CHECK(advice.outlier_frame == -1 && advice.outlier_score != advice.outlier_score);
    CHECK(cflowad_model_advice(NULL) == NULL && *cflowad_last_error());
    CHECK(cflowad_model_advice((cflowad_model *)session) == NULL);
    CHECK(cflowad_model_advice(model) && cflowad_model_advice(model) == cflowad_model_advice(model));

    memset(&later, 0, sizeof later);
    later.known.struct_size = sizeof later;
    EXPECT(OK, cflowad_model_get_info(model, &later.known));
    CHECK(later.known.struct_size == sizeof later && later.known.level_count == info.level_count);

    EXPECT(OK, cflowad_model_close(NULL));
    HANDLE(cflowad_model_close((cflowad_model *)session));
    HANDLE(cflowad_model_close((cflowad_model *)(void *)&info));
}

static void test_closed_handles(const char *path) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL, *again = NULL;
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    cflowad_model_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    EXPECT(OK, cflowad_model_open(path, &model));
    EXPECT(OK, cflowad_session_create(model, NULL, &session));
    EXPECT(OK, cflowad_model_close(model));
    HANDLE(cflowad_model_close(model));
    HANDLE(cflowad_model_get_info(model, &info));
    HANDLE(cflowad_session_create(model, NULL, &again));
    CHECK(again == NULL);
    EXPECT(OK, cflowad_session_score(session, &frame, &result)); /* the session keeps the weights */
    EXPECT(OK, cflowad_session_close(session));
    HANDLE(cflowad_session_close(session));
    HANDLE(cflowad_session_score(session, &frame, &result));
    HANDLE(cflowad_session_score_batch(session, &frame, 1, &result));
}

static void test_session(cflowad_model *model, cflowad_session *session) {
    cflowad_session *other = NULL;
    cflowad_session_options options;
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    float plain;

    INVALID(cflowad_session_options_init(NULL, sizeof options));
    SIZE(cflowad_session_options_init(&options, 0));
    SIZE(cflowad_session_options_init(&options, offsetof(cflowad_session_options, review_threshold) - 1));
    EXPECT(OK, cflowad_session_options_init(&options, sizeof options));
    CHECK(options.struct_size == sizeof options && options.threshold != options.threshold);
    INVALID(cflowad_session_create(NULL, NULL, &other));
    INVALID(cflowad_session_create(model, NULL, NULL));
    HANDLE(cflowad_session_create((cflowad_model *)session, NULL, &other));
    options.struct_size = 4;
    SIZE(cflowad_session_create(model, &options, &other));
    options.struct_size = sizeof options;
    options.threshold = (float)HUGE_VAL;
    INVALID(cflowad_session_create(model, &options, &other));
    EXPECT(OK, cflowad_session_options_init(&options, sizeof options));
    options.review_threshold = -(float)HUGE_VAL;
    INVALID(cflowad_session_create(model, &options, &other));
    EXPECT(OK, cflowad_session_options_init(&options, sizeof options));
    CHECK(other == NULL);

    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    plain = result.score;
    CHECK(result.review_threshold == result.threshold);
    options.threshold = plain;
    EXPECT(OK, cflowad_session_create(model, &options, &other));
    EXPECT(OK, cflowad_session_score(other, &frame, &result));
    CHECK(result.score == plain && result.threshold == plain && result.verdict == CFLOWAD_VERDICT_PASS);
    EXPECT(OK, cflowad_session_close(other));
    options.review_threshold = plain - 1;
    EXPECT(OK, cflowad_session_create(model, &options, &other));
    EXPECT(OK, cflowad_session_score(other, &frame, &result));
    CHECK(result.threshold == plain && result.review_threshold == plain - 1);
    CHECK(result.verdict == CFLOWAD_VERDICT_REVIEW);
    EXPECT(OK, cflowad_session_close(other));
    /* A review threshold above the threshold is none. */
    options.review_threshold = plain + 1;
    EXPECT(OK, cflowad_session_create(model, &options, &other));
    EXPECT(OK, cflowad_session_score(other, &frame, &result));
    CHECK(result.review_threshold == plain && result.verdict == CFLOWAD_VERDICT_PASS);
    EXPECT(OK, cflowad_session_close(other));
    options.threshold = plain - 1;
    /* A program of version 1.0: what lies behind its structs is neither read nor written. */
    options.struct_size = offsetof(cflowad_session_options, review_threshold);
    options.review_threshold = (float)HUGE_VAL;
    result.struct_size = offsetof(cflowad_result, p_value);
    result.p_value = -77;
    EXPECT(OK, cflowad_session_create(model, &options, &other));
    EXPECT(OK, cflowad_session_score(other, &frame, &result));
    CHECK(result.verdict == CFLOWAD_VERDICT_REJECT && result.p_value == -77);
    EXPECT(OK, cflowad_session_close(other));
    EXPECT(OK, cflowad_session_close(NULL));
    HANDLE(cflowad_session_close((cflowad_session *)model));
}

static void test_regions(cflowad_model *model, cflowad_session *plain) {
    enum { ALL = PIXELS, POINTS = 4 * PIXELS };
    static cflowad_region regions[ALL], few[2];
    static cflowad_point points[POINTS];
    struct {
        cflowad_region known;
        size_t later;
    } wide[2];
    cflowad_session *session = NULL;
    cflowad_session_options options;
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    float nan = strtof("nan", NULL);
    size_t i, all, corners = 0;

    EXPECT(OK, cflowad_session_options_init(&options, sizeof options));
    CHECK(options.region_threshold != options.region_threshold && options.region_min_area == 1);
    CHECK(options.region_min_score != options.region_min_score);
    options.region_threshold = (float)HUGE_VAL;
    INVALID(cflowad_session_create(model, &options, &session));
    options.region_threshold = nan;
    options.region_min_score = (float)HUGE_VAL;
    INVALID(cflowad_session_create(model, &options, &session));
    EXPECT(OK, cflowad_session_options_init(&options, sizeof options));
    EXPECT(OK, cflowad_session_score(plain, &frame, &result));
    options.region_threshold = result.score * 0.7f;
    EXPECT(OK, cflowad_session_create(model, &options, &session));

    result.regions = regions;
    result.region_capacity = ALL;
    SIZE(cflowad_session_score(session, &frame, &result)); /* no region_size */
    result.region_size = sizeof(cflowad_region) - 8;
    SIZE(cflowad_session_score(session, &frame, &result));
    result.region_size = sizeof(cflowad_region) + 4;
    SIZE(cflowad_session_score(session, &frame, &result));
    result.region_size = (size_t)-8;
    SIZE(cflowad_session_score(session, &frame, &result));
    result.region_size = sizeof(cflowad_region);
    result.regions = NULL;
    result.contour_points = points;
    INVALID(cflowad_session_score(session, &frame, &result)); /* contours of nothing */
    result.regions = regions;
    result.contour_capacity = POINTS;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    all = result.region_count;
    CHECK(all >= 1 && all <= ALL && result.contour_count <= POINTS);
    CHECK(regions[0].peak <= result.score && regions[0].p_value >= result.p_value);
    for (i = 0; i < all; i++) {
        CHECK(regions[i].contour_first == corners && regions[i].contour_count >= 4);
        CHECK(regions[i].x + regions[i].width <= WIDTH && regions[i].y + regions[i].height <= HEIGHT);
        CHECK(i == 0 || regions[i].peak <= regions[i - 1].peak);
        corners += regions[i].contour_count;
    }
    CHECK(corners == result.contour_count);

    /* Capacities: the most severe, whole contours, and counts of what there is; nothing beyond is written. */
    memset(few, 0x5a, sizeof few);
    result.regions = few;
    result.region_capacity = 1;
    result.contour_capacity = regions[0].contour_count - 1;
    points[result.contour_capacity].x = -77;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(result.region_count == all && result.contour_count == regions[0].contour_count);
    CHECK(few[0].area == regions[0].area && few[0].contour_count == 0 && points[result.contour_capacity].x == -77);
    CHECK(few[1].area == 0x5a5a5a5au);
    result.region_capacity = 0;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(result.region_count == all && result.contour_count == 0);
    result.contour_points = NULL;
    result.region_capacity = 2;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(few[0].contour_count == 0 && result.contour_count == 0);
    /* Regions of a later header are further apart. */
    memset(wide, 0x5a, sizeof wide);
    result.regions = wide;
    result.region_size = sizeof wide[0];
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(wide[0].known.area == regions[0].area && wide[0].later == (size_t)0x5a5a5a5a5a5a5a5a);
    CHECK(all < 2 || wide[1].known.area == regions[1].area);
    EXPECT(OK, cflowad_session_close(session));
}

#define SPOILED_ROI(field, value)                                                                                      \
    do {                                                                                                               \
        cflowad_roi spoiled = roi;                                                                                     \
        spoiled.field = value;                                                                                         \
        INVALID(cflowad_session_set_region_of_interest(session, &spoiled));                                            \
    } while (0)

static void test_region_of_interest(const char *path, cflowad_model *model, cflowad_session *session) {
    static unsigned char mask[5 * 7];
    cflowad_rect rects[2] = {{0, 0, 32, 48}, {40, 0, 0xffffffffu, 0xffffffffu}};
    cflowad_frame frame = good_frame();
    cflowad_result whole = empty_result(), left = empty_result(), right = empty_result();
    cflowad_trainer *trainer = NULL;
    cflowad_roi roi;

    EXPECT(OK, cflowad_session_score(session, &frame, &whole));
    memset(&roi, 0, sizeof roi);
    roi.struct_size = sizeof roi;
    INVALID(cflowad_session_set_region_of_interest(session, &roi)); /* neither rectangles nor a mask */
    INVALID(cflowad_session_set_region_of_interest(NULL, &roi));
    HANDLE(cflowad_session_set_region_of_interest((cflowad_session *)model, &roi));
    roi.frame_width = WIDTH;
    roi.frame_height = HEIGHT;
    roi.rects = rects;
    roi.rect_count = 1;
    EXPECT(OK, cflowad_session_set_region_of_interest(session, &roi));
    EXPECT(OK, cflowad_session_score(session, &frame, &left));
    rects[0].x = 32;
    EXPECT(OK, cflowad_session_set_region_of_interest(session, &roi));
    EXPECT(OK, cflowad_session_score(session, &frame, &right));
    CHECK(left.score != right.score);
    CHECK(left.score == whole.score || right.score == whole.score);
    CHECK(left.score <= whole.score && right.score <= whole.score);
    rects[0].x = 0;
    roi.rect_count = 2;
    EXPECT(OK, cflowad_session_set_region_of_interest(session, &roi)); /* beyond the frame is nothing */
    SPOILED_ROI(frame_width, 0);
    SPOILED_ROI(frame_height, 65536);
    SPOILED_ROI(rect_count, 0);
    SPOILED_ROI(rect_count, (size_t)-1);
    roi.rect_count = 1;
    rects[0].width = 0;
    INVALID(cflowad_session_set_region_of_interest(session, &roi)); /* empty */
    rects[0].x = WIDTH;
    rects[0].width = 10;
    INVALID(cflowad_session_set_region_of_interest(session, &roi));
    rects[0].x = 0;
    rects[0].width = WIDTH;
    roi.mask = mask;
    roi.mask_width = 5;
    roi.mask_height = 7;
    roi.mask_stride = 5;
    INVALID(cflowad_session_set_region_of_interest(session, &roi)); /* the mask is all 0 */
    memset(mask, 255, sizeof mask);
    SPOILED_ROI(mask_stride, 4);
    SPOILED_ROI(mask_stride, (size_t)-1);
    SPOILED_ROI(mask_width, 0);
    SPOILED_ROI(mask_height, 65536);
    roi.struct_size = 8;
    SIZE(cflowad_session_set_region_of_interest(session, &roi));
    roi.struct_size = sizeof roi;
    EXPECT(OK, cflowad_session_set_region_of_interest(session, &roi));
    EXPECT(OK, cflowad_session_score(session, &frame, &left));
    CHECK(left.score == whole.score);
    EXPECT(OK, cflowad_session_set_region_of_interest(session, NULL));

    EXPECT(OK, cflowad_trainer_create(path, NULL, &trainer));
    INVALID(cflowad_trainer_set_region_of_interest(NULL, &roi));
    HANDLE(cflowad_trainer_set_region_of_interest((cflowad_trainer *)session, &roi));
    EXPECT(OK, cflowad_trainer_set_region_of_interest(trainer, &roi));
    EXPECT(OK, cflowad_trainer_set_region_of_interest(trainer, NULL));
    EXPECT(OK, cflowad_trainer_close(trainer));
}

/* Each line spoils one field of a good frame. */
#define SPOILED(status, field, value)                                                                                  \
    do {                                                                                                               \
        cflowad_frame frame = good_frame();                                                                            \
        cflowad_result result = empty_result();                                                                        \
        frame.field = value;                                                                                           \
        EXPECT(status, cflowad_session_score(session, &frame, &result));                                               \
        CHECK(result.score == -77);                                                                                    \
    } while (0)

static void test_frames(cflowad_model *model, cflowad_session *session) {
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    later_frame later[2];
    later_result results[2];
    float score;

    INVALID(cflowad_session_score(NULL, &frame, &result));
    INVALID(cflowad_session_score(session, NULL, &result));
    INVALID(cflowad_session_score(session, &frame, NULL));
    HANDLE(cflowad_session_score((cflowad_session *)model, &frame, &result));
    HANDLE(cflowad_session_score((cflowad_session *)(void *)pixels, &frame, &result));
    SPOILED(ERROR_STRUCT_SIZE, struct_size, 0);
    SPOILED(ERROR_STRUCT_SIZE, struct_size, 8);
    SPOILED(ERROR_STRUCT_SIZE, struct_size, offsetof(cflowad_frame, planes) - 1);
    SPOILED(ERROR_STRUCT_SIZE, struct_size, (size_t)-1);
    SPOILED(ERROR_INVALID_ARGUMENT, data, NULL);
    SPOILED(ERROR_INVALID_ARGUMENT, width, 0);
    SPOILED(ERROR_INVALID_ARGUMENT, height, 0);
    SPOILED(ERROR_INVALID_ARGUMENT, width, CFLOWAD_MAX_FRAME_SIDE + 1);
    SPOILED(ERROR_INVALID_ARGUMENT, height, CFLOWAD_MAX_FRAME_SIDE + 1);
    SPOILED(ERROR_INVALID_ARGUMENT, width, 0xffffffffu);
    SPOILED(ERROR_INVALID_ARGUMENT, height, 0xffffffffu);
    SPOILED(ERROR_INVALID_ARGUMENT, stride, 0);
    SPOILED(ERROR_INVALID_ARGUMENT, stride, WIDTH * 3 - 1);
    SPOILED(ERROR_INVALID_ARGUMENT, stride, (size_t)-1);
    SPOILED(ERROR_INVALID_ARGUMENT, stride, (size_t)-1 / 2); /* times height overflows */
    SPOILED(ERROR_INVALID_ARGUMENT, stride, (size_t)-1 / HEIGHT + 2);
    SPOILED(ERROR_INVALID_ARGUMENT, format, 0);
    SPOILED(ERROR_INVALID_ARGUMENT, format, -1);
    SPOILED(ERROR_INVALID_ARGUMENT, format, 6);
    SPOILED(ERROR_INVALID_ARGUMENT, format, 2147483647);
    SPOILED(ERROR_INVALID_ARGUMENT, format, 9);
    SPOILED(ERROR_INVALID_ARGUMENT, format, CFLOWAD_PIXEL_YUY2 + 1);
    SPOILED(ERROR_INVALID_ARGUMENT, format, CFLOWAD_PIXEL_RGB16); /* too short as well */
    SPOILED(ERROR_INVALID_ARGUMENT, flags, 0xffffffffu);
    SPOILED(ERROR_INVALID_ARGUMENT, planes[0], pixels); /* there is one plane of 8 bits */
    SPOILED(ERROR_INVALID_ARGUMENT, planes[1], pixels);
    SPOILED(ERROR_INVALID_ARGUMENT, plane_strides[1], 1);
    SPOILED(ERROR_INVALID_ARGUMENT, plane_strides[0], (size_t)-1);
    SPOILED(ERROR_INVALID_ARGUMENT, significant_bits, 12);
    SPOILED(ERROR_INVALID_ARGUMENT, shift, 1);
    SPOILED(ERROR_INVALID_ARGUMENT, crop_x, 1); /* a crop without a size */
    SPOILED(ERROR_INVALID_ARGUMENT, crop_width, WIDTH);
    SPOILED(ERROR_INVALID_ARGUMENT, crop_height, 0xffffffffu);
    SPOILED(ERROR_INVALID_ARGUMENT, format, CFLOWAD_PIXEL_RGBA8); /* the rows are too short for it */

    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    score = result.score;

    /* A program of version 1.0: what lies behind its struct is not looked at. */
    frame.struct_size = offsetof(cflowad_frame, planes);
    frame.crop_width = 0xffffffffu;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(result.score == score);
    frame = good_frame();

    /* The whole as its own crop, twice upside down; the same pixels as planes. */
    frame.crop_width = WIDTH;
    frame.crop_height = HEIGHT;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(result.score == score);
    frame.crop_width = WIDTH - 8;
    frame.flags = CFLOWAD_FRAME_BOTTOM_UP;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(result.score != score);
    result.frame_map = map;
    result.frame_map_capacity = (WIDTH - 8) * HEIGHT - 1; /* of the crop */
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    result.frame_map_capacity++;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    result = empty_result();
    {
        static unsigned char planar[3][PIXELS];
        int i;
        for (i = 0; i < PIXELS * 3; i++) planar[i % 3][i / 3] = pixels[i];
        frame = good_frame();
        frame.format = CFLOWAD_PIXEL_RGB8_PLANAR;
        frame.data = planar;
        frame.stride = WIDTH;
        EXPECT(OK, cflowad_session_score(session, &frame, &result));
        CHECK(result.score == score);
        frame.data = planar[0];
        frame.planes[0] = planar[1];
        frame.planes[1] = planar[2];
        EXPECT(OK, cflowad_session_score(session, &frame, &result));
        CHECK(result.score == score);
        frame = good_frame();
    }

    /* Programs of a later header: fields beyond are zero, or are refused; elements of arrays are their size apart. */
    memset(later, 0, sizeof later);
    memset(results, 0, sizeof results);
    later[0].known = later[1].known = frame;
    results[0].known = results[1].known = empty_result();
    later[0].known.struct_size = later[1].known.struct_size = sizeof later[0];
    results[0].known.struct_size = results[1].known.struct_size = sizeof results[0];
    EXPECT(OK, cflowad_session_score(session, &later[0].known, &results[0].known));
    CHECK(results[0].known.score == score && results[0].known.struct_size == sizeof results[0]);
    results[0].known.score = -77;
    EXPECT(OK, cflowad_session_score_batch(session, &later[0].known, 2, &results[0].known));
    CHECK(results[0].known.score == score && results[1].known.score == score);
    later[0].later[23] = 1;
    SIZE(cflowad_session_score(session, &later[0].known, &results[0].known));
    later[0].later[23] = 0;
    results[0].later[0] = 1;
    SIZE(cflowad_session_score(session, &later[0].known, &results[0].known));
}

static void test_batch(cflowad_session *session) {
    cflowad_frame frames[3];
    cflowad_result results[3];
    int i;
    for (i = 0; i < 3; i++) {
        frames[i] = good_frame();
        results[i] = empty_result();
    }
    EXPECT(OK, cflowad_session_score_batch(session, frames, 0, results));
    INVALID(cflowad_session_score_batch(NULL, frames, 3, results));
    INVALID(cflowad_session_score_batch(session, NULL, 3, results));
    INVALID(cflowad_session_score_batch(session, frames, 3, NULL));
    frames[1].width = 0;
    INVALID(cflowad_session_score_batch(session, frames, 3, results));
    CHECK(strstr(cflowad_last_error(), "1") != NULL); /* names the frame */
    CHECK(results[0].score != -77 && results[1].score == -77 && results[2].score == -77);

    /* Elements lie one struct_size apart, so all say the same one. */
    frames[1] = good_frame();
    frames[1].struct_size = 4096;
    SIZE(cflowad_session_score_batch(session, frames, 3, results));
    frames[1] = good_frame();
    results[2].struct_size = 4096;
    SIZE(cflowad_session_score_batch(session, frames, 3, results));
}

static void test_reserved_and_unlimited(cflowad_session *session) {
    static float map[PIXELS];
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    frame.flags = 2;
    INVALID(cflowad_session_score(session, &frame, &result));
    frame.flags = 0;
    result.reserved = 1;
    INVALID(cflowad_session_score(session, &frame, &result));
    result.reserved = 0;
    result.frame_map = map;
    result.frame_map_capacity = SIZE_MAX; /* "as much as you need" */
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
}

/* A host that flushes denormals or rounds otherwise gets the same bits, and its mode back. */
static void test_float_mode(cflowad_session *session) {
    cflowad_frame frame = good_frame();
    cflowad_result first = empty_result(), second = empty_result();
    EXPECT(OK, cflowad_session_score(session, &frame, &first));
    CHECK(fesetround(FE_UPWARD) == 0);
    EXPECT(OK, cflowad_session_score(session, &frame, &second));
    CHECK(fegetround() == FE_UPWARD);
    fesetround(FE_TONEAREST);
    CHECK(first.score == second.score);
}

static int is_shape_of(const cflowad_shape *shape, const cflowad_model_info *info) {
    return shape->map_width == info->input_width && shape->map_height == info->input_height && shape->tile_count == 1
        && shape->level_count == info->level_count
        && !memcmp(shape->level_width, info->level_width, sizeof shape->level_width)
        && !memcmp(shape->level_height, info->level_height, sizeof shape->level_height)
        && !memcmp(shape->level_channels, info->level_channels, sizeof shape->level_channels);
}

static void test_buffers(cflowad_model *model, cflowad_session *session) {
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    cflowad_model_info info;
    size_t grid = 0, features = 0, network, l;
    float *memory;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    EXPECT(OK, cflowad_model_get_info(model, &info));
    for (l = 0; l < info.level_count; l++) {
        size_t positions = (size_t)info.level_width[l] * info.level_height[l];
        grid += positions;
        features += positions * info.level_channels[l];
    }
    network = (size_t)info.input_width * info.input_height;
    {
        uint32_t width = 0, height = 0, tiles = 0;
        EXPECT(OK, cflowad_model_info_map_size(&info, 4000, 1000, &width, &height, &tiles));
        CHECK(width == info.input_width && height == info.input_height && tiles == 1);
        CHECK(info.resample == CFLOWAD_RESAMPLE_PILLOW_3_3);
        info.tile_width = 2 * info.input_width;
        info.tile_height = 2 * info.input_height;
        EXPECT(OK, cflowad_model_info_map_size(&info, 4 * info.input_width, info.input_height, &width, NULL, &tiles));
        CHECK(width == 2 * info.input_width && tiles == 2);
        INVALID(cflowad_model_info_map_size(&info, 0, 1000, &width, &height, &tiles));
        INVALID(cflowad_model_info_map_size(&info, 65536, 1000, &width, &height, &tiles));
        INVALID(cflowad_model_info_map_size(NULL, 4000, 1000, &width, &height, &tiles));
        info.tile_width = 31;
        INVALID(cflowad_model_info_map_size(&info, 4000, 1000, &width, &height, &tiles));
        CHECK(width == 2 * info.input_width && tiles == 2);
    }
    memory = calloc(features + network, sizeof *memory);
    if (!memory) exit(2);

    result.map = memory;
    result.map_capacity = network - 1;
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    CHECK(is_shape_of(&result.shape, &info));
    result.map_capacity = 0;
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    result.map = NULL;
    result.frame_map = map;
    result.frame_map_capacity = PIXELS - 1;
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    result.frame_map = NULL;
    result.log_likelihoods = memory;
    result.log_likelihoods_capacity = grid - 1;
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    result.log_likelihoods = NULL;
    result.features = memory;
    result.features_capacity = features - 1;
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, &frame, &result));
    CHECK(result.score == -77);

    {
        /* All shapes are told before anything is scored. */
        cflowad_frame frames[2];
        cflowad_result results[2];
        frames[0] = frames[1] = frame;
        results[0] = results[1] = result;
        memset(&results[0].shape, 0, sizeof results[0].shape);
        memset(&results[1].shape, 0, sizeof results[1].shape);
        EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score_batch(session, frames, 2, results));
        CHECK(is_shape_of(&results[0].shape, &info) && is_shape_of(&results[1].shape, &info));
        CHECK(results[0].score == -77 && results[1].score == -77);
        /* A program that does not know the field. */
        results[0].struct_size = offsetof(cflowad_result, shape);
        memset(&results[0].shape, 77, sizeof results[0].shape);
        EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_session_score(session, frames, results));
        CHECK(results[0].shape.map_width == 0x4d4d4d4d && results[0].shape.level_channels[3] == 0x4d4d4d4d);
    }

    /* Exactly enough is enough, and nothing is written beyond. */
    memory[features] = 12345;
    result.features_capacity = features;
    EXPECT(OK, cflowad_session_score(session, &frame, &result));
    CHECK(memory[features] == 12345 && result.score != -77);
    free(memory);
}

static int32_t cancel(const cflowad_progress *progress, void *user) {
    (void)progress;
    ++*(int *)user;
    return 1;
}

#define SPOILED_OPTION(field, value)                                                                                   \
    do {                                                                                                               \
        cflowad_trainer *spoiled = NULL;                                                                               \
        EXPECT(OK, cflowad_train_options_init(&options, sizeof options));                                              \
        options.field = value;                                                                                         \
        INVALID(cflowad_trainer_create(path, &options, &spoiled));                                                     \
        CHECK(spoiled == NULL);                                                                                        \
    } while (0)

static void test_trainer(const char *path, const char *folder, cflowad_model *model) {
    cflowad_trainer *trainer = NULL, *other = NULL;
    cflowad_model *made = NULL;
    cflowad_train_options options;
    cflowad_frame frame = good_frame();
    float nan = strtof("nan", NULL);
    uint32_t steps = 7;
    cflowad_quantization changed = {0};
    int calls = 0;

    INVALID(cflowad_train_options_init(NULL, sizeof options));
    SIZE(cflowad_train_options_init(&options, 1));
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    CHECK(options.struct_size == sizeof options && options.input_width == 256 && options.coupling_blocks == 8);
    CHECK(options.meta_epochs == 25 && options.fiber_batch == 256 && options.clamp_alpha == 1.9f);
    CHECK(options.learning_rate == 2e-4f && options.feature_cache_bytes == (uint64_t)2 << 30);

    INVALID(cflowad_trainer_create(NULL, NULL, &other));
    INVALID(cflowad_trainer_create(path, NULL, NULL));
    EXPECT(ERROR_IO, cflowad_trainer_create("/nowhere/at/all.h5", NULL, &other));
    options.struct_size = 12;
    SIZE(cflowad_trainer_create(path, &options, &other));
    SPOILED_OPTION(input_width, 31);
    SPOILED_OPTION(input_height, 2049);
    SPOILED_OPTION(tile_width, 31);
    SPOILED_OPTION(tile_overlap, 1);
    SPOILED_OPTION(level_count, 0);
    SPOILED_OPTION(coupling_blocks, 65);
    SPOILED_OPTION(condition_channels, 6);
    SPOILED_OPTION(permutation, 2);
    SPOILED_OPTION(clamp, -1);
    SPOILED_OPTION(clamp_alpha, nan);
    SPOILED_OPTION(meta_epochs, 0);
    SPOILED_OPTION(fiber_batch, 0);
    SPOILED_OPTION(image_batch, 4097);
    SPOILED_OPTION(learning_rate, 0);
    SPOILED_OPTION(rotation_degrees, 181);
    SPOILED_OPTION(calibration_fraction, -0.1f);
    SPOILED_OPTION(false_reject_rate, 0.6f);
    SPOILED_OPTION(schedule, 3);
    SPOILED_OPTION(decay_rate, nan);
    SPOILED_OPTION(decay_percents[2], 101);
    SPOILED_OPTION(review_rate, 0.001f); /* below false_reject_rate */
    SPOILED_OPTION(review_rate, nan);
    SPOILED_OPTION(pixel_rate, -1);
    SPOILED_OPTION(map_smoothing, 64.5f);
    SPOILED_OPTION(map_smoothing, nan);
    SPOILED_OPTION(half_turns, 3);
    SPOILED_OPTION(half_turns, -1);
    SPOILED_OPTION(precision, 2);
    SPOILED_OPTION(precision, -1);
    SPOILED_OPTION(low_rate, 0.6f);
    SPOILED_OPTION(low_rate, nan);
    SPOILED_OPTION(low_verdict, 3);
    SPOILED_OPTION(low_verdict, -1);
    SPOILED_OPTION(threshold_rule, 3);
    SPOILED_OPTION(thread_count, 257);
    SPOILED_OPTION(reserved, 1);
    SPOILED_OPTION(start, 4);
    SPOILED_OPTION(preset, 4);
    SPOILED_OPTION(preset, -1);
    SPOILED_OPTION(time_budget, nan);
    SPOILED_OPTION(time_budget, -1);
    SPOILED_OPTION(coupling_steps, 1000001);
    SPOILED_OPTION(resample, 3);
    SPOILED_OPTION(resample, -1);
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.threshold_rule = CFLOWAD_THRESHOLD_COST;
    options.miss_cost = nan;
    INVALID(cflowad_trainer_create(path, &options, &other));
    /* What the start does not read. */
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.start = CFLOWAD_START_GAUSSIAN;
    options.meta_epochs = 3;
    INVALID(cflowad_trainer_create(path, &options, &other));
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.coupling_steps = 5;
    options.meta_epochs = 3;
    INVALID(cflowad_trainer_create(path, &options, &other));
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.start = CFLOWAD_START_PAPER;
    options.gaussian_bytes = 1;
    INVALID(cflowad_trainer_create(path, &options, &other));

    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    CHECK(options.coupling_steps == CFLOWAD_COUPLING_STEPS_AUTOMATIC && options.time_budget == 0);
    CHECK(options.preset == CFLOWAD_PRESET_NONE);
    options.time_budget = 1;
    options.coupling_steps = 0; /* both say how long */
    INVALID(cflowad_trainer_create(path, &options, &other));
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.preset = CFLOWAD_PRESET_QUICK;
    options.start = CFLOWAD_START_GAUSSIAN; /* the preset decides it */
    INVALID(cflowad_trainer_create(path, &options, &other));

    /* A program of version 1.0: what lies behind its struct is not looked at, and has its defaults. */
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.struct_size = offsetof(cflowad_train_options, decay_rate);
    options.decay_rate = nan;
    EXPECT(OK, cflowad_trainer_create(path, &options, &other));
    EXPECT(OK, cflowad_trainer_close(other));
    other = NULL;

    EXPECT(OK, cflowad_trainer_create(path, NULL, &other));
    EXPECT(OK, cflowad_trainer_add_frame(other, &frame, CFLOWAD_ROLE_TRAINING));
    EXPECT(OK, cflowad_trainer_add_frame(other, &frame, CFLOWAD_ROLE_CALIBRATION));
    EXPECT(ERROR_STATE, cflowad_trainer_fit(other, NULL, NULL)); /* calibration would be on what was trained on */
    EXPECT(OK, cflowad_trainer_close(other));
    other = NULL;
    options.struct_size = sizeof options;
    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.threshold_rule = CFLOWAD_THRESHOLD_F1;
    EXPECT(OK, cflowad_trainer_create(path, &options, &other));
    EXPECT(OK, cflowad_trainer_add_frame(other, &frame, CFLOWAD_ROLE_CALIBRATION));
    EXPECT(ERROR_STATE, cflowad_trainer_calibrate(other, NULL, NULL)); /* no defective frame */
    EXPECT(OK, cflowad_trainer_add_frame(other, &frame, CFLOWAD_ROLE_DEFECTIVE));
    EXPECT(OK, cflowad_trainer_calibrate(other, NULL, NULL));
    EXPECT(OK, cflowad_trainer_close(other));
    other = NULL;

    EXPECT(OK, cflowad_trainer_create(path, NULL, &trainer));
    EXPECT(ERROR_STATE, cflowad_trainer_fit(trainer, NULL, NULL)); /* no frames */
    INVALID(cflowad_trainer_add_frame(NULL, &frame, CFLOWAD_ROLE_TRAINING));
    INVALID(cflowad_trainer_add_frame(trainer, NULL, CFLOWAD_ROLE_TRAINING));
    INVALID(cflowad_trainer_add_frame(trainer, &frame, 3));
    INVALID(cflowad_trainer_add_frame(trainer, &frame, -1));
    HANDLE(cflowad_trainer_add_frame((cflowad_trainer *)model, &frame, CFLOWAD_ROLE_TRAINING));
    frame.stride = 1;
    INVALID(cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    frame = good_frame();
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    frame.data = pixels + 3;
    frame.width--;
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_CALIBRATION));
    INVALID(cflowad_trainer_save(trainer, NULL));
    EXPECT(ERROR_IO, cflowad_trainer_save(trainer, "/nowhere/at/all.h5"));
    INVALID(cflowad_trainer_set_checkpoint(NULL, "state"));
    INVALID(cflowad_trainer_set_checkpoint(trainer, ""));
    HANDLE(cflowad_trainer_set_checkpoint((cflowad_trainer *)model, "state"));
    EXPECT(OK, cflowad_trainer_set_checkpoint(trainer, folder));
    EXPECT(ERROR_IO, cflowad_trainer_fit(trainer, NULL, NULL)); /* a folder; the trainer is as before */
    EXPECT(OK, cflowad_trainer_set_checkpoint(trainer, path));
    EXPECT(ERROR_FORMAT, cflowad_trainer_fit(trainer, NULL, NULL)); /* a model file */
    EXPECT(OK, cflowad_trainer_set_checkpoint(trainer, NULL));
    INVALID(cflowad_trainer_coupling_steps(trainer, NULL));
    INVALID(cflowad_trainer_coupling_steps(NULL, &steps));
    HANDLE(cflowad_trainer_coupling_steps((cflowad_trainer *)model, &steps));
    EXPECT(OK, cflowad_trainer_coupling_steps(trainer, &steps));
    CHECK(steps == 0);
    INVALID(cflowad_trainer_model(trainer, NULL));
    INVALID(cflowad_trainer_model(NULL, &made));
    HANDLE(cflowad_trainer_model((cflowad_trainer *)model, &made));
    CHECK(made == NULL);
    INVALID(cflowad_trainer_quantize(NULL, 0, NULL, NULL));
    HANDLE(cflowad_trainer_quantize((cflowad_trainer *)model, 0, NULL, NULL));
    INVALID(cflowad_trainer_quantize(trainer, 10001, NULL, NULL));
    INVALID(cflowad_trainer_get_quantization(trainer, NULL));
    INVALID(cflowad_trainer_get_quantization(NULL, &changed));
    EXPECT(ERROR_STRUCT_SIZE, cflowad_trainer_get_quantization(trainer, &changed));
    changed.struct_size = sizeof changed;
    EXPECT(ERROR_STATE, cflowad_trainer_get_quantization(trainer, &changed));
    INVALID(cflowad_trainer_fit(NULL, NULL, NULL));
    INVALID(cflowad_trainer_calibrate(NULL, NULL, NULL));
    HANDLE(cflowad_trainer_fit((cflowad_trainer *)model, NULL, NULL));
    EXPECT(ERROR_CANCELLED, cflowad_trainer_fit(trainer, cancel, &calls));
    CHECK(calls == 1);
    EXPECT(ERROR_STATE, cflowad_trainer_fit(trainer, NULL, NULL)); /* it can only be closed */
    EXPECT(ERROR_STATE, cflowad_trainer_model(trainer, &made));
    EXPECT(OK, cflowad_trainer_close(trainer));
    HANDLE(cflowad_trainer_close(trainer));
    HANDLE(cflowad_trainer_save(trainer, "x.h5"));
    EXPECT(OK, cflowad_trainer_close(NULL));
}

/* A detector's file knows what it was trained on. */
static void test_trained_frames(const char *detector, const char *folder) {
    char path[4096];
    cflowad_trainer *trainer = NULL;
    cflowad_train_options options;
    cflowad_frame trained = good_frame(), other = good_frame();
    other.data = pixels + 3;
    other.width--;
    snprintf(path, sizeof path, "%s/trained.h5", folder);

    EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
    options.meta_epochs = options.sub_epochs = 1;
    options.warmup_epochs = 0;
    EXPECT(OK, cflowad_trainer_create(detector, &options, &trainer));
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &trained, CFLOWAD_ROLE_TRAINING));
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &other, CFLOWAD_ROLE_CALIBRATION));
    EXPECT(OK, cflowad_trainer_fit(trainer, NULL, NULL));
    EXPECT(ERROR_STATE, cflowad_trainer_add_frame(trainer, &trained, CFLOWAD_ROLE_CALIBRATION));
    EXPECT(OK, cflowad_trainer_calibrate(trainer, NULL, NULL));
    EXPECT(OK, cflowad_trainer_save(trainer, path));
    EXPECT(OK, cflowad_trainer_close(trainer));

    EXPECT(OK, cflowad_trainer_create(path, &options, &trainer));
    EXPECT(ERROR_STATE, cflowad_trainer_add_frame(trainer, &trained, CFLOWAD_ROLE_CALIBRATION));
    CHECK(strstr(cflowad_last_error(), "was trained on this frame") != NULL);
    EXPECT(ERROR_STATE, cflowad_trainer_add_frame(trainer, &trained, CFLOWAD_ROLE_DEFECTIVE));
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &other, CFLOWAD_ROLE_CALIBRATION));
    EXPECT(OK, cflowad_trainer_calibrate(trainer, NULL, NULL));
    EXPECT(OK, cflowad_trainer_close(trainer));
}

/* A detector in float32 is made one of 8 bits, and told what that changed. */
static void test_quantization(const char *detector) {
    cflowad_trainer *trainer = NULL;
    cflowad_model *model = NULL;
    cflowad_model_info info = {0};
    cflowad_quantization changed = {0};
    cflowad_frame frame = good_frame();
    int i, calls = 0;
    EXPECT(OK, cflowad_trainer_create(detector, NULL, &trainer));
    for (i = 0; i < 4; i++) {
        frame.data = pixels + 3 * i;
        frame.width = WIDTH - (uint32_t)i;
        EXPECT(
            OK, cflowad_trainer_add_frame(trainer, &frame, i < 2 ? CFLOWAD_ROLE_TRAINING : CFLOWAD_ROLE_CALIBRATION));
    }
    frame.flags = CFLOWAD_FRAME_BOTTOM_UP;
    EXPECT(OK, cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_DEFECTIVE));
    EXPECT(OK, cflowad_trainer_quantize(trainer, 0, NULL, NULL));
    changed.struct_size = sizeof changed;
    changed.good_count = 77;
    EXPECT(ERROR_STATE, cflowad_trainer_get_quantization(trainer, &changed)); /* not calibrated */
    CHECK(changed.good_count == 77);
    EXPECT(ERROR_STATE, cflowad_trainer_quantize(trainer, 0, NULL, NULL));
    EXPECT(ERROR_STATE, cflowad_trainer_fit(trainer, NULL, NULL));
    EXPECT(OK, cflowad_trainer_calibrate(trainer, NULL, NULL));
    EXPECT(OK, cflowad_trainer_get_quantization(trainer, &changed));
    CHECK(changed.range_count == 2 && changed.good_count == 2 && changed.defective_count == 1 && changed.passes == 0);
    CHECK(changed.good_changed <= 2 && changed.defective_changed <= 1 && changed.reserved == 0);
    CHECK(fabs(changed.rank_correlation) == 1); /* of two frames */
    CHECK(changed.float32_auroc >= 0 && changed.int8_auroc <= 1);
    EXPECT(OK, cflowad_trainer_model(trainer, &model));
    info.struct_size = sizeof info;
    EXPECT(OK, cflowad_model_get_info(model, &info));
    CHECK(info.precision == CFLOWAD_PRECISION_INT8 && info.is_calibrated && info.calibration_count == 2);
    EXPECT(OK, cflowad_model_close(model));
    EXPECT(OK, cflowad_trainer_close(trainer));

    EXPECT(OK, cflowad_trainer_create(detector, NULL, &trainer));
    for (i = 0; i < 3; i++) {
        frame.width = WIDTH - (uint32_t)i;
        EXPECT(OK, cflowad_trainer_add_frame(trainer, &frame, CFLOWAD_ROLE_TRAINING));
    }
    EXPECT(ERROR_CANCELLED, cflowad_trainer_quantize(trainer, 0, cancel, &calls));
    CHECK(calls == 1);
    EXPECT(ERROR_STATE, cflowad_trainer_calibrate(trainer, NULL, NULL)); /* it can only be closed */
    EXPECT(OK, cflowad_trainer_close(trainer));
}

static float score_of(cflowad_session *session, const cflowad_frame *frame, cflowad_result *result) {
    *result = empty_result();
    EXPECT(OK, cflowad_session_score(session, frame, result));
    return result->score;
}

/* Scores lower than all good frames' are told, and what a detector passes that it should not. */
static void test_low_scores(const char *detector, const char *folder) {
    enum { FRAMES = 3 };
    cflowad_frame good[FRAMES], black = good_frame(), low;
    static unsigned char nothing[PIXELS * 3];
    const cflowad_verdict verdicts[] = {CFLOWAD_VERDICT_PASS, CFLOWAD_VERDICT_REVIEW, CFLOWAD_VERDICT_REJECT};
    cflowad_train_options options;
    cflowad_result results[2];
    char path[4096];
    int kind, i, v, k;
    black.data = nothing;
    for (i = 0; i < FRAMES; i++) {
        good[i] = good_frame();
        good[i].data = pixels + 3 * i;
        good[i].width = WIDTH - (uint32_t)i;
    }
    snprintf(path, sizeof path, "%s/low.h5", folder);
    for (v = 0; v < 3; v++) {
        static char name[5000];
        cflowad_trainer *trainer = NULL;
        cflowad_model *model = NULL, *models[2];
        cflowad_session *session = NULL, *both = NULL;
        cflowad_model_info info;
        cflowad_rect rectangle = {0, 0, WIDTH / 2, HEIGHT};
        cflowad_roi roi;
        cflowad_advice advice;
        float scores[FRAMES], score;
        int lowest = 0, middle;
        EXPECT(OK, cflowad_train_options_init(&options, sizeof options));
        CHECK(options.low_verdict == CFLOWAD_VERDICT_REVIEW && options.low_rate == 0.01f);
        options.low_verdict = verdicts[v];
        options.low_rate = 0.5f; /* of 4 ranks 2: one of three calibration frames is below the threshold */
        EXPECT(OK, cflowad_trainer_create(detector, &options, &trainer));
        memset(name, 'x', sizeof name - 1);
        name[sizeof name - 1] = 0;
        INVALID(cflowad_trainer_add_named_frame(trainer, good, CFLOWAD_ROLE_CALIBRATION, name));
        for (i = 0; i < FRAMES; i++)
            EXPECT(OK, cflowad_trainer_add_named_frame(trainer, good + i, CFLOWAD_ROLE_CALIBRATION, i ? "part" : NULL));
        EXPECT(OK, cflowad_trainer_calibrate(trainer, NULL, NULL));
        EXPECT(OK, cflowad_trainer_save(trainer, path));
        EXPECT(OK, cflowad_trainer_close(trainer));

        EXPECT(OK, cflowad_model_open(path, &model));
        memset(&info, 0, sizeof info);
        info.struct_size = sizeof info;
        EXPECT(OK, cflowad_model_get_info(model, &info));
        EXPECT(OK, cflowad_session_create(model, NULL, &session));
        memset(&advice, 0, sizeof advice);
        advice.struct_size = sizeof advice;
        EXPECT(OK, cflowad_model_get_advice(model, &advice));
        CHECK(advice.wanted_rate == 0.01f && advice.level_share[0] > 0 && advice.level_share[0] < 1);
        CHECK(strstr(cflowad_model_advice(model), "calibrated on 3 frames\n"));
        for (i = 0; i < FRAMES; i++) {
            scores[i] = score_of(session, good + i, results);
            if (scores[i] < scores[lowest]) lowest = i;
        }
        for (k = 0; k < FRAMES; k++) CHECK(k == lowest || scores[k] > scores[lowest]);
        middle = (lowest + 1) % FRAMES;
        if (scores[(lowest + 2) % FRAMES] < scores[middle]) middle = (lowest + 2) % FRAMES;
        low = good[lowest];
        CHECK(info.low_verdict == verdicts[v] && info.strange_tried == (1u << CFLOWAD_STRANGE_COUNT) - 1);
        if (verdicts[v] == CFLOWAD_VERDICT_PASS) CHECK(info.low_threshold != info.low_threshold);
        else CHECK(info.low_threshold == scores[middle] && info.low_promised_rate == 0.5);

        /* The model tells of a black frame what scoring one tells. */
        score_of(session, &black, results);
        CHECK((info.strange_passed >> CFLOWAD_STRANGE_BLACK & 1) == (results[0].verdict == CFLOWAD_VERDICT_PASS));
        if (v == 0) CHECK(info.mean_threshold != info.mean_threshold);
        CHECK(v == 0 || results[0].mean_threshold == info.mean_threshold || info.mean_threshold != info.mean_threshold);
        CHECK(results[0].map_mean > 0 && results[0].map_mean <= results[0].score);
        if (results[0].map_mean > info.mean_threshold) CHECK(results[0].verdict >= verdicts[v]);

        score_of(session, good + middle, results);
        CHECK(results[0].verdict == CFLOWAD_VERDICT_PASS && results[0].low_p_value == 0.75f);
        score = score_of(session, &low, results);
        CHECK(score == scores[lowest] && results[0].low_p_value == 0.5f && results[0].p_value == 1);
        CHECK(results[0].verdict == verdicts[v]);
        if (v > 0) CHECK(results[0].low_threshold == scores[middle]);
        else CHECK(results[0].low_threshold != results[0].low_threshold);

        /* The same in a session of several, and nothing behind a struct that ends before. */
        models[0] = models[1] = model;
        EXPECT(OK, cflowad_session_create_many((const cflowad_model *const *)models, 2, NULL, &both));
        results[0] = results[1] = empty_result();
        EXPECT(OK, cflowad_session_score_all(both, &low, results));
        for (i = 0; i < 2; i++) CHECK(results[i].verdict == verdicts[v] && results[i].low_p_value == 0.5f);
        results[0].struct_size = offsetof(cflowad_result, low_threshold);
        results[0].low_threshold = results[0].low_p_value = -77;
        EXPECT(OK, cflowad_session_score(session, &low, results));
        CHECK(results[0].low_threshold == -77 && results[0].low_p_value == -77);
        CHECK(results[0].verdict == verdicts[v]);

        /* In another region than the calibration's a low score says nothing. */
        memset(&roi, 0, sizeof roi);
        roi.struct_size = sizeof roi;
        roi.frame_width = WIDTH;
        roi.frame_height = HEIGHT;
        roi.rects = &rectangle;
        roi.rect_count = 1;
        EXPECT(OK, cflowad_session_set_region_of_interest(session, &roi));
        score_of(session, &low, results);
        CHECK(results[0].verdict == CFLOWAD_VERDICT_PASS && results[0].low_p_value != results[0].low_p_value);
        EXPECT(OK, cflowad_session_close(both));
        EXPECT(OK, cflowad_session_close(session));
        EXPECT(OK, cflowad_model_close(model));
    }
    for (kind = -2; kind < 20; kind++) CHECK(cflowad_strange_name(kind) && *cflowad_strange_name(kind));
    CHECK(!strcmp(cflowad_strange_name(CFLOWAD_STRANGE_BLACK), "black"));
    CHECK(!strcmp(cflowad_strange_name(CFLOWAD_STRANGE_DARK), "dark"));
    CHECK(!strcmp(cflowad_strange_name(CFLOWAD_STRANGE_COUNT), "unknown kind"));
}

static void test_promise(void) {
    double promised = 0, likely = 0;
    uint64_t needed = 0;

    EXPECT(OK, cflowad_calibration_promise(99, 0.01, &promised, &likely, &needed));
    CHECK(promised == 0.01 && likely > 0.0297 && likely < 0.0299 && needed == 99); /* 1 - 0.05^(1 / 99) */
    EXPECT(OK, cflowad_calibration_promise(9, 0.001, &promised, NULL, &needed));
    CHECK(promised == 0.1 && needed == 999);
    EXPECT(OK, cflowad_calibration_promise(0, 0, &promised, &likely, &needed));
    CHECK(promised == 1 && likely == 1 && needed == UINT64_MAX);
    EXPECT(OK, cflowad_calibration_promise(1000000, 1, &promised, &likely, NULL));
    EXPECT(OK, cflowad_calibration_promise(3, 1e-300, NULL, NULL, &needed));
    CHECK(needed == UINT64_MAX);
    INVALID(cflowad_calibration_promise(10, strtod("nan", NULL), &promised, &likely, &needed));
    INVALID(cflowad_calibration_promise(10, -0.1, &promised, &likely, &needed));
    EXPECT(ERROR_UNSUPPORTED, cflowad_calibration_promise(UINT64_MAX, 0.1, &promised, &likely, &needed));
}

/* Codes of the EMVA's list, one of each kind of size; what has no format here is refused by its code. */
static void test_pfnc(void) {
    static const struct {
        uint32_t code;
        cflowad_pixel_format format;
        uint32_t bits;
    } known[] = {{0x01080001, CFLOWAD_PIXEL_GRAY8, 0},         {0x02180014, CFLOWAD_PIXEL_RGB8, 0},
                 {0x02180015, CFLOWAD_PIXEL_BGR8, 0},          {0x02200016, CFLOWAD_PIXEL_RGBA8, 0},
                 {0x02200017, CFLOWAD_PIXEL_BGRA8, 0},         {0x01100003, CFLOWAD_PIXEL_MONO16, 10},
                 {0x01100005, CFLOWAD_PIXEL_MONO16, 12},       {0x01100025, CFLOWAD_PIXEL_MONO16, 14},
                 {0x01100007, CFLOWAD_PIXEL_MONO16, 0},        {0x010A0046, CFLOWAD_PIXEL_MONO10P, 0},
                 {0x010C0047, CFLOWAD_PIXEL_MONO12P, 0},       {0x010C0004, CFLOWAD_PIXEL_MONO10_PACKED, 0},
                 {0x010C0006, CFLOWAD_PIXEL_MONO12_PACKED, 0}, {0x02300018, CFLOWAD_PIXEL_RGB16, 10},
                 {0x0230001A, CFLOWAD_PIXEL_RGB16, 12},        {0x0230005E, CFLOWAD_PIXEL_RGB16, 14},
                 {0x02300033, CFLOWAD_PIXEL_RGB16, 0},         {0x02300019, CFLOWAD_PIXEL_BGR16, 10},
                 {0x0230001B, CFLOWAD_PIXEL_BGR16, 12},        {0x0230004A, CFLOWAD_PIXEL_BGR16, 14},
                 {0x0230004B, CFLOWAD_PIXEL_BGR16, 0},         {0x02180021, CFLOWAD_PIXEL_RGB8_PLANAR, 0},
                 {0x01080009, CFLOWAD_PIXEL_BAYER_RG8, 0},     {0x01080008, CFLOWAD_PIXEL_BAYER_GR8, 0},
                 {0x0108000A, CFLOWAD_PIXEL_BAYER_GB8, 0},     {0x0108000B, CFLOWAD_PIXEL_BAYER_BG8, 0},
                 {0x0210003E, CFLOWAD_PIXEL_YUY2, 0}};
    cflowad_pixel_format format;
    uint32_t bits;
    size_t i;
    for (i = 0; i < sizeof known / sizeof *known; i++) {
        format = 99;
        bits = 99;
        EXPECT(OK, cflowad_pixel_format_from_pfnc(known[i].code, &format, &bits));
        CHECK(format == known[i].format && bits == known[i].bits);
    }
    /* BayerRG12, full-range YCbCr422_8, Mono8s, a vendor's own, and none. */
    format = 99;
    bits = 99;
    EXPECT(ERROR_UNSUPPORTED, cflowad_pixel_format_from_pfnc(0x01100011, &format, &bits));
    CHECK(strstr(cflowad_last_error(), "0x01100011") != NULL);
    EXPECT(ERROR_UNSUPPORTED, cflowad_pixel_format_from_pfnc(0x0210003B, &format, &bits));
    EXPECT(ERROR_UNSUPPORTED, cflowad_pixel_format_from_pfnc(0x01080002, &format, &bits));
    EXPECT(ERROR_UNSUPPORTED, cflowad_pixel_format_from_pfnc(0x810C0001, &format, &bits));
    EXPECT(ERROR_UNSUPPORTED, cflowad_pixel_format_from_pfnc(0, &format, &bits));
    CHECK(strstr(cflowad_last_error(), "0x00000000") != NULL);
    CHECK(format == 99 && bits == 99);
    INVALID(cflowad_pixel_format_from_pfnc(0x01080001, NULL, &bits));
    INVALID(cflowad_pixel_format_from_pfnc(0x01080001, &format, NULL));
}

/* Any kind of image, told by its contents, and names that are no UTF-8. */
static void test_image_files(const char *folder, const char *detector) {
    static const char text[] = "P2 3 1 4095 0 4095 273";
    char path[4096];
    uint32_t width = 7, height = 7;
    cflowad_pixel_format format = 0;
    uint16_t words[4] = {7, 7, 7, 7};
    FILE *file;
    snprintf(
        path, sizeof path,
        "%s/pr\xfc"
        "f.png",
        folder);
    file = fopen(path, "wb");
    CHECK(file && fwrite(text, 1, sizeof text - 1, file) == sizeof text - 1);
    if (file) fclose(file);

    CHECK(cflowad_image_is_name("a/b.JPG") == 1 && cflowad_image_is_name("b.gif") == 1);
    CHECK(!cflowad_image_is_name("a.png/b.txt") && !cflowad_image_is_name(".a.png") && !cflowad_image_is_name("png/"));
    CHECK(!cflowad_image_is_name("") && !cflowad_image_is_name(NULL) && cflowad_image_is_name(path) == 1);

    INVALID(cflowad_image_read_info(NULL, &width, &height, &format));
    INVALID(cflowad_image_read_info("", &width, &height, &format));
    INVALID(cflowad_image_read_info(path, NULL, &height, &format));
    INVALID(cflowad_image_read_info(path, &width, NULL, &format));
    INVALID(cflowad_image_read_info(path, &width, &height, NULL));
    EXPECT(ERROR_IO, cflowad_image_read_info("/nowhere/at/all.png", &width, &height, &format));
    EXPECT(ERROR_IO, cflowad_image_read_info(folder, &width, &height, &format));
    EXPECT(ERROR_FORMAT, cflowad_image_read_info(detector, &width, &height, &format));
    CHECK(width == 7 && height == 7 && format == 0);
    EXPECT(OK, cflowad_image_read_info(path, &width, &height, &format));
    CHECK(width == 3 && height == 1 && format == CFLOWAD_PIXEL_MONO16);
    INVALID(cflowad_image_read(path, NULL, sizeof words));
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_image_read(path, words, 5));
    CHECK(words[0] == 7);
    EXPECT(OK, cflowad_image_read(path, words, 6));
    CHECK(words[0] == 0 && words[1] == 65535 && words[2] == 4369 && words[3] == 7);
    /* What is no PNG file is none for the functions of PNG. */
    EXPECT(ERROR_FORMAT, cflowad_png_read_info(path, &width, &height, &format));
    CHECK(strstr(cflowad_last_error(), "pr\\xfcf.png") != NULL);
    CHECK(remove(path) == 0);
}

static void test_images(const char *folder, const char *detector) {
    char path[4096];
    cflowad_frame frame = good_frame();
    cflowad_overlay_options options;
    cflowad_pixel_format format = 0;
    uint32_t width = 7, height = 7;
    static unsigned char back[PIXELS * 3], rgb[PIXELS * 3];
    snprintf(path, sizeof path, "%s/frame.png", folder);

    INVALID(cflowad_png_write(NULL, &frame));
    INVALID(cflowad_png_write(path, NULL));
    EXPECT(ERROR_IO, cflowad_png_write("/nowhere/at/all.png", &frame));
    frame.format = 77;
    INVALID(cflowad_png_write(path, &frame));
    frame = good_frame();
    EXPECT(OK, cflowad_png_write(path, &frame));
    INVALID(cflowad_png_read_info(NULL, &width, &height, &format));
    INVALID(cflowad_png_read_info(path, NULL, &height, &format));
    EXPECT(ERROR_IO, cflowad_png_read_info("/nowhere/at/all.png", &width, &height, &format));
    EXPECT(ERROR_FORMAT, cflowad_png_read_info(detector, &width, &height, &format));
    CHECK(width == 7 && height == 7);
    EXPECT(OK, cflowad_png_read_info(path, &width, &height, &format));
    CHECK(width == WIDTH && height == HEIGHT && format == CFLOWAD_PIXEL_RGB8);
    INVALID(cflowad_png_read(path, NULL, sizeof back));
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_png_read(path, back, sizeof back - 1));
    EXPECT(OK, cflowad_png_read(path, back, sizeof back));
    CHECK(!memcmp(back, pixels, sizeof back));
    memset(back, 0, sizeof back);
    EXPECT(OK, cflowad_image_read(path, back, sizeof back));
    CHECK(!memcmp(back, pixels, sizeof back));
    test_image_files(folder, detector);

    INVALID(cflowad_overlay_options_init(NULL, sizeof options));
    SIZE(cflowad_overlay_options_init(&options, 3));
    EXPECT(OK, cflowad_overlay_options_init(&options, sizeof options));
    CHECK(options.low == 0 && options.high == 3 && options.opacity == 0.6f && options.threshold != options.threshold);
    INVALID(cflowad_render_overlay(NULL, map, PIXELS, NULL, rgb, sizeof rgb));
    INVALID(cflowad_render_overlay(&frame, NULL, PIXELS, NULL, rgb, sizeof rgb));
    INVALID(cflowad_render_overlay(&frame, map, PIXELS, NULL, NULL, sizeof rgb));
    INVALID(cflowad_render_overlay(&frame, map, PIXELS - 1, NULL, rgb, sizeof rgb));
    EXPECT(ERROR_BUFFER_TOO_SMALL, cflowad_render_overlay(&frame, map, PIXELS, NULL, rgb, sizeof rgb - 1));
    options.high = options.low;
    INVALID(cflowad_render_overlay(&frame, map, PIXELS, &options, rgb, sizeof rgb));
    options.high = 3;
    options.opacity = 2;
    INVALID(cflowad_render_overlay(&frame, map, PIXELS, &options, rgb, sizeof rgb));
    EXPECT(OK, cflowad_render_overlay(&frame, map, PIXELS, NULL, rgb, sizeof rgb));
}

static void test_auroc(void) {
    float scores[4] = {1, 2, 2, 3};
    uint8_t labels[4] = {0, 0, 1, 1}, same[4] = {1, 1, 1, 1};
    double area = -1;
    INVALID(cflowad_auroc(NULL, labels, 4, &area));
    INVALID(cflowad_auroc(scores, NULL, 4, &area));
    INVALID(cflowad_auroc(scores, labels, 4, NULL));
    INVALID(cflowad_auroc(scores, labels, 0, &area));
    INVALID(cflowad_auroc(scores, same, 4, &area));
    CHECK(area == -1);
    EXPECT(OK, cflowad_auroc(scores, labels, 4, &area));
    CHECK(area == 0.875);
    scores[0] = strtof("nan", NULL);
    INVALID(cflowad_auroc(scores, labels, 4, &area));
}

static void test_scores(void) {
    float scores[4] = {1, 2, 2, 3}, threshold = -1;
    uint8_t labels[4] = {0, 0, 1, 1}, same[4] = {0, 0, 0, 0};
    double value = -1;
    INVALID(cflowad_average_precision(NULL, labels, 4, &value));
    INVALID(cflowad_average_precision(scores, NULL, 4, &value));
    INVALID(cflowad_average_precision(scores, labels, 4, NULL));
    INVALID(cflowad_average_precision(scores, labels, (size_t)-1, &value));
    INVALID(cflowad_average_precision(scores, same, 4, &value));
    INVALID(cflowad_f1_max(NULL, labels, 4, &value, &threshold));
    INVALID(cflowad_f1_max(scores, NULL, 4, &value, &threshold));
    INVALID(cflowad_f1_max(scores, labels, 4, NULL, &threshold));
    INVALID(cflowad_f1_max(scores, labels, 4, &value, NULL));
    INVALID(cflowad_f1_max(scores, same, 4, &value, &threshold));
    EXPECT(ERROR_UNSUPPORTED, cflowad_f1_max(scores, labels, (size_t)1 << 40, &value, &threshold));
    CHECK(value == -1 && threshold == -1);
    EXPECT(OK, cflowad_average_precision(scores, labels, 4, &value));
    CHECK(fabs(value - (0.5 + 0.5 * 2 / 3)) < 1e-15);
    EXPECT(OK, cflowad_f1_max(scores, labels, 4, &value, &threshold));
    CHECK(fabs(value - 0.8) < 1e-15 && threshold == 2);
}

static void test_aupro(void) {
    static const cflowad_aupro_kind kinds[] = {CFLOWAD_AUPRO_STANDARD, CFLOWAD_AUPRO_PAPER};
    float maps[12] = {0, 1, 9, 0, 2, 8, 3, 1, 2, 0, 4, 5};
    uint8_t masks[12] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, same[12] = {0};
    double value = -1;
    size_t i;
    for (i = 0; i < 2; i++) {
        INVALID(cflowad_aupro(NULL, masks, 2, 3, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, NULL, 2, 3, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, masks, 2, 3, 2, kinds[i], NULL));
        INVALID(cflowad_aupro(maps, masks, 0, 3, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, masks, 2, 0, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, masks, 2, 3, 0, kinds[i], &value));
        INVALID(cflowad_aupro(maps, same, 2, 3, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, masks, (size_t)-1, 3, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, masks, (size_t)1 << 62, 3, 2, kinds[i], &value));
        INVALID(cflowad_aupro(maps, masks, 2, 0xffffffffu, 0xffffffffu, kinds[i], &value));
        EXPECT(ERROR_UNSUPPORTED, cflowad_aupro(maps, masks, 1, 0x10000u, 0x10000u, kinds[i], &value));
    }
    INVALID(cflowad_aupro(maps, masks, 2, 3, 2, 2, &value));
    INVALID(cflowad_aupro(maps, masks, 2, 3, 2, -1, &value));
    CHECK(value == -1);
    EXPECT(OK, cflowad_aupro(maps, masks, 2, 3, 2, CFLOWAD_AUPRO_STANDARD, &value));
    CHECK(fabs(value - 1) < 1e-12);
    EXPECT(OK, cflowad_aupro(maps, masks, 2, 3, 2, CFLOWAD_AUPRO_PAPER, &value));
    CHECK(fabs(value - 1) < 1e-12);
    maps[7] = strtof("inf", NULL);
    for (i = 0; i < 2; i++) INVALID(cflowad_aupro(maps, masks, 2, 3, 2, kinds[i], &value));
}

static void test_uncalibrated(const char *path) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_frame frame = good_frame();
    cflowad_result result = empty_result();
    static float likelihoods[1 << 20];
    cflowad_overlay_options overlay;
    EXPECT(OK, cflowad_model_open(path, &model));
    EXPECT(OK, cflowad_session_create(model, NULL, &session));
    EXPECT(ERROR_NOT_CALIBRATED, cflowad_model_overlay_options(model, &overlay, sizeof overlay));
    result.log_likelihoods = likelihoods;
    result.log_likelihoods_capacity = sizeof likelihoods / sizeof *likelihoods;
    EXPECT(ERROR_NOT_CALIBRATED, cflowad_session_score(session, &frame, &result));
    CHECK(result.score == -77 && likelihoods[0] != 0);
    EXPECT(OK, cflowad_session_close(session));
    EXPECT(OK, cflowad_model_close(model));
}

/* After everything: the process is as the library found it. */
static void test_process(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL,  SIGTRAP, SIGFPE,  SIGABRT,
                                  SIGQUIT, SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGALRM};
    struct sigaction action;
    size_t i;
    for (i = 0; i < sizeof signals / sizeof *signals; i++) {
        memset(&action, 0, sizeof action);
        CHECK(sigaction(signals[i], NULL, &action) == 0);
        /* A shell has its background ignore interrupts. */
        if ((signals[i] == SIGINT || signals[i] == SIGQUIT) && action.sa_handler == SIG_IGN) continue;
        CHECK(!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL);
    }
    CHECK(!strcmp(setlocale(LC_ALL, NULL), "C"));
    CHECK(fegetround() == FE_TONEAREST);
}

int main(int argc, char **argv) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    size_t i;
    if (argc < 3) return fprintf(stderr, "usage: abi_test DETECTOR.h5 FOLDER [UNCALIBRATED.h5]\n"), 2;
    for (i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * i / 7 + i / 192);
    test_library();
    EXPECT(OK, cflowad_model_open(argv[1], &model));
    EXPECT(OK, cflowad_session_create(model, NULL, &session));
    if (failures) return 1;
    test_model(argv[1], model, session);
    test_closed_handles(argv[1]);
    test_session(model, session);
    test_regions(model, session);
    test_region_of_interest(argv[1], model, session);
    test_frames(model, session);
    test_batch(session);
    test_reserved_and_unlimited(session);
    test_float_mode(session);
    test_buffers(model, session);
    test_trainer(argv[1], argv[2], model);
    test_trained_frames(argv[1], argv[2]);
    test_quantization(argv[1]);
    test_log(argv[1]);
    test_identity(argv[1], argv[2]);
    test_low_scores(argv[1], argv[2]);
    test_promise();
    test_pfnc();
    test_images(argv[2], argv[1]);
    test_auroc();
    test_scores();
    test_aupro();
    if (argc > 3) test_uncalibrated(argv[3]);
    EXPECT(OK, cflowad_session_close(session));
    EXPECT(OK, cflowad_model_close(model));
    test_process();
    printf("abi_test: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
