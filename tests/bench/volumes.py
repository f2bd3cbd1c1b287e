# SPDX-License-Identifier: Apache-2.0
"""A run that moves many claims, in the sandbox: what each step takes and what it asks of each cluster, what the service needs in memory, what is
kept and written in PostgreSQL, how large the answers are, and what is shown of the progress.

python3 -m tests.bench.volumes BINARY [CLAIMS] [STRATEGY] [CLAIMS PER WORKLOAD]
"""
import json
import os
import subprocess
import sys
import threading
import time

from tests.bench.copy import status_kb, wal_bytes
from tests.runner.postgres import Postgres
from tests.stories.registry import Story
from tests.stories.sandbox_world import SandboxStage, SandboxWorld
from tests.stories.rest import Problem
from tests.stories.tale import Tale, brief

CHUNK = 20  # workloads handed to the world at once
SIZE = "20Mi"  # in each claim; described, not held
RATE = 20
LONG_S = 2 * 3600
MOVERS = "20"  # on the one node; with one at a time the bench would measure the stand-in's waits
SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  serviceName: {name}
  replicas: {replicas}
  podManagementPolicy: Parallel
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: main, image: echo, volumeMounts: [{{name: data, mountPath: /data}}]}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}
"""
PLAN = """\
  workloads: {{include: [{{kind: Deployment, name: echo}}, {{kind: StatefulSet, name: "db-*"}}], start: now}}
  volumes:
    default: {{strategy: {strategy}}}
    passes: 2
    finalSync: {{maxPause: 1h}}
    velero: {{location: there}}
"""
WRITERS = "    writers: {mode: single, switch: weight=100}"


def install(tale, claims, each):
    sets = [SET.format(name=f"db-{n:03d}", namespace=tale.stage.namespace, replicas=each) for n in range(claims // each)]
    for first in range(0, len(sets), CHUNK):
        tale.stage.apply("east", "\n---\n".join(sets[first:first + CHUNK]))
    listed = f"/api/v1/namespaces/{tale.stage.namespace}/persistentvolumeclaims"
    tale.stage._until("the claims", lambda: bound(tale, listed) == claims, 600)
    for n in range(claims // each):
        for m in range(each):
            path = f"/volumes/east/{tale.stage.namespace}/data-db-{n:03d}-{m}/files/records"
            tale.stage._call("PUT", path, json.dumps({"size": SIZE, "seed": f"{n}-{m}"}).encode(), "application/json")
    pods = f"/api/v1/namespaces/{tale.stage.namespace}/pods"
    tale.stage._until("the pods", lambda: sum(p["status"].get("phase") == "Running" for p in tale.stage.get("east", pods)["items"]) >= claims, 600)


def bound(tale, listed):
    return sum(c["status"].get("phase") == "Bound" for c in tale.stage.get("east", listed)["items"])


class World(SandboxWorld):
    """Node-agents that move several volumes at a time; the program to be measured need not be the one that plays the world."""

    def stage(self, story, binary, folder):
        stage = SandboxStage(story, os.environ.get("BENCH_SANDBOX", binary), folder)
        stage.options = ["--velero-movers", MOVERS]
        return stage


class Watch(threading.Thread):
    """Looks at the run, and at each change of step at what was asked of the clusters, and written."""

    def __init__(self, tale, postgres):
        super().__init__(daemon=True)
        self.tale, self.postgres, self.over = tale, postgres, threading.Event()
        self.resident, self.marks, self.said, self.largest = [], [], [], 0

    def mark(self, name):
        asked = self.tale.stage.control("GET", "/requests")
        ticks = open(f"/proc/{self.tale.service.process.pid}/stat").read().rsplit(")", 1)[1].split()
        cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
        self.marks.append((time.time(), name, asked, wal_bytes(self.postgres), cpu))

    def run(self):
        current = "before"
        self.mark(current)
        while not self.over.wait(0.5):
            self.resident.append((time.time(), status_kb(self.tale, "VmRSS")))
            status, _, text = self.tale.service.rest.raw("GET", f"/api/v1/runs/{self.tale.run}")
            if status != 200:
                continue
            self.largest = max(self.largest, len(text))
            run = json.loads(text)
            under = next((s["name"] for s in run["steps"] if s["state"] not in ("done", "undone", "planned", "skipped")), current)
            if under != current:
                current = under
                self.mark(current)
            if run.get("progress"):
                message = next((s["message"] for s in run["steps"] if s["name"] == current), "")
                self.said.append((current, run["progress"], message))
        self.mark("end")


def total(asked):
    return {cluster: sum(kinds.values()) for cluster, kinds in asked.items()}


def more(after, before):
    return {key: n - before.get(key, 0) for key, n in after.items() if n > before.get(key, 0)}


def tell_steps(watch):
    for (at, name, asked, wal, cpu), (end, _, then, wal_then, cpu_then) in zip(watch.marks, watch.marks[1:]):
        most = max((kb for t, kb in watch.resident if at <= t <= end), default=0)
        calls = more(total(then), total(asked))
        print(f"    {name}: {end - at:.1f} s, CPU {cpu_then - cpu:.1f} s, at most {most / 1024:.0f} MB, WAL {(wal_then - wal) / 1e6:.1f} MB, "
              f"calls {', '.join(f'{c} {n}' for c, n in calls.items()) or 'none'}")
        for cluster in asked:
            most_asked = sorted(more(then[cluster], asked[cluster]).items(), key=lambda row: -row[1])[:5]
            if sum(n for _, n in most_asked) > 100:
                print(f"        {cluster}: {', '.join(f'{n} {what}' for what, n in most_asked)}")


def tell_rows(tale, postgres):
    sizes = subprocess.run(["psql", "-qAt", "-F", " ", "-h", postgres.folder, "-U", "crossfade", "-d", tale.name, "-c",
                            "SELECT name, coalesce(length(intent::text), 0), coalesce(length(observation::text), 0), "
                            "coalesce(pg_column_size(observation), 0) FROM run_step WHERE coalesce(length(observation::text), 0) + "
                            "coalesce(length(intent::text), 0) > 2000 ORDER BY no"], check=True, capture_output=True, text=True).stdout
    for line in sizes.splitlines():
        name, intent, observation, stored = line.rsplit(" ", 3)
        print(f"    {name}: intent {int(intent) / 1e3:.0f} kB, observation {int(observation) / 1e3:.0f} kB ({int(stored) / 1e3:.0f} kB as stored)")
    events = subprocess.run(["psql", "-qAt", "-h", postgres.folder, "-U", "crossfade", "-d", tale.name, "-c",
                             "SELECT count(*) || ' rows, ' || coalesce(sum(length(body::text)), 0) / 1000 || ' kB' FROM event"],
                            check=True, capture_output=True, text=True).stdout
    print(f"    events: {events.strip()}")


def until_completed(tale, seconds):
    """A database that has no time for the service is no end of the bench."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if tale._not_stuck(tale.get(), "completed") and tale.get()["state"] == "completed":
                return
        except (OSError, Problem) as away:
            print(f"    looked in vain: {away!s:.200}", flush=True)
        time.sleep(1)
    raise AssertionError(f"not completed after {seconds} s: {brief(tale.get())}")


