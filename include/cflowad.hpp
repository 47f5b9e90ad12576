/*
 * cflowad.hpp - CFLOW-AD visual anomaly detection with localization, as C++17: a wrapper of cflowad.h, header only.
 *
 * Score one camera frame:
 *
 * [example]
#include <cstdio>
#include <vector>

#include <cflowad.hpp>

int main(int argc, char **argv) {
    try {
        const cflowad::Model model(argc > 1 ? argv[1] : "detector.h5");
        cflowad::Session session(model);
        std::vector<unsigned char> pixels(480 * 640 * 3); // in real life: the camera's buffer, borrowed
        const cflowad::Frame frame(pixels.data(), 640, 480, CFLOWAD_PIXEL_BGR8);
        const cflowad::Score score = session.score(frame, cflowad::Output::frame_map);
        std::printf("score %g: %s\n", score.score, score.verdict_name());
    } catch (const cflowad::Error &error) {
        std::fprintf(stderr, "%s: %s\n", cflowad::name(error.status()), error.what());
        return error.status();
    }
}
 * [/example]
 *
 * Conventions, besides those of cflowad.h:
 *
 * - Handles (Model, Session, Queue, Trainer) own what they name and are moved, not copied. Destructors close them. Use of one
 *   that was moved from is CFLOWAD_ERROR_INVALID_ARGUMENT.
 * - Everything that can fail comes in two forms: f throws Error, and try_f returns Expected, which holds the value or
 *   the Failure. With -fno-exceptions only the second is there. Memory that std::vector or std::string cannot have is
 *   their own matter (std::bad_alloc).
 * - Options and frames are the C structs with constructors: their fields are those of cflowad.h, defaults set.
 * - Views (Span) and frames borrow memory and are passed by value.
 */
#ifndef CFLOWAD_HPP
#define CFLOWAD_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cflowad.h"

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define CFLOWAD_HAS_EXCEPTIONS 1
#include <exception>
#include <stdexcept>
#else
#define CFLOWAD_HAS_EXCEPTIONS 0
#endif

namespace cflowad {

/* ------------------------------------------------------------------------------------------ version */

/** The library's version in the form of CFLOWAD_VERSION. */
inline std::int32_t version() noexcept { return cflowad_version(); }

/** The number of threads that a thread_count of 0 means; see cflowad_default_thread_count. */
inline std::uint32_t default_thread_count() noexcept { return cflowad_default_thread_count(); }

/** The library's version, how it was built and which kernels it runs, for logs. Static. */
inline const char *build_info() noexcept { return cflowad_build_info(); }

/* ------------------------------------------------------------------------------------------- errors */

/** Name of a status, e.g. "CFLOWAD_ERROR_IO". Static. */
inline const char *name(cflowad_status status) noexcept { return cflowad_status_name(status); }

/** Name of a verdict: "pass", "review" or "reject". Static. */
inline const char *verdict_name(cflowad_verdict verdict) noexcept { return cflowad_verdict_name(verdict); }

/** Why a call failed. */
struct Failure {
    cflowad_status status = CFLOWAD_ERROR_INVALID_ARGUMENT; /**< one of the CFLOWAD_ERROR_ */
    std::string message;                                    /**< one English sentence without a line end */
};

#if CFLOWAD_HAS_EXCEPTIONS
/** What is thrown when a call fails; what() is the message. */
class Error : public std::runtime_error {
public:
    explicit Error(const Failure &failure) : std::runtime_error(failure.message), status_(failure.status) {}
    /** One of the CFLOWAD_ERROR_. */
    cflowad_status status() const noexcept { return status_; }

private:
    cflowad_status status_;
};
#endif

/** A value, or why there is none. */
template <typename Value>
class [[nodiscard]] Expected {
public:
    Expected(Value value) : content_(std::in_place_index<0>, std::move(value)) {}
    Expected(Failure failure) : content_(std::in_place_index<1>, std::move(failure)) {}

    bool has_value() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /** The value. There must be one: otherwise the process ends. */
    Value &operator*() & { return get(); }
    const Value &operator*() const & { return const_cast<Expected *>(this)->get(); }
    Value &&operator*() && { return std::move(get()); }
    Value *operator->() { return &get(); }
    const Value *operator->() const { return &const_cast<Expected *>(this)->get(); }

    /** The failure. There must be one: otherwise the process ends. */
    const Failure &error() const {
        if (const Failure *failure = std::get_if<1>(&content_)) return *failure;
        std::abort();
    }

#if CFLOWAD_HAS_EXCEPTIONS
    /** The value; throws Error when there is none. */
    Value value() && {
        if (!has_value()) throw Error(error());
        return std::move(get());
    }
#endif

private:
    Value &get() {
        if (Value *value = std::get_if<0>(&content_)) return *value;
        std::abort();
    }

    std::variant<Value, Failure> content_;
};

/** Success, or a failure. */
template <>
class [[nodiscard]] Expected<void> {
public:
    Expected() = default;
    Expected(Failure failure) : failure_(std::move(failure)) {}

    bool has_value() const noexcept { return !failure_; }
    explicit operator bool() const noexcept { return has_value(); }

    /** The failure. There must be one: otherwise the process ends. */
    const Failure &error() const {
        if (!failure_) std::abort();
        return *failure_;
    }

#if CFLOWAD_HAS_EXCEPTIONS
    /** Throws Error on failure. */
    void value() const {
        if (failure_) throw Error(*failure_);
    }
#endif

private:
    std::optional<Failure> failure_;
};

/* -------------------------------------------------------------------------------------------- views */

/** Borrowed contiguous elements. Converts from and to std::span. */
template <typename Element>
class Span {
public:
    constexpr Span() noexcept = default;
    constexpr Span(Element *data, std::size_t size) noexcept : data_(data), size_(size) {}

    /** A view of anything with data() and size() whose elements are of a fitting type: std::vector, std::array, std::span. */
    template <
        typename Container,
        typename = std::enable_if_t<
            !std::is_same_v<std::remove_cv_t<std::remove_reference_t<Container>>, Span>
            && std::is_convertible_v<
                std::remove_pointer_t<decltype(std::declval<Container &>().data())> (*)[], Element (*)[]>>>
    constexpr Span(Container &&container) noexcept : data_(container.data()), size_(container.size()) {}

    constexpr Element *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr Element &operator[](std::size_t index) const { return data_[index]; }
    constexpr Element *begin() const noexcept { return data_; }
    constexpr Element *end() const noexcept { return data_ + size_; }

private:
    Element *data_ = nullptr;
    std::size_t size_ = 0;
};

/* ---------------------------------------------------------------------------------- parts of this header */

namespace detail {

/** A struct of cflowad.h, zeroed, with its size. */
template <typename Struct>
Struct sized() noexcept {
    Struct value{};
    value.struct_size = sizeof value;
    return value;
}

inline Failure failure(cflowad_status status) { return Failure{status, cflowad_last_error()}; }

/** A call's status as an Expected. */
inline Expected<void> check(cflowad_status status) {
    if (status == CFLOWAD_OK) return {};
    return failure(status);
}

/** A call's status and value as an Expected. */
template <typename Value>
Expected<Value> check(cflowad_status status, Value value) {
    if (status == CFLOWAD_OK) return Expected<Value>(std::move(value));
    return failure(status);
}

inline Failure invalid(const char *message) { return Failure{CFLOWAD_ERROR_INVALID_ARGUMENT, message}; }

/** Owns a handle. */
template <typename Raw, cflowad_status (*close)(Raw *)>
class Handle {
public:
    /** The handle for calls of cflowad.h; NULL when moved from. Stays owned. */
    Raw *get() const noexcept { return raw_.get(); }

protected:
    Handle() noexcept = default;
    explicit Handle(Raw *raw) noexcept : raw_(raw) {}

private:
    struct Close {
        void operator()(Raw *raw) const noexcept { close(raw); }
    };
    std::unique_ptr<Raw, Close> raw_;
};

} // namespace detail

/* --------------------------------------------------------------------------------------------- log */

/** Receives the log: a CFLOWAD_LOG_ level and a message, which is valid during the call. */
using LogCallback = std::function<void(std::int32_t level, const char *message)>;

namespace detail {
struct LogReceiver {
    std::mutex mutex;
    std::shared_ptr<const LogCallback> callback;

