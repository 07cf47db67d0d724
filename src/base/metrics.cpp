// Sums the per-loop counters by name and writes them in the Prometheus text exposition format.
// Samples of one family stay together and each family has its HELP and TYPE lines once, as the
// format demands.

#include <algorithm>

#include <weft/base/metrics.hpp>

namespace weft {

void metrics_page::add(const metric_sample& sample) {
    const auto same = std::find_if(samples_.begin(), samples_.end(), [&](const metric_sample& s) {
        return s.name == sample.name && s.labels == sample.labels;
    });
    if (same != samples_.end()) {
        same->value += sample.value;
        return;
    }
    // Behind the last sample of its family, so that families stay contiguous.
    const auto last = std::find_if(samples_.rbegin(), samples_.rend(),
                                   [&](const metric_sample& s) { return s.name == sample.name; });
    samples_.insert(last.base() == samples_.begin() ? samples_.end() : last.base(), sample);
}

std::string metrics_page::text() const {
    std::string out;
    std::string_view family;
    for (const metric_sample& s : samples_) {
        if (s.name != family) {
            family = s.name;
            out.append("# HELP ").append(s.name).append(" ").append(s.help).append("\n");
            out.append("# TYPE ").append(s.name);
            out.append(s.kind == metric_kind::counter ? " counter\n" : " gauge\n");
        }
        out.append(s.name);
        if (!s.labels.empty()) out.append("{").append(s.labels).append("}");
        out.append(" ").append(std::to_string(s.value)).append("\n");
    }
    return out;
}

}  // namespace weft
