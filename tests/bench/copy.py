# SPDX-License-Identifier: Apache-2.0
"""A run that copies many objects: how long each step takes, what the service needs in memory, what is written into PostgreSQL, and how good
the announced end was. In the sandbox (simulated clusters) or the lab (real API servers; root).

python3 -m tests.bench.copy BINARY sandbox|lab [OBJECTS]
"""
import base64
import json
import os
import statistics
import subprocess
import sys
import threading
import time

from tests.runner.postgres import Postgres
from tests.stories.lab_world import LabWorld
from tests.stories.registry import Story
from tests.stories.sandbox_world import SandboxWorld
from tests.stories.tale import Tale, parse_time

CHUNK = 200  # objects handed to the world at once: what the sandbox takes
KINDS = ("ConfigMap", "Secret", "Service", "Role")
INCLUDE = "workloads: {include: [{kind: Deployment, name: echo}, {kind: Service, name: echo}, %s]}" % ", ".join(
    f"{{kind: {kind}, name: 'bench-*'}}" for kind in KINDS)


def thing(number, namespace):
    """Half ConfigMaps, a third Secrets, some Services and Roles: what a large namespace is made of, but for pods."""
    name = f"bench-{number:05d}"
    meta = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "bench", "team": f"t{number % 7}"},
            "annotations": {"note": "made by the bench"}}
    sort = number % 10
    if sort < 5:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"settings.yaml": "key: value\n" * 60, "level": "info"}}
    if sort < 8:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta,
                "data": {"password": base64.b64encode(os.urandom(300)).decode()}}
    if sort < 9:
        return {"apiVersion": "v1", "kind": "Service", "metadata": meta,
                "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta,
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": [name]}]}


def fill(stage, count):
    for first in range(0, count, CHUNK):
        items = [thing(n, stage.namespace) for n in range(first, min(first + CHUNK, count))]
        stage.apply("east", "\n---\n".join(json.dumps(item) for item in items))


class Watch(threading.Thread):
    """Looks at the run and at the service's memory, all the time."""

    def __init__(self, tale):
        super().__init__(daemon=True)
        self.tale, self.over, self.seen, self.resident = tale, threading.Event(), [], []

    def run(self):
        while not self.over.wait(0.2):
            self.resident.append((time.time(), status_kb(self.tale, "VmRSS")))
            progress = (self.tale.get().get("progress") or {})
            if progress.get("total"):
                self.seen.append((time.time(), progress))


def status_kb(tale, field):
    for line in open(f"/proc/{tale.service.process.pid}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def wal_bytes(postgres):
    asked = subprocess.run(["psql", "-qAt", "-h", postgres.folder, "-U", "crossfade", "-d", "postgres", "-c",
                            "SELECT pg_current_wal_lsn() - '0/0'"], check=True, capture_output=True, text=True)
    return int(asked.stdout)


def step_seconds(run, kind):
    step = next(s for s in run["steps"] if s["kind"] == kind)
    return parse_time(step["finishedAt"]) - parse_time(step["startedAt"])


def finished(run, kind):
    return next(s for s in run["steps"] if s["kind"] == kind)["state"] == "done"


def eta_errors(seen, end):
    """How far each announced end was from the true one, as a part of the time that was left."""
    return [abs(at + p["etaSeconds"] - end) / (end - at) for at, p in seen if p.get("etaSeconds") and end - at > 1]


def measure(tale, postgres, count):
    fill(tale.stage, count)
    idle = status_kb(tale, "VmRSS")
    tale.plan(more="  " + INCLUDE, commit="manual", hold="1h", steps="[1, 100]")
    watch, wal = Watch(tale), wal_bytes(postgres)
    began = time.monotonic()
    tale.start()
    watch.start()
    run = tale.until("the copies", 1800, lambda r: tale._not_stuck(r, None) and finished(r, "propagate"), every=0.5)
    copied, wal = time.monotonic() - began, wal_bytes(postgres) - wal
    seconds = step_seconds(run, "propagate")
    print(f"{count} objects: run start -> copied {copied:.1f} s, of that step propagate {seconds:.1f} s ({count / seconds:.0f} objects/s), "
          f"preflight {step_seconds(run, 'preflight'):.1f} s")
    tale.until("the first weight", 600, lambda r: tale._not_stuck(r, None) and (r["weight"]["applied"] or 0) >= 1, every=0.5)
    print(f"copied -> weight 1: {time.monotonic() - began - copied:.1f} s (readiness, reach, and the comparison with the source before the raise)")
    for step in tale.get()["steps"]:
        if step["finishedAt"]:
            span = parse_time(step["startedAt"]), parse_time(step["finishedAt"])
            most = max((kb for at, kb in watch.resident if span[0] <= at <= span[1]), default=0)
            print(f"    {step['name']}: {span[1] - span[0]:.1f} s, at most {most / 1024:.0f} MB")
    end = parse_time(next(s for s in run["steps"] if s["kind"] == "propagate")["finishedAt"])
    errors = eta_errors([(at, p) for at, p in watch.seen if at < end], end)
    if errors:
        print(f"announced end: off by {100 * statistics.median(errors):.0f} % of the time left (median of {len(errors)} looks)")
    print(f"memory: {idle / 1024:.0f} MB before, at most {status_kb(tale, 'VmHWM') / 1024:.0f} MB; WAL written until copied: {wal / 1e6:.1f} MB")
    began = time.monotonic()
    tale.act("rollback")
    tale.until_state("rolled-back", 1800)
    watch.over.set()
    watch.join()
    print(f"rollback with all copies taken back: {time.monotonic() - began:.1f} s; memory at most {status_kb(tale, 'VmHWM') / 1024:.0f} MB, "
          f"{status_kb(tale, 'VmRSS') / 1024:.0f} MB at the end")


def main(binary, where, count):
    story = Story("bench_copy", (where,), ("virtualservice",), None)
    with Postgres() as postgres, (LabWorld() if where == "lab" else SandboxWorld()) as world:
        with Tale(world, story, binary, postgres, dict(os.environ)) as tale:
            measure(tale, postgres, count)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10000)