    static LogReceiver &shared() {
        // Never destroyed, since threads may use the library while the process ends.
        static LogReceiver *receiver = new LogReceiver;
        return *receiver;
    }

    static void call(std::int32_t level, const char *message, void *) {
        std::shared_ptr<const LogCallback> callback;
        {
            std::lock_guard<std::mutex> lock(shared().mutex);
            callback = shared().callback;
        }
        if (!callback) return;
#if CFLOWAD_HAS_EXCEPTIONS
        try {
            (*callback)(level, message);
        } catch (...) { // must not cross the library's frames
        }
#else
        (*callback)(level, message);
#endif
    }
};
} // namespace detail

/**
 * Sets what receives the log of this process; see cflowad_set_log_callback. What it throws is lost.
 *
 * @param callback  an empty one: none.
 * @param level     the last CFLOWAD_LOG_ level that is wanted.
 */
inline Expected<void> try_set_log_callback(LogCallback callback, std::int32_t level = CFLOWAD_LOG_INFO) {
    const bool is_wanted = static_cast<bool>(callback);
    {
        std::lock_guard<std::mutex> lock(detail::LogReceiver::shared().mutex);
        detail::LogReceiver::shared().callback =
            is_wanted ? std::make_shared<const LogCallback>(std::move(callback)) : nullptr;
    }
    return detail::check(cflowad_set_log_callback(is_wanted ? detail::LogReceiver::call : nullptr, nullptr, level));
}

#if CFLOWAD_HAS_EXCEPTIONS
inline void set_log_callback(LogCallback callback, std::int32_t level = CFLOWAD_LOG_INFO) {
    try_set_log_callback(std::move(callback), level).value();
}
#endif

/* ------------------------------------------------------------------------------------------- frames */

/** A borrowed view of an image in the caller's memory: cflowad_frame, whose fields may be set after. */
struct Frame : cflowad_frame {
    /**
     * @param pixels        first byte of the first row in memory.
     * @param columns       pixels of a row.
     * @param rows          how many there are.
     * @param pixel_format  CFLOWAD_PIXEL_.
     * @param row_distance  bytes from one row to the next; 0: rows without gaps.
     */
    Frame(
        const void *pixels, std::uint32_t columns, std::uint32_t rows, cflowad_pixel_format pixel_format,
        std::size_t row_distance = 0) noexcept
        : cflowad_frame(detail::sized<cflowad_frame>()) {
        data = pixels;
        width = columns;
        height = rows;
        format = pixel_format;
        stride = row_distance != 0 ? row_distance : bytes_per_row(columns, pixel_format);
    }

    /**
     * A view of an image shaped like cv::Mat, in OpenCV's order of channels: 8 bits (CV_8U) with 1 (grey), 3 (B G R) or 4
     * (B G R A) channels, 16 bits (CV_16U) with 1 or 3; regions of larger images too. It needs the members
     * data, cols, rows, step, channels() and depth().
     *
     * @return CFLOWAD_ERROR_UNSUPPORTED for other types.
     */
    template <typename Mat>
    static Expected<Frame> try_of(const Mat &image) {
        const std::optional<cflowad_pixel_format> format = format_of(image.depth(), image.channels());
        if (!format)
            return Failure{
                CFLOWAD_ERROR_UNSUPPORTED, "the image has not 1, 3 or 4 channels of 8 bits, or 1 or 3 of 16"};
        return Frame(
            image.data, static_cast<std::uint32_t>(image.cols), static_cast<std::uint32_t>(image.rows), *format,
            static_cast<std::size_t>(image.step));
    }

#if CFLOWAD_HAS_EXCEPTIONS
    template <typename Mat>
    static Frame of(const Mat &image) {
        return try_of(image).value();
    }
#endif

    /** The part of the image of so many pixels at (x, y), from its top left corner. */
    Frame cropped(
        std::uint32_t x, std::uint32_t y, std::uint32_t part_width, std::uint32_t part_height) const noexcept {
        Frame part = *this;
        part.crop_x = x;
        part.crop_y = y;
        part.crop_width = part_width;
        part.crop_height = part_height;
        return part;
    }

    /** The same memory, whose first row is the image's last. */
    Frame bottom_up() const noexcept {
        Frame image = *this;
        image.flags |= CFLOWAD_FRAME_BOTTOM_UP;
        return image;
    }

    /** The size of the frame, which may be a part of the image. */
    std::uint32_t frame_width() const noexcept { return is_whole() ? width : crop_width; }
    std::uint32_t frame_height() const noexcept { return is_whole() ? height : crop_height; }
    std::size_t pixel_count() const noexcept { return std::size_t{frame_width()} * frame_height(); }

private:
    bool is_whole() const noexcept { return crop_x == 0 && crop_y == 0 && crop_width == 0 && crop_height == 0; }

    static std::optional<cflowad_pixel_format> format_of(int depth, int channels) noexcept {
        constexpr int u8 = 0, u16 = 2; // CV_8U, CV_16U
        if (depth == u8 && channels == 1) return CFLOWAD_PIXEL_GRAY8;
        if (depth == u8 && channels == 3) return CFLOWAD_PIXEL_BGR8;
        if (depth == u8 && channels == 4) return CFLOWAD_PIXEL_BGRA8;
        if (depth == u16 && channels == 1) return CFLOWAD_PIXEL_MONO16;
        if (depth == u16 && channels == 3) return CFLOWAD_PIXEL_BGR16;
        return std::nullopt;
    }

    /** Of the first plane. */
    static std::size_t bytes_per_row(std::uint32_t columns, cflowad_pixel_format pixel_format) noexcept {
        const std::size_t w = columns;
        switch (pixel_format) {
        case CFLOWAD_PIXEL_RGB8:
        case CFLOWAD_PIXEL_BGR8: return 3 * w;
        case CFLOWAD_PIXEL_RGBA8:
        case CFLOWAD_PIXEL_BGRA8: return 4 * w;
        case CFLOWAD_PIXEL_MONO16: return 2 * w;
        case CFLOWAD_PIXEL_RGB16:
        case CFLOWAD_PIXEL_BGR16: return 6 * w;
        case CFLOWAD_PIXEL_MONO10P: return (10 * w + 7) / 8;
        case CFLOWAD_PIXEL_MONO12P:
        case CFLOWAD_PIXEL_MONO10_PACKED:
        case CFLOWAD_PIXEL_MONO12_PACKED: return (12 * w + 7) / 8;
        case CFLOWAD_PIXEL_YUY2: return 4 * ((w + 1) / 2);
        case CFLOWAD_PIXEL_NV12: return 2 * ((w + 1) / 2);
        default: return w; // a byte a pixel: grey, planar, Bayer
        }
    }
};
static_assert(sizeof(Frame) == sizeof(cflowad_frame), "frames in a row are cflowad_frames in a row");

/** Of a frame: its format, and its significant_bits. */
struct PixelLayout {
    cflowad_pixel_format format = CFLOWAD_PIXEL_GRAY8;
    std::uint32_t significant_bits = 0;
};

/** How frames of a camera's pixel format are described here, by its PFNC code; see cflowad_pixel_format_from_pfnc. */
inline Expected<PixelLayout> try_pixel_layout(std::uint32_t pfnc_code) {
    PixelLayout layout;
    const cflowad_status status = cflowad_pixel_format_from_pfnc(pfnc_code, &layout.format, &layout.significant_bits);
    return detail::check(status, layout);
}

#if CFLOWAD_HAS_EXCEPTIONS
inline PixelLayout pixel_layout(std::uint32_t pfnc_code) { return try_pixel_layout(pfnc_code).value(); }
#endif

/* -------------------------------------------------------------------------------------------- model */

/** Name of a kind of strange frames, e.g. "black". Static. */
inline const char *strange_name(cflowad_strange kind) noexcept { return cflowad_strange_name(kind); }

/** What a model is: cflowad_model_info, and what follows from it. */
struct ModelInfo : cflowad_model_info {
    ModelInfo() noexcept : cflowad_model_info(detail::sized<cflowad_model_info>()) {}

