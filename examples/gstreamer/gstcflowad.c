/*
 * The GStreamer element `cflowad`: scores the frames that pass through it.
 *
 * Each buffer gets a custom meta `GstCflowadMeta`, and an element message of the name `cflowad` goes to the bus, both with
 * the fields verdict, score, threshold and p-value (the message also the frame's timestamp). With overlay=true the heat map
 * is drawn into the frames.
 */
#include <cflowad.h>
#include <gst/gst.h>
#include <gst/video/gstvideofilter.h>
#include <gst/video/video.h>

#define META_NAME "GstCflowadMeta"
#define CAPS GST_VIDEO_CAPS_MAKE("{ RGB, BGR, RGBA, BGRA, RGBx, BGRx, GRAY8, GRAY16_LE }")
#define COLOUR_CAPS GST_VIDEO_CAPS_MAKE("{ RGB, BGR, RGBA, BGRA, RGBx, BGRx }")

G_DECLARE_FINAL_TYPE(GstCflowad, gst_cflowad, GST, CFLOWAD, GstVideoFilter)

struct _GstCflowad {
    GstVideoFilter parent;
    /* properties, which change only while nothing flows */
    gchar *model;
    guint threads;
    gboolean is_overlay;
    /* from start to stop */
    cflowad_session *session;
    cflowad_overlay_options overlay;
    /* from set_info on */
    cflowad_pixel_format format;
    gfloat *map;
    guint8 *rgb;
};

G_DEFINE_TYPE(GstCflowad, gst_cflowad, GST_TYPE_VIDEO_FILTER)

enum { PROP_MODEL = 1, PROP_THREADS, PROP_OVERLAY };

static void forget_frames(GstCflowad *self) {
    g_clear_pointer(&self->map, g_free);
    g_clear_pointer(&self->rgb, g_free);
}

/* -------------------------------------------------------------------------------------------- start and stop */

static gboolean gst_cflowad_start(GstBaseTransform *transform) {
    GstCflowad *self = GST_CFLOWAD(transform);
    cflowad_model *model = NULL;
    cflowad_session_options options;
    cflowad_status status;

    if (!self->model) {
        GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("The property model names no detector."), (NULL));
        return FALSE;
    }
    status = cflowad_session_options_init(&options, sizeof options);
    options.thread_count = self->threads;
    if (status == CFLOWAD_OK) status = cflowad_model_open(self->model, &model);
    if (status == CFLOWAD_OK) status = cflowad_model_overlay_options(model, &self->overlay, sizeof self->overlay);
    if (status == CFLOWAD_OK) status = cflowad_session_create(model, &options, &self->session);
    cflowad_model_close(model); /* the session keeps what it needs */
    if (status != CFLOWAD_OK)
        GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", cflowad_last_error()), ("%s", cflowad_status_name(status)));
    return status == CFLOWAD_OK;
}

static gboolean gst_cflowad_stop(GstBaseTransform *transform) {
    GstCflowad *self = GST_CFLOWAD(transform);
    cflowad_session_close(self->session);
    self->session = NULL;
    forget_frames(self);
    return TRUE;
}

