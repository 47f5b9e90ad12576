// Inspects gaskets by rules: the part must be there, of the right size, with its four holes.
//
//     inspection FRAME...
#include <cstdio>
#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

// What is wrong with the part; empty when nothing is.
static std::string faults_by_rules(const cv::Mat &frame) {
    cv::Mat gray, mask;
    cv::cvtColor(frame, gray, cv::COLOR_BGR2GRAY);
    cv::GaussianBlur(gray, gray, {5, 5}, 0);
    cv::threshold(gray, mask, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
    std::vector<std::vector<cv::Point>> contours;
    std::vector<cv::Vec4i> hierarchy;
    cv::findContours(mask, contours, hierarchy, cv::RETR_CCOMP, cv::CHAIN_APPROX_SIMPLE);

    int part = -1, holes = 0;
    double area = 0;
    for (int i = 0; i < static_cast<int>(contours.size()); i++)
        if (hierarchy[i][3] < 0 && cv::contourArea(contours[i]) > area) area = cv::contourArea(contours[part = i]);
    for (int i = 0; i < static_cast<int>(contours.size()); i++)
        if (part >= 0 && hierarchy[i][3] == part && cv::contourArea(contours[i]) > 20) holes++;
    if (area < 6000 || area > 8500) return "area " + std::to_string(static_cast<int>(area));
    if (holes != 5) return std::to_string(holes) + " holes";
    return {};
}

int main(int argc, char **argv) {
    int rejected = 0;
    for (int i = 1; i < argc; i++) {
        const cv::Mat frame = cv::imread(argv[i], cv::IMREAD_COLOR);
        if (frame.empty()) {
            std::fprintf(stderr, "%s cannot be read\n", argv[i]);
            return 1;
        }
        std::string faults = faults_by_rules(frame);
        rejected += faults.empty() ? 0 : 1;
        std::printf("%s: %s\n", argv[i], faults.empty() ? "ok" : faults.c_str());
    }
    std::printf("%d of %d rejected\n", rejected, argc - 1);
}
