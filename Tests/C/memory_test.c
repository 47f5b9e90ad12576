/*
 * The most memory that a scoring process has, beside what it had before: the weights once, with a margin of half of them for
 * what is packed in between, the session, and the code of the libraries.
 *
 *     memory_test DETECTOR.h5
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cflowad.h"

/* A line of /proc/self/status, in bytes; -1 when it is not there. */
static double status_bytes(const char *name) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long kib = 0;
    int found = 0;

    while (file && !found && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) found = sscanf(line + strlen(name), ": %lu", &kib) == 1;
    if (file) fclose(file);
    return found ? 1024.0 * (double)kib : -1;
}

int main(int argc, char **argv) {
    static unsigned char pixels[64 * 64 * 3];
    const double code = 8 << 20;
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_model_info info;
    cflowad_frame frame;
    cflowad_result result;
    double before = status_bytes("VmRSS"), most, allowed;

    memset(&info, 0, sizeof info);
    memset(&frame, 0, sizeof frame);
    memset(&result, 0, sizeof result);
    info.struct_size = sizeof info;
    frame.struct_size = sizeof frame;
    result.struct_size = sizeof result;
    frame.data = pixels;
    frame.width = frame.height = 64;
    frame.stride = 64 * 3;
    frame.format = CFLOWAD_PIXEL_RGB8;
    if (argc != 2 || cflowad_model_open(argv[1], &model) != CFLOWAD_OK
        || cflowad_session_create(model, NULL, &session) != CFLOWAD_OK
        || cflowad_session_score(session, &frame, &result) != CFLOWAD_OK
        || cflowad_model_get_info(model, &info) != CFLOWAD_OK) {
        fprintf(stderr, "memory_test: %s\n", cflowad_last_error());
        return 2;
    }
    most = status_bytes("VmHWM") - before;
    allowed = 1.5 * 4 * (double)info.parameter_count + (double)info.session_bytes + code;
    printf("memory_test: %.1f MB, %.1f allowed\n", most / 1e6, allowed / 1e6);
    cflowad_session_close(session);
    cflowad_model_close(model);
    return before < 0 || most > allowed;
}