/* Heat cannot be drawn into grey frames. */
static GstCaps *gst_cflowad_transform_caps(
    GstBaseTransform *transform, GstPadDirection direction, GstCaps *caps, GstCaps *filter) {
    GstCaps *mine = gst_caps_from_string(GST_CFLOWAD(transform)->is_overlay ? COLOUR_CAPS : CAPS);
    GstCaps *possible = gst_caps_intersect_full(caps, mine, GST_CAPS_INTERSECT_FIRST);
    (void)direction;
    gst_caps_unref(mine);
    if (!filter) return possible;
    mine = gst_caps_intersect_full(filter, possible, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(possible);
    return mine;
}

static gboolean gst_cflowad_set_info(
    GstVideoFilter *filter, GstCaps *in, GstVideoInfo *info, GstCaps *out, GstVideoInfo *out_info) {
    GstCflowad *self = GST_CFLOWAD(filter);
    const gsize pixels = (gsize)GST_VIDEO_INFO_WIDTH(info) * (gsize)GST_VIDEO_INFO_HEIGHT(info);
    (void)in, (void)out, (void)out_info;

    switch (GST_VIDEO_INFO_FORMAT(info)) {
    case GST_VIDEO_FORMAT_RGB: self->format = CFLOWAD_PIXEL_RGB8; break;
    case GST_VIDEO_FORMAT_BGR: self->format = CFLOWAD_PIXEL_BGR8; break;
    case GST_VIDEO_FORMAT_RGBA:
    case GST_VIDEO_FORMAT_RGBx: self->format = CFLOWAD_PIXEL_RGBA8; break;
    case GST_VIDEO_FORMAT_BGRA:
    case GST_VIDEO_FORMAT_BGRx: self->format = CFLOWAD_PIXEL_BGRA8; break;
    case GST_VIDEO_FORMAT_GRAY8: self->format = CFLOWAD_PIXEL_GRAY8; break;
    case GST_VIDEO_FORMAT_GRAY16_LE: self->format = CFLOWAD_PIXEL_MONO16; break;
    default: return FALSE;
    }
    forget_frames(self);
    if (!self->is_overlay) return TRUE;
    self->map = g_try_new(gfloat, pixels);
    self->rgb = g_try_new(guint8, 3 * pixels);
    return self->map && self->rgb;
}

/* ---------------------------------------------------------------------------------------------------- frames */

/* Over the frame's pixels, whatever the order of their colours. */
static cflowad_status draw(GstCflowad *self, const cflowad_frame *pixels, GstVideoFrame *frame) {
    const gsize count = (gsize)pixels->width * pixels->height;
    const guint8 *rgb = self->rgb;
    const cflowad_status status =
        cflowad_render_overlay(pixels, self->map, count, &self->overlay, self->rgb, 3 * count);
    if (status != CFLOWAD_OK) return status;
    for (guint y = 0; y < pixels->height; y++)
        for (guint x = 0; x < pixels->width; x++)
            for (guint c = 0; c < 3; c++) {
                guint8 *row = (guint8 *)GST_VIDEO_FRAME_COMP_DATA(frame, c) + (gsize)y * pixels->stride;
                row[(gsize)x * (gsize)GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c)] = *rgb++;
            }
    return CFLOWAD_OK;
}

static GstFlowReturn gst_cflowad_transform_frame_ip(GstVideoFilter *filter, GstVideoFrame *frame) {
    GstCflowad *self = GST_CFLOWAD(filter);
    const cflowad_frame pixels = {
        .struct_size = sizeof pixels,
        .data = GST_VIDEO_FRAME_PLANE_DATA(frame, 0),
        .width = (uint32_t)GST_VIDEO_FRAME_WIDTH(frame),
        .height = (uint32_t)GST_VIDEO_FRAME_HEIGHT(frame),
        .stride = (size_t)GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0),
        .format = self->format};
    cflowad_result result = {.struct_size = sizeof result};
    cflowad_status status;
    GstCustomMeta *meta;
    GstStructure *told;

    result.frame_map = self->map;
    result.frame_map_capacity = (size_t)pixels.width * pixels.height;
    status = cflowad_session_score(self->session, &pixels, &result);
    if (status == CFLOWAD_OK && self->map) status = draw(self, &pixels, frame);
    if (status != CFLOWAD_OK) {
        GST_ELEMENT_ERROR(self, STREAM, FAILED, ("%s", cflowad_last_error()), ("%s", cflowad_status_name(status)));
        return GST_FLOW_ERROR;
    }
    told = gst_structure_new(
        "cflowad", "verdict", G_TYPE_STRING, cflowad_verdict_name(result.verdict), "score", G_TYPE_DOUBLE,
        (gdouble)result.score, "threshold", G_TYPE_DOUBLE, (gdouble)result.threshold, "p-value", G_TYPE_DOUBLE,
        (gdouble)result.p_value, NULL);
    meta = gst_buffer_add_custom_meta(frame->buffer, META_NAME);
    for (gint i = 0; meta && i < gst_structure_n_fields(told); i++) {
        const gchar *name = gst_structure_nth_field_name(told, (guint)i);
        gst_structure_set_value(gst_custom_meta_get_structure(meta), name, gst_structure_get_value(told, name));
    }
    gst_structure_set(told, "timestamp", G_TYPE_UINT64, GST_BUFFER_PTS(frame->buffer), NULL);
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), told));
    return GST_FLOW_OK;
}

