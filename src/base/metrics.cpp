// Sums the per-loop counters by name and writes them in the Prometheus text exposition format.
// Samples of one family stay together and each family has its HELP and TYPE lines once, as the
// format demands.

#include <algorithm>

#include <weft/base/metrics.hpp>

namespace weft {
namespace {

/// What HELP and TYPE are told for: all samples of a histogram together.
std::string_view family_of(const metric_sample& sample) noexcept {
    return sample.kind == metric_kind::histogram ? sample.name.substr(0, sample.name.rfind('_'))
                                                 : sample.name;
}

std::string_view type_of(metric_kind kind) noexcept {
    switch (kind) {
        case metric_kind::counter: return "counter";
        case metric_kind::gauge: return "gauge";
        case metric_kind::histogram: return "histogram";
    }
    return "untyped";
}

void append_value(std::string& out, const metric_sample& sample) {
    out += std::to_string(sample.value / sample.per_unit);
    std::uint64_t rest = sample.value % sample.per_unit;
    if (rest == 0) return;
    out += '.';
    for (std::uint64_t unit = sample.per_unit / 10; rest != 0 && unit != 0; unit /= 10) {
        out += static_cast<char>('0' + rest / unit);
        rest %= unit;
    }
}

}  // namespace

void metrics_page::add(const metric_sample& sample) {
    const auto same = std::find_if(samples_.begin(), samples_.end(), [&](const metric_sample& s) {
        return s.name == sample.name && s.labels == sample.labels;
    });
    if (same != samples_.end()) {
        same->value += sample.value;
        return;
    }
    // Behind the last sample of its family, so that families stay contiguous.
    const auto last = std::find_if(samples_.rbegin(), samples_.rend(), [&](const metric_sample& s) {
        return family_of(s) == family_of(sample);
    });
    samples_.insert(last.base() == samples_.begin() ? samples_.end() : last.base(), sample);
}

std::string metrics_page::text() const {
    std::string out;
    std::string_view family;
    for (const metric_sample& s : samples_) {
        if (family_of(s) != family) {
            family = family_of(s);
            out.append("# HELP ").append(family).append(" ").append(s.help).append("\n");
            out.append("# TYPE ").append(family).append(" ").append(type_of(s.kind)).append("\n");
        }
        out.append(s.name);
        if (!s.labels.empty()) out.append("{").append(s.labels).append("}");
        out += ' ';
        append_value(out, s);
        out += '\n';
    }
    return out;
}

}  // namespace weft
