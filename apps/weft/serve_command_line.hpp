#pragma once

namespace CLI {
class App;
}

namespace weft {

/// Adds `weft serve` and the commands about its configuration: `init`, `check` and `config`. When
/// one is asked for, parsing runs it and stores the exit code.
void add_serve_commands(CLI::App& program, int& exit_code);

}  // namespace weft
