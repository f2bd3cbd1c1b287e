# SPDX-License-Identifier: Apache-2.0
"""Somebody edits the route in mid-run: the run does what the plan's onDrift says."""
import json

from tests.stories.breaks import ROUTERS, check_restored, router
from tests.stories.registry import story

RATE = 100
WHO = "somebody-else"


def edit(tale, weights):
    tale.stage.edit("east", ROUTERS["virtualservice"].format(tale.stage.namespace), WHO, [
        {"op": "replace", "path": f"/spec/http/0/route/{i}/weight", "value": w} for i, w in enumerate(weights)])


def weights_of(tale):
    seen = tale.stage.get("east", ROUTERS["virtualservice"].format(tale.stage.namespace))
    return [d.get("weight") for d in seen["spec"]["http"][0]["route"]]


@story("virtualservice")
def somebody_edits_the_route(tale):
    """pause: a hold that names who and what; the run goes on when the edit is taken back."""
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[20, 100]", hold="4s")
        tale.start()
        tale.until_weight(20)
        ours = weights_of(tale)
        edit(tale, [55, 45])
        run = tale.until_hold("drift")
        assert WHO in run["hold"]["message"], run["hold"]["message"]
        assert run["callToAction"]["command"], "the hold does not say what to do"
        tale.note(run["hold"]["message"])
        edit(tale, ours)
        tale.act("resume")
        tale.until_state("completed", 120)
        tale.no_failures(witness.stop())


@story("virtualservice")
def an_edited_route_is_written_again(tale):
    """restore: ours is written again, the run says whose edit it was, and goes on without anybody."""
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[20, 100]", hold="8s", traffic="    onDrift: restore")
        tale.start()
        tale.until_weight(20)
        tale.expect_split("virtualservice", 20)
        ours = weights_of(tale)
        edit(tale, [55, 45])
        tale.expect_split("virtualservice", 45)
        tale.expect_split("virtualservice", 20)
        assert weights_of(tale) == ours, f"{weights_of(tale)} instead of {ours}"
        assert WHO in json.dumps(tale.service.events_of(tale.run)), "no event says whose edit it was"
        tale.until_state("completed", 120)
        tale.no_failures(witness.stop())


@story("virtualservice")
def an_edited_route_ends_the_run(tale):
    """rollback: the traffic goes back, everything is as it was, and the report names the editor."""
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[20, 100]", hold="60s", traffic="    onDrift: rollback")
        tale.start()
        tale.until_weight(20)
        edit(tale, [55, 45])
        tale.until_state("rolled-back")
        tale.no_failures(witness.stop())
    check_restored(tale, baseline)
    report = tale.report()["rollback"]
    assert report["cause"] == "drift" and WHO in json.dumps(report), report
