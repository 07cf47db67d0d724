// Counters by rule. Their labels are made once from the names of the keywords, so none comes from a
// peer, and a rule that is no rule counts nowhere.

#include "schema/violation_counters.hpp"

#include <string>

#include "schema/program.hpp"

namespace weft {
namespace {

using json_schema::keyword;

constexpr auto first_behind = static_cast<std::size_t>(keyword::false_);
constexpr auto asserting = static_cast<std::size_t>(keyword::unique_items) + 1;
/// Without the keywords that assert nothing.
constexpr std::size_t rules =
    asserting + static_cast<std::size_t>(keyword::text) + 1 - first_behind;

std::string_view rule(std::size_t number) noexcept {
    return name_of(
        static_cast<keyword>(number < asserting ? number : number - asserting + first_behind));
}

std::size_t number_of(std::string_view name) noexcept {
    std::size_t number = 0;
    while (number < rules && rule(number) != name) ++number;
    return number;
}

std::array<std::string, rules> make_labels() {
    std::array<std::string, rules> made;
    for (std::size_t i = 0; i < rules; ++i) made[i] = "rule=\"" + std::string(rule(i)) + '"';
    return made;
}

}  // namespace

void violation_counters::count(std::string_view rule) noexcept {
    if (const std::size_t number = number_of(rule); number < rules) counts_[number].add();
}

std::uint64_t violation_counters::read(std::string_view rule) const noexcept {
    const std::size_t number = number_of(rule);
    return number < rules ? counts_[number].read() : 0;
}

void violation_counters::visit(metric_visitor visitor) const {
    static_assert(rules == std::tuple_size_v<decltype(counts_)>);
    static const std::array<std::string, rules> labels = make_labels();
    for (std::size_t i = 0; i < rules; ++i) {
        visitor({"weft_schema_violations_total", labels[i],
                 "Messages and events that broke a schema, by rule.", metric_kind::counter,
                 counts_[i].read()});
    }
}

}  // namespace weft
