# SPDX-License-Identifier: Apache-2.0
"""Data moves with its service: passes while it runs, one freeze, every byte in the target before its writers start; and the ways back."""
import time

from tests.stories.moves import RATE
from tests.stories.registry import story

# A database with a volume for each of two pods, beside the routed application.
LEDGER = """\
apiVersion: v1
kind: Service
metadata: {{name: ledger, namespace: {namespace}}}
spec: {{clusterIP: None, selector: {{app: ledger}}, ports: [{{name: http, port: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: ledger, namespace: {namespace}}}
spec:
  serviceName: ledger
  replicas: 2
  selector: {{matchLabels: {{app: ledger}}}}
  template:
    metadata: {{labels: {{app: ledger}}}}
    spec:
      terminationGracePeriodSeconds: 2
      containers: [{{name: main, image: echo, volumeMounts: [{{name: data, mountPath: /data}}]}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: {storage}, resources: {{requests: {{storage: 1Gi}}}}}}
"""
CLAIMS = ("data-ledger-0", "data-ledger-1")
PLAN = """\
  workloads: {{include: [{{kind: Deployment, name: echo}}, {{kind: StatefulSet, name: ledger}}], start: now}}
  volumes:
    default: {{strategy: {strategy}, verify: {verify}}}
    claims: {claims}
    passes: 2
    syncEvery: 10s
    finalSync: {{maxPause: {pause}}}
    velero: {{location: there, backLocation: back}}
  rollback: {{targetData: {back}}}
"""
WRITERS = "    writers: {mode: single, switch: weight=100}"


def path(tale, kind, name, group="apis/apps/v1"):
    return f"/{group}/namespaces/{tale.stage.namespace}/{kind}/{name}"


def files(tale, cluster, claim):
    """{path: digest} of what is in the volume, without the mark that Velero leaves in a restored one."""
    return {name: digest for name, digest in tale.stage.files(cluster, claim).items() if not name.startswith(".velero/")}


def write(tale, cluster, claim, name, text):
    tale.stage.write_file(cluster, claim, name, text)


def install(tale, strategy):
    tale.stage.apply("east", LEDGER.format(namespace=tale.stage.namespace, storage=tale.stage.storage_class(strategy)))
    tale.stage.until("the ledger's pods", lambda: ready(tale, "east") == 2)
    for claim in CLAIMS:
        for number in range(3):
            write(tale, "east", claim, f"records/{number}", f"{claim} record {number}\n" * 50)


def ready(tale, cluster):
    found = tale.stage.get(cluster, path(tale, "statefulsets", "ledger"))
    return (found or {}).get("status", {}).get("readyReplicas", 0)


def step(tale, kind, nth=0):
    listed = tale.service.rest.get(f"/api/v1/runs/{tale.run}/steps")
    return [s for s in listed["items"] if s["kind"] == kind][nth]


def data_is_equal(tale, one, other):
    for claim in CLAIMS:
        before, after = files(tale, one, claim), files(tale, other, claim)
        assert before and before == after, f"claim {claim}: {one} has {before}, {other} has {after}"


def nothing_is_left(tale):
    """Of backups, restores, modifiers and stage pods of ours, on both sides."""
    for cluster in ("east", "west"):
        for kind in ("backups", "restores"):
            listed = tale.stage.get(cluster, f"/apis/velero.io/v1/namespaces/velero/{kind}")
            assert not listed["items"], f"{kind} are left in {cluster}: {[o['metadata']['name'] for o in listed['items']]}"
        pods = tale.stage.get(cluster, path(tale, "pods", "", "api/v1").rstrip("/"))["items"]
        staged = [p["metadata"]["name"] for p in pods if "crossfade.dev/stage" in p["metadata"].get("labels", {})]
        assert not staged, f"stage pods are left in {cluster}: {staged}"


def start(tale, strategy, back="discard", pause="5m", steps="[50, 100]", hold="2s", verify="none", claims="[]", **more):
    install(tale, strategy)
    tale.plan(steps=steps, hold=hold, traffic=WRITERS, more=PLAN.format(strategy=strategy, back=back, pause=pause, verify=verify, claims=claims), **more)
    tale.start()