/* --------------------------------------------------------------------------------------------------- the type */

static void gst_cflowad_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
    GstCflowad *self = GST_CFLOWAD(object);
    switch (id) {
    case PROP_MODEL:
        g_free(self->model);
        self->model = g_value_dup_string(value);
        break;
    case PROP_THREADS: self->threads = g_value_get_uint(value); break;
    case PROP_OVERLAY: self->is_overlay = g_value_get_boolean(value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void gst_cflowad_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec) {
    GstCflowad *self = GST_CFLOWAD(object);
    switch (id) {
    case PROP_MODEL: g_value_set_string(value, self->model); break;
    case PROP_THREADS: g_value_set_uint(value, self->threads); break;
    case PROP_OVERLAY: g_value_set_boolean(value, self->is_overlay); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void gst_cflowad_finalize(GObject *object) {
    g_free(GST_CFLOWAD(object)->model);
    G_OBJECT_CLASS(gst_cflowad_parent_class)->finalize(object);
}

static void gst_cflowad_class_init(GstCflowadClass *type) {
    static const gchar *tags[] = {NULL};
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
    GObjectClass *object = G_OBJECT_CLASS(type);
    GstElementClass *element = GST_ELEMENT_CLASS(type);
    GstBaseTransformClass *transform = GST_BASE_TRANSFORM_CLASS(type);
    GstVideoFilterClass *filter = GST_VIDEO_FILTER_CLASS(type);
    GstCaps *caps = gst_caps_from_string(CAPS);

    object->set_property = gst_cflowad_set_property;
    object->get_property = gst_cflowad_get_property;
    object->finalize = gst_cflowad_finalize;
    g_object_class_install_property(
        object, PROP_MODEL, g_param_spec_string("model", "Model", "File of the detector", NULL, flags));
    g_object_class_install_property(
        object, PROP_THREADS,
        g_param_spec_uint("threads", "Threads", "Threads that share a frame; 0: one a processor", 0, 256, 0, flags));
    g_object_class_install_property(
        object, PROP_OVERLAY,
        g_param_spec_boolean("overlay", "Overlay", "Whether the heat map is drawn into the frames", FALSE, flags));

    gst_element_class_set_static_metadata(
        element, "CFLOW-AD", "Filter/Analyzer/Video", "Scores frames by a detector of anomalies", "libcflowad");
    gst_element_class_add_pad_template(element, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
    gst_element_class_add_pad_template(element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
    gst_caps_unref(caps);
    transform->start = gst_cflowad_start;
    transform->stop = gst_cflowad_stop;
    transform->transform_caps = gst_cflowad_transform_caps;
    filter->set_info = gst_cflowad_set_info;
    filter->transform_frame_ip = gst_cflowad_transform_frame_ip;
    gst_meta_register_custom(META_NAME, tags, NULL, NULL, NULL);
}

static void gst_cflowad_init(GstCflowad *self) { (void)self; }

static gboolean plugin_init(GstPlugin *plugin) {
    return gst_element_register(plugin, "cflowad", GST_RANK_NONE, gst_cflowad_get_type());
}

#define PACKAGE "cflowad"
GST_PLUGIN_DEFINE(
    GST_VERSION_MAJOR, GST_VERSION_MINOR, cflowad, "Anomaly detection by libcflowad", plugin_init, "1.2", "Apache 2.0",
    "libcflowad", "https://gstreamer.freedesktop.org")
