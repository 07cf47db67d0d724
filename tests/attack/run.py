#!/usr/bin/env python3
"""Attacks a release build and judges by what becomes of 200 healthy clients, of newcomers, and of the loop.

    tests/attack/run.py build/bench [ROW or attack...]     all attacks, or those of some rows of SECURITY.md or of some names
    tests/attack/run.py build/bench --list
    tests/attack/run.py build/bench --table                writes the figures of the last run of each into SECURITY.md

Each attack has a server of its own, on the first processor; attackers and healthy clients share another, the healthy going first.
An attack fails if the stall of the loop (processor time between two moments at which a timer could run, turn_clock.cpp) has a p99.9
above 5 ms, if the healthy clients' p99 is above 10 ms, if one of them is cut off, if a newcomer is refused or takes a second, if
memory grows more than the attack may make it, if descriptors do not come back, if the server does not end with 0, or if
the attacker sees what it should not. Time for which the server waits for its processor, because the machine has other work, does not
count in round trips.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))

import arena  # noqa: E402
import attacks  # noqa: E402

BEGIN, END = "<!-- attacks -->\n", "<!-- end of attacks -->\n"


def line(result):
    text = (f"{'FAIL' if result['wrong'] else 'ok  '} {result['name']:<22} stall p99.9 {result['stall']:5.2f} max {result['longest']:6.2f} ms"
            f"  healthy p99 {result['quiet_p99']:5.2f} -> {result['p99']:5.2f} max {result['max']:6.1f} ms"
            f"  newcomers {result['came']} in {result['refused']} out {result['slowest_newcomer']:4.0f} ms"
            f"  +{result['grown'] / 1e6:.0f} MB  {result['took']:.1f} s")
    if result["waited"] > 0.002 * result["took"]:
        text += f"  (the machine was busy: the server waited {result['waited'] * 1000:.0f} ms for its processor)"
    for told in result["told"]:
        text += f"\n       {told}"
    for wrong in result["wrong"]:
        text += f"\n     ! {wrong}"
    return text


def table(results):
    text = ("| attack | rows | stall p99.9 | healthy p99, before and during | newcomers, slowest | memory | verdict |\n"
            "|---|---|---|---|---|---|---|\n")
    for name, a in attacks.ALL.items():
        r = results[name]
        newcomers = f"{r['came']} in, {r['slowest_newcomer']:.0f} ms" if a.newcomers else "–"
        if a.newcomers and r["refused"]:
            newcomers = f"{r['came']} in, **{r['refused']} refused**"
        verdict = "**fails**: " + "; ".join(r["wrong"]) if r["wrong"] else "; ".join(["holds", *r["told"]])
        text += (f"| `{name}`: {a.what} | {', '.join(a.rows) or '–'} | {r['stall']:.1f} ms | {r['quiet_p99']:.1f}, {r['p99']:.1f} ms | "
                 f"{newcomers} | +{r['grown'] / 1e6:.0f} MB | {verdict.replace('|', '/')} |\n")
    return text


def write_table(results):
    missing = [name for name in attacks.ALL if name not in results]
    if missing:
        sys.exit(f"run these first: {' '.join(missing)}")
    page = ROOT / "SECURITY.md"
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + table(results) + END + rest.split(END)[1])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("build", type=Path)
    options.add_argument("which", nargs="*", metavar="ROW")
    options.add_argument("--list", action="store_true", help="only name the attacks")
    options.add_argument("--table", action="store_true", help="only write the table, from the last run of each")
    options.add_argument("--results", type=Path, help="where the figures are kept (BUILD/attack.json)")
    chosen = options.parse_args()
    everything = attacks.load()
    kept = chosen.results or chosen.build / "attack.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    if chosen.table:
        return write_table(results)
    picked = [a for a in everything.values()
              if not chosen.which or any(w == a.name or w.upper() in a.rows for w in chosen.which)]
    if not picked:
        sys.exit("no such attack or row; --list names them")
    failed = 0
    for attack in picked:
        if chosen.list:
            print(f"{attack.name:<22} {', '.join(attack.rows):<12} {attack.what}")
            continue
        result = arena.run(attack, chosen.build.resolve())
        results[attack.name] = result
        kept.write_text(json.dumps(results, indent=1))
        failed += bool(result["wrong"])
        print(line(result), flush=True)
    if not chosen.list:
        print(f"{len(picked) - failed} held, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