def the_freeze_is_told(tale):
    """Before it as a forecast, afterwards part by part beside that."""
    volumes = tale.service.rest.get(f"/api/v1/runs/{tale.run}/report")["volumes"]
    frozen, parts = volumes["freeze"], {part["name"]: part for part in volumes["freeze"]["parts"]}
    assert {"stop", "pass", "hand over", "restore", "start"} <= set(parts), parts
    assert all("p90Ms" in part for part in parts.values()), parts
    assert sum(part["ms"] for part in parts.values()) <= frozen["ms"] + 1, volumes["text"]
    assert frozen["forecast"] == volumes["forecast"] and frozen["forecast"]["p50Ms"] <= frozen["forecast"]["p90Ms"] <= frozen["forecast"]["p99Ms"]
    tale.note(volumes["text"])


def moves_with_its_data(tale, strategy, verify="none"):
    with tale.stage.witness(tale.story.routes[0], RATE) as witness:
        start(tale, strategy, verify=verify)
        tale.until_weight(50, 90)
        write(tale, "east", CLAIMS[0], "records/late", "written while the traffic was split\n")
        tale.until_state("completed", 300)
        result = witness.stop()
    data_is_equal(tale, "east", "west")
    assert "records/late" in files(tale, "west", CLAIMS[0])
    assert ready(tale, "west") == 2 and ready(tale, "east") == 0
    nothing_is_left(tale)
    tale.no_failures(result)
    the_freeze_is_told(tale)


@story(worlds=("federations",), velero=True)
def moves_volumes_by_files(tale):
    """fs-backup through stage pods, every file read on both sides and compared."""
    moves_with_its_data(tale, "veleroFsBackup")


@story(worlds=("federations",), velero=True)
def moves_volumes_by_snapshots(tale):
    """CSI snapshots and the data mover."""
    moves_with_its_data(tale, "veleroSnapshot")


def goes_back(tale, back, agree, claims="[]"):
    """After the switch the target has written; a person sends the traffic back."""
    with tale.stage.witness(tale.story.routes[0], RATE) as witness:
        start(tale, "veleroFsBackup", back=back, commit="manual", claims=claims)
        tale.until_hold("commit", 300)
        write(tale, "west", CLAIMS[0], "records/new", "written in the target\n")
        if agree:
            refused = tale.act("rollback")
            tale.until("the refusal", 20, lambda run: action(tale, refused)["state"] == "refused")
            tale.act("rollback", expect={"targetData": "discard"})
        else:
            tale.act("rollback")
        tale.until_state("rolled-back", 300)
        result = witness.stop()
    assert ready(tale, "east") == 2 and not tale.stage.get("west", path(tale, "statefulsets", "ledger"))
    nothing_is_left(tale)
    tale.note(f"{result.sent} requests, {result.failed} failed")


def action(tale, answer):
    return tale.service.rest.get(f"/api/v1/actions/{answer['id']}")


@story(worlds=("federations",), velero=True)
def volumes_go_back_and_discard(tale):
    """The target's writes are lost, because a person said so; what the source had is untouched."""
    goes_back(tale, "discard", True)
    assert "records/new" not in files(tale, "east", CLAIMS[0])
    assert len(files(tale, "east", CLAIMS[0])) == 3


# A class that the target alone has.
FAST = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast-west}
provisioner: csi.west.example.com
"""
FASTER = '[{name: "data-ledger-*", strategy: veleroFsBackup, storageClass: fast-west, size: 2Gi}]'


def asked_for(tale, cluster):
    """(class, size) that the ledger's claims have asked for."""
    specs = [tale.stage.get(cluster, path(tale, "persistentvolumeclaims", claim, "api/v1"))["spec"] for claim in CLAIMS]
    return {(spec["storageClassName"], spec["resources"]["requests"]["storage"]) for spec in specs}


