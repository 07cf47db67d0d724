#!/usr/bin/env python3
"""How much of the parsers do unit tests and the fuzzers' corpora run?

    tests/coverage.py build/coverage [--least-lines 95] [--least-branches 90]

The build is one of clang with source-based coverage. Runs the tests of the parsers' layers and each fuzzer over its corpus, and
tells for each file of a parser what part of its lines and branches ran, and which lines did not. Exit code 1 when all together are
below the bounds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARSERS = ["src/**/proto/*.cpp", "src/schema/*.cpp", "src/base/utf8.cpp", "src/base/base64.cpp", "src/base/json_reader.cpp"]
# The layers' tests that are built into these programs; see tests/unit/*/CMakeLists.txt.
TESTS = ["base_test", "schema_test", "net_test", "auth_test", "http_proto_test", "ws_proto_test", "engineio_proto_test",
         "socketio_proto_test", "sse_test", "cluster_proto_test", "redis_proto_test"]


def run_all(build, folder):
    """The programs that ran, and their merged profile."""
    fuzzers = sorted(p for p in (build / "fuzz").rglob("*_fuzz") if os.access(p, os.X_OK) and p.is_file())
    corpus = ROOT / "fuzz/corpus"
    runs = [[next((build / "tests/unit").glob(f"*/{name}")), "--gtest_brief=1"] for name in TESTS]
    runs += [[f, corpus / f.name] for f in fuzzers]

    def run(argv):
        where = {**os.environ, "LLVM_PROFILE_FILE": f"{folder}/{Path(argv[0]).name}.profraw"}
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=where)
        if done.returncode != 0:
            sys.exit(f"{argv[0]} failed:\n{done.stdout[-3000:]}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, runs))
    profile = f"{folder}/all.profdata"
    subprocess.run(["llvm-profdata", "merge", "-sparse", *map(str, Path(folder).glob("*.profraw")), "-o", profile], check=True)
    return [str(argv[0]) for argv in runs], profile


def lines_without(segments):
    """Ranges of lines that never ran, of a file's segments: line, column, count, has_count, is_entry, is_gap."""
    missed = set()
    for this, after in zip(segments, segments[1:]):
        if this[3] and this[2] == 0 and not this[5]:
            missed.update(range(this[0], after[0] + 1))
    text, run = [], sorted(missed)
    while run:
        end = next((i for i in range(1, len(run)) if run[i] != run[i - 1] + 1), len(run))
        text.append(str(run[0]) if end == 1 else f"{run[0]}-{run[end - 1]}")
        run = run[end:]
    return " ".join(text)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", type=Path)
    options.add_argument("--least-lines", type=float, default=95, metavar="PERCENT")
    options.add_argument("--least-branches", type=float, default=90, metavar="PERCENT")
    chosen = options.parse_args()
    build = chosen.build.resolve()
    sources = {str(path.relative_to(ROOT)) for pattern in PARSERS for path in ROOT.glob(pattern)}
    with tempfile.TemporaryDirectory(prefix="weft-coverage-") as folder:
        programs, profile = run_all(build, folder)
        objects = [part for program in programs[1:] for part in ("-object", program)]
        told = subprocess.run(["llvm-cov", "export", f"-instr-profile={profile}", programs[0], *objects], check=True,
                              stdout=subprocess.PIPE, text=True)
    sums = {"lines": [0, 0], "branches": [0, 0]}
    print(f"{'file':<42} {'lines':>7} {'branches':>9}  not run")
    files = {os.path.relpath(build / file["filename"], ROOT): file for file in json.loads(told.stdout)["data"][0]["files"]}
    files = {name: file for name, file in sorted(files.items()) if name in sources}
    if not files:
        sys.exit("no parser was seen: does the build know the sources by other names?")
    for name, file in files.items():
        shares = []
        for kind, total in sums.items():
            of = file["summary"][kind]
            total[0] += of["covered"]
            total[1] += of["count"]
            shares.append(100 * of["covered"] / of["count"] if of["count"] else 100)
        print(f"{name:<42} {shares[0]:6.1f}% {shares[1]:8.1f}%  {lines_without(file['segments'])}")
    lines, branches = (100 * covered / count for covered, count in sums.values())
    print(f"{'all':<42} {lines:6.1f}% {branches:8.1f}%")
    return 0 if lines >= chosen.least_lines and branches >= chosen.least_branches else 1


if __name__ == "__main__":
    sys.exit(main())
