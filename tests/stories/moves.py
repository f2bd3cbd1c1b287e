# SPDX-License-Identifier: Apache-2.0
"""A service moves under load and nobody notices: no failed request, weights exact at every hold, the source retired at the end."""
import time

from tests.stories.registry import each_route, story

RATE = 100


def watch_holds(tale, routes, weights):
    """At each hold: the gateway's own configuration is exact. Returns the times between which each weight stood."""
    spans = []
    for weight in weights:
        tale.until_weight(weight)
        for route in routes:
            tale.expect_split(route, weight)
        began = time.time_ns()
        time.sleep(1.0)
        run = tale.get()
        if run["weight"]["applied"] == weight and run["state"] == "active":
            spans.append((weight, began, time.time_ns()))
    return spans


def agree(tale, result, spans):
    """The independent client's log agrees with each weight (binomial test)."""
    entries = result.entries()
    for weight, began, ended in spans:
        tale.expect_share([e for e in entries if began <= e["t"] < ended], weight)


def check_copy(tale):
    """Everything the Deployment needs stands in the target."""
    namespace = tale.stage.namespace
    for path in (f"/apis/apps/v1/namespaces/{namespace}/deployments/echo", f"/api/v1/namespaces/{namespace}/services/echo",
                 f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/echo",
                 f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/echo",
                 f"/api/v1/namespaces/{namespace}/serviceaccounts/echo"):
        copy = tale.stage.get("west", path)
        assert copy, f"{path} is missing in the target"
        assert "crossfade.dev/run" not in copy["metadata"].get("labels", {}), f"{path} still carries our label"


def check_retired(tale):
    namespace = tale.stage.namespace
    source = tale.stage.get("east", f"/apis/apps/v1/namespaces/{namespace}/deployments/echo")
    assert source["spec"]["replicas"] == 0, f"the source still has {source['spec']['replicas']} replicas"


@each_route("virtualservice", "httproute", "ingress")
def moves(tale):
    """In steps, with a commit, the source scaled down, and the target rolled over to new pods afterwards: 0 failed requests."""
    route = tale.story.routes[0]
    with tale.stage.witness(route, RATE) as witness:
        tale.plan(steps="[25, 60, 100]", hold="3s")
        tale.start()
        spans = watch_holds(tale, [route], [25, 60])
        tale.until_state("completed", 180)
        check_copy(tale)
        check_retired(tale)
        tale.stage.roll("west")
        time.sleep(1)
        result = witness.stop()
    agree(tale, result, spans)
    tale.no_failures(result)
    last = result.entries()[-20:]
    assert all(e["cluster"] == "west" for e in last), "the source still answers after the move"


@story("virtualservice", "httproute")
def two_routers_move_as_one_weight(tale):
    witnesses = [tale.stage.witness(r, RATE / 2) for r in tale.story.routes]
    try:
        tale.plan(steps="[30, 70, 100]", hold="3s")
        tale.start()
        spans = watch_holds(tale, tale.story.routes, [30, 70])
        tale.until_state("completed", 180)
        results = [w.stop() for w in witnesses]
    finally:
        for w in witnesses:
            w.__exit__()
    for result in results:
        agree(tale, result, spans)
        tale.no_failures(result)


@story("virtualservice", worlds=("sandbox",))
def commit_waits_for_a_person(tale):
    tale.plan(steps="[50, 100]", hold="1s", commit="manual")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.start()
        run = tale.until_hold("commit", 120)
        assert run["callToAction"]["command"], "the hold does not say what to do"
        source = tale.stage.get("east", f"/apis/apps/v1/namespaces/{tale.stage.namespace}/deployments/echo")
        assert source["spec"]["replicas"] == 3, "the source was touched before commit"
        tale.act("commit")
        tale.until_state("completed")
        tale.no_failures(witness.stop())


SINGLETONS = """\
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly, namespace: {namespace}}}
spec:
  schedule: "0 3 1 1 *"
  jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: main, image: busybox}}]}}}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: worker, namespace: {namespace}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: worker}}}}
  template: {{metadata: {{labels: {{app: worker}}}}, spec: {{containers: [{{name: main, image: busybox}}]}}}}
"""


def singletons(tale, cluster):
    """Whether the CronJob may start Jobs, how many workers are wanted, and how many there are."""
    namespace = tale.stage.namespace
    cron = tale.stage.get(cluster, f"/apis/batch/v1/namespaces/{namespace}/cronjobs/nightly")
    worker = tale.stage.get(cluster, f"/apis/apps/v1/namespaces/{namespace}/deployments/worker")
    return (bool(cron) and not cron["spec"].get("suspend", False), worker["spec"]["replicas"] if worker else 0,
            worker.get("status", {}).get("replicas", 0) if worker else 0)


@story("virtualservice", worlds=("sandbox",))
def what_must_not_run_twice_changes_sides_at_commit(tale):
    """A CronJob and a worker that no router reaches: never on both sides, also with the source kept."""
    tale.stage.apply("east", SINGLETONS.format(namespace=tale.stage.namespace))
    tale.plan(steps="[50, 100]", hold="1s", commit="manual", more="""\
  workloads: {include: [{kind: Deployment, name: echo}, {kind: Deployment, name: worker}, {kind: CronJob, name: nightly}]}
  cleanup: {source: keep}
""")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.start()
        tale.until_hold("commit", 120)
        assert singletons(tale, "east")[:2] == (True, 2), "the source's were touched before commit"
        assert singletons(tale, "west")[:2] == (False, 0), "the target's did not wait for the commit"
        tale.act("commit")
        run = tale.get()
        while run["state"] == "active":
            target, source = singletons(tale, "west"), singletons(tale, "east")
            assert not (source[0] and target[0]), "the CronJob runs on both sides"
            assert not (source[2] and target[2]), "workers run on both sides"
            time.sleep(0.02)
            run = tale.get()
        tale.no_failures(witness.stop())
    assert run["state"] == "completed", run
    assert singletons(tale, "east")[:2] == (False, 0), "they still run in the source"
    assert singletons(tale, "west")[:2] == (True, 2), "they do not run in the target"
    assert "stopped in east" in run["message"] and "Deployment echo" in run["message"], run["message"]