@story(worlds=("federations",), velero=True)
def volumes_go_back_with_the_data(tale):
    """What the target wrote is in the source before its writers start, of the class that it had there and in room for what it is now;
    most of it comes while the target still serves."""
    tale.stage.apply("west", FAST)
    goes_back(tale, "reverse", False, claims=FASTER)
    assert asked_for(tale, "east") == {("standard", "2Gi")}, asked_for(tale, "east")
    assert "records/new" in files(tale, "east", CLAIMS[0])
    volumes = tale.service.rest.get(f"/api/v1/runs/{tale.run}/report")["volumes"]
    ahead, last = volumes["reportsBack"]
    assert ahead["pass"] == 1 and last["pass"] == 2 and all(claim["restoreOk"] for claim in last["claims"]), volumes["reportsBack"]
    assert {"stop", "pass", "restore", "start"} <= {part["name"] for part in volumes["freezeBack"]["parts"]}
    tale.note(volumes["text"])


# The routed application itself has a volume: one pod, because its volume is on one node at a time.
MOUNTED = [{"op": "replace", "path": "/spec/replicas", "value": 1},
           {"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"name": "data", "persistentVolumeClaim": {"claimName": "echo-data"}}}]
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: echo-data, namespace: {namespace}}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: {storage}, resources: {{requests: {{storage: 1Gi}}}}}}
"""
ROUTED = """\
  volumes: {default: {strategy: veleroFsBackup}, passes: 1, velero: {location: there}}
"""


@story(worlds=("federations",), velero=True)
def moves_what_the_router_reaches(tale):
    """The service that clients call has the volume: all of its traffic moves at once, and only the freeze is felt."""
    tale.stage.apply("east", CLAIM.format(namespace=tale.stage.namespace, storage=tale.stage.storage_class("veleroFsBackup")))
    for scaler in ("horizontalpodautoscalers", "poddisruptionbudgets"):
        group = "autoscaling/v2" if scaler.startswith("h") else "policy/v1"
        tale.stage.remove("east", f"/apis/{group}/namespaces/{tale.stage.namespace}/{scaler}/echo")
    tale.stage.edit("east", path(tale, "deployments", "echo"), "an-admin", MOUNTED)
    tale.stage.until("one pod with the volume", lambda: one_pod(tale, "east"))
    write(tale, "east", "echo-data", "page", "written before the move\n")
    with tale.stage.witness(tale.story.routes[0], RATE) as witness:
        tale.plan(steps="[100]", hold="2s", more=ROUTED)
        tale.start()
        tale.until_state("completed", 240)
        result = witness.stop()
    assert "page" in files(tale, "west", "echo-data")
    failed = [e for e in result.entries() if e["error"] or e.get("status", 200) >= 500]
    frozen = step(tale, "volume.sync")["observation"]["freeze"]
    span = (failed[-1]["t"] - failed[0]["t"]) / 1e9 if failed else 0
    tale.note(f"frozen for {frozen['ms'] / 1000:.1f} s; {len(failed)} of {result.sent} requests failed, within {span:.1f} s")
    from_s, to_s = frozen["from"] / 1000 - 1, frozen["to"] / 1000 + 15  # then the routers learn of it, and the weight moves
    outside = [e for e in failed if not from_s <= e["t"] / 1e9 <= to_s]
    assert not outside, f"{len(outside)} requests failed outside the freeze, such as {outside[0]}"


def one_pod(tale, cluster):
    status = tale.stage.get(cluster, path(tale, "deployments", "echo"))["status"]
    return status.get("readyReplicas", 0) == 1 and status.get("replicas", 0) == 1


@story(worlds=("federations",), velero=True)
def volumes_too_slow_are_not_frozen(tale):
    """A forecast beyond maxPause: nothing stands still, and a person may agree all the same."""
    with tale.stage.witness(tale.story.routes[0], RATE):
        start(tale, "veleroFsBackup", pause="1s")
        run = tale.until_hold("pause-too-long", 120)
    assert "nothing is frozen" in run["hold"]["message"]
    time.sleep(2)
    assert ready(tale, "east") == 2
    tale.act("rollback")
    tale.until_state("rolled-back", 120)
    assert ready(tale, "east") == 2
    nothing_is_left(tale)
