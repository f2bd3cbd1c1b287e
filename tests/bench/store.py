# SPDX-License-Identifier: Apache-2.0
"""Durable steps per second: the store's own record, and pgbench with the very same statement on the same server.

Both use one run per client, prepared statements, text parameters and a server that really syncs each commit. pgbench does nothing between
two statements; the store builds and reads JSON, takes a connection from the pool and gives it back.
    BENCH_SECONDS=5 tests/bench/store.sh [path of bench_store_steps]
"""
import os
import re
import subprocess
import sys
import tempfile

from tests.runner.postgres import Postgres, binaries

SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
CLIENTS = (1, 4, 16)
OWNER = "01900000-0000-7000-8000-00000000000a"
INTENT = '{"weight":25,"seq":"0123456789abcdef","arm":"0123456789abcdef"}'
# What the store sends, from $6 on.
CONSTANTS = {
    "p6": '{"desired":25,"wake_ms":1000}',
    "p7": f'[{{"no":1,"state":"intent","intent":{INTENT}}}]',
    "p8": "[]",
    "p9": "[]",
    "p10": f'[{{"i":0,"kind":"run.weight.intent","actor":"","step":1,"body":{INTENT}}}]',
    "p11": "1",
    "p12": "[]",
}
# A client's variables outlive its transactions: its run is looked up once.
SCRIPT = r"""
\if :p5 = 0
SELECT r.shard AS p1, s.owner AS p2, s.epoch AS p3, r.id AS p4, r.rev AS p5 FROM crossfade.run r JOIN crossfade.shard s ON s.id = r.shard
 WHERE r.plan = 'bench' AND r.number = :client_id + 1 \gset
\endif
{statement};
\set p5 :p5 + 1
"""


def query(conninfo, text):
    done = subprocess.run([f"{binaries()}/psql", conninfo, "-qAtc", text], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def statement_of_the_store(bench, conninfo):
    """As the server saw it: pg_stat_activity keeps a connection's last statement."""
    running = subprocess.Popen([bench, conninfo, "1", "2"], stdout=subprocess.DEVNULL)
    found = ""
    while not found and running.poll() is None:
        found = query(conninfo, "SELECT query FROM pg_stat_activity WHERE query LIKE 'WITH f AS MATERIALIZED%UPDATE run r%' LIMIT 1")
    running.wait()
    return found


def pgbench(conninfo, statement, clients):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        os.chmod(script.name, 0o644)
        body = re.sub(r"\$(\d+)", r":p\1", statement)
        script.write(SCRIPT.replace("{statement}", body))
        script.flush()
        events = "SELECT count(*) FROM crossfade.event"
        before = int(query(conninfo, events))
        defines = [f"-D{key}={value}" for key, value in {"p5": "0", **CONSTANTS}.items()]
        done = subprocess.run([f"{binaries()}/pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 4)), "-T", str(SECONDS),
                               "-f", script.name, *defines, f"{conninfo} options='-c search_path=crossfade'"],
                              check=True, capture_output=True, text=True)
    ran = int(re.search(r"transactions actually processed: (\d+)", done.stdout).group(1))
    if int(query(conninfo, events)) - before != ran:
        sys.exit("pgbench's statements did not record: the comparison is worth nothing")
    return float(re.search(r"^tps = ([\d.]+)", done.stdout, re.M).group(1))


def main():
    bench = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/release/tests/bench/bench_store_steps")
    settings = ("fsync=on", "synchronous_commit=on", "track_activity_query_size=32kB", "shared_buffers=128MB", "max_wal_size=4GB")
    with Postgres(settings) as postgres:
        subprocess.run([bench, postgres.conninfo, "prepare", str(max(CLIENTS))], check=True)
        statement = statement_of_the_store(bench, postgres.conninfo)
        print(f"fenced step + event, one statement; {SECONDS} s each; commits synced\n")
        print("| clients | store, steps/s | p50 | p99 | pgbench, steps/s | store / pgbench |\n|---|---|---|---|---|---|")
        for clients in CLIENTS:
            done = subprocess.run([bench, postgres.conninfo, str(clients), str(SECONDS)], check=True, capture_output=True, text=True)
            rate, p50, p99 = (int(x) for x in done.stdout.split())
            reference = pgbench(postgres.conninfo, statement, clients)
            print(f"| {clients} | {rate} | {p50 / 1000:.2f} ms | {p99 / 1000:.2f} ms | {reference:.0f} | {rate / reference:.2f} |", flush=True)
        updates, hot = query(postgres.conninfo, "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'run'").split()
        print(f"\nHOT updates of `run`: {int(hot) / max(int(updates), 1):.1%}")


if __name__ == "__main__":
    main()
