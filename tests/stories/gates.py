# SPDX-License-Identifier: Apache-2.0
"""Gates of other types than the share of good answers: one that is broken sends the traffic back, and the report says which."""
import time

from tests.stories.breaks import check_restored, router
from tests.stories.registry import story
from tests.stories.tale import failed_request

RATE = 100
LATENCY = "{{name: fast, type: latency, max: 500ms, min: 98%, detect: 20%, interval: 200ms}}"
# What the route's own gateway counted for the bridge. Before the first request there is no series: 0 then.
COUNTER = "sum(envoy_cluster_upstream_rq{{cluster_name=~'outbound.80..[^.]*crossfade[^.]*[.]%s[.].*',response_code=~'%s'}}) or vector(0)"


def comes_back(tale, name, gate, **fault):
    """Runs to 50 % under the gate, breaks the target, and waits until everything is as it was."""
    route = tale.story.routes[0]
    baseline = {route: router(tale, route)}
    with tale.stage.witness(route, RATE) as witness:
        tale.plan(steps="[20, 50, 100]", hold="1s", gate=gate)
        tale.start()
        tale.until_weight(50)  # so the gate has passed once
        tale.act("pause", "the fault comes now")
        tale.until_hold("paused")
        tale.stage.fault("west", **fault)
        began = time.time()
        tale.until_state("rolled-back")
        tale.note(f"fault → rolled back {time.time() - began:.1f} s")
        result = witness.stop()
    check_restored(tale, baseline)
    report = tale.report()["rollback"]
    assert report["cause"] == "gate" and name in report["reason"], report
    return result


@story("virtualservice")
def a_slow_target_comes_back(tale):
    """A latency gate: every answer is good, and late."""
    result = comes_back(tale, "fast", LATENCY, latency="800ms")
    tale.no_failures(result)
    late = [e for e in result.entries() if e["cluster"] == "west" and e["us"] > 800_000]
    assert late, "no client saw the fault"


@story("httproute", worlds=("lab",))
def a_query_of_the_plan_brings_it_back(tale):
    """A promql gate: two counters of the plan's own, asked of a real Prometheus. The sandbox has none."""
    total, failed = (COUNTER % (tale.stage.namespace, codes) for codes in (".+", "5.."))
    gate = f'{{{{name: answers, type: promql, min: 99%, detect: 10%, total: "{total}", failed: "{failed}"}}}}'
    result = comes_back(tale, "answers", gate, error=1)
    assert any(failed_request(e) for e in result.entries()), "no client saw the fault"
