// What people read about keys, all of it made from the table: the file to begin with, the effective
// one, the explanation of a key, and the reference page.

#include "config/pages.hpp"

#include "config/table.hpp"

namespace weft::config {
namespace {

constexpr std::string_view file_head =
    R"(# Configuration of `weft serve --config FILE`. `weft check FILE` tells what is wrong with it, `weft config explain KEY`
# more about a key. What is commented out has the value that is shown, or none; where a default means nothing there
# is an example.
)";

constexpr std::string_view page_head = R"(# Configuration

<!-- made by `weft config reference`: change apps/weft/config/rows.cpp -->

`weft serve --config weft.toml` reads a file in [TOML](https://toml.io). `weft init weft.toml` writes one with all keys and their
defaults as comments, `weft check weft.toml` tells what is wrong with it, with the line, and `weft config explain listen[].port`
prints what this page says about a key. Without a file the defaults below count.

```toml
[[listen]]
host = "0.0.0.0"
port = 8443
tls_cert = "cert.pem"
tls_key = "key.pem"

[[static]]
folder = "public"

[[endpoint]]
path = "/ws"
origins = ["https://app.example.org"]

[[auth.issuer]]
iss = "https://id.example.org"
audience = ["chat"]
algorithms = ["ES256"]
jwks_url = "https://id.example.org/jwks.json"

[limits.per_address]
max_connections = 100
```

- **Order.** The file wins over the defaults, a variable of the environment over the file, `--set KEY=VALUE` over that, and a flag of
  `weft serve` over all. `weft config print weft.toml` prints what counts, without secrets.
- **Environment.** `WEFT_` and the key in capitals, with two underscores where it has a dot or a number: `WEFT_LOG__LEVEL=info`,
  `WEFT_LISTEN__0__PORT=8443`. Lists have commas. Variables without two underscores are not looked at.
- **`--set`.** `--set log.level=info --set listen[0].port=8443`.
- **Units.** A size is a number of bytes, or a text with `KiB`, `MiB` or `GiB`. A time is a text with `ms`, `s`, `m`, `h` or `d`.
- **Secrets.** `${env:NAME}` in a text is replaced by that variable. A key that is a secret, such as `redis_password`, can also be given
  as `redis_password_file`: the name of a file that has it.
- **Names of files** are relative to the file of the configuration; those of flags and variables to the folder where `weft` was started.
- **Reload.** At SIGHUP `weft serve` reads its file again, and the files that it names. It says in the log what is other, and applies what
  needs no restart without dropping a connection; the rest is named with `needs a restart`. When anything is wrong, everything stays
  as it was. Certificates and keys of issuers are read again under the same names. Who is connected keeps what it was let in with.
- **Mistakes.** An unknown key, a value of a wrong type or out of range, or a file that cannot be read ends `weft serve` and
  `weft check` with exit code 2 and a line such as `weft.toml:7: listen[0].prot: unknown key; did you mean 'listen[0].port'?`
)";

/// The name as it stands between brackets: `[server]`, `[[listen]]`.
std::string heading(const section& each) {
    if (each.resize == nullptr) return "[" + std::string(each.name) + "]";
    return "[[" + std::string(each.name.substr(0, each.name.size() - 2)) + "]]";
}

/// Nothing when there is none worth showing.
std::string default_of(const row& each) {
    const value found = each.where.get(defaults(), 0);
    const auto* const texts = std::get_if<std::vector<std::string>>(&found);
    const bool nothing = std::holds_alternative<std::monostate>(found) ||
                         std::holds_alternative<secret>(found) || found == value(std::string()) ||
                         (texts != nullptr && texts->empty());
    return nothing ? "" : to_toml(each.takes, found);
}

/// "port = 8443". There is none of a secret, which somebody would use, but of its file.
std::string example_of(const row& each) {
    const std::string key(each.key());
    if (each.takes.type == kind::secret) return key + "_file = " + in_quotes("/run/secrets/" + key);
    const auto made = from_text(each.takes, std::string(each.example));
    return key + " = " + (made ? to_toml(each.takes, *made) : std::string());
}

std::string_view counts(const row& each) {
    return each.counts == change::on_reload ? "reload" : "restart";
}

std::string print_section(const section& each, const settings& all, std::size_t index) {
    std::string out = heading(each) + '\n';
    for (const row& key : rows()) {
        if (key.section() != each.name) continue;
        const value found = key.where.get(all, index);
        const std::string name(key.key());
        if (const auto* const hidden = std::get_if<secret>(&found)) {
            if (!hidden->file.empty()) out += name + "_file = " + in_quotes(hidden->file) + '\n';
            if (!hidden->text.empty()) out += "# " + name + " is set and not shown\n";
        } else if (!std::holds_alternative<std::monostate>(found) &&
                   found != value(std::string())) {
            out += name + " = " + to_toml(key.takes, found) + '\n';
        }
    }
    return out + '\n';
}

/// Several lines of at most 110 characters, each after `# `.
std::string comment(std::string_view text) {
    constexpr std::size_t widest = 110;
    std::string out;
    while (!text.empty()) {
        std::size_t end = text.size();
        if (end > widest) end = text.rfind(' ', widest);
        if (end == text.npos) end = text.size();
        out += "# " + std::string(text.substr(0, end)) + '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string in_cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2)
        text.insert(at, 1, '\\');
    return text;
}

}  // namespace

std::string commented_file() {
    std::string out(file_head);
    for (const section& each : sections()) {
        const bool there = each.resize == nullptr || each.size(settings()) != 0;
        out += '\n' + comment(each.help) + (there ? "" : "#") + heading(each) + '\n';
        for (const row& key : rows()) {
            if (key.section() != each.name) continue;
            const std::string usual = default_of(key);
            out += comment(std::string(key.help) + ".") + '#' +
                   (usual.empty() ? example_of(key) : std::string(key.key()) + " = " + usual) +
                   '\n';
        }
    }
    return out;
}

std::string effective_file(const settings& all) {
    std::string out;
    for (const section& each : sections()) {
        const std::size_t elements = each.size != nullptr ? each.size(all) : 1;
        if (elements == 0 && each.size(settings()) != 0) {
            // At the beginning, where no table has begun.
            const std::string_view list = each.name.substr(0, each.name.size() - 2);
            out.insert(0, std::string(list) + " = []\n\n");
        }
        for (std::size_t i = 0; i < elements; ++i) out += print_section(each, all, i);
    }
    out.pop_back();
    return out;
}

result<std::string> explain(std::string_view key) {
    const std::string pattern = parse_key(key).pattern;
    const section* table = find_section(pattern);
    if (table == nullptr) table = find_section(pattern + "[]");
    if (table != nullptr) {
        std::string out = heading(*table) + "\n  " + std::string(table->help) + "\n\n";
        for (const row& each : rows()) {
            if (each.section() == table->name) out += "  " + std::string(each.name) + '\n';
        }
        return out;
    }
    const row* const found = find_row(pattern);
    if (found == nullptr) {
        const std::string_view close = nearest(pattern);
        return error(errc::invalid_argument,
                     "'" + std::string(key) + "': unknown key" +
                         (close.empty() ? "" : "; did you mean '" + std::string(close) + "'?"));
    }
    const row& each = *found;
    const std::string usual = default_of(each);
    std::string out = std::string(each.name) + "\n  " + std::string(each.help) + ".\n\n";
    const auto line = [&out](std::string_view name, const std::string& what) {
        if (!what.empty()) out += "  " + std::string(name) + what + '\n';
    };
    line("value        ",
         expected(each.takes) + (each.takes.type == kind::texts ? ": a list" : ""));
    line("default      ", usual.empty() ? "none" : usual);
    line("example      ", example_of(each) + "  in " + heading(*find_section(each.section())));
    line("environment  ", environment_name(each.name));
    line("flag         ", std::string(each.flag));
    line("a change     ", each.counts == change::on_reload
                              ? "counts after a reload (SIGHUP), without dropping a connection"
                              : "needs a restart");
    return out;
}

std::string reference_page() {
    std::string out(page_head);
    for (const section& each : sections()) {
        out += "\n## `" + heading(each) + "`\n\n" + std::string(each.help) + "\n\n" +
               "| key | value | default | flag | a change needs a | what it is "
               "|\n|---|---|---|---|---|---|\n";
        for (const row& key : rows()) {
            if (key.section() != each.name) continue;
            const std::string usual = default_of(key);
            out += "| `" + std::string(key.key()) + "` | " + in_cell(expected(key.takes)) + " | " +
                   (usual.empty() ? "" : "`" + usual + "`") + " | " +
                   (key.flag.empty() ? "" : "`" + std::string(key.flag) + "`") + " | " +
                   std::string(counts(key)) + " | " + in_cell(std::string(key.help)) + " |\n";
        }
    }
    return out;
}

}  // namespace weft::config
