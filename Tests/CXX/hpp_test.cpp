// cflowad.hpp against the library; built with exceptions and without, as C++17 and C++20.
//
//     hpp_test DETECTOR.h5 FOLDER [TILED.h5]
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

#include "cflowad.hpp"

namespace {

int failures = 0;

void expect(bool good, const char *what) {
    if (good) return;
    std::fprintf(stderr, "not so: %s\n", what);
    failures++;
}

/// A value that must be there.
template <typename Value>
Value must(cflowad::Expected<Value> expected, const char *what) {
    if (!expected) {
        std::fprintf(stderr, "%s: %s\n", what, expected.error().message.c_str());
        std::exit(1);
    }
    return std::move(*expected);
}

template <typename Value>
void expect_failure(const cflowad::Expected<Value> &expected, cflowad_status status, const char *what) {
    expect(!expected && expected.error().status == status && !expected.error().message.empty(), what);
}

template <typename Handle>
constexpr bool is_owner = std::is_nothrow_move_constructible_v<Handle> && std::is_nothrow_move_assignable_v<Handle>
    && !std::is_copy_constructible_v<Handle> && !std::is_copy_assignable_v<Handle>;
static_assert(is_owner<cflowad::Model> && is_owner<cflowad::Session> && is_owner<cflowad::Trainer>);

// Views are taken of what holds such elements, and of nothing else.
static_assert(std::is_convertible_v<std::vector<float> &, cflowad::Span<const float>>);
static_assert(std::is_convertible_v<const std::array<float, 3> &, cflowad::Span<const float>>);
static_assert(!std::is_convertible_v<const std::vector<float> &, cflowad::Span<float>>);
static_assert(!std::is_convertible_v<std::vector<double> &, cflowad::Span<const float>>);
#if __cplusplus >= 202002L
static_assert(std::is_convertible_v<std::span<float>, cflowad::Span<const float>>);
static_assert(std::is_convertible_v<cflowad::Span<float> &, std::span<const float>>);
#endif

/// What cv::Mat looks like from outside.
struct Mat {
    struct Step {
        std::size_t bytes;
        operator std::size_t() const { return bytes; }
    };
    unsigned char *data;
    int rows, cols;
    Step step;
    int channel_count, sample_depth;
    int channels() const { return channel_count; }
    int depth() const { return sample_depth; }
};

std::vector<std::uint8_t> noise(std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    for (std::size_t i = 0; i < count; i++) bytes[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
    return bytes;
}

void models_and_sessions(const char *path) {
    using cflowad::Output;
    expect(cflowad::version() / 10000 == CFLOWAD_VERSION_MAJOR, "header and library have one major version");
    expect(std::strstr(cflowad::build_info(), "cflowad") != nullptr, "the library says what it is");
    expect(cflowad::default_thread_count() >= 1 && cflowad::default_thread_count() <= 256, "there are threads");

    cflowad::Model model = must(cflowad::Model::try_open(path), "open");
    const cflowad::ModelInfo info = must(model.try_info(), "info");
    const cflowad::OverlayOptions overlay = must(model.try_overlay_options(), "overlay options");
    expect(overlay.low == info.map_low && overlay.high == info.map_high, "heat maps have the model's scale");
    cflowad::Session session = must(cflowad::Session::try_create(model), "session");
    cflowad::Model moved = std::move(model);
    expect_failure(model.try_info(), CFLOWAD_ERROR_INVALID_ARGUMENT, "a model that was moved from is refused");
    expect(must(moved.try_info(), "info").parameter_count == info.parameter_count, "the other one has it");

    const std::uint32_t width = 90, height = 70;
    std::vector<std::uint8_t> pixels = noise(3 * width * height);
    const cflowad::Frame frame(pixels.data(), width, height, CFLOWAD_PIXEL_BGR8);
    const cflowad::Score plain = must(session.try_score(frame), "score");
    expect(plain.passes() != plain.rejects() && plain.map.empty() && plain.features.empty(), "a score and no arrays");
    expect(
        plain.verdict_name()
            == std::string(
                plain.passes()        ? "pass"
                    : plain.rejects() ? "reject"
                                      : "review"),
        "the verdict has a name");
    expect(cflowad::verdict_name(CFLOWAD_VERDICT_REVIEW) == std::string("review"), "every verdict has one");

    cflowad::Score all;
    const Output everything = Output::map | Output::frame_map | Output::log_likelihoods | Output::features;
    expect(session.try_score(frame, everything, all).has_value(), "everything is given");
    expect(all.score == plain.score && all.threshold == info.threshold, "the same score");
    expect(all.map.size() == info.map_size() && all.frame_map.size() == frame.pixel_count(), "maps have their sizes");
    expect(all.log_likelihoods.size() == info.log_likelihood_count(), "one log-likelihood for each position");
    expect(all.features.size() == info.feature_count() && all.features.back() != 0, "features are there");
    const float *memory = all.map.data();
    expect(session.try_score(frame, Output::map, all).has_value() && all.map.data() == memory, "memory is used again");
    expect(all.frame_map.empty(), "what is no longer wanted goes");

    Mat mat{pixels.data(), height, width, {3 * width}, 3, 0};
    expect(must(session.try_score(must(cflowad::Frame::try_of(mat), "Mat")), "Mat").score == plain.score, "a Mat");
    mat.sample_depth = 5;
    expect_failure(cflowad::Frame::try_of(mat), CFLOWAD_ERROR_UNSUPPORTED, "a Mat of floats is refused");

    // Two bytes of the noise as one word.
    Mat deep{pixels.data(), 30, 40, {3 * width}, 1, 2};
    const cflowad::Frame words = must(cflowad::Frame::try_of(deep), "Mat of 16 bits");
    expect(words.format == CFLOWAD_PIXEL_MONO16 && session.try_score(words).has_value(), "a Mat of 16 bits");

    const cflowad::Frame part = frame.cropped(10, 20, 50, 30);
    const cflowad::Frame apart(pixels.data() + 3 * (20 * width + 10), 50, 30, CFLOWAD_PIXEL_BGR8, 3 * width);
    const cflowad::Score cut = must(session.try_score(part, Output::frame_map), "crop");
    expect(cut.frame_map.size() == 50 * 30 && cut.score == must(session.try_score(apart), "part").score, "a crop");
    std::vector<std::uint8_t> turned(pixels.size());
    for (std::uint32_t y = 0; y < height; y++)
        std::copy_n(&pixels[3 * width * y], 3 * width, &turned[3 * width * (height - 1 - y)]);
    const cflowad::Frame reversed(turned.data(), width, height, CFLOWAD_PIXEL_BGR8);
    expect(must(session.try_score(reversed.bottom_up()), "bottom up").score == plain.score, "the last row first");

    // Every format knows the bytes of a row; the library refuses fewer, so memory that is large enough is.
    const std::vector<std::uint8_t> large(64 * 64 * 6);
    for (cflowad_pixel_format format :
         {CFLOWAD_PIXEL_GRAY8, CFLOWAD_PIXEL_RGB8, CFLOWAD_PIXEL_BGR8, CFLOWAD_PIXEL_RGBA8, CFLOWAD_PIXEL_BGRA8,
          CFLOWAD_PIXEL_MONO16, CFLOWAD_PIXEL_MONO10P, CFLOWAD_PIXEL_MONO12P, CFLOWAD_PIXEL_MONO10_PACKED,
          CFLOWAD_PIXEL_MONO12_PACKED, CFLOWAD_PIXEL_RGB16, CFLOWAD_PIXEL_BGR16, CFLOWAD_PIXEL_RGB8_PLANAR,
          CFLOWAD_PIXEL_BAYER_RG8, CFLOWAD_PIXEL_BAYER_GR8, CFLOWAD_PIXEL_BAYER_GB8, CFLOWAD_PIXEL_BAYER_BG8,
          CFLOWAD_PIXEL_NV12, CFLOWAD_PIXEL_YUY2})
        for (std::uint32_t side : {32u, 33u}) {
            cflowad::Frame dense(large.data(), side, side, format);
            expect(session.try_score(dense).has_value(), "rows without gaps");
            dense.stride -= 1;
            expect_failure(session.try_score(dense), CFLOWAD_ERROR_INVALID_ARGUMENT, "no byte less");
        }

    const cflowad::PixelLayout mono12 = must(cflowad::try_pixel_layout(0x01100005), "PFNC's Mono12");
    expect(mono12.format == CFLOWAD_PIXEL_MONO16 && mono12.significant_bits == 12, "its layout");
    expect_failure(cflowad::try_pixel_layout(0), CFLOWAD_ERROR_UNSUPPORTED, "no code of PFNC");

    // A smaller frame of another format within the same memory.
    const cflowad::Frame crop(pixels.data() + 30, 20, 30, CFLOWAD_PIXEL_GRAY8, 3 * width);
    const std::array<cflowad::Frame, 3> frames{frame, crop, frame};
    const std::vector<cflowad::Score> scores = must(session.try_score_batch(frames, Output::frame_map), "batch");
    expect(scores.size() == 3 && scores[0].score == plain.score && scores[2].score == plain.score, "a batch's scores");
    expect(scores[1].frame_map.size() == crop.pixel_count() && scores[1].score != plain.score, "each frame its own");
    expect(must(session.try_score_batch({}), "no frames").empty(), "no frames give no scores");

    cflowad::Frame bad = frame;
    bad.height = 0;
    expect_failure(session.try_score(bad), CFLOWAD_ERROR_INVALID_ARGUMENT, "a frame without rows is refused");
    expect_failure(cflowad::Model::try_open("/nowhere.h5"), CFLOWAD_ERROR_IO, "a missing file");
    expect_failure(cflowad::Model::try_open(pixels.data(), pixels.size()), CFLOWAD_ERROR_FORMAT, "noise as a model");

    cflowad::SessionOptions options;
    options.threshold = plain.score + 1;
    options.thread_count = 1;
    cflowad::Session lenient = must(cflowad::Session::try_create(moved, options), "session with options");
    const cflowad::Score passed = must(lenient.try_score(frame), "score");
    expect(passed.passes() && passed.score == plain.score, "a threshold of one's own");
    options.review_threshold = plain.score - 1;
    cflowad::Session looking = must(cflowad::Session::try_create(moved, options), "session");
    const cflowad::Score seen = must(looking.try_score(frame), "score");
    expect(seen.is_for_review() && !seen.passes() && seen.review_threshold == plain.score - 1, "a frame to look at");
    options.region_threshold = plain.score / 2;
    cflowad::Session finding = must(cflowad::Session::try_create(moved, options), "session");
    finding.region_limit = 3;
    const cflowad::Score found =
        must(finding.try_score(frame, cflowad::Output::regions | cflowad::Output::contours), "regions");
    expect(found.region_count >= 1 && !found.regions.empty() && found.regions.size() <= 3, "regions");
    const cflowad_region &last = found.regions.back();
    expect(last.contour_first + last.contour_count == found.contour_points.size(), "their contours");
    const cflowad_rect rectangle = {0, 0, frame.width / 2, frame.height};
    expect(
        finding.try_set_region_of_interest({{&rectangle, 1}, frame.width, frame.height}).has_value(),
        "a region of interest");
    expect(must(finding.try_score(frame), "score").score <= plain.score, "the highest of a part");
    expect(finding.try_reset_region_of_interest().has_value(), "the whole frame");
    expect(must(finding.try_score(frame), "score").score == plain.score, "the score of the whole frame again");
    expect(must(cflowad::try_calibration_promise(99, 0.01), "promise").rate == 0.01, "what 99 frames promise");
    expect(std::isnan(plain.low_threshold) && !plain.is_low(), "low scores pass with a model calibrated before 1.2");
    expect(!must(moved.try_info(), "info").passes(CFLOWAD_STRANGE_BLACK), "which has not tried strange frames");
    expect(std::isnan(plain.mean_threshold) && !plain.is_strange_all_over(), "nor is any frame strange all over");
    expect(must(moved.try_advice(), "advice").more_frames == CFLOWAD_MORE_FRAMES_UNKNOWN, "made elsewhere");
    options.thread_count = 100000;
    expect_failure(cflowad::Session::try_create(moved, options), CFLOWAD_ERROR_INVALID_ARGUMENT, "too many threads");
}

void training(const char *path, const std::string &folder) {
    cflowad::TrainOptions options;
    expect(options.coupling_blocks == 8 && options.struct_size == sizeof(cflowad_train_options), "defaults are set");
    options.meta_epochs = options.sub_epochs = 1;
    options.warmup_epochs = 0;
    options.rotation_degrees = 0;
    cflowad::Trainer trainer = must(cflowad::Trainer::try_create(path, options), "trainer");
    expect_failure(trainer.try_fit(), CFLOWAD_ERROR_STATE, "there is nothing to fit without frames");
    for (std::uint32_t i = 0; i < 3; i++) {
        const std::vector<std::uint8_t> pixels = noise(3 * (40 + i) * 40);
        const cflowad::Frame frame(pixels.data(), 40 + i, 40, CFLOWAD_PIXEL_RGB8);
        const std::int32_t role = i == 0 ? CFLOWAD_ROLE_CALIBRATION : CFLOWAD_ROLE_TRAINING;
        const char *name = i == 1 ? nullptr : "frame";
        expect(trainer.try_add_frame(frame, role, name).has_value(), "a frame is taken");
    }
    const std::string checkpoint = folder + "/hpp_checkpoint.h5";
    std::remove(checkpoint.c_str());
    expect(trainer.try_set_checkpoint(checkpoint.c_str()).has_value(), "a checkpoint is wanted");
    std::uint64_t reports = 0;
    const auto count = [&](const cflowad_progress &) { return reports++, false; };
    expect(trainer.try_fit(count).has_value() && reports > 0, "training reports");
    std::FILE *kept = std::fopen(checkpoint.c_str(), "rb");
    expect(kept != nullptr && std::fclose(kept) == 0, "the checkpoint is there");
    expect(must(trainer.try_coupling_steps(), "steps") == 0, "the paper's training has no coupling steps");
    expect(trainer.try_calibrate().has_value(), "calibration");
    expect_failure(
        trainer.try_calibrate([](const cflowad_progress &) { return true; }), CFLOWAD_ERROR_CANCELLED, "cancelling");
    const std::string saved = folder + "/hpp.h5";
    expect(trainer.try_save(saved.c_str()).has_value(), "saving");
    expect(
        must(must(trainer.try_model(), "without a file").try_info(), "info").is_calibrated, "a model without a file");
    const cflowad::Model trained = must(cflowad::Model::try_open(saved.c_str()), "trained");
    const cflowad::ModelInfo info = must(trained.try_info(), "info");
    expect(info.is_calibrated && info.low_verdict == CFLOWAD_VERDICT_REVIEW, "trained");
    const cflowad::Advice advice = must(trained.try_advice(), "advice");
    expect(advice.given_count == 2 && advice.fitted_count == 2 && advice.outlier_frame == -1, "its advice");
    expect(trained.advice_text().rfind("fitted to 2 frames; calibrated on 1 frame\n", 0) == 0, "in words");
    for (cflowad_strange kind = 0; kind < CFLOWAD_STRANGE_COUNT; kind++)
        expect(info.passes(kind).has_value(), cflowad::strange_name(kind));
    expect(!info.passes(-1) && !info.passes(CFLOWAD_STRANGE_COUNT) && !info.passes(40), "no such kinds");
    // Calibrated with one frame: every other score is above it or below it.
    const std::vector<std::uint8_t> black(3 * 40 * 40);
    cflowad::Session session = must(cflowad::Session::try_create(trained), "session");
    const cflowad::Score score = must(session.try_score({black.data(), 40, 40, CFLOWAD_PIXEL_RGB8}), "a black frame");
    expect(score.is_low() ? score.is_for_review() && score.low_p_value == 0.5f : score.rejects(), "its verdict");
    expect(info.passes(CFLOWAD_STRANGE_BLACK) == score.passes(), "the verdict that the model tells");
}

void quantizing(const char *path) {
    cflowad::Trainer trainer = must(cflowad::Trainer::try_create(path), "trainer");
    for (std::uint32_t i = 0; i < 4; i++) {
        const std::vector<std::uint8_t> pixels = noise(3 * (40 + i) * 40);
        const cflowad::Frame frame(pixels.data(), 40 + i, 40, CFLOWAD_PIXEL_RGB8);
        const std::int32_t role = i < 2 ? CFLOWAD_ROLE_TRAINING : CFLOWAD_ROLE_CALIBRATION;
        expect(trainer.try_add_frame(frame, role).has_value(), "a frame is taken");
    }
    expect_failure(trainer.try_quantization(), CFLOWAD_ERROR_STATE, "nothing was quantized");
    std::uint64_t reports = 0;
    const auto count = [&](const cflowad_progress &progress) { return reports += progress.total, false; };
    expect(trainer.try_quantize(0, count).has_value() && reports >= 4, "quantizing reports");
    expect_failure(trainer.try_quantize(), CFLOWAD_ERROR_STATE, "once");
    expect(trainer.try_calibrate().has_value(), "calibration");
    const cflowad::Quantization changed = must(trainer.try_quantization(), "what changed");
    expect(changed.range_count == 2 && changed.good_count == 2 && std::isnan(changed.int8_auroc), "what changed");
    expect(must(must(trainer.try_model(), "model").try_info(), "info").precision == CFLOWAD_PRECISION_INT8, "8 bits");
}

void identity(const char *path, const std::string &folder) {
    std::vector<std::string> lines;
    const auto keep = [&](std::int32_t level, const char *message) {
        lines.push_back(std::to_string(level) + message);
#if CFLOWAD_HAS_EXCEPTIONS
        throw 7; // is lost
#endif
    };
    expect(cflowad::try_set_log_callback(keep).has_value(), "the log is wanted");
    expect_failure(cflowad::try_set_log_callback(keep, 9), CFLOWAD_ERROR_INVALID_ARGUMENT, "no such level");
    cflowad::Trainer trainer = must(cflowad::Trainer::try_create(path), "trainer");
    const std::vector<std::uint8_t> pixels = noise(3 * 40 * 40);
    const cflowad::Frame frame(pixels.data(), 40, 40, CFLOWAD_PIXEL_RGB8);
    expect(trainer.try_add_frame(frame, CFLOWAD_ROLE_CALIBRATION).has_value(), "a frame is taken");
    expect(trainer.try_calibrate().has_value(), "calibration");
    expect(trainer.try_set_provenance("name", "line 3").has_value(), "a name");
    expect(trainer.try_set_provenance("created", "now").has_value(), "a moment");
    expect_failure(trainer.try_set_provenance("A", "b"), CFLOWAD_ERROR_INVALID_ARGUMENT, "a name of capitals");
    const std::string saved = folder + "/identity.h5";
    expect(trainer.try_save(saved.c_str()).has_value(), "saving");
    const cflowad::Model model = must(cflowad::Model::try_open(saved.c_str()), "model");
    expect(cflowad::try_set_log_callback(nullptr).has_value(), "no more log");
    const std::size_t count = lines.size();
    expect(count >= 3 && lines[1].rfind("3trainer: begins with ", 0) == 0, "what was heard");
    expect(lines[0].rfind("1cflowad_set_log_callback: ", 0) == 0, "a failed call");
    const cflowad::ModelInfo info = must(model.try_info(), "info");
    expect(std::string(info.name) == "line 3" && std::string(info.identity).size() == 64, "its name");
    expect(model.provenance_names() == std::vector<std::string>{"created", "name", "source"}, "its texts");
    expect(model.provenance("created") == "now" && model.provenance("nothing").empty(), "a text");
    expect(must(model.try_verify(), "the self-test").value_count > 0, "verified");
    const cflowad::Model other = must(cflowad::Model::try_open(path), "model");
    expect_failure(other.try_verify(), CFLOWAD_ERROR_NO_SELF_TEST, "nothing to verify");
    expect(lines.size() == count, "silence");
}

void images_and_metrics(const std::string &folder) {
    const std::vector<std::uint8_t> pixels = noise(3 * 31 * 17);
    const cflowad::Frame frame(pixels.data(), 31, 17, CFLOWAD_PIXEL_RGB8);
    const std::string path = folder + "/hpp.png";
    expect(cflowad::try_write_png(path.c_str(), frame).has_value(), "a PNG file is written");
    cflowad::Image image = must(cflowad::try_read_png(path.c_str()), "read");
    expect(image.width == 31 && image.height == 17 && image.pixels == pixels, "and read");
    expect(image.frame().data == image.pixels.data() && image.frame().stride == 93, "an image's frame is a view");
    expect_failure(cflowad::try_read_png("/nowhere.png"), CFLOWAD_ERROR_IO, "a missing PNG file");
    expect(must(cflowad::try_read_image(path.c_str()), "read").pixels == pixels, "by the reader of all kinds too");
    expect_failure(cflowad::try_read_image("/nowhere.png"), CFLOWAD_ERROR_IO, "a missing image file");
    expect(cflowad::is_image_name("a.tif") && !cflowad::is_image_name("a.txt"), "names of images");
    const std::string deep = folder + "/deep.ppm";
    std::FILE *file = std::fopen(deep.c_str(), "wb");
    expect(
        file && std::fputs("P3 2 1 65535 1 2 3 4 5 65535", file) >= 0 && std::fclose(file) == 0, "a file is written");
    image = must(cflowad::try_read_image(deep.c_str()), "read");
    expect(image.format == CFLOWAD_PIXEL_RGB16 && image.pixels.size() == 12, "16 bits stay");
    expect(image.frame().stride == 12 && image.frame().format == CFLOWAD_PIXEL_RGB16, "and are a frame");
    image = must(cflowad::try_read_png(path.c_str()), "read");

    cflowad::OverlayOptions options;
    expect(options.low == 0 && options.high == 3 && std::isnan(options.threshold), "an overlay's defaults");
    options.threshold = 0.5f;
    const std::vector<float> heat(frame.pixel_count(), 2);
    const cflowad::Image drawn = must(cflowad::try_render_overlay(frame, heat, options), "overlay");
    expect(drawn.format == CFLOWAD_PIXEL_RGB8 && drawn.pixels != pixels, "heat is drawn");
    expect_failure(
        cflowad::try_render_overlay(frame, {heat.data(), 5}), CFLOWAD_ERROR_INVALID_ARGUMENT, "a map of another size");

    const std::vector<float> scores{0.1f, 0.4f, 0.35f, 0.8f};
    const std::array<std::uint8_t, 4> labels{0, 0, 1, 1};
    expect(must(cflowad::try_auroc(scores, labels), "AUROC") == 0.75, "AUROC");
    expect(must(cflowad::try_average_precision(scores, labels), "AP") > 0.83, "average precision");
    expect(must(cflowad::try_f1_max(scores, labels), "F1").threshold == 0.35f, "F1");
    expect(must(cflowad::try_aupro(scores, labels, 2, 1), "AUPRO") >= 0, "AUPRO");
    expect_failure(cflowad::try_auroc(scores, {labels.data(), 3}), CFLOWAD_ERROR_INVALID_ARGUMENT, "a label too few");
    expect_failure(cflowad::try_aupro(scores, labels, 3, 1), CFLOWAD_ERROR_INVALID_ARGUMENT, "no whole images");
}

void several_models(const char *path) {
    const cflowad::Model model = must(cflowad::Model::try_open(path), "open");
    const std::array<const cflowad::Model *, 2> models{&model, &model};
    cflowad::Session session = must(cflowad::Session::try_create(models), "a session of two");
    const std::vector<std::uint8_t> pixels = noise(40 * 40);
    const cflowad::Frame frame(pixels.data(), 40, 40, CFLOWAD_PIXEL_GRAY8);
    const std::vector<cflowad::Score> scores = must(session.try_score_all(frame, cflowad::Output::map), "score all");
    const cflowad::Score alone = must(session.try_score(frame), "score");
    expect(session.model_count() == 2 && scores.size() == 2, "two models, two scores");
    expect(scores[0].score == alone.score && scores[1].score == alone.score, "the same bits as alone");
    expect(scores[1].map == scores[0].map && !scores[1].map.empty(), "and maps");
    expect(bool(session.try_replace_model(1, model)), "replace");
    expect_failure(session.try_replace_model(2, model), CFLOWAD_ERROR_INVALID_ARGUMENT, "no such model");
}

/// A model that cuts the frame into tiles, and one that does not.
void tiles(const char *tiled_path, const char *path) {
    const cflowad::Model tiled = must(cflowad::Model::try_open(tiled_path), "open tiles");
    const cflowad::ModelInfo info = must(tiled.try_info(), "info of tiles");
    cflowad::Session session = must(cflowad::Session::try_create(tiled), "session of tiles");
    const std::vector<std::uint8_t> pixels = noise(200 * 150);
    const cflowad::Frame frame(pixels.data(), 200, 150, CFLOWAD_PIXEL_GRAY8);
    const cflowad::ModelInfo::MapSize size = info.map_size(200, 150);
    expect(info.tile_width > 0 && size.tile_count > 1, "the frame is cut");
    const auto all = cflowad::Output::map | cflowad::Output::log_likelihoods | cflowad::Output::features;
    const cflowad::Score score = must(session.try_score(frame, all), "score tiles");
    expect(score.map.size() == size.count() && size.count() > info.map_size(), "a map of all tiles");
    expect(score.score == *std::max_element(score.map.begin(), score.map.end()), "whose maximum is the score");
    expect(score.log_likelihoods.size() == size.tile_count * info.log_likelihood_count(), "all tiles' likelihoods");
    expect(score.features.size() == size.tile_count * info.feature_count(), "and features");

    expect(info.map_size(0, 150).tile_count == 0, "no frame, no tiles");
    const cflowad::Model whole = must(cflowad::Model::try_open(path), "open");
    expect(bool(session.try_replace_model(0, whole)), "replace by a model without tiles");
    expect(must(session.try_score(frame, all), "score whole").map.size() == info.map_size(), "the network's map");
}

/// Models of other sizes come while another thread scores: every score is wholly one's or the other's.
void exchanges(const char *path, const char *other) {
    using cflowad::Output;
    const Output everything = Output::map | Output::frame_map | Output::log_likelihoods | Output::features;
    const std::array<cflowad::Model, 2> models{
        must(cflowad::Model::try_open(path), "open"), must(cflowad::Model::try_open(other), "open")};
    const std::vector<std::uint8_t> pixels = noise(200 * 150);
    const cflowad::Frame frame(pixels.data(), 200, 150, CFLOWAD_PIXEL_GRAY8);
    std::array<cflowad::Score, 2> expected;
    for (std::size_t i = 0; i < 2; i++) {
        cflowad::Session alone = must(cflowad::Session::try_create(models[i]), "session");
        expected[i] = must(alone.try_score(frame, everything), "score");
    }
    expect(expected[0].map.size() != expected[1].map.size(), "the models' maps differ in size");
    const auto is_one_of = [&](const cflowad::Score &score) {
        for (const cflowad::Score &whole : expected)
            if (score.score == whole.score && score.map == whole.map && score.frame_map == whole.frame_map
                && score.log_likelihoods == whole.log_likelihoods && score.features == whole.features
                && score.map.size() == std::size_t{score.shape.map_width} * score.shape.map_height)
                return true;
        return false;
    };

    const std::array<const cflowad::Model *, 2> pair{&models[0], &models[1]};
    cflowad::Session session = must(cflowad::Session::try_create(pair), "session of two");
    std::atomic<bool> is_done{false};
    std::atomic<int> count{0};
    bool good = true;
    std::thread camera([&] {
        cflowad::Score reused;
        const std::array<cflowad::Frame, 2> frames{frame, frame};
        while (!is_done || count < 3) {
            good &= session.try_score(frame, everything, reused).has_value() && is_one_of(reused);
            for (const cflowad::Score &score : must(session.try_score_all(frame, everything), "all"))
                good &= is_one_of(score);
            const std::vector<cflowad::Score> batch = must(session.try_score_batch(frames, everything), "batch");
            good &= is_one_of(batch[0]) && batch[1].score == batch[0].score && batch[1].map == batch[0].map;
            count++;
        }
    });
    for (std::size_t i = 1; i <= 40 || count < 3; i++)
        expect(session.try_replace_model(i / 2 % 2, models[i % 2]).has_value(), "replace");
    is_done = true;
    camera.join();
    expect(good, "every score is one model's");
}

/// A session's frames are those that are added by hand.
void watches(const char *path) {
    const cflowad::Model model = must(cflowad::Model::try_open(path), "open");
    cflowad::Session session = must(cflowad::Session::try_create(model), "session");
    cflowad::WatchOptions options;
    options.seed = 3;
    const cflowad::Watch watch = must(cflowad::Watch::try_create(model, options), "watch");
    cflowad::Watch by_hand = must(cflowad::Watch::try_create(model, options), "watch");
    expect(session.try_set_watch(watch).has_value() && !session.try_set_watch(watch, 1), "it is set");
    const std::vector<std::uint8_t> pixels = noise(40 * 40);
    const cflowad::Frame frame(pixels.data(), 40, 40, CFLOWAD_PIXEL_GRAY8);
    for (int i = 0; i < 3; i++)
        expect(by_hand.try_add(must(session.try_score(frame), "score").score).has_value(), "it is added");
    expect(session.try_reset_watch().has_value() && session.try_score(frame).has_value(), "not watched");
    expect(must(watch.try_state(), "state").frame_count == 3, "three frames");
    const std::vector<std::uint8_t> bytes = must(watch.try_export(), "export");
    expect(bytes == must(by_hand.try_export(), "export"), "the same state");
    expect(by_hand.try_reset().has_value() && must(by_hand.try_state(), "state").evidence == 1, "begun anew");
    expect(by_hand.try_import(bytes).has_value() && must(by_hand.try_state(), "state").frame_count == 3, "gone on");
    expect(!by_hand.try_import({}), "no state");
}

/// Futures have the session's bits, or say why there are none; when the queue is gone all are ready.
void queues(const char *path) {
    using cflowad::Output;
    const cflowad::Model model = must(cflowad::Model::try_open(path), "open");
    cflowad::Session session = must(cflowad::Session::try_create(model), "session");
    const std::vector<std::uint8_t> pixels = noise(200 * 150);
    const cflowad::Frame frame(pixels.data(), 200, 150, CFLOWAD_PIXEL_GRAY8);
    const Output wanted = Output::map | Output::frame_map | Output::regions;
    const cflowad::Score expected = must(session.try_score(frame, wanted), "score");

    cflowad::QueueOptions options;
    options.capacity = 4;
    cflowad::Queue queue = must(cflowad::Queue::try_create(session, options), "queue");
    std::vector<std::future<cflowad::Expected<cflowad::Score>>> futures;
    for (int i = 0; i < 12; i++)
        futures.push_back(
            must(queue.try_submit(frame, wanted, {std::chrono::nanoseconds::max(), {}, nullptr}), "submit"));
    for (std::future<cflowad::Expected<cflowad::Score>> &future : futures) {
        const cflowad::Score score = must(future.get(), "a score");
        expect(score.score == expected.score && score.map == expected.map, "a future has the session's bits");
        expect(score.frame_map == expected.frame_map && score.regions.size() == expected.regions.size(), "and outputs");
    }
    expect(must(must(queue.try_submit_all(frame), "submit").get(), "scores").size() == 1, "a score for each model");

    std::uint64_t ticket = 0;
    const cflowad::Submission late{{}, std::chrono::nanoseconds(1), &ticket};
    const cflowad::Expected<cflowad::Score> missing = must(queue.try_submit(frame, wanted, late), "submit").get();
    expect(!missing && missing.error().status == CFLOWAD_ERROR_LATE && !missing.error().message.empty(), "late");
    expect(ticket == 14 && !queue.try_cancel(ticket), "a frame that is done is not cancelled");
    expect(must(queue.try_state(), "state").late == 1, "it was counted");
    expect(queue.try_cancel_all().has_value(), "cancel all");

    std::vector<std::future<cflowad::Expected<cflowad::Score>>> rest;
    {
        cflowad::Queue brief = must(cflowad::Queue::try_create(session, options), "queue");
        for (int i = 0; i < 4; i++) rest.push_back(must(brief.try_submit(frame), "submit"));
        expect(brief.try_stop(CFLOWAD_QUEUE_DROP).has_value() && !brief.try_submit(frame), "a queue that was stopped");
    }
    for (std::future<cflowad::Expected<cflowad::Score>> &future : rest) {
        const cflowad::Expected<cflowad::Score> score = future.get();
        expect(score ? score->score == expected.score : score.error().status == CFLOWAD_ERROR_CANCELLED, "ended");
    }
    const cflowad::Queue moved = std::move(queue);
    expect(!queue.try_submit(frame) && moved.get() != nullptr, "a queue that was moved from");
}

#if CFLOWAD_HAS_EXCEPTIONS
void exceptions(const char *path, const std::string &folder) {
    const cflowad::Model model{std::string(path)};
    cflowad::Session session(model);
    const std::vector<std::uint8_t> pixels = noise(40 * 40);
    const cflowad::Frame frame(pixels.data(), 40, 40, CFLOWAD_PIXEL_GRAY8);
    const cflowad::Score score = session.score(frame, cflowad::Output::frame_map);
    expect(score.score == session.score_batch({&frame, 1}).front().score, "one frame is a batch of one");
    cflowad::write_png((folder + "/thrown.png").c_str(), cflowad::render_overlay(frame, score.frame_map).frame());
    expect(cflowad::read_image((folder + "/thrown.png").c_str()).height > 0, "a file is read");
    expect(cflowad::read_png((folder + "/thrown.png").c_str()).format == CFLOWAD_PIXEL_RGB8, "an overlay is coloured");
    try {
        const cflowad::Model missing("/nowhere.h5");
        expect(false, "a missing file throws");
    } catch (const cflowad::Error &error) {
        expect(error.status() == CFLOWAD_ERROR_IO && std::string(error.what()) != "", "the error says why");
        expect(std::string(cflowad::name(error.status())) == "CFLOWAD_ERROR_IO", "a status has a name");
    }
    cflowad::Watch watch(model);
    session.set_watch(watch);
    session.score(frame);
    session.reset_watch();
    watch.add(score.score);
    expect(watch.state().frame_count == 2, "two frames are watched");
    const std::vector<std::uint8_t> state = watch.export_state();
    watch.reset();
    watch.import_state(state);
    expect(watch.export_state() == state, "a watch goes on");
    cflowad::Queue queue(session);
    expect(queue.submit(frame).get().score == score.score, "a future of a score");
    std::future<cflowad::Score> late =
        queue.submit(frame, cflowad::Output::score_only, {{}, std::chrono::nanoseconds(1), nullptr});
    try {
        late.get();
        expect(false, "a late frame throws");
    } catch (const cflowad::Error &error) {
        expect(error.status() == CFLOWAD_ERROR_LATE, "the future says why");
    }
    expect(queue.cancel_all() == 0 && queue.state().late == 1, "its state");
    queue.stop();
    cflowad::Trainer trainer(path);
    trainer.add_frame(frame, CFLOWAD_ROLE_CALIBRATION);
    try {
        trainer.calibrate([](const cflowad_progress &) -> bool { throw 7; });
        expect(false, "what the callback throws comes out");
    } catch (int thrown) {
        expect(thrown == 7, "what the callback throws comes out unchanged");
    }
}
#endif

} // namespace

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) return std::fprintf(stderr, "usage: hpp_test DETECTOR.h5 FOLDER [TILED.h5]\n"), 2;
    models_and_sessions(argv[1]);
    several_models(argv[1]);
    queues(argv[1]);
    watches(argv[1]);
    if (argc == 4) tiles(argv[3], argv[1]);
    if (argc == 4) exchanges(argv[1], argv[3]);
    training(argv[1], argv[2]);
    quantizing(argv[1]);
    identity(argv[1], argv[2]);
    images_and_metrics(argv[2]);
#if CFLOWAD_HAS_EXCEPTIONS
    exceptions(argv[1], argv[2]);
#endif
    std::printf(
        "hpp_test.cpp (C++%ld, %s exceptions): %d failed\n", __cplusplus / 100 % 100,
        CFLOWAD_HAS_EXCEPTIONS ? "with" : "without", failures);
    return failures != 0;
}
