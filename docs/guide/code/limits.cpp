// The code of docs/guide/limits.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/weft.hpp>

namespace limits_guide {

weft::server_options limits_per_client() {
    weft::server_options options;
    options.traffic = {
        .per_address = {.max_connections = 200,
                        .connects_per_minute = 300,
                        .errors_per_minute = 60},
        .per_subject = {.max_connections = 20, .messages_per_second = 50},
        .dry_run = true,
    };
    return options;
}

weft::server_options reconnect_storms() {
    weft::server_options options;
    options.budgets.connects_per_second = 2000;  // of each loop
    return options;
}

}  // namespace limits_guide
