#pragma once

namespace CLI {
class App;
}  // namespace CLI

namespace weft {

/// Adds `weft bench` to the command line. When it is asked for, parsing runs it and stores the
/// exit code in `exit_code`: 0, or 1 when the run failed.
void add_bench_command(CLI::App& program, int& exit_code);

}  // namespace weft
