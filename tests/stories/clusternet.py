# SPDX-License-Identifier: Apache-2.0
"""A service moves through a hub of Clusternet under load, into the target alone; nobody notices. Clusternet merges over what it finds and
deletes by name, so most of what is told here is about what it must not get to do."""
import time

from tests.stories.breaks import check_restored, router
from tests.stories.moves import RATE, SINGLETONS, agree, check_copy, check_retired, singletons, watch_holds
from tests.stories.registry import story
from tests.stories.tale import failed_request

COPY = "  copy: {method: clusternet, controlPlane: hub}\n"
APPS = "/apis/apps.clusternet.io/v1alpha1"
OWNED = "apps.clusternet.io/owned-by-description"


def deployment(tale, cluster):
    return tale.stage.get(cluster, f"/apis/apps/v1/namespaces/{tale.stage.namespace}/deployments/echo")


def pods(tale, cluster):
    listed = tale.stage.get(cluster, f"/api/v1/namespaces/{tale.stage.namespace}/pods")
    return sorted(p["metadata"]["uid"] for p in listed["items"])


def items(tale, path):
    listed = tale.stage.get("hub", path)
    return listed["items"] if listed else []


def subscriptions(tale):
    return items(tale, f"{APPS}/namespaces/{tale.stage.namespace}/subscriptions")


def member(tale, cluster="west"):
    listed = items(tale, "/apis/clusters.clusternet.io/v1beta1/managedclusters")
    return next(m for m in listed if m["metadata"]["labels"]["clusters.clusternet.io/cluster-name"] == cluster)


def at(o):
    """The path of an object of Clusternet's that was read."""
    m = o["metadata"]
    plural = o["kind"].lower() + "s"
    group = "/apis/clusters.clusternet.io/v1beta1" if o["kind"] == "ManagedCluster" else APPS
    return f"{group}/namespaces/{m['namespace']}/{plural}/{m['name']}"


def check_nothing_left(tale):
    namespace = tale.stage.namespace
    for kind in ("deployments", "replicasets"):
        listed = tale.stage.get("west", f"/apis/apps/v1/namespaces/{namespace}/{kind}")
        assert not listed or not listed["items"], f"{kind} are left in the target"
    for kind in ("subscriptions", "manifests", "localizations", "bases", "descriptions"):
        left = items(tale, f"{APPS}/{kind}")
        assert not left, f"{kind} are left in the hub: {[o['metadata']['name'] for o in left]}"
    assert not tale.stage.get("hub", f"/api/v1/namespaces/{namespace}"), "the namespace is left in the hub"


def check_stays_subscribed(tale):
    """The copies stay Clusternet's; nothing of the run is left on anything."""
    ours = "crossfade.dev/run"
    left = subscriptions(tale)
    assert left, "the Subscriptions are gone"
    for o in left + items(tale, f"{APPS}/manifests") + items(tale, f"{APPS}/localizations") + [deployment(tale, "west")]:
        assert ours not in o["metadata"].get("labels", {}), f"{o['kind']} {o['metadata']['name']} still carries {ours}"
    assert OWNED in deployment(tale, "west")["metadata"]["annotations"]
    assert not any(f["kind"] == "Namespace" for s in left for f in s["spec"]["feeds"]), "a namespace is fed"


@story("virtualservice", worlds=("sandbox",), plane="clusternet")
def moves_clusternet(tale):
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[25, 60, 100]", hold="2s", commit="manual", more=COPY)
        tale.start()
        spans = watch_holds(tale, ["virtualservice"], [25, 60])
        tale.until_hold("commit", 180)
        assert pods(tale, "east") == before, "pods of the source were replaced before the commit"
        assert OWNED not in deployment(tale, "east")["metadata"].get("annotations", {}), "the source is subscribed"
        tale.act("commit")
        tale.until_state("completed", 180)
        check_copy(tale)
        check_retired(tale)
        result = witness.stop()
    agree(tale, result, spans)
    tale.no_failures(result)
    check_stays_subscribed(tale)


@story("virtualservice", worlds=("federations",), plane="clusternet")
def back_from_clusternet(tale):
    """A person goes back at half weight: traffic, then the Subscriptions, and nothing is left."""
    before, source = pods(tale, "east"), deployment(tale, "east")
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s", more=COPY)
        tale.start()
        tale.until_weight(50, 120)
        tale.act("rollback")
        tale.until_state("rolled-back", 120)
        tale.no_failures(witness.stop())
    assert pods(tale, "east") == before, "pods of the source were replaced"
    assert deployment(tale, "east")["spec"] == source["spec"], "the source is not what it was"
    check_restored(tale, baseline)
    check_nothing_left(tale)


