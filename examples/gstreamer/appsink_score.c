/*
 * Scores the frames of any GStreamer pipeline in a program of one's own, through appsink.
 *
 *     appsink_score DETECTOR.h5 'videotestsrc num-buffers=10 ! video/x-raw,width=160,height=120'
 *
 * The second argument is the pipeline up to the sink. For a camera: 'v4l2src ! video/x-raw,width=1280'.
 */
#include <cflowad.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>

static gboolean score(cflowad_session *session, GstSample *sample, gulong number) {
    GstVideoInfo info;
    GstVideoFrame frame;
    cflowad_frame pixels = {.struct_size = sizeof pixels};
    cflowad_result result = {.struct_size = sizeof result};
    cflowad_status status;

    if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample))
        || !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
        fprintf(stderr, "appsink_score: a frame cannot be read\n");
        return FALSE;
    }
    pixels.data = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
    pixels.width = (uint32_t)GST_VIDEO_FRAME_WIDTH(&frame);
    pixels.height = (uint32_t)GST_VIDEO_FRAME_HEIGHT(&frame);
    pixels.stride = (size_t)GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
    pixels.format = GST_VIDEO_INFO_FORMAT(&info) == GST_VIDEO_FORMAT_GRAY8 ? CFLOWAD_PIXEL_GRAY8 : CFLOWAD_PIXEL_RGB8;
    status = cflowad_session_score(session, &pixels, &result);
    gst_video_frame_unmap(&frame);
    if (status != CFLOWAD_OK) {
        fprintf(stderr, "appsink_score: %s\n", cflowad_last_error());
        return FALSE;
    }
    printf("frame %lu: %s, score %.4f\n", number, cflowad_verdict_name(result.verdict), (double)result.score);
    return TRUE;
}

/* Until the end of the stream, or an error, which is said. */
static gboolean run(GstElement *pipeline, cflowad_session *session) {
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "frames");
    GstBus *bus = gst_element_get_bus(pipeline);
    GstSample *sample;
    GstMessage *message;
    GError *error = NULL;
    gulong number = 0;
    gboolean is_whole = TRUE;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    while (is_whole && !gst_app_sink_is_eos(GST_APP_SINK(sink))) {
        /* Not for ever: a pipeline that fails may never deliver, nor end. */
        sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink), 100 * GST_MSECOND);
        if (sample) {
            is_whole = score(session, sample, number++);
            gst_sample_unref(sample);
        } else if ((message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR))) {
            gst_message_parse_error(message, &error, NULL);
            fprintf(stderr, "appsink_score: %s\n", error->message);
            g_error_free(error);
            gst_message_unref(message);
            is_whole = FALSE;
        }
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(sink);
    return is_whole;
}

int main(int argc, char **argv) {
    cflowad_model *model = NULL;
    cflowad_session *session = NULL;
    cflowad_status status;
    GstElement *pipeline;
    GError *error = NULL;
    gchar *description;
    gboolean is_whole = FALSE;

    gst_init(&argc, &argv);
    if (argc != 3) {
        fprintf(stderr, "usage: appsink_score DETECTOR.h5 PIPELINE\n");
        return 2;
    }
    status = cflowad_model_open(argv[1], &model);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, NULL, &session);
    cflowad_model_close(model); /* the session keeps what it needs */
    if (status != CFLOWAD_OK) {
        fprintf(stderr, "appsink_score: %s\n", cflowad_last_error());
        return 1;
    }
    /* Every frame is scored, and a source that is faster waits; with drop=true it would be the newest frames alone. */
    description = g_strdup_printf(
        "%s ! videoconvert ! video/x-raw,format=(string){RGB,GRAY8} ! appsink name=frames sync=false max-buffers=2",
        argv[2]);
    pipeline = gst_parse_launch(description, &error);
    g_free(description);
    if (error) {
        fprintf(stderr, "appsink_score: %s\n", error->message);
        g_error_free(error);
    } else {
        is_whole = run(pipeline, session);
    }
    if (pipeline) gst_object_unref(pipeline);
    cflowad_session_close(session);
    return is_whole ? 0 : 1;
}
