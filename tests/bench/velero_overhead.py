# SPDX-License-Identifier: Apache-2.0
"""What our control adds to Velero's own time for the same bytes, on a real Velero: looks on, as admin, while runs move data in the lab.

python3 -m tests.bench.velero_overhead BINARY [RUNS]                        begins the runs itself (tests/bench/freeze.py)
python3 -m tests.bench.velero_overhead --watch STATE_FOLDER RUNS [OUT.tsv]  of a lab in which somebody else does

Of each pass that is restored for good (not of rehearsals) four moments are taken from watches of both clusters, all by one clock: the Backup is
made, it ends, the Restore is made, it ends; and when we noticed its end: our stage pods in the target go. Between being made and its end an object
is Velero's: the wait in its queue, too. The rest is ours: handing over, and looking too late. (A Restore with DataDownloads is noticed before its
end: with the evidence of every claim nobody waits for the 20 seconds in which it finalizes. That is less than nothing.) Whoever drives Velero by hand also waits for the other
cluster's sync of the bucket; that is what handing over replaces.
"""
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))

from lablib import network  # noqa: E402
from lablib.layout import Layout  # noqa: E402
from lablib.netns import inside  # noqa: E402

from tests.stories.tale import parse_time  # noqa: E402

ENDS = ("Completed", "PartiallyFailed", "Failed", "FailedValidation")
ADDRESSES = {"east": "198.18.0.16", "west": "198.18.0.32"}
KINDS = {"backups": "/apis/velero.io/v1/namespaces/velero/backups", "restores": "/apis/velero.io/v1/namespaces/velero/restores",
         "podvolumebackups": "/apis/velero.io/v1/namespaces/velero/podvolumebackups",
         "datauploads": "/apis/velero.io/v2alpha1/namespaces/velero/datauploads", "pods": "/api/v1/pods"}
AGAIN_S = 2


class Seen:
    """What happened to each object, by cluster, kind and name."""

    def __init__(self):
        self.lock, self.moments, self.labels, self.bytes = threading.Lock(), {}, {}, {}
        self.began = time.time()

    def note(self, cluster, kind, change, o):
        meta, status, now = o["metadata"], o.get("status", {}), time.time()
        if parse_time(meta["creationTimestamp"]) < self.began:
            return  # nobody saw it being made
        with self.lock:
            moments = self.moments.setdefault((cluster, kind, meta["name"]), {})
            self.labels[cluster, kind, meta["name"]] = meta.get("labels") or {}
            moments.setdefault("made", now)
            if status.get("phase") in ENDS:
                moments.setdefault("ended", now)
                moments["phase"] = status["phase"]
            if meta.get("deletionTimestamp") or change == "DELETED":
                moments.setdefault("going", now)
            if kind in ("podvolumebackups", "datauploads"):
                owner = (meta.get("labels") or {}).get("velero.io/backup-name", "")
                progress = status.get("progress") or {}
                self.bytes.setdefault(owner, {})[meta["name"]] = (kind, progress.get("totalBytes", 0), status.get("incrementalBytes", 0))


def watch(layout, cluster, kind, seen, over):
    pki = layout.pki(cluster)
    query = "?watch=true" + ("&labelSelector=crossfade.dev/stage" if kind == "pods" else "")
    while not over.is_set():
        try:
            context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
            context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
            with inside(layout.netns(network.HUB)):
                link = http.client.HTTPSConnection(ADDRESSES[cluster], 6443, timeout=3600, context=context)
                link.request("GET", KINDS[kind] + query, headers={"User-Agent": "bench"})
                answer = link.getresponse()
            for line in iter(answer.readline, b""):
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                    seen.note(cluster, kind, event["type"], event["object"])
                if over.is_set():
                    return
        except (OSError, ValueError, http.client.HTTPException):
            over.wait(AGAIN_S)


def rows(seen):
    """A row for each restore that has ended and whose end we have noticed."""
    with seen.lock:
        out = []
        for (cluster, kind, name), restore in seen.moments.items():
            backup_name = name.rsplit("-r", 1)[0]
            if kind != "restores" or "-r" not in name or "ended" not in restore:
                continue
            other = "east" if cluster == "west" else "west"
            backup = seen.moments.get((other, "backups", backup_name), {})
            run = seen.labels[cluster, kind, name].get("crossfade.dev/run", "")
            pods = [m["going"] for (c, k, n), m in seen.moments.items()
                    if c == cluster and k == "pods" and m.get("going", 0) >= restore["made"] and
                    seen.labels[c, k, n].get("crossfade.dev/run") == run]
            if "ended" not in backup or not pods or restore.get("phase") != "Completed":
                continue
            volumes = list(seen.bytes.get(backup_name, {}).values())
            out.append({"restore": name, "strategy": "snapshot" if any(v[0] == "datauploads" for v in volumes) else "files",
                        "bytes": sum(v[1] for v in volumes), "changed": sum(v[2] or 0 for v in volumes),
                        "backup": backup["ended"] - backup["made"], "between": restore["made"] - backup["ended"],
                        "restored": restore["ended"] - restore["made"], "noticed": min(pods) - restore["ended"]})
        return out


def share(row):
    return 100 * (row["between"] + row["noticed"]) / (row["backup"] + row["restored"])


def tell(found, out):
    for strategy in sorted({r["strategy"] for r in found}):
        mine = [r for r in found if r["strategy"] == strategy]
        middle = {key: statistics.median(r[key] for r in mine) for key in ("backup", "between", "restored", "noticed")}
        print(f"{strategy}, {len(mine)} passes of {statistics.median(r['bytes'] for r in mine) / 1e6:.0f} MB ({statistics.median(r['changed'] for r in mine) / 1e6:.0f} MB "
              f"changed): Velero's Backup {middle['backup']:.1f} s and Restore {middle['restored']:.1f} s; ours {middle['between']:.1f} s from Completed to the "
              f"Restore (at most {max(r['between'] for r in mine):.1f} s) and {middle['noticed']:.1f} s until its end was noticed: "
              f"{statistics.median(share(r) for r in mine):.1f} % more (at most {max(share(r) for r in mine):.1f} %)")
    if out:
        with open(out, "w") as table:
            for r in found:
                print("\t".join(str(r[k]) if isinstance(r[k], (str, int)) else f"{r[k]:.2f}" for k in r), f"{share(r):.1f}", sep="\t", file=table)


def look_on(layout, out, goes_on):
    """Tells what was found each time there is more, as long as goes_on(how many)."""
    seen, over = Seen(), threading.Event()
    for cluster in ADDRESSES:
        for kind in KINDS:
            threading.Thread(target=watch, args=(layout, cluster, kind, seen, over), daemon=True).start()
    known = 0
    while goes_on(known):
        time.sleep(AGAIN_S)
        found = rows(seen)
        if len(found) > known:
            known = len(found)
            tell(found, out)
            sys.stdout.flush()
    over.set()
    return 0 if known else 1


def main(argv):
    if argv[0] == "--watch":
        return look_on(Layout(Path(argv[1])), argv[3] if len(argv) > 3 else "", lambda known: known < int(argv[2]))
    runs = argv[1] if len(argv) > 1 else "10"
    child = subprocess.Popen([sys.executable, "-m", "tests.bench.freeze", argv[0], runs], stdin=subprocess.DEVNULL, cwd=ROOT)
    try:
        return look_on(Layout(), "", lambda known: child.poll() is None) or child.returncode
    finally:
        child.terminate()
        child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
