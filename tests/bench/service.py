# SPDX-License-Identifier: Apache-2.0
"""The release service at rest: start to ready, resident memory, size of the program; PostgreSQL's own memory beside it.

python3 -m tests.bench.service BINARY [RUNS]
"""
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext

from tests.runner.postgres import Postgres
from tests.stories.service import Service


def resident_mb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def postgres_mb(folder):
    """Proportional memory of all processes of the server."""
    total = 0
    for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
        try:
            if folder in open(path.replace("smaps_rollup", "cmdline")).read() or "postgres" in open(
                    path.replace("smaps_rollup", "comm")).read():
                total += next(int(line.split()[1]) for line in open(path) if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total / 1024


def main(binary, runs):
    starts, memory = [], []
    with Postgres() as postgres:
        for n in range(runs):
            name = f"bench{n}"
            subprocess.run(["psql", "-q", "-h", postgres.folder, "-U", "crossfade", "-d", "postgres", "-c", f"CREATE DATABASE {name}"],
                           check=True)
            with tempfile.TemporaryDirectory() as folder:
                service = Service(binary, f"host={postgres.folder} user=crossfade dbname={name}", folder, lambda c: c, nullcontext,
                                  dict(os.environ))
                service.prepare()
                began = time.monotonic()
                service.start()
                starts.append((time.monotonic() - began) * 1000)
                time.sleep(2)
                memory.append(resident_mb(service.process.pid))
                beside = postgres_mb(postgres.folder)
                service.stop()
    print(f"start -> ready (process start to ready file, polled each 20 ms): median {statistics.median(starts):.0f} ms, "
          f"max {max(starts):.0f} ms of {runs}")
    print(f"idle RSS after 2 s: median {statistics.median(memory):.1f} MB; PostgreSQL beside it {beside:.0f} MB")
    print(f"program: {os.path.getsize(binary) / 1e6:.1f} MB (with debug information)")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
