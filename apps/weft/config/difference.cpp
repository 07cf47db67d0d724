// What a reload changes, by the table: keys one by one, and lists of tables whose number changed.

#include "config/difference.hpp"

#include <algorithm>

namespace weft::config {
namespace {

std::size_t elements(const section& table, const settings& all) {
    return table.size != nullptr ? table.size(all) : 1;
}

/// Whether tables of this kind may come and go.
change counts_of(const section& table) {
    const auto stays = [&](const row& each) {
        return each.section() == table.name && each.counts == change::on_restart;
    };
    return std::any_of(rows().begin(), rows().end(), stays) ? change::on_restart
                                                            : change::on_reload;
}

std::string shown(const row& key, const value& what) {
    if (key.takes.type == kind::secret) return "(not shown)";
    return std::holds_alternative<std::monostate>(what) ? "none" : to_toml(key.takes, what);
}

}  // namespace

std::vector<changed_key> difference(const settings& before, const settings& after) {
    std::vector<changed_key> all;
    for (const section& table : sections()) {
        const std::size_t had = elements(table, before), has = elements(table, after);
        if (had != has)
            all.push_back({std::string(table.name) + ": " + std::to_string(had) + " tables, now " +
                               std::to_string(has),
                           counts_of(table)});
        for (std::size_t i = 0; i < std::min(had, has); ++i) {
            for (const row& key : rows()) {
                if (key.section() != table.name) continue;
                const value old = key.where.get(before, i), now = key.where.get(after, i);
                if (old == now) continue;
                all.push_back(
                    {concrete(key.name, i) + ": " + shown(key, old) + ", now " + shown(key, now),
                     key.counts});
            }
        }
    }
    return all;
}

void take_over(settings& running, const settings& after) {
    for (const section& table : sections()) {
        const std::size_t has = elements(table, after);
        if (elements(table, running) != has) {
            if (counts_of(table) == change::on_restart) continue;
            table.resize(running, has);
        }
        for (std::size_t i = 0; i < has; ++i) {
            for (const row& key : rows()) {
                if (key.section() != table.name || key.counts == change::on_restart) continue;
                const value now = key.where.get(after, i);
                if (key.where.get(running, i) != now) key.where.set(running, i, now);
            }
        }
    }
}

}  // namespace weft::config
