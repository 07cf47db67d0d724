// Histograms of counters: where values go, and how they are told.

#include "base/histogram.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr histogram_name name{"x_bucket", "x_sum", "x_count", "Help."};

std::map<std::string, std::uint64_t> told(const auto& histogram) {
    std::map<std::string, std::uint64_t> found;
    histogram.visit(
        [&](const metric_sample& sample) {
            EXPECT_EQ(sample.kind, metric_kind::histogram);
            const std::string key = std::string(sample.name) + std::string(sample.labels);
            EXPECT_TRUE(found.emplace(key, sample.value).second) << key << " is there twice";
        },
        name);
    return found;
}

TEST(histogram, a_value_at_a_bound_is_within_it) {
    size_histogram sizes;
    sizes.add(0);
    sizes.add(1024);
    sizes.add(1025);
    const auto found = told(sizes);
    EXPECT_EQ(found.at(R"(x_bucketle="1024")"), 2U);
    EXPECT_EQ(found.at(R"(x_bucketle="4096")"), 3U);
    EXPECT_EQ(found.at(R"(x_bucketle="+Inf")"), 3U);
    EXPECT_EQ(found.at("x_count"), 3U);
    EXPECT_EQ(found.at("x_sum"), 2049U);
}

TEST(histogram, what_is_beyond_all_bounds_counts_too) {
    size_histogram sizes;
    sizes.add(UINT32_MAX);
    const auto found = told(sizes);
    EXPECT_EQ(found.at(R"(x_bucketle="16777216")"), 0U);
    EXPECT_EQ(found.at(R"(x_bucketle="+Inf")"), 1U);
}

TEST(histogram, a_time_is_told_in_seconds) {
    time_histogram times;
    times.add(1500us);
    times.add(-1ns);  // no clock does that, and it is no time of centuries
    metrics_page page;
    times.visit([&](const metric_sample& sample) { page.add(sample); }, name);
    const std::string text = page.text();
    EXPECT_NE(text.find("# TYPE x histogram\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_bucket{le=\"1e-06\"} 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_bucket{le=\"0.001\"} 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_bucket{le=\"0.005\"} 2\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_sum 0.0015\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_count 2\n"), std::string::npos) << text;
}

template <const auto& Bounds>
void expect_ordered_labels() {
    std::uint64_t before = 0;
    for (const histogram_bound& each : Bounds) {
        EXPECT_GT(each.most, before);
        before = each.most;
        const double scale = &Bounds[0] == &time_bounds[0] ? 1e9 : 1;
        const std::string label(each.label);
        ASSERT_TRUE(label.starts_with("le=\"") && label.ends_with("\""));
        EXPECT_NEAR(std::stod(label.substr(4)) * scale, static_cast<double>(each.most), 1e-6);
    }
}

TEST(histogram, labels_say_the_bounds) {
    expect_ordered_labels<time_bounds>();
    expect_ordered_labels<size_bounds>();
}

}  // namespace
}  // namespace weft