    /** The map and the tiles of frames of a size: see cflowad_model_info_map_size. */
    struct MapSize {
        std::uint32_t width = 0;
        std::uint32_t height = 0;
        std::uint32_t tile_count = 0;

        /** Values of cflowad_result.map. */
        std::size_t count() const noexcept { return std::size_t{width} * height; }
    };

    /** All 0 for an invalid size. */
    MapSize map_size(std::uint32_t frame_width, std::uint32_t frame_height) const noexcept {
        MapSize size;
        cflowad_model_info_map_size(this, frame_width, frame_height, &size.width, &size.height, &size.tile_count);
        return size;
    }

    /** Whether a kind of strange frames passes; nullopt when calibration has not tried it. */
    std::optional<bool> passes(cflowad_strange kind) const noexcept {
        if (kind < 0 || kind >= CFLOWAD_STRANGE_COUNT || !(strange_tried >> kind & 1)) return std::nullopt;
        return (strange_passed >> kind & 1) != 0;
    }

    /** Values of cflowad_result.map of a frame that is not cut into tiles. */
    std::size_t map_size() const noexcept { return std::size_t{input_width} * input_height; }

    /** Values of cflowad_result.log_likelihoods for each tile. */
    std::size_t log_likelihood_count() const noexcept {
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < level_count; i++) count += std::size_t{level_width[i]} * level_height[i];
        return count;
    }

    /** Values of cflowad_result.features for each tile. */
    std::size_t feature_count() const noexcept {
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < level_count; i++)
            count += std::size_t{level_width[i]} * level_height[i] * level_channels[i];
        return count;
    }
};

/** cflowad_overlay_options with its defaults. */
struct OverlayOptions : cflowad_overlay_options {
    OverlayOptions() noexcept : cflowad_overlay_options() {
        cflowad_overlay_options_init(this, sizeof(cflowad_overlay_options));
    }
};

/** What is worth knowing about a model, as numbers: cflowad_advice. */
struct Advice : cflowad_advice {
    Advice() noexcept : cflowad_advice(detail::sized<cflowad_advice>()) {}
};

/** How the numbers of a model's self-test compare: cflowad_verification. */
struct Verification : cflowad_verification {
    Verification() noexcept : cflowad_verification(detail::sized<cflowad_verification>()) {}
};

/** A detector: encoder, flows and calibration, immutable. Shareable by any number of threads and sessions. */
class Model : public detail::Handle<cflowad_model, cflowad_model_close> {
public:
    /** Opens a model file; see cflowad_model_open. */
    static Expected<Model> try_open(const char *path) {
        cflowad_model *model = nullptr;
        const cflowad_status status = cflowad_model_open(path, &model);
        return detail::check(status, Model(model));
    }

    /** Opens a model from the bytes of a model file, which are copied; see cflowad_model_open_memory. */
    static Expected<Model> try_open(const void *data, std::size_t size) {
        cflowad_model *model = nullptr;
        const cflowad_status status = cflowad_model_open_memory(data, size, &model);
        return detail::check(status, Model(model));
    }

    Expected<ModelInfo> try_info() const {
        ModelInfo info;
        const cflowad_status status = cflowad_model_get_info(get(), &info);
        return detail::check(status, info);
    }

    /** What is worth knowing about it, as numbers; see cflowad_model_get_advice. */
    Expected<Advice> try_advice() const {
        Advice advice;
        const cflowad_status status = cflowad_model_get_advice(get(), &advice);
        return detail::check(status, advice);
    }

    /** The advice in words; "" when the handle is not open. See cflowad_model_advice. */
    std::string advice_text() const {
        const char *text = cflowad_model_advice(get());
        return text != nullptr ? text : "";
    }

    /** A text about how it was made; "" when there is none. See cflowad_model_provenance. */
    std::string provenance(const char *name) const {
        const char *text = cflowad_model_provenance(get(), name);
        return text != nullptr ? text : "";
    }

    /** The names of these texts, in alphabetical order. */
    std::vector<std::string> provenance_names() const {
        std::vector<std::string> names;
        while (const char *name = cflowad_model_provenance_name(get(), names.size())) names.emplace_back(name);
        return names;
    }

    /** Whether it computes what it computed when it was made; see cflowad_model_verify. */
    Expected<Verification> try_verify() const {
        Verification verification;
        const cflowad_status status = cflowad_model_verify(get(), &verification);
        return detail::check(status, verification);
    }

    /** How its heat maps are drawn; see cflowad_model_overlay_options. */
    Expected<OverlayOptions> try_overlay_options() const {
        OverlayOptions options;
        const cflowad_status status = cflowad_model_overlay_options(get(), &options, sizeof(cflowad_overlay_options));
        return detail::check(status, options);
    }

#if CFLOWAD_HAS_EXCEPTIONS
    explicit Model(const char *path) : Model(try_open(path).value()) {}
    explicit Model(const std::string &path) : Model(path.c_str()) {}
    Model(const void *data, std::size_t size) : Model(try_open(data, size).value()) {}

    ModelInfo info() const { return try_info().value(); }
    Advice advice() const { return try_advice().value(); }
    Verification verify() const { return try_verify().value(); }
    OverlayOptions overlay_options() const { return try_overlay_options().value(); }
#endif

private:
    friend class Trainer;
    explicit Model(cflowad_model *raw) noexcept : Handle(raw) {}
};

/* ------------------------------------------------------------------------------------ watching the line */

/** cflowad_watch_options with its defaults. */
struct WatchOptions : cflowad_watch_options {
    WatchOptions() noexcept : cflowad_watch_options() {
        cflowad_watch_options_init(this, sizeof(cflowad_watch_options));
    }
};

/** What a watch has found: cflowad_watch_state. */
struct WatchState : cflowad_watch_state {
    WatchState() noexcept : cflowad_watch_state(detail::sized<cflowad_watch_state>()) {}
};

/** Tells when a line's frames are not those of its calibration any more; see cflowad_watch. Thread-safe. */
class Watch : public detail::Handle<cflowad_watch, cflowad_watch_close> {
public:
    /** A watch for the frames of a model, which may be closed before it; see cflowad_watch_create. */
    static Expected<Watch> try_create(const Model &model, const WatchOptions &options = {}) {
        cflowad_watch *watch = nullptr;
        const cflowad_status status = cflowad_watch_create(model.get(), &options, &watch);
        return detail::check(status, Watch(watch));
    }

    /** Adds a frame by its score; see cflowad_watch_add. Session::try_set_watch has a session do it. */
    Expected<void> try_add(float score) { return detail::check(cflowad_watch_add(get(), score)); }

    Expected<WatchState> try_state() const {
        WatchState state;
        const cflowad_status status = cflowad_watch_get_state(get(), &state);
        return detail::check(status, state);
    }

    /** Begins anew. */
    Expected<void> try_reset() { return detail::check(cflowad_watch_reset(get())); }

    /** What it knows, to go on after a restart. */
    Expected<std::vector<std::uint8_t>> try_export() const {
        std::size_t size = 0;
        cflowad_status status = cflowad_watch_export(get(), nullptr, 0, &size);
        std::vector<std::uint8_t> bytes(size);
        if (status == CFLOWAD_OK) status = cflowad_watch_export(get(), bytes.data(), bytes.size(), &size);
        return detail::check(status, std::move(bytes));
    }

