# SPDX-License-Identifier: Apache-2.0
"""How long the writers stand still, again and again, on a real Velero: what the run told before, and what it took.

python3 -m tests.bench.freeze CROSSFADE [RUNS [FILE]]     (root; the lab with Velero; CROSSFADE_LAB_KEEP=1 leaves it up)

Each run is a whole story: the ledger (two volumes, CROSSFADE_TEST_FILL bytes in each) moves under load, and every byte is looked at. Runs
change between fs-backup and snapshots, without and with `verify: checksum`. A line of FILE is written after each run; the table comes at the end. Four runs (one of each kind) without RUNS.
"""
import dataclasses
import json
import os
import statistics
import sys
import time

from tests.runner import guard
from tests.runner.postgres import Postgres
from tests.stories import registry
from tests.stories.tale import Tale

ARMS = (("ledger_moves_by_files", "veleroFsBackup", "none"), ("ledger_moves_by_snapshots", "veleroSnapshot", "none"),
        ("ledger_moves_by_files", "veleroFsBackup", "checksum"), ("ledger_moves_by_snapshots", "veleroSnapshot", "checksum"))
PARTS = ("stop", "pass", "handOver", "restore", "verifyAndLooks", "start")
COLUMNS = ("at", "strategy", "verify", "fill", "freeze", "p50", "p90", *PARTS, "readersS", "load", "samples", "forecast")


def one(world, binary, postgres, arm):
    from tests.stories import lab_volumes
    name, strategy, verify = arm
    found = next(s for s in registry.stories("volumes") if s.name == name)
    with Tale(world, dataclasses.replace(found), binary, postgres, dict(os.environ)) as tale:
        figures = lab_volumes.moves_with_its_data(tale, strategy, verify)
    return {**figures, "at": time.strftime("%H:%M:%S", time.gmtime()), "strategy": strategy, "verify": verify, "fill": lab_volumes.FILL,
            "load": round(os.getloadavg()[0], 1)}


def tell(rows):
    print(f"\n{len(rows)} runs, seconds; median (least to most)\n")
    print("| strategy | verify | runs | freeze | told: p50 | told: p90 | under it | " + " | ".join(PARTS) + " | readers without an answer |")
    print("|---" * (8 + len(PARTS)) + "|")
    for _, strategy, verify in ARMS:
        mine = [r for r in rows if (r["strategy"], r["verify"]) == (strategy, verify)]
        if mine:
            def seconds(key, unit=1000, mine=mine):
                values = [r[key] / unit for r in mine]
                return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"
            under = sum(r["freeze"] <= r["p90"] for r in mine)
            print(f"| {strategy} | {verify} | {len(mine)} | {seconds('freeze')} | {seconds('p50')} | {seconds('p90')} | {under} of {len(mine)} | "
                  + " | ".join(seconds(part) for part in PARTS) + f" | {seconds('readersS', 1)} |")
    print(f"\nunder the told p90: {sum(r['freeze'] <= r['p90'] for r in rows)} of {len(rows)}")


def main(binary, runs, path):
    rows, failed = [], 0
    with Postgres() as postgres, registry.world("volumes") as world, open(path, "a", encoding="utf-8") as out:
        if out.tell() == 0:
            out.write("\t".join(COLUMNS) + "\n")
        for n in range(runs):
            try:
                row = one(world, binary, postgres, ARMS[n % len(ARMS)])
            except Exception as error:  # noqa: B902  one run that fails is told, and the others go on
                failed += 1
                print(f"run {n + 1} failed: {error}", flush=True)
                out.write(f"failed\t{ARMS[n % len(ARMS)]}\t{error!s:.300}\n".replace("\n", " ") + "\n")
                out.flush()
                continue
            rows.append(row)
            out.write("\t".join(json.dumps(row[c]) if isinstance(row[c], (dict, list)) else str(row[c]) for c in COLUMNS) + "\n")
            out.flush()
            print(f"run {n + 1}: {row['strategy']} {row['verify']}: froze {row['freeze']} ms, told {row['p50']}, p90 {row['p90']}", flush=True)
    tell(rows)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    guard.run(lambda: main(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 4,
                           sys.argv[3] if len(sys.argv) > 3 else os.devnull), lambda: "it was ended")
