/*
 * The library as a plug-in: loaded and unloaded over and over, and two of it in one process.
 *
 *     guest_loading_test DETECTOR.h5 LIBRARY ANOTHER_LIBRARY
 *
 * The two are different files, of one version or of two; both are loaded for all of the process, so that the names of the first
 * stand before those of the second.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflowad.h"
#include "setup.h"

enum { SIDE = 70, ROUNDS = 8 };

typedef struct library {
    void *handle;
    __typeof__(&cflowad_model_open) model_open;
    __typeof__(&cflowad_model_close) model_close;
    __typeof__(&cflowad_session_options_init) session_options_init;
    __typeof__(&cflowad_session_create) session_create;
    __typeof__(&cflowad_session_score) session_score;
    __typeof__(&cflowad_session_close) session_close;
    __typeof__(&cflowad_last_error) last_error;
} library;

static void require(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "guest_loading_test: not so: %s\n", what);
    exit(1);
}

static void *symbol(void *handle, const char *name) {
    void *found = dlsym(handle, name);

    require(found != NULL, name);
    return found;
}

/* A pointer to data is not one to a function in C; dlsym's manual says to copy it. */
#define LOAD(library, name)                                                                                            \
    do {                                                                                                               \
        void *found = symbol((library).handle, "cflowad_" #name);                                                      \
        memcpy(&(library).name, &found, sizeof found);                                                                 \
    } while (0)

static library load(const char *path, int flags) {
    library loaded;

    loaded.handle = dlopen(path, RTLD_NOW | flags);
    if (!loaded.handle) fprintf(stderr, "%s\n", dlerror());
    require(loaded.handle != NULL, path);
    LOAD(loaded, model_open);
    LOAD(loaded, model_close);
    LOAD(loaded, session_options_init);
    LOAD(loaded, session_create);
    LOAD(loaded, session_score);
    LOAD(loaded, session_close);
    LOAD(loaded, last_error);
    return loaded;
}

static cflowad_session *open_session(const library *by, const char *detector, cflowad_model **model) {
    cflowad_session *session = NULL;
    cflowad_session_options options;

    require(by->model_open(detector, model) == CFLOWAD_OK, "open");
    require(by->session_options_init(&options, sizeof options) == CFLOWAD_OK, "options");
    options.thread_count = 2;
    require(by->session_create(*model, &options, &session) == CFLOWAD_OK, "session");
    return session;
}

static float score(const library *by, cflowad_session *session, unsigned seed) {
    static unsigned char pixels[SIDE * SIDE * 3];
    cflowad_frame frame = striped_frame(pixels, SIDE, SIDE, seed);
    cflowad_result result;

    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    require(by->session_score(session, &frame, &result) == CFLOWAD_OK, "score");
    return result.score;
}

/* Threads and open files of the process. */
static int entries(const char *path) {
    DIR *directory = opendir(path);
    int count = 0;

    require(directory != NULL, path);
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static float reload(const char *path, const char *detector) {
    float first = 0;
    int round, threads = 0, files = 0;

    for (round = 0; round < ROUNDS; round++) {
        library plugin = load(path, RTLD_LOCAL);
        cflowad_model *model = NULL;
        cflowad_session *session = open_session(&plugin, detector, &model);
        float now = score(&plugin, session, 1);

        require(plugin.session_close(session) == CFLOWAD_OK && plugin.model_close(model) == CFLOWAD_OK, "close");
        require(dlclose(plugin.handle) == 0, "dlclose");
        if (round == 0) {
            first = now;
            threads = entries("/proc/self/task");
            files = entries("/proc/self/fd");
        }
        require(!memcmp(&now, &first, sizeof now), "the same score each time that it is loaded");
        require(entries("/proc/self/task") == threads, "no thread stays");
        require(entries("/proc/self/fd") == files, "no file stays open");
    }
    return first;
}

static void two(const char *path, const char *other_path, const char *detector, float expected) {
    library one = load(path, RTLD_GLOBAL), other = load(other_path, RTLD_GLOBAL);
    cflowad_model *model = NULL, *other_model = NULL, *missing = NULL;
    cflowad_session *session, *other_session;
    unsigned round;

    require(one.session_score != other.session_score, "two libraries");
    session = open_session(&one, detector, &model);
    other_session = open_session(&other, detector, &other_model);
    for (round = 0; round < ROUNDS; round++) {
        float here = score(&one, session, round), there = score(&other, other_session, round);

        require(!memcmp(&here, &there, sizeof here), "one score by both");
        require(round != 1 || !memcmp(&here, &expected, sizeof here), "that of the library alone");
    }
    require(one.model_open("/nowhere", &missing) == CFLOWAD_ERROR_IO, "no such file");
    require(strstr(one.last_error(), "/nowhere") != NULL, "the one tells its failure");
    require(other.last_error()[0] == 0, "the other had none");
    require(one.session_close(session) == CFLOWAD_OK && one.model_close(model) == CFLOWAD_OK, "close");
    score(&other, other_session, 1);
    require(other.session_close(other_session) == CFLOWAD_OK, "close the other's session");
    require(other.model_close(other_model) == CFLOWAD_OK, "close the other's model");
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: guest_loading_test DETECTOR.h5 LIBRARY ANOTHER\n"), 2;
    two(argv[2], argv[3], argv[1], reload(argv[2], argv[1]));
    return 0;
}