def measure(tale, postgres, claims, strategy, each):
    install(tale, claims, each)
    tale.stage.control("DELETE", "/requests")
    idle = status_kb(tale, "VmRSS")
    tale.plan(more=PLAN.format(strategy=strategy), steps="[50, 100]", hold="1s", traffic=WRITERS)
    began = time.monotonic()
    tale.start()
    watch = Watch(tale, postgres)
    watch.start()
    try:
        with tale.stage.witness(tale.story.routes[0], RATE):  # its answers are what the gate asks for
            until_completed(tale, LONG_S)
    finally:
        watch.over.set()
        watch.join()
    print(f"{claims} claims in {claims // each} workloads by {strategy}: {time.monotonic() - began:.1f} s; "
          f"calls {', '.join(f'{c} {n}' for c, n in total(watch.marks[-1][2]).items())}; memory {idle / 1024:.0f} MB before, "
          f"at most {status_kb(tale, 'VmHWM') / 1024:.0f} MB; run get at most {watch.largest / 1e3:.0f} kB; "
          f"CPU {watch.marks[-1][4] - watch.marks[0][4]:.1f} s; WAL {(watch.marks[-1][3] - watch.marks[0][3]) / 1e6:.1f} MB")
    tell_steps(watch)
    tell_rows(tale, postgres)
    frozen = next(s for s in tale.service.rest.get(f"/api/v1/runs/{tale.run}/steps")["items"] if s["kind"] == "volume.sync")["observation"]["freeze"]
    print(f"    frozen {frozen['ms'] / 1000:.1f} s, forecast at worst {frozen['forecastMs'] / 1000:.1f} s")
    middle = [row for row in watch.said if row[0].startswith("volume")]
    for name, progress, message in middle[len(middle) // 4::max(len(middle) // 4, 1)]:
        print(f"    said in {name}: {json.dumps(progress)} {message}")


def main(binary, claims=500, strategy="veleroFsBackup", each=10):
    story = Story("bench_volumes", ("federations",), ("virtualservice",), None, velero=True)
    with Postgres() as postgres, World() as world:
        with Tale(world, story, binary, postgres, dict(os.environ)) as tale:
            measure(tale, postgres, claims, strategy, each)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), *(kind(text) for kind, text in zip((int, str, int), sys.argv[2:])))