@story("virtualservice", worlds=("federations",), plane="clusternet")
def clusternet_starts_at_commit_what_must_not_run_twice(tale):
    tale.stage.apply("east", SINGLETONS.format(namespace=tale.stage.namespace))
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="1s", commit="manual", more=COPY + """\
  workloads: {include: [{kind: Deployment, name: echo}, {kind: Deployment, name: worker}, {kind: CronJob, name: nightly}]}
""")
        tale.start()
        tale.until_hold("commit", 180)
        assert singletons(tale, "east")[:2] == (True, 2), "the source's were touched before commit"
        assert singletons(tale, "west")[:2] == (False, 0), "the target's did not wait for the commit"
        tale.act("commit")
        tale.until_state("completed", 180)
        tale.no_failures(witness.stop())
    assert singletons(tale, "east")[:2] == (False, 0), "they still run in the source"
    assert singletons(tale, "west")[:2] == (True, 2), "they do not run in the target"


@story("virtualservice", worlds=("federations",), plane="clusternet")
def clusternet_names_what_stands_in_its_way(tale):
    """An object of that name in the target: the run holds and names it, and it stays as it is."""
    namespace = tale.stage.namespace
    tale.stage.apply("west", f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\napiVersion: v1\nkind: ServiceAccount\n"
                             f"metadata: {{name: echo, namespace: {namespace}, labels: {{team: other}}}}\n")
    tale.plan(steps="[50, 100]", hold="1s", more=COPY)
    tale.start()
    tale.until("a word about the object in the way", 60, lambda r: "ServiceAccount" in ((r.get("hold") or {}).get("message", "")))
    tale.act("rollback")
    tale.until("the end of the run", 60, lambda r: r["state"] in ("canceled", "rolled-back"))
    left = tale.stage.get("west", f"/api/v1/namespaces/{namespace}/serviceaccounts/echo")
    assert left["metadata"]["labels"]["team"] == "other", "what stood in the way was touched"


# --- faults

ROLL_HOME_S = 20  # from the loss of the copies until nobody meets it any more: detection, and the push


def switch(name, member=None, value=1):
    body = {"member": member} if member else {}
    return (lambda tale: tale.stage.control("PUT", "/faults/clusternet", {**body, name: value}),
            lambda tale: tale.stage.control("PUT", "/faults/clusternet", {**body, name: 0}))


def server(cluster, **fault):
    return (lambda tale: tale.stage.control("PUT", "/faults/api", {"cluster": cluster, **fault}),
            lambda tale: tale.stage.control("PUT", "/faults/api", {"cluster": cluster}))


def stands_in_hub(name, manifest):
    """Somebody's object in the hub, and its end."""
    path, text = manifest
    return (lambda tale: tale.stage.apply("hub", text.format(ns=tale.stage.namespace)), lambda tale: tale.stage.remove("hub", f"{path}/{name}"))


def localization(tale):
    return next(o for o in items(tale, f"{APPS}/localizations") if o["spec"]["feed"]["kind"] == "HorizontalPodAutoscaler")


def edited(find, path, wrong):
    """Somebody edits a field of one of our objects in the hub, and gives it back."""
    was = {}

    def begin(tale):
        o = find(tale)
        value = o
        for key in path.strip("/").split("/"):
            value = value[int(key)] if isinstance(value, list) else value[key.replace("~1", "/")]
        was.update(at=at(o), value=value)
        tale.stage.edit("hub", was["at"], "an-admin", [{"op": "replace", "path": path, "value": wrong}])

    return begin, lambda tale: tale.stage.edit("hub", was["at"], "an-admin", [{"op": "replace", "path": path, "value": was["value"]}])


GLOBALIZATION = (f"{APPS}/globalizations", """\
apiVersion: apps.clusternet.io/v1alpha1
kind: Globalization
metadata: {{name: foreign}}
spec:
  overridePolicy: ApplyNow
  feed: {{apiVersion: apps/v1, kind: Deployment, namespace: {ns}, name: echo}}
  overrides: [{{name: a, type: MergePatch, value: '{{"metadata":{{"annotations":{{"team":"b"}}}}}}'}}]
""")