    /** Goes on from what was exported. */
    Expected<void> try_import(Span<const std::uint8_t> bytes) {
        return detail::check(cflowad_watch_import(get(), bytes.data(), bytes.size()));
    }

#if CFLOWAD_HAS_EXCEPTIONS
    explicit Watch(const Model &model, const WatchOptions &options = {}) : Watch(try_create(model, options).value()) {}

    void add(float score) { try_add(score).value(); }
    WatchState state() const { return try_state().value(); }
    void reset() { try_reset().value(); }
    std::vector<std::uint8_t> export_state() const { return try_export().value(); }
    void import_state(Span<const std::uint8_t> bytes) { try_import(bytes).value(); }
#endif

private:
    explicit Watch(cflowad_watch *raw) noexcept : Handle(raw) {}
};

/* ------------------------------------------------------------------------------------------ session */

/** cflowad_session_options with its defaults. */
struct SessionOptions : cflowad_session_options {
    SessionOptions() noexcept : cflowad_session_options() {
        cflowad_session_options_init(this, sizeof(cflowad_session_options));
    }
};

/** The part of a frame that counts: cflowad_roi. Its arrays are borrowed. */
struct RegionOfInterest : cflowad_roi {
    RegionOfInterest() noexcept : cflowad_roi(detail::sized<cflowad_roi>()) {}

    /** The pixels that lie in one of the rectangles of a frame of width x height. */
    RegionOfInterest(Span<const cflowad_rect> rectangles, std::uint32_t width, std::uint32_t height) noexcept
        : RegionOfInterest() {
        rects = rectangles.data();
        rect_count = rectangles.size();
        frame_width = width;
        frame_height = height;
    }
};

/** What scoring is to give besides the score; combined with |. */
enum class Output : unsigned {
    score_only = 0,
    map = 1,             /**< the anomaly map at the network's size */
    frame_map = 2,       /**< the same at the frame's size */
    log_likelihoods = 4, /**< log p / C of every position of every level */
    features = 8,        /**< the encoder's features */
    regions = 16,        /**< the most severe regions, up to Session::region_limit */
    contours = 32        /**< with regions: their contours; 16 bytes of memory per pixel of the frame */
};

