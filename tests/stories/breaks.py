# SPDX-License-Identifier: Apache-2.0
"""The target breaks half-way: the traffic goes back by itself, within seconds, and everything is as it was."""
import time

from tests.stories.registry import each_route, story
from tests.stories.tale import failed_request

RATE = 100
ROUTERS = {
    "virtualservice": "/apis/networking.istio.io/v1/namespaces/{}/virtualservices/echo",
    "httproute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/echo",
    "ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses/echo",
}


def without_server_fields(o):
    """What people wrote: no metadata that the server owns, no status."""
    metadata = {k: v for k, v in o["metadata"].items() if k in ("name", "namespace", "labels", "annotations") and v}
    return {**{k: v for k, v in o.items() if k not in ("metadata", "status")}, "metadata": metadata}


def router(tale, route):
    return without_server_fields(tale.stage.get("east", ROUTERS[route].format(tale.stage.namespace)))


def check_restored(tale, baseline):
    for route, before in baseline.items():
        assert router(tale, route) == before, f"the {route} is not what it was: {before} → {router(tale, route)}"
    namespace = tale.stage.namespace
    left = tale.stage.get("west", f"/apis/apps/v1/namespaces/{namespace}/deployments/echo")
    assert not left, "the copy is still in the target"
    source = tale.stage.get("east", f"/apis/apps/v1/namespaces/{namespace}/deployments/echo")
    assert source["spec"]["replicas"] == 3, "the source is not what it was"


def break_at(tale, weight, **how):
    """Runs into a fault at a weight; returns (when it was injected, the witness' result)."""
    route = tale.story.routes[0]
    baseline = {route: router(tale, route)}
    with tale.stage.witness(route, RATE) as witness:
        tale.plan(steps="[10, 50, 100]", hold="60s" if weight else "2s")
        tale.start()
        tale.until_weight(10)
        if weight > 10:
            tale.act("advance")
            tale.until_weight(weight)
        time.sleep(2)
        fault_ns = time.time_ns()
        tale.stage.fault("west", **how)
        tale.until_state("rolled-back", 120)
        time.sleep(1)
        result = witness.stop()
    check_restored(tale, baseline)
    return fault_ns, result


def tell_times(tale, fault_ns, result):
    bad = [e for e in result.entries() if failed_request(e)]
    assert bad, "the fault was never seen by a client"
    last = (bad[-1]["t"] - fault_ns) / 1e9
    report = tale.report()["rollback"]
    for field in ("firstBadAt", "decidedAt", "patchSentAt", "patchDoneAt"):
        assert report.get(field), f"the report does not say {field}: {report}"
    tale.note(f"fault → last failed request {last:.2f} s; {len(bad)} of {result.sent} failed; decision → patch "
              f"{report.get('patchMs')} ms")
    return last


@each_route("virtualservice", "httproute", "ingress")
def total_failure_comes_back(tale):
    fault_ns, result = break_at(tale, 10, error=1)
    tell_times(tale, fault_ns, result)
    after = [e for e in result.entries() if e["t"] > time.time_ns() - 800_000_000]
    assert not any(failed_request(e) for e in after), "requests still fail after the rollback"


@each_route("virtualservice")
def five_percent_comes_back(tale):
    fault_ns, result = break_at(tale, 50, error=0.05)
    tell_times(tale, fault_ns, result)


@story("virtualservice", "httproute")
def two_routers_come_back_together(tale):
    baseline = {r: router(tale, r) for r in tale.story.routes}
    witnesses = [tale.stage.witness(r, RATE / 2) for r in tale.story.routes]
    try:
        tale.plan(steps="[30, 100]", hold="60s")
        tale.start()
        tale.until_weight(30)
        time.sleep(2)
        tale.stage.fault("west", error=1)
        tale.until_state("rolled-back")
        time.sleep(1)
        results = [w.stop() for w in witnesses]
    finally:
        for w in witnesses:
            w.__exit__()
    check_restored(tale, baseline)
    assert all(not failed_request(e) for r in results for e in r.entries()[-10:])
