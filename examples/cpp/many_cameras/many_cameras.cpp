// Several cameras, one model: a thread and a session for each camera, latencies at the end.
//
//     many_cameras DETECTOR.h5 FOLDER [CAMERAS [FRAMES]]
//
// The images of FOLDER stand for what cameras deliver, 20 frames a second. Ctrl-C ends it earlier, and cleanly.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <cflowad.hpp>

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto period = std::chrono::milliseconds(50);

std::atomic<bool> is_stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

/** What a camera's thread has to tell. */
struct Report {
    std::vector<double> milliseconds; // from a frame's arrival to its verdict
    int rejected = 0;
};

std::vector<cflowad::Image> read_folder(const char *folder) {
    std::vector<std::string> paths;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
        if (cflowad::is_image_name(entry.path().c_str())) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<cflowad::Image> images;
    for (const std::string &path : paths) images.push_back(cflowad::read_image(path.c_str()));
    return images;
}

Report run_camera(
    const cflowad::Model &model, const std::vector<cflowad::Image> &images, std::size_t first, std::size_t count) try {
    cflowad::SessionOptions options;
    options.thread_count = 1; // the highest throughput of all cameras together
    cflowad::Session session(model, options);
    cflowad::Score score; // used again and again: scoring allocates nothing then
    Report report;
    report.milliseconds.reserve(count);
    Clock::time_point arrival = Clock::now();
    for (std::size_t i = 0; i < count && !is_stopping; i++) {
        session.score(images[(first + i) % images.size()].frame(), cflowad::Output::score_only, score);
        report.milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - arrival).count());
        if (score.rejects()) report.rejected++;
        // A frame that has to wait for the one before it counts from when it arrived.
        arrival += period;
        std::this_thread::sleep_until(arrival);
    }
    return report;
} catch (...) {
    is_stopping = true; // one camera that fails stops the line
    throw;
}

double quantile(const std::vector<double> &sorted, double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
}

void print(std::size_t camera, Report report) {
    if (report.milliseconds.empty()) return;
    std::sort(report.milliseconds.begin(), report.milliseconds.end());
    std::printf(
        "camera %zu: %zu frames, %d rejected; median %.1f ms, 99 %% within %.1f ms, longest %.1f ms\n", camera,
        report.milliseconds.size(), report.rejected, quantile(report.milliseconds, 0.5),
        quantile(report.milliseconds, 0.99), report.milliseconds.back());
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: many_cameras DETECTOR.h5 FOLDER [CAMERAS [FRAMES]]\n");
        return 2;
    }
    const std::size_t cameras = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 4;
    const std::size_t count = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 100;
    for (int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { is_stopping = true; });
    try {
        const cflowad::Model model(argv[1]);
        const std::vector<cflowad::Image> images = read_folder(argv[2]);
        if (images.empty()) {
            std::fprintf(stderr, "many_cameras: there are no images in %s\n", argv[2]);
            return 1;
        }
        std::vector<std::future<Report>> running; // whose destructors wait for their threads
        for (std::size_t i = 0; i < cameras; i++)
            running.push_back(
                std::async(std::launch::async, run_camera, std::cref(model), std::cref(images), i, count));
        int exit_status = 0;
        for (std::size_t i = 0; i < cameras; i++) {
            try {
                print(i, running[i].get());
            } catch (const std::exception &error) {
                std::fprintf(stderr, "camera %zu: %s\n", i, error.what());
                exit_status = 1;
            }
        }
        return exit_status;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "many_cameras: %s\n", error.what());
        return 1;
    }
}
