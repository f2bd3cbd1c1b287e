# SPDX-License-Identifier: Apache-2.0
"""People in the middle of a run: they roll back, pause, freeze, deploy to the source."""
import json
import time

from tests.stories.breaks import check_restored, router
from tests.stories.registry import story
from tests.stories.rest import Problem

RATE = 100


def roll_back_when(tale, arrive, hold="60s"):
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[20, 100]", hold=hold)
        tale.start()
        arrive()
        tale.act("rollback", "a person changed their mind")
        tale.until_state("rolled-back")
        tale.no_failures(witness.stop())
    check_restored(tale, baseline)
    assert "changed their mind" in json.dumps(tale.report()), "the report does not say who asked and why"


@story("virtualservice")
def rolled_back_by_a_person_during_the_copy(tale):
    path = f"/apis/apps/v1/namespaces/{tale.stage.namespace}/deployments/echo"
    roll_back_when(tale, lambda: tale.until("the first copies", 60, lambda _: tale.stage.get("west", path)))


@story("virtualservice")
def rolled_back_by_a_person_during_the_soak(tale):
    roll_back_when(tale, lambda: (tale.until_weight(20), time.sleep(1)))


@story("virtualservice")
def rolled_back_by_a_person_during_the_shift(tale):
    roll_back_when(tale, lambda: tale.until("the shift", 60, lambda r: r["phase"] == "Shifting" or r["weight"]["applied"] == 20))


@story("virtualservice", worlds=("sandbox",))
def paused_and_resumed(tale):
    tale.plan(steps="[20, 100]", hold="1s")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.start()
        tale.until_weight(20)
        tale.act("pause", "lunch")
        run = tale.until_hold("paused")
        assert "lunch" in run["hold"]["message"]
        time.sleep(2)
        assert tale.get()["weight"]["applied"] == 20, "it moved while paused"
        tale.act("resume")
        tale.until_state("completed")
        tale.no_failures(witness.stop())


@story("virtualservice")
def a_run_is_started_on_what_a_diff_showed_or_refused(tale):
    tale.plan(steps="[20, 100]", hold="1s", commit="manual")
    diff = "/api/v1/plans/move/diff"
    shown = tale.service.rest.get(diff)["digest"]
    assert tale.service.rest.get(diff)["digest"] == shown, "the digest moves while nothing does"
    config = tale.stage.get("east", f"/api/v1/namespaces/{tale.stage.namespace}/configmaps/echo")
    config["data"]["GREETING"] = "changed"
    config["metadata"] = {"name": "echo", "namespace": tale.stage.namespace}
    tale.stage.apply("east", json.dumps(config))
    try:
        tale.service.rest.post("/api/v1/plans/move/runs", {"diff": shown})
        raise AssertionError("a run was started on a diff that is no longer true")
    except Problem as problem:
        assert problem.status == 409 and problem.body["code"] == "STALE_DIFF", problem
        assert f"ConfigMap {tale.stage.namespace}/echo changed" in problem.body["detail"], problem
    shown = tale.service.rest.get(diff)["digest"]
    again = {"Idempotency-Key": "on-a-diff"}
    tale.run = tale.service.rest.call("POST", "/api/v1/plans/move/runs", {"diff": shown}, headers=again)["id"]
    tale.until_weight(20)  # by now a diff shows something else; the repeated request still gets its first answer
    assert tale.service.rest.call("POST", "/api/v1/plans/move/runs", {"diff": shown}, headers=again)["id"] == tale.run
    tale.act("rollback")
    tale.until_state("rolled-back")


@story("virtualservice", worlds=("sandbox",))
def a_freeze_stops_forward_moves_and_not_rollbacks(tale):
    tale.plan(steps="[20, 100]", hold="1s")
    with tale.stage.witness("virtualservice", RATE):
        tale.start()
        tale.until_weight(20)
        tale.service.rest.call("PUT", "/api/v1/freeze", {"reason": "Black Friday"})
        run = tale.until_hold("frozen")
        assert "Black Friday" in run["hold"]["message"]
        tale.act("rollback", "not today")
        tale.until_state("rolled-back")
        tale.service.rest.call("DELETE", "/api/v1/freeze")


@story("virtualservice")
def a_deploy_changes_the_source_in_mid_run(tale):
    """A hold that names what changed; resume copies it again."""
    namespace = tale.stage.namespace
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[20, 100]", hold="4s")
        tale.start()
        tale.until_weight(20)
        tale.stage.edit("east", f"/apis/apps/v1/namespaces/{namespace}/deployments/echo", "ci-pipeline", [
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"release": "2"}}])
        run = tale.until_hold("source-changed")
        assert "echo" in run["hold"]["message"], run["hold"]["message"]
        tale.note(run["hold"]["message"])
        tale.act("resume")
        tale.until_state("completed", 120)
        copy = tale.stage.get("west", f"/apis/apps/v1/namespaces/{namespace}/deployments/echo")
        assert copy["spec"]["template"]["metadata"]["annotations"].get("release") == "2", "the change was not copied"
        tale.no_failures(witness.stop())
