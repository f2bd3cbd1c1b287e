# SPDX-License-Identifier: Apache-2.0
"""What our control adds to a real Velero: the same two volumes moved by a run of ours, and by a bare script that posts a Backup and a Restore and
waits for them, in turn.

python3 -m tests.bench.velero_overhead CROSSFADE [PAIRS]       (root; the lab with Velero; CROSSFADE_LAB_KEEP=1 leaves it up; three to four minutes each)

Compared is one pass whose bytes are in the bucket already but for a few, as the one in a freeze is. The script's: Backup made until Completed, Restore
made until Completed, looked at five times a second; between the two it waits for the other cluster's sync, which is told apart. Ours, from the run's own
report: stage pods made until the evidence of every claim, the hand over, the Restore until its evidence and until its stage pods are gone. Beside it
somebody looks, five times a second, when the last pass's Backup is Completed and when its Restore is there. Both with CROSSFADE_TEST_FILL bytes in each
volume; pairs change between fs-backup and snapshots.
"""
import dataclasses
import json
import os
import statistics
import sys
import threading
import time

from tests.bench import freeze
from tests.runner import guard
from tests.runner.postgres import Postgres
from tests.stories import registry
from tests.stories.tale import Tale

LOOK_S, LIMIT_S = 0.2, 600
VELERO = "/apis/velero.io/v1/namespaces/velero"
ENDS = ("Completed", "PartiallyFailed", "Failed", "FailedValidation")
ARMS = (freeze.ARMS[0], freeze.ARMS[1])  # without checksum, which a bare script has not


def until(what, look):
    deadline = time.monotonic() + LIMIT_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {LIMIT_S} s"
        time.sleep(LOOK_S)
    return found


def velero_object(kind, name, spec):
    return json.dumps({"apiVersion": "velero.io/v1", "kind": kind, "metadata": {"name": name, "namespace": "velero"}, "spec": spec})


def carried_out(stage, cluster, kind, name, spec):
    """Posted, and waited for; returns seconds."""
    begun = time.monotonic()
    stage.apply(cluster, velero_object(kind, name, spec))
    path = f"{VELERO}/{kind.lower()}s/{name}"
    phase = until(f"{kind} {name}", lambda: (p := (stage.get(cluster, path) or {}).get("status", {}).get("phase")) in ENDS and p)
    assert phase == "Completed", f"{kind} {name} is {phase}"
    return time.monotonic() - begun


def backup_spec(stage, files):
    return {"includedNamespaces": [stage.namespace], "includedResources": ["pods", "persistentvolumeclaims", "persistentvolumes"],
            "storageLocation": "there", "defaultVolumesToFsBackup": files, **({} if files else {"snapshotMoveData": True})}


def is_known(stage, name, files):
    """West has the Backup, and each of its PodVolumeBackups."""
    if not stage.get("west", f"{VELERO}/backups/{name}"):
        return False
    query = f"?labelSelector=velero.io/backup-name={name}"
    of = lambda cluster: len(stage.get(cluster, f"{VELERO}/podvolumebackups{query}")["items"])  # noqa: E731
    return not files or of("west") >= of("east")


def bare(world, binary, postgres, arm):
    """Seconds of one pass by hand: {"backup", "sync", "restore"}."""
    name, strategy, _ = arm
    files = strategy == "veleroFsBackup"
    found = next(s for s in registry.stories("volumes") if s.name == name)
    with Tale(world, dataclasses.replace(found), binary, postgres, dict(os.environ)) as tale:
        stage, target = tale.stage, tale.stage.namespace + "-bare"
        from tests.stories import lab_volumes
        lab_volumes.install(tale)
        spec = backup_spec(stage, files)
        carried_out(stage, "east", "Backup", f"{stage.namespace}-1", spec)  # all the bytes
        last = f"{stage.namespace}-2"
        took = {"backup": carried_out(stage, "east", "Backup", last, spec)}
        begun = time.monotonic()
        until("the sync", lambda: is_known(stage, last, files))
        took["sync"] = time.monotonic() - begun
        took["restore"] = carried_out(stage, "west", "Restore", last, {"backupName": last, "namespaceMapping": {stage.namespace: target}})
        stage.kubectl("west", "delete", "namespace", target, "--wait=false")
        return took


class Between:
    """Seconds from a Backup's end in east to its Restore in west, of the last pass of a run; seen from outside."""

    def __init__(self, lab):
        self.lab, self.over, self.ended, self.made = lab, threading.Event(), {}, {}
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _list(self, cluster, kind):
        return self.lab.clusters[cluster].api.get(f"{VELERO}/{kind}?labelSelector=crossfade.dev/run")["items"]

    def _look(self):
        while not self.over.wait(LOOK_S):
            try:
                for backup in self._list("east", "backups"):
                    if backup.get("status", {}).get("phase") == "Completed":
                        self.ended.setdefault(backup["metadata"]["name"], time.monotonic())
                for restore in self._list("west", "restores"):
                    self.made.setdefault(restore["metadata"]["name"], time.monotonic())
            except OSError:
                pass  # it looks again

    def seconds(self):
        """Rehearsals (-t1) are no restores of the last pass (-r1)."""
        for name, made in self.made.items():
            backup, is_last, _ = name.rpartition("-r")
            if is_last and backup in self.ended:
                return made - self.ended[backup]
        return float("nan")


def pair(world, binary, postgres, arm):
    script = bare(world, binary, postgres, arm)
    with Between(world.lab) as between:
        ours = freeze.one(world, binary, postgres, arm)
    theirs = script["backup"] + script["restore"]
    row = {"strategy": arm[1], **script, "bare": theirs, "pass": ours["pass"] / 1000, "handOver": ours["handOver"] / 1000,
           "restored": ours["restore"] / 1000, "between": between.seconds(), "ours": (ours["pass"] + ours["handOver"] + ours["restore"]) / 1000}
    row["more"] = 100 * (row["ours"] / theirs - 1)
    print(f"{arm[1]}: bare {script['backup']:.1f} + {script['restore']:.1f} s (and {script['sync']:.0f} s for the sync); ours {row['pass']:.1f} + "
          f"{row['handOver']:.1f} + {row['restored']:.1f} s: {row['more']:+.1f} %; Completed to Restore made {row['between']:.1f} s; load {os.getloadavg()[0]:.1f}", flush=True)
    return row


def tell(rows):
    keys = ("backup", "restore", "sync", "pass", "handOver", "restored", "between", "more")
    print("\n| strategy | pairs | bare: Backup | Restore | sync | ours: pass | hand over | restore | Completed to Restore made | ours against bare, without the sync |\n" + "|---" * 10 + "|")
    for strategy in sorted({r["strategy"] for r in rows}):
        mine = [r for r in rows if r["strategy"] == strategy]
        middle = {key: statistics.median(r[key] for r in mine) for key in keys}
        print(f"| {strategy} | {len(mine)} | " + " | ".join(f"{middle[key]:.1f} s" for key in keys[:-1])
              + f" | {middle['more']:+.1f} % ({min(r['more'] for r in mine):+.1f} to {max(r['more'] for r in mine):+.1f} %) |")


def main(binary, pairs):
    with Postgres() as postgres, registry.world("volumes") as world:
        tell([pair(world, binary, postgres, ARMS[n % len(ARMS)]) for n in range(pairs)])
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    guard.run(lambda: main(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2), lambda: "it was ended")