# Fault, its words in the hold, begin and end: while copying, and while both sides serve.
COPYING = [
    ("the shadow API is down", "shadow API", switch("shadowDown")),
    ("the controller-manager stands still", "has not joined", switch("controllersPaused")),
    ("the scheduler stands still", "is not bound", switch("schedulerPaused")),
    ("writes into the target fail", "cannot deploy", switch("applyFails", "west", -1)),
    ("the target's agent does not report", "is not Ready", switch("notReady", "west")),
    ("the hub does not answer", "hub", server("hub", status=503)),
    ("a foreign Globalization", "Globalization foreign", stands_in_hub("foreign", GLOBALIZATION)),
]
SERVING = [
    ("the hub does not answer", "hub", server("hub", status=503)),
    ("the hub is gone", "hub", server("hub", away=True)),
    ("the target's agent does not report", "is not Ready", switch("notReady", "west")),
    ("a foreign Globalization", "Globalization foreign", stands_in_hub("foreign", GLOBALIZATION)),
    ("a Localization is edited", "Localization", edited(localization, "/spec/overrides/0/value", "{}")),
    ("a Subscription is edited", "was changed", edited(lambda tale: subscriptions(tale)[0], "/spec/schedulingStrategy", "Dividing")),
    ("the target cannot be reached", "west", server("west", status=503)),
]
REASONS = ("federation", "cluster-unreachable", "not-ready", "probe-failed", "step-failed", "preflight")


def held(tale, words):
    return lambda r: (r.get("hold") or {}).get("reason") in REASONS and words in r["hold"]["message"] or words in (r.get("message") or "")


@story("virtualservice", worlds=("federations",), plane="clusternet")
def breaks_clusternet_while_copying(tale):
    """Each fault before the first object is copied: the run says why it waits, goes on when it is over, and is taken back without a trace."""
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[100]", hold="1s", commit="manual", more=COPY)
        for name, words, (begin, end) in COPYING:
            begin(tale)
            tale.start()
            run = tale.until(f"a word about: {name}", 60, held(tale, words))
            tale.note(f"{name}: {(run.get('hold') or {}).get('reason', 'waits')}: {((run.get('hold') or {}).get('message') or run['message'])[:140]}")
            end(tale)
            if (run.get("hold") or {}).get("reason") in ("preflight", "step-failed"):
                tale.act("resume")
            tale.until("the copies", 90, lambda r: (r["weight"]["applied"] or 0) == 100 or (r.get("hold") or {}).get("reason") == "commit")
            tale.act("rollback")
            tale.until("the end of the run", 90, lambda r: r["state"] in ("rolled-back", "canceled"))
            assert pods(tale, "east") == before, f"{name}: pods of the source were replaced"
            check_nothing_left(tale)
        tale.no_failures(witness.stop())


@story("virtualservice", worlds=("federations",), plane="clusternet")
def breaks_clusternet_while_serving(tale):
    """Each fault at half weight: held with the reason, nothing raised, and over when the fault is."""
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="300s", commit="manual", more=COPY)
        tale.start()
        tale.until_weight(50, 120)
        for name, words, (begin, end) in SERVING:
            begin(tale)
            run = tale.until(f"a hold for: {name}", 60, held(tale, words))
            tale.note(f"{name}: {run['hold']['reason']}: {run['hold']['message'][:140]}")
            assert run["weight"]["applied"] == 50, f"{name}: it was raised"
            end(tale)
            tale.until(f"the end of: {name}", 60, lambda r: not (r.get("hold") or {}).get("reason"))
            assert pods(tale, "east") == before, f"{name}: pods of the source were replaced"
        tale.act("rollback")
        tale.until_state("rolled-back", 120)
        tale.no_failures(witness.stop())
    check_nothing_left(tale)


@story("virtualservice", worlds=("federations",), plane="clusternet")
def breaks_clusternet_by_a_deleted_subscription(tale):
    """Somebody deletes the Subscription at half weight, and Clusternet every copy with it: the traffic goes home, the source is whole."""
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="300s", commit="manual", more=COPY)
        tale.start()
        tale.until_weight(50, 120)
        sub = next(s for s in subscriptions(tale) if any(f["kind"] == "Deployment" for f in s["spec"]["feeds"]))
        began = time.time_ns()
        tale.stage.remove("hub", at(sub))
        tale.until("the traffic at home", 60, lambda r: (r["weight"]["applied"] or 0) == 0)
        run = tale.get()
        if run["state"] == "active":
            tale.act("rollback")
        tale.until("the end of the run", 120, lambda r: r["state"] in ("rolled-back", "failed"))
        result = witness.stop()
    failed = [e for e in result.entries() if failed_request(e)]
    last = (max((e["t"] for e in failed), default=began) - began) / 1e9
    tale.note(f"{len(failed)} of {result.sent} requests failed, the last {last:.1f} s after the deletion")
    assert all(e["t"] >= began for e in failed), "requests failed before the deletion"
    assert last < ROLL_HOME_S, f"requests failed for {last:.1f} s"
    assert pods(tale, "east") == before, "pods of the source were replaced"