constexpr Output operator|(Output a, Output b) noexcept {
    return static_cast<Output>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/** Whether all of `wanted` are among `outputs`. */
constexpr bool contains(Output outputs, Output wanted) noexcept {
    return (static_cast<unsigned>(outputs) & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

/** The result of scoring a frame. Arrays that were not asked for are empty; for their layouts see cflowad_result. */
struct Score {
    float score = 0;                                /**< higher is more anomalous */
    float threshold = 0;                            /**< the threshold that the verdict compared it with */
    float review_threshold = 0;                     /**< the verdict's review threshold; threshold when there is none */
    cflowad_verdict verdict = CFLOWAD_VERDICT_PASS; /**< CFLOWAD_VERDICT_ */
    float p_value = 0;                              /**< share of good frames with such a score; see cflowad_result */
    float low_threshold = 0;                        /**< below which the score would be strangely low; NaN: none */
    float low_p_value = 0;                          /**< share of good frames with as low a score; see cflowad_result */
    float map_mean = 0;                             /**< mean of the map */
    float mean_threshold = 0;                       /**< above which the frame would be strange all over; NaN: none */
    std::vector<float> map;                         /**< shape.map_height x shape.map_width */
    std::vector<float> frame_map;                   /**< frame's height x width */
    std::vector<float> log_likelihoods;             /**< levels, finest first, each level_height x level_width */
    std::vector<float> features;                    /**< the same, each value level_channels long */
    std::vector<cflowad_region> regions;            /**< the most severe ones, as many as the session keeps; see
                                                       cflowad_region. Their contours are in contour_points */
    std::vector<cflowad_point> contour_points;
    std::size_t region_count = 0; /**< how many regions there are, even beyond those */
    cflowad_shape shape{};        /**< the arrays' shapes, for the model that scored */

    /** Whether the score is strangely low, so that the frame may not have been passed for it. */
    bool is_low() const noexcept { return score < low_threshold; }
    /** Whether the frame is strange all over, so that it may not have been passed for it. */
    bool is_strange_all_over() const noexcept { return map_mean > mean_threshold; }
    bool passes() const noexcept { return verdict == CFLOWAD_VERDICT_PASS; }
    bool is_for_review() const noexcept { return verdict == CFLOWAD_VERDICT_REVIEW; }
    bool rejects() const noexcept { return verdict == CFLOWAD_VERDICT_REJECT; }
    /** The verdict's name. */
    const char *verdict_name() const noexcept { return cflowad_verdict_name(verdict); }
};

namespace detail {

/**
 * Room for what is wanted of a call that scores. Only the library knows how much that is, in that call, since the model may
 * just have been exchanged. Arrays therefore begin as large as in the last call, and are enlarged when the library reports,
 * before it scores anything, that they are too small.
 */
struct Outputs {
    Output outputs;
    std::size_t region_limit;

    /**
     * Calls with results, one for each score, that ask for what is wanted.
     *
     * @param frames  one for each score, or one for all.
     */
    template <typename Call>
    cflowad_status call(Span<const Frame> frames, Span<Score> scores, cflowad_result *results, Call call) const {
        for (std::size_t i = 0; i < scores.size(); i++) make_room(of(frames, i), scores[i]);
        while (true) {
            for (std::size_t i = 0; i < scores.size(); i++) results[i] = request(scores[i]);
            const cflowad_status status = call(results);
            if (status != CFLOWAD_ERROR_BUFFER_TOO_SMALL || !settle(frames, scores, results)) return status;
        }
    }

    /** Takes what was found. */
    void finish(Span<const Frame> frames, Span<Score> scores, const cflowad_result *results) const {
        settle(frames, scores, results);
        for (std::size_t i = 0; i < scores.size(); i++) read(results[i], scores[i]);
    }

private:
    static const Frame &of(Span<const Frame> frames, std::size_t index) {
        return frames[frames.size() == 1 ? 0 : index];
    }

    /** Gives the arrays the sizes that the results tell; false when they have them. */
    bool settle(Span<const Frame> frames, Span<Score> scores, const cflowad_result *results) const {
        bool is_changed = false;
        for (std::size_t i = 0; i < scores.size(); i++) {
            if (std::memcmp(&scores[i].shape, &results[i].shape, sizeof scores[i].shape) == 0) continue;
            is_changed = true;
            scores[i].shape = results[i].shape;
            make_room(of(frames, i), scores[i]);
        }
        return is_changed;
    }

    /** Resizes the wanted arrays by the score's shape, and empties the others. */
    void make_room(const Frame &frame, Score &score) const {
        const cflowad_shape &shape = score.shape;
        std::size_t positions = 0, features = 0;
        for (std::uint32_t i = 0; i < shape.level_count; i++) {
            const std::size_t level = std::size_t{shape.tile_count} * shape.level_width[i] * shape.level_height[i];
            positions += level;
            features += level * shape.level_channels[i];
        }
        const auto size = [&](Output output, std::size_t count) { return contains(outputs, output) ? count : 0; };
        score.map.resize(size(Output::map, std::size_t{shape.map_width} * shape.map_height));
        score.frame_map.resize(size(Output::frame_map, frame.pixel_count()));
        score.log_likelihoods.resize(size(Output::log_likelihoods, positions));
        score.features.resize(size(Output::features, features));
        score.regions.resize(size(Output::regions, region_limit));
        // A contour passes each of the corners of the frame's pixels at most twice.
        score.contour_points.resize(size(
            Output::regions | Output::contours,
            2 * (std::size_t{frame.frame_width()} + 1) * (std::size_t{frame.frame_height()} + 1)));
    }

    /** A result that asks for the outputs in the score's arrays. */
    cflowad_result request(Score &score) const noexcept {
        static float none; // an array without elements must be asked for too
        cflowad_result result = detail::sized<cflowad_result>();
        const auto ask = [&](Output output, std::vector<float> &values, float *&array, std::size_t &capacity) {
            if (!contains(outputs, output)) return;
            array = values.empty() ? &none : values.data();
            capacity = values.size();
        };
        ask(Output::map, score.map, result.map, result.map_capacity);
        ask(Output::frame_map, score.frame_map, result.frame_map, result.frame_map_capacity);
        ask(Output::log_likelihoods, score.log_likelihoods, result.log_likelihoods, result.log_likelihoods_capacity);
        ask(Output::features, score.features, result.features, result.features_capacity);
        if (contains(outputs, Output::regions)) {
            result.regions = score.regions.data();
            result.region_size = sizeof(cflowad_region);
            result.region_capacity = score.regions.size();
        }
        if (!score.contour_points.empty()) {
            result.contour_points = score.contour_points.data();
            result.contour_capacity = score.contour_points.size();
        }
        result.shape = score.shape; // is kept when nothing is scored
        return result;
    }

    static void read(const cflowad_result &result, Score &score) {
        score.score = result.score;
        score.threshold = result.threshold;
        score.review_threshold = result.review_threshold;
        score.verdict = result.verdict;
        score.p_value = result.p_value;
        score.low_threshold = result.low_threshold;
        score.low_p_value = result.low_p_value;
        score.map_mean = result.map_mean;
        score.mean_threshold = result.mean_threshold;
        score.region_count = result.region_count;
        if (result.region_count < score.regions.size()) score.regions.resize(result.region_count);
        score.contour_points.resize(result.contour_count);
    }
};

} // namespace detail

/** Scratch memory for scoring frames with one model, one call at a time. */
class Session : public detail::Handle<cflowad_session, cflowad_session_close> {
public:
    /** A session of a model, which may be closed before it; see cflowad_session_create. */
    static Expected<Session> try_create(const Model &model, const SessionOptions &options = {}) {
        cflowad_session *session = nullptr;
        const cflowad_status status = cflowad_session_create(model.get(), &options, &session);
        return detail::check(status, Session(session, 1));
    }

    /** A session of several models, for the same frames; see cflowad_session_create_many. */
    static Expected<Session> try_create(Span<const Model *const> models, const SessionOptions &options = {}) {
        std::vector<const cflowad_model *> handles;
        for (const Model *model : models) handles.push_back(model->get());
        cflowad_session *session = nullptr;
        const cflowad_status status = cflowad_session_create_many(handles.data(), handles.size(), &options, &session);
        return detail::check(status, Session(session, handles.size()));
    }

    std::size_t model_count() const noexcept { return model_count_; }

    /** How many regions are given at most [64]. */
    std::size_t region_limit = 64;

    /** Scores the frames that follow within a region; see cflowad_session_set_region_of_interest. */
    Expected<void> try_set_region_of_interest(const RegionOfInterest &region) {
        return detail::check(cflowad_session_set_region_of_interest(get(), &region));
    }
    /** Scores the frames that follow within the region that the model was calibrated in. */
    Expected<void> try_reset_region_of_interest() {
        return detail::check(cflowad_session_set_region_of_interest(get(), nullptr));
    }

    /** Has every score of a model added to a watch; see cflowad_session_set_watch. */
    Expected<void> try_set_watch(const Watch &watch, std::size_t index = 0) {
        return detail::check(cflowad_session_set_watch(get(), index, watch.get()));
    }
    /** Ends that. */
    Expected<void> try_reset_watch(std::size_t index = 0) {
        return detail::check(cflowad_session_set_watch(get(), index, nullptr));
    }

    /**
     * Scores a frame, borrowed for the call; see cflowad_session_score.
     *
     * @return CFLOWAD_ERROR_NOT_CALIBRATED from a model without calibration, whose log-likelihoods and features are
     *         available through the form that takes a Score.
     */
    Expected<Score> try_score(const Frame &frame, Output outputs = Output::score_only) {
        Score score;
        Expected<void> done = try_score(frame, outputs, score);
        if (!done) return done.error();
        return score;
    }

    /** Scores into an object that can be used again: its arrays keep their memory. */
    Expected<void> try_score(const Frame &frame, Output outputs, Score &score) {
        cflowad_result result;
        return run({&frame, 1}, outputs, {&score, 1}, &result, [&](cflowad_result *results) {
            return cflowad_session_score(get(), &frame, results);
        });
    }

    /** Scores frames of any sizes and formats, the same bits as one by one; see cflowad_session_score_batch. */
    Expected<std::vector<Score>> try_score_batch(Span<const Frame> frames, Output outputs = Output::score_only) {
        std::vector<Score> scores(frames.size());
        std::vector<cflowad_result> results(frames.size());
        Expected<void> done = run(frames, outputs, scores, results.data(), [&](cflowad_result *all) {
            return cflowad_session_score_batch(get(), frames.data(), frames.size(), all);
        });
        if (!done) return done.error();
        return scores;
    }

    /** Scores a frame with every model; see cflowad_session_score_all. */
    Expected<std::vector<Score>> try_score_all(const Frame &frame, Output outputs = Output::score_only) {
        std::vector<Score> scores(model_count_);
        std::vector<cflowad_result> results(model_count_);
        Expected<void> done = run({&frame, 1}, outputs, scores, results.data(), [&](cflowad_result *all) {
            return cflowad_session_score_all(get(), &frame, all);
        });
        if (!done) return done.error();
        return scores;
    }

    /**
     * Replaces a model by another one of any size, even while other threads score; see cflowad_session_replace_model.
     */
    Expected<void> try_replace_model(std::size_t index, const Model &model) {
        return detail::check(cflowad_session_replace_model(get(), index, model.get()));
    }

#if CFLOWAD_HAS_EXCEPTIONS
    explicit Session(const Model &model, const SessionOptions &options = {})
        : Session(try_create(model, options).value()) {}

    explicit Session(Span<const Model *const> models, const SessionOptions &options = {})
        : Session(try_create(models, options).value()) {}

    std::vector<Score> score_all(const Frame &frame, Output outputs = Output::score_only) {
        return try_score_all(frame, outputs).value();
    }
    void replace_model(std::size_t index, const Model &model) { try_replace_model(index, model).value(); }
    void set_region_of_interest(const RegionOfInterest &region) { try_set_region_of_interest(region).value(); }
    void reset_region_of_interest() { try_reset_region_of_interest().value(); }
    void set_watch(const Watch &watch, std::size_t index = 0) { try_set_watch(watch, index).value(); }
    void reset_watch(std::size_t index = 0) { try_reset_watch(index).value(); }
    Score score(const Frame &frame, Output outputs = Output::score_only) { return try_score(frame, outputs).value(); }
    void score(const Frame &frame, Output outputs, Score &score) { try_score(frame, outputs, score).value(); }
    std::vector<Score> score_batch(Span<const Frame> frames, Output outputs = Output::score_only) {
        return try_score_batch(frames, outputs).value();
    }
#endif

private:
    Session(cflowad_session *raw, std::size_t model_count) noexcept : Handle(raw), model_count_(model_count) {}

    /** Scores with room for what is wanted; see detail::Outputs. */
    template <typename Call>
    Expected<void> run(
        Span<const Frame> frames, Output outputs, Span<Score> scores, cflowad_result *results, Call call) {
        const detail::Outputs wanted{outputs, region_limit};
        const cflowad_status status = wanted.call(frames, scores, results, call);
        if (status != CFLOWAD_OK) return detail::failure(status);
        wanted.finish(frames, scores, results);
        return {};
    }

    std::size_t model_count_;
};

/* ------------------------------------------------------------------------------------------- queue */

/** cflowad_queue_options with its defaults. */
struct QueueOptions : cflowad_queue_options {
    QueueOptions() noexcept : cflowad_queue_options() {
        cflowad_queue_options_init(this, sizeof(cflowad_queue_options));
    }
};

/** How a frame is submitted; see cflowad_submission. */
struct Submission {
    std::chrono::nanoseconds timeout{0};      /**< how long to wait for a free place; max(): without end */
    std::chrono::nanoseconds start_within{0}; /**< its deadline; 0: none */
    std::uint64_t *ticket = nullptr; /**< receives the frame's number, for Queue::try_cancel; nullptr: not wanted */
};

/** How a queue is doing: cflowad_queue_state. */
struct QueueState : cflowad_queue_state {
    QueueState() noexcept : cflowad_queue_state(detail::sized<cflowad_queue_state>()) {}
};

/**
 * Frames that are scored with a session while the host goes on; see cflowad_queue. Its functions may be called from any
 * thread.
 *
 * Beside the library's thread it has one that fetches completions and makes the futures ready. The destructor cancels what
 * waits and ends both: all futures are ready then.
 */
class Queue {
public:
    static Expected<Queue> try_create(const Session &session, const QueueOptions &options = {}) {
        auto state = std::make_unique<State>();
        const cflowad_status status = cflowad_queue_create(session.get(), &options, &state->queue);
        if (status != CFLOWAD_OK) return detail::failure(status);
        state->model_count = session.model_count();
        state->thread = std::thread(fetch, state->queue);
        return Queue(std::move(state));
    }

    /** The handle for calls of cflowad.h but cflowad_queue_wait; NULL when moved from. Stays owned. */
    cflowad_queue *get() const noexcept { return state_ ? state_->queue : nullptr; }

    /** How many regions are given at most [64]. */
    std::size_t region_limit = 64;

    /**
     * Hands in a frame, whose pixels must stay until the future is ready; with several models its score is the first one's.
     *
     * @return CFLOWAD_ERROR_FULL and what else cflowad_queue_submit returns. The future's own failure is the completion's:
     *         CFLOWAD_ERROR_LATE, CFLOWAD_ERROR_CANCELLED ...; CFLOWAD_ERROR_BUFFER_TOO_SMALL when the model was exchanged
     *         for one of another size while the frame waited: submit it again.
     */
    Expected<std::future<Expected<Score>>> try_submit(
        const Frame &frame, Output outputs = Output::score_only, const Submission &submission = {}) {
        std::promise<Expected<Score>> promise;
        std::future<Expected<Score>> future = promise.get_future();
        return submit<Expected<Score>>(
            std::move(future), frame, outputs, submission,
            [promise = std::move(promise)](Expected<std::vector<Score>> scores) mutable {
                if (scores) promise.set_value(std::move((*scores)[0]));
                else promise.set_value(scores.error());
            });
    }

    /** The same with the scores of all models of the session. */
    Expected<std::future<Expected<std::vector<Score>>>> try_submit_all(
        const Frame &frame, Output outputs = Output::score_only, const Submission &submission = {}) {
        std::promise<Expected<std::vector<Score>>> promise;
        std::future<Expected<std::vector<Score>>> future = promise.get_future();
        return submit<Expected<std::vector<Score>>>(
            std::move(future), frame, outputs, submission,
            [promise = std::move(promise)](Expected<std::vector<Score>> scores) mutable {
                promise.set_value(std::move(scores));
            });
    }

    /** Cancels a frame that waits; see cflowad_queue_cancel. */
    Expected<void> try_cancel(std::uint64_t ticket) { return detail::check(cflowad_queue_cancel(get(), ticket)); }

    /** Cancels all frames that wait, and tells how many there were. */
    Expected<std::size_t> try_cancel_all() {
        std::size_t count = 0;
        const cflowad_status status = cflowad_queue_cancel_all(get(), &count);
        return detail::check(status, count);
    }

    Expected<QueueState> try_state() const {
        QueueState state;
        const cflowad_status status = cflowad_queue_get_state(get(), &state);
        return detail::check(status, state);
    }

    /** Takes no more frames; how is CFLOWAD_QUEUE_DRAIN or CFLOWAD_QUEUE_DROP. Futures become ready as before. */
    Expected<void> try_stop(std::int32_t how = CFLOWAD_QUEUE_DRAIN) {
        return detail::check(cflowad_queue_stop(get(), how));
    }

#if CFLOWAD_HAS_EXCEPTIONS
    explicit Queue(const Session &session, const QueueOptions &options = {})
        : Queue(try_create(session, options).value()) {}

    /** As try_submit; the future throws Error for a frame that was not scored. */
    std::future<Score> submit(
        const Frame &frame, Output outputs = Output::score_only, const Submission &submission = {}) {
        std::promise<Score> promise;
        std::future<Score> future = promise.get_future();
        return submit<Score>(
                   std::move(future), frame, outputs, submission,
                   [promise = std::move(promise)](Expected<std::vector<Score>> scores) mutable {
                       if (scores) promise.set_value(std::move((*scores)[0]));
                       else promise.set_exception(std::make_exception_ptr(Error(scores.error())));
                   })
            .value();
    }
    void cancel(std::uint64_t ticket) { try_cancel(ticket).value(); }
    std::size_t cancel_all() { return try_cancel_all().value(); }
    QueueState state() const { return try_state().value(); }
    void stop(std::int32_t how = CFLOWAD_QUEUE_DRAIN) { try_stop(how).value(); }
#endif

private:
    /** A frame under way. Its memory belongs to the queue until it is fetched. */
    struct Pending {
        Pending(const Frame &its_frame, detail::Outputs its_outputs, std::size_t model_count)
            : frame(its_frame), outputs(its_outputs), scores(model_count), results(model_count) {}
        virtual ~Pending() = default;
        virtual void complete(Expected<std::vector<Score>> found) = 0;

        Frame frame;
        detail::Outputs outputs;
        std::vector<Score> scores;
        std::vector<cflowad_result> results;
    };

    template <typename Complete>
    struct Promised final : Pending {
        Promised(const Frame &its_frame, detail::Outputs its_outputs, std::size_t model_count, Complete its_end)
            : Pending(its_frame, its_outputs, model_count), end(std::move(its_end)) {}
        void complete(Expected<std::vector<Score>> found) override { end(std::move(found)); }

        Complete end;
    };

    struct State {
        cflowad_queue *queue = nullptr;
        std::size_t model_count = 0;
        std::thread thread;
        std::mutex lock;
        std::vector<cflowad_shape> shapes; /**< of the last submission */

        ~State() {
            if (thread.joinable()) {
                cflowad_queue_stop(queue, CFLOWAD_QUEUE_DROP);
                thread.join();
            }
            cflowad_queue_close(queue);
        }
    };

    explicit Queue(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

    template <typename Value, typename Complete>
    Expected<std::future<Value>> submit(
        std::future<Value> future, const Frame &frame, Output outputs, const Submission &submission,
        Complete complete) {
        if (!state_) return detail::invalid("the queue was moved from");
        auto pending = std::make_unique<Promised<Complete>>(
            frame, detail::Outputs{outputs, region_limit}, state_->model_count, std::move(complete));
        {
            const std::lock_guard<std::mutex> guard(state_->lock);
            for (std::size_t i = 0; i < state_->shapes.size(); i++) pending->scores[i].shape = state_->shapes[i];
        }
        cflowad_submission how = detail::sized<cflowad_submission>();
        how.tag = static_cast<Pending *>(pending.get());
        how.timeout_ns = nanoseconds(submission.timeout);
        how.start_within_ns = nanoseconds(submission.start_within);
        Pending *const given = pending.release();
        std::vector<cflowad_shape> shapes(given->scores.size());
        const cflowad_status status =
            given->outputs.call({&given->frame, 1}, given->scores, given->results.data(), [&](cflowad_result *results) {
                for (std::size_t i = 0; i < shapes.size(); i++) shapes[i] = given->scores[i].shape;
                return cflowad_queue_submit(get(), &given->frame, results, &how, submission.ticket);
            });
        if (status != CFLOWAD_OK) {
            delete given;
            return detail::failure(status);
        }
        // From here on what was given belongs to the thread that fetches.
        const std::lock_guard<std::mutex> guard(state_->lock);
        state_->shapes = std::move(shapes);
        return future;
    }

    static std::uint64_t nanoseconds(std::chrono::nanoseconds time) noexcept {
        if (time == std::chrono::nanoseconds::max()) return CFLOWAD_FOREVER;
        return time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0;
    }

    static void fetch(cflowad_queue *queue) {
        cflowad_completion done = detail::sized<cflowad_completion>();
        while (cflowad_queue_wait(queue, CFLOWAD_FOREVER, &done) == CFLOWAD_OK) {
            const std::unique_ptr<Pending> pending(static_cast<Pending *>(done.tag));
            if (done.status != CFLOWAD_OK) {
                pending->complete(detail::failure(done.status));
                continue;
            }
            pending->outputs.finish({&pending->frame, 1}, pending->scores, pending->results.data());
            pending->complete(std::move(pending->scores));
        }
    }

    std::unique_ptr<State> state_;
};

/* ----------------------------------------------------------------------------------------- training */

/** cflowad_train_options with its defaults. */
struct TrainOptions : cflowad_train_options {
    TrainOptions() noexcept : cflowad_train_options() {
        cflowad_train_options_init(this, sizeof(cflowad_train_options));
    }
};

/** What making a detector one of 8 bits changed: cflowad_quantization. */
struct Quantization : cflowad_quantization {
    Quantization() noexcept : cflowad_quantization(detail::sized<cflowad_quantization>()) {}
};

/** Trains a detector from defect-free frames, recalibrates one, or makes it one of 8 bits. One call at a time. */
class Trainer : public detail::Handle<cflowad_trainer, cflowad_trainer_close> {
public:
    /** Creates a trainer from a model file with an encoder, or a whole detector; see cflowad_trainer_create. */
    static Expected<Trainer> try_create(const char *weights_path, const TrainOptions &options = {}) {
        cflowad_trainer *trainer = nullptr;
        const cflowad_status status = cflowad_trainer_create(weights_path, &options, &trainer);
        return detail::check(status, Trainer(trainer));
    }

    /** Adds a good frame, which is copied. role is a CFLOWAD_ROLE_. */
    Expected<void> try_add_frame(
        const Frame &frame, std::int32_t role = CFLOWAD_ROLE_TRAINING, const char *name = nullptr) {
        if (name == nullptr) return detail::check(cflowad_trainer_add_frame(get(), &frame, role));
        return detail::check(cflowad_trainer_add_named_frame(get(), &frame, role, name));
    }

    /** Makes fit keep its state in a file; see cflowad_trainer_set_checkpoint. NULL: none. */
    Expected<void> try_set_checkpoint(const char *path) {
        return detail::check(cflowad_trainer_set_checkpoint(get(), path));
    }

    /**
     * Fits the flows; see cflowad_trainer_fit.
     *
     * @param progress  called as progress(const cflowad_progress &) on this thread; true cancels. What it throws
     *                  cancels too and is thrown on from here.
     */
    template <typename Progress>
    Expected<void> try_fit(Progress &&progress) {
        return run(cflowad_trainer_fit, progress);
    }
    Expected<void> try_fit() { return detail::check(cflowad_trainer_fit(get(), nullptr, nullptr)); }

    /** Sets a text that model files keep for people, NULL for none; see cflowad_trainer_set_provenance. */
    Expected<void> try_set_provenance(const char *name, const char *text) {
        return detail::check(cflowad_trainer_set_provenance(get(), name, text));
    }

    /** Makes the detector one of 8 bits, in place of fit; see cflowad_trainer_quantize. progress as of fit. */
    template <typename Progress>
    Expected<void> try_quantize(std::uint32_t passes, Progress &&progress) {
        return run(
            [passes](cflowad_trainer *trainer, cflowad_progress_callback callback, void *user) {
                return cflowad_trainer_quantize(trainer, passes, callback, user);
            },
            progress);
    }
    Expected<void> try_quantize(std::uint32_t passes = 0) {
        return detail::check(cflowad_trainer_quantize(get(), passes, nullptr, nullptr));
    }

    /** What quantizing changed, once calibrated; see cflowad_trainer_get_quantization. */
    Expected<Quantization> try_quantization() const {
        Quantization report;
        const cflowad_status status = cflowad_trainer_get_quantization(get(), &report);
        return detail::check(status, report);
    }

    /** Calibrates within a region, which becomes the model's; see cflowad_trainer_set_region_of_interest. */
    Expected<void> try_set_region_of_interest(const RegionOfInterest &region) {
        return detail::check(cflowad_trainer_set_region_of_interest(get(), &region));
    }

    /** Computes the constants and thresholds from the calibration frames; progress as of fit. */
    template <typename Progress>
    Expected<void> try_calibrate(Progress &&progress) {
        return run(cflowad_trainer_calibrate, progress);
    }
    Expected<void> try_calibrate() { return detail::check(cflowad_trainer_calibrate(get(), nullptr, nullptr)); }

    /** How many coupling steps for each level the fit planned; see cflowad_trainer_coupling_steps. */
    Expected<std::uint32_t> try_coupling_steps() const {
        std::uint32_t steps = 0;
        const cflowad_status status = cflowad_trainer_coupling_steps(get(), &steps);
        return detail::check(status, std::uint32_t(steps));
    }

    /** Writes the detector to a model file; see cflowad_trainer_save. */
    Expected<void> try_save(const char *path) { return detail::check(cflowad_trainer_save(get(), path)); }

    /** Writes the detector, its encoder to a file of the folder that detectors share; see cflowad_trainer_save_linked. */
    Expected<void> try_save_linked(const char *path, const char *encoder_file) {
        return detail::check(cflowad_trainer_save_linked(get(), path, encoder_file));
    }

    /** The detector as a model, without a file; see cflowad_trainer_model. */
    Expected<Model> try_model() {
        cflowad_model *model = nullptr;
        const cflowad_status status = cflowad_trainer_model(get(), &model);
        return detail::check(status, Model(model));
    }

#if CFLOWAD_HAS_EXCEPTIONS
    explicit Trainer(const char *weights_path, const TrainOptions &options = {})
        : Trainer(try_create(weights_path, options).value()) {}

    void add_frame(const Frame &frame, std::int32_t role = CFLOWAD_ROLE_TRAINING, const char *name = nullptr) {
        try_add_frame(frame, role, name).value();
    }
    void set_checkpoint(const char *path) { try_set_checkpoint(path).value(); }
    template <typename Progress>
    void fit(Progress &&progress) {
        try_fit(progress).value();
    }
    void fit() { try_fit().value(); }
    template <typename Progress>
    void quantize(std::uint32_t passes, Progress &&progress) {
        try_quantize(passes, progress).value();
    }
    void quantize(std::uint32_t passes = 0) { try_quantize(passes).value(); }
    Quantization quantization() const { return try_quantization().value(); }
    void set_provenance(const char *name, const char *text) { try_set_provenance(name, text).value(); }
    template <typename Progress>
    void calibrate(Progress &&progress) {
        try_calibrate(progress).value();
    }
    void calibrate() { try_calibrate().value(); }
    void set_region_of_interest(const RegionOfInterest &region) { try_set_region_of_interest(region).value(); }
    std::uint32_t coupling_steps() const { return try_coupling_steps().value(); }
    void save(const char *path) { try_save(path).value(); }
    void save_linked(const char *path, const char *encoder_file) { try_save_linked(path, encoder_file).value(); }
    Model model() { return try_model().value(); }
#endif

private:
    explicit Trainer(cflowad_trainer *raw) noexcept : Handle(raw) {}

    /** A callable behind the C interface's function and pointer. */
    template <typename Progress>
    struct Report {
        Progress &progress;
#if CFLOWAD_HAS_EXCEPTIONS
        std::exception_ptr thrown;
#endif

        static std::int32_t call(const cflowad_progress *report, void *self) {
            Report &mine = *static_cast<Report *>(self);
#if CFLOWAD_HAS_EXCEPTIONS
            try {
                return mine.progress(*report) ? 1 : 0;
            } catch (...) { // must not cross the library's frames
                mine.thrown = std::current_exception();
                return 1;
            }
#else
            return mine.progress(*report) ? 1 : 0;
#endif
        }
    };

    /** @param function  of the C interface: its trainer, callback and pointer. */
    template <typename Function, typename Progress>
    Expected<void> run(Function function, Progress &progress) {
#if CFLOWAD_HAS_EXCEPTIONS
        Report<Progress> report{progress, nullptr};
        const cflowad_status status = function(get(), Report<Progress>::call, &report);
        if (report.thrown) std::rethrow_exception(report.thrown);
#else
        Report<Progress> report{progress};
        const cflowad_status status = function(get(), Report<Progress>::call, &report);
#endif
        return detail::check(status);
    }
};

/** What a threshold set by good frames promises; see cflowad_calibration_promise. */
struct Promise {
    double rate = 0;                 /**< largest share of good frames above it, on average over calibrations */
    double likely_rate = 0;          /**< the rate that the line's stays below in 95 of 100 calibrations */
    std::uint64_t frames_needed = 0; /**< the fewest frames for the wanted rate; UINT64_MAX for 0 */
};

inline Expected<Promise> try_calibration_promise(std::uint64_t frame_count, double wanted_rate) {
    Promise promise;
    const cflowad_status status = cflowad_calibration_promise(
        frame_count, wanted_rate, &promise.rate, &promise.likely_rate, &promise.frames_needed);
    return detail::check(status, promise);
}

#if CFLOWAD_HAS_EXCEPTIONS
inline Promise calibration_promise(std::uint64_t frame_count, double wanted_rate) {
    return try_calibration_promise(frame_count, wanted_rate).value();
}
#endif

/* ---------------------------------------------------------------------------------- images and metrics */

/** An image in memory of its own, rows without gaps. */
struct Image {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    cflowad_pixel_format format = CFLOWAD_PIXEL_GRAY8; /**< GRAY8 or RGB8; of read_image also MONO16 or RGB16 */
    std::vector<std::uint8_t> pixels;                  /**< bytes; those of 16-bit samples in the host's order */

    /** A view of it. */
    Frame frame() const noexcept { return Frame(pixels.data(), width, height, format); }
};

/** Whether a file is an image by its name; see cflowad_image_is_name. */
inline bool is_image_name(const char *path) noexcept { return cflowad_image_is_name(path) != 0; }

/** Reads an image file of any kind that the library reads; see cflowad_image_read. */
inline Expected<Image> try_read_image(const char *path) {
    Image image;
    const cflowad_status status = cflowad_image_read_info(path, &image.width, &image.height, &image.format);
    if (status != CFLOWAD_OK) return detail::failure(status);
    const bool is_gray = image.format == CFLOWAD_PIXEL_GRAY8 || image.format == CFLOWAD_PIXEL_MONO16;
    const bool is_deep = image.format == CFLOWAD_PIXEL_MONO16 || image.format == CFLOWAD_PIXEL_RGB16;
    image.pixels.resize(std::size_t{image.width} * image.height * (is_gray ? 1u : 3u) * (is_deep ? 2u : 1u));
    const cflowad_status read = cflowad_image_read(path, image.pixels.data(), image.pixels.size());
    return detail::check(read, std::move(image));
}

/** Reads a PNG file of any kind as GRAY8 or RGB8; see cflowad_png_read. */
inline Expected<Image> try_read_png(const char *path) {
    Image image;
    const cflowad_status status = cflowad_png_read_info(path, &image.width, &image.height, &image.format);
    if (status != CFLOWAD_OK) return detail::failure(status);
    image.pixels.resize(std::size_t{image.width} * image.height * (image.format == CFLOWAD_PIXEL_GRAY8 ? 1u : 3u));
    const cflowad_status read = cflowad_png_read(path, image.pixels.data(), image.pixels.size());
    return detail::check(read, std::move(image));
}

/** Writes a frame as a PNG file; see cflowad_png_write. */
inline Expected<void> try_write_png(const char *path, const Frame &frame) {
    return detail::check(cflowad_png_write(path, &frame));
}

/** Draws a heat map, at the frame's size, over a frame: RGB8; see cflowad_render_overlay. */
inline Expected<Image> try_render_overlay(
    const Frame &frame, Span<const float> map, const OverlayOptions &options = {}) {
    Image image{
        frame.frame_width(), frame.frame_height(), CFLOWAD_PIXEL_RGB8,
        std::vector<std::uint8_t>(3 * frame.pixel_count())};
    const cflowad_status status =
        cflowad_render_overlay(&frame, map.data(), map.size(), &options, image.pixels.data(), image.pixels.size());
    return detail::check(status, std::move(image));
}

/** The largest F1 and the threshold that gives it. */
struct F1Max {
    double f1 = 0;
    float threshold = 0;
};

/** Area under the ROC curve of scores and labels (0 good), one for each; see cflowad_auroc. */
inline Expected<double> try_auroc(Span<const float> scores, Span<const std::uint8_t> labels) {
    if (scores.size() != labels.size()) return detail::invalid("scores and labels are not of one number");
    double value = 0;
    const cflowad_status status = cflowad_auroc(scores.data(), labels.data(), scores.size(), &value);
    return detail::check(status, value);
}

/** Average precision; see cflowad_average_precision. */
inline Expected<double> try_average_precision(Span<const float> scores, Span<const std::uint8_t> labels) {
    if (scores.size() != labels.size()) return detail::invalid("scores and labels are not of one number");
    double value = 0;
    const cflowad_status status = cflowad_average_precision(scores.data(), labels.data(), scores.size(), &value);
    return detail::check(status, value);
}

/** The largest F1 of all thresholds; see cflowad_f1_max. */
inline Expected<F1Max> try_f1_max(Span<const float> scores, Span<const std::uint8_t> labels) {
    if (scores.size() != labels.size()) return detail::invalid("scores and labels are not of one number");
    F1Max best;
    const cflowad_status status =
        cflowad_f1_max(scores.data(), labels.data(), scores.size(), &best.f1, &best.threshold);
    return detail::check(status, best);
}

/** Area under the per-region-overlap curve of images' maps and masks, all width x height; see cflowad_aupro. */
inline Expected<double> try_aupro(
    Span<const float> maps, Span<const std::uint8_t> masks, std::uint32_t width, std::uint32_t height,
    cflowad_aupro_kind kind = CFLOWAD_AUPRO_STANDARD) {
    const std::size_t size = std::size_t{width} * height;
    if (maps.size() != masks.size() || size == 0 || maps.size() % size != 0)
        return detail::invalid("maps and masks are not of one size, or not whole images");
    double value = 0;
    const cflowad_status status =
        cflowad_aupro(maps.data(), masks.data(), maps.size() / size, width, height, kind, &value);
    return detail::check(status, value);
}

#if CFLOWAD_HAS_EXCEPTIONS
inline Image read_image(const char *path) { return try_read_image(path).value(); }
inline Image read_png(const char *path) { return try_read_png(path).value(); }
inline void write_png(const char *path, const Frame &frame) { try_write_png(path, frame).value(); }
inline Image render_overlay(const Frame &frame, Span<const float> map, const OverlayOptions &options = {}) {
    return try_render_overlay(frame, map, options).value();
}
inline double auroc(Span<const float> scores, Span<const std::uint8_t> labels) {
    return try_auroc(scores, labels).value();
}
inline double average_precision(Span<const float> scores, Span<const std::uint8_t> labels) {
    return try_average_precision(scores, labels).value();
}
inline F1Max f1_max(Span<const float> scores, Span<const std::uint8_t> labels) {
    return try_f1_max(scores, labels).value();
}
inline double aupro(
    Span<const float> maps, Span<const std::uint8_t> masks, std::uint32_t width, std::uint32_t height,
    cflowad_aupro_kind kind = CFLOWAD_AUPRO_STANDARD) {
    return try_aupro(maps, masks, width, height, kind).value();
}
#endif

} // namespace cflowad

#endif /* CFLOWAD_HPP */
