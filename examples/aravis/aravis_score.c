/*
 * Scores the frames of a GigE Vision or USB3 Vision camera, through Aravis.
 *
 *     aravis_score DETECTOR.h5 [CAMERA [FRAMES [PIXEL_FORMAT]]]
 *
 * CAMERA is a name or an address, "" the first that is found; PIXEL_FORMAT one of the camera's: Mono8, Mono12p, BayerRG8 ...
 * Frames of which packets were lost are counted, and never scored. Ctrl-C ends it earlier.
 */
#include <arv.h>
#include <cflowad.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFERS = 8, TIMEOUT_US = 2000000, MOST_TIMEOUTS = 5 };

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal) {
    (void)signal;
    is_interrupted = 1;
}

/* The buffer's image as a frame, borrowed; or why it is none. */
static const char *describe(ArvBuffer *buffer, cflowad_frame *frame) {
    const uint32_t code = arv_buffer_get_image_pixel_format(buffer);
    size_t size, row_bits, rows;
    gint x_padding, y_padding;

    frame->data = arv_buffer_get_image_data(buffer, &size);
    frame->width = (uint32_t)arv_buffer_get_image_width(buffer);
    frame->height = (uint32_t)arv_buffer_get_image_height(buffer);
    arv_buffer_get_image_padding(buffer, &x_padding, &y_padding);
    if (cflowad_pixel_format_from_pfnc(code, &frame->format, &frame->significant_bits) != CFLOWAD_OK)
        return cflowad_last_error();
    /* A code's third byte is the bits of a pixel. Packed formats do not begin each row at a byte unless the width suits. */
    row_bits = (size_t)frame->width * (code >> 16 & 0xff);
    rows = frame->height;
    if (frame->format == CFLOWAD_PIXEL_RGB8_PLANAR) {
        row_bits /= 3;
        rows *= 3;
    }
    if (row_bits % 8) return "rows do not begin at bytes: choose a width that is a multiple of 8";
    frame->stride = row_bits / 8 + (size_t)x_padding;
    if (rows == 0 || size / rows < frame->stride) return "the buffer is shorter than its image";
    return NULL;
}

/* Whether there was a frame to score, and it was scored. */
static gboolean score(cflowad_session *session, ArvBuffer *buffer, unsigned long number) {
    cflowad_frame frame = {.struct_size = sizeof frame};
    cflowad_result result = {.struct_size = sizeof result};
    const char *fault = describe(buffer, &frame);
    if (!fault && cflowad_session_score(session, &frame, &result) != CFLOWAD_OK) fault = cflowad_last_error();
    if (fault) {
        fprintf(stderr, "aravis_score: %s\n", fault);
        return FALSE;
    }
    printf(
        "frame %lu: %s, score %.4f, %u x %u pixels of format 0x%08X\n", number, cflowad_verdict_name(result.verdict),
        (double)result.score, frame.width, frame.height, arv_buffer_get_image_pixel_format(buffer));
    return TRUE;
}

/* Until so many frames are scored. */
static gboolean run(ArvStream *stream, cflowad_session *session, unsigned long frames) {
    unsigned long scored = 0, incomplete = 0, timeouts = 0;
    gboolean is_whole = TRUE;

    while (is_whole && scored < frames && timeouts < MOST_TIMEOUTS && !is_interrupted) {
        ArvBuffer *buffer = arv_stream_timeout_pop_buffer(stream, TIMEOUT_US);
        if (!buffer) {
            timeouts++;
            continue;
        }
        timeouts = 0;
        /* What lacks packets has old pixels in their place: it would be judged by another part's. */
        if (arv_buffer_get_status(buffer) != ARV_BUFFER_STATUS_SUCCESS
            || arv_buffer_get_payload_type(buffer) != ARV_BUFFER_PAYLOAD_TYPE_IMAGE)
            incomplete++;
        else is_whole = score(session, buffer, scored++);
        arv_stream_push_buffer(stream, buffer); /* to be filled again */
    }
    printf("%lu frames scored, %lu incomplete\n", scored, incomplete);
    if (timeouts == MOST_TIMEOUTS) fprintf(stderr, "aravis_score: the camera delivers nothing\n");
    return is_whole && timeouts < MOST_TIMEOUTS;
}

/* Whatever fails here is in *error. */
static ArvStream *open_stream(ArvCamera *camera, const char *pixel_format, GError **error) {
    ArvStream *stream = NULL;
    guint payload = 0;
    if (pixel_format) arv_camera_set_pixel_format_from_string(camera, pixel_format, error);
    if (!*error) payload = arv_camera_get_payload(camera, error);
    if (!*error) stream = arv_camera_create_stream(camera, NULL, NULL, error);
    for (int i = 0; stream && i < BUFFERS; i++) arv_stream_push_buffer(stream, arv_buffer_new(payload, NULL));
    if (!*error) arv_camera_start_acquisition(camera, error);
    if (*error) g_clear_object(&stream);
    return stream;
}

int main(int argc, char **argv) {
    const char *name = argc > 2 && *argv[2] ? argv[2] : NULL;
    const unsigned long frames = argc > 3 ? strtoul(argv[3], NULL, 10) : 100;
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_status status;
    ArvCamera *camera;
    ArvStream *stream = NULL;
    GError *error = NULL;
    gboolean is_whole = FALSE;

    if (argc < 2) {
        fprintf(stderr, "usage: aravis_score DETECTOR.h5 [CAMERA [FRAMES [PIXEL_FORMAT]]]\n");
        return 2;
    }
    signal(SIGINT, interrupt);
    status = cflowad_model_open(argv[1], &model);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    cflowad_model_close(model); /* the session keeps what it needs */
    if (status != CFLOWAD_OK) {
        fprintf(stderr, "aravis_score: %s\n", cflowad_last_error());
        return 1;
    }
    camera = arv_camera_new(name, &error);
    if (!error) stream = open_stream(camera, argc > 4 ? argv[4] : NULL, &error);
    if (stream) {
        is_whole = run(stream, session, frames);
        arv_camera_stop_acquisition(camera, &error);
    }
    if (error) {
        fprintf(stderr, "aravis_score: %s\n", error->message);
        g_clear_error(&error);
        is_whole = FALSE;
    }
    g_clear_object(&stream);
    g_clear_object(&camera);
    cflowad_session_close(session);
    return is_whole ? 0 : 1;
}
