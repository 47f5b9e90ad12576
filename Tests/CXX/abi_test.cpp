// The header in C++17: it compiles cleanly, handles fit RAII, exceptions can carry a status.
//
//     abi_test DETECTOR.h5
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "cflowad.h"

namespace {

struct Error : std::runtime_error {
    explicit Error(cflowad_status status) : std::runtime_error(cflowad_last_error()), status(status) {}
    cflowad_status status;
};

void check(cflowad_status status) {
    if (status != CFLOWAD_OK) throw Error(status);
}

struct Close {
    void operator()(cflowad_model *model) const { cflowad_model_close(model); }
    void operator()(cflowad_session *session) const { cflowad_session_close(session); }
};
using Model = std::unique_ptr<cflowad_model, Close>;
using Session = std::unique_ptr<cflowad_session, Close>;

// A struct of the interface, zeroed and sized.
template <typename Struct>
Struct sized() {
    static_assert(std::is_standard_layout<Struct>::value && std::is_trivial<Struct>::value, "shared with C");
    Struct value{};
    value.struct_size = sizeof value;
    return value;
}

Model open(const char *path) {
    cflowad_model *model = nullptr;
    check(cflowad_model_open(path, &model));
    return Model(model);
}

Session session(const Model &model) {
    cflowad_session *session = nullptr;
    check(cflowad_session_create(model.get(), nullptr, &session));
    return Session(session);
}

int failures = 0;

void expect(bool good, const char *what) {
    if (good) return;
    std::fprintf(stderr, "not so: %s\n", what);
    failures++;
}

void run(const char *path) {
    static_assert(CFLOWAD_VERSION_MAJOR == 1, "this test is of version 1");
    expect(cflowad_version() / 10000 == CFLOWAD_VERSION_MAJOR, "header and library have one major version");

    Model model = open(path);
    auto info = sized<cflowad_model_info>();
    check(cflowad_model_get_info(model.get(), &info));
    const std::string architecture(info.architecture);
    expect(!architecture.empty() && architecture.size() < sizeof info.architecture, "the architecture has a name");

    Session first = session(model), second = session(model);
    model.reset(); // sessions keep what they need

    // The upper left quarter of an image: rows are further apart than the frame is wide.
    const unsigned width = 90, height = 70;
    std::vector<std::uint8_t> image(4 * width * height * 3);
    for (std::size_t i = 0; i < image.size(); i++) image[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
    auto frame = sized<cflowad_frame>();
    frame.data = image.data();
    frame.width = width;
    frame.height = height;
    frame.stride = 2 * width * 3;
    frame.format = CFLOWAD_PIXEL_RGB8;
    std::vector<float> map(width * height, -1), copied_map(width * height, -2);
    auto result = sized<cflowad_result>(), copied_result = sized<cflowad_result>();
    result.frame_map = map.data();
    result.frame_map_capacity = map.size();
    check(cflowad_session_score(first.get(), &frame, &result));

    // The same pixels without gaps, as B G R A.
    std::vector<std::uint8_t> copy(width * height * 4);
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            for (unsigned c = 0; c < 3; c++) copy[4 * (y * width + x) + 2 - c] = image[y * frame.stride + 3 * x + c];
    auto copied = frame;
    copied.data = copy.data();
    copied.stride = 4 * width;
    copied.format = CFLOWAD_PIXEL_BGRA8;
    copied_result.frame_map = copied_map.data();
    copied_result.frame_map_capacity = copied_map.size();
    check(cflowad_session_score(second.get(), &copied, &copied_result));
    expect(result.score == copied_result.score && map == copied_map, "stride and format do not change the numbers");

    try {
        frame.height = 0;
        check(cflowad_session_score(first.get(), &frame, &result));
        expect(false, "a frame without rows is refused");
    } catch (const Error &error) {
        expect(error.status == CFLOWAD_ERROR_INVALID_ARGUMENT && std::string(error.what()) != "", "the error says why");
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: abi_test DETECTOR.h5\n"), 2;
    try {
        run(argv[1]);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "abi_test.cpp: %s\n", error.what());
        failures++;
    }
    std::printf("abi_test.cpp: %d failed\n", failures);
    return failures != 0;
}
