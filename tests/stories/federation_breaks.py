# SPDX-License-Identifier: Apache-2.0
"""A copy through a control plane goes wrong, or somebody thinks better of it: traffic can go back at any time, also without the control plane,
and the source's pods are the same ones in the end."""
import time

from tests.stories.breaks import router
from tests.stories.federations import ADOPT, RATE, TARGET_ONLY, WORLDS, check_nothing_left, deployment, is_managed, path, pods, policies
from tests.stories.moves import check_retired
from tests.stories.registry import THOROUGH, story

HOME_S = 10  # a rollback has sent the traffic home; seconds are the promise, this is the story's patience
AWAY = ("federation", "cluster-unreachable")


def is_placed(tale, *members):
    """Whether every policy of ours places on these, at least."""
    ours = policies(tale)
    return bool(ours) and all(set(members) <= set(p["spec"]["placement"]["clusterAffinity"]["clusterNames"]) for p in ours)


def is_half(tale, run):
    return run["weight"]["applied"] == 50


def is_whole(tale, run):
    return (run.get("hold") or {}).get("reason") == "commit"


# The arrows of a copy into the target alone: what shows that a run has come so far, or further.
ARROWS_TARGET_ONLY = {
    "the templates stand": lambda tale, run: bool(deployment(tale, "hub")),
    "the target is placed": lambda tale, run: is_placed(tale, "west"),
    "the target is served": lambda tale, run: bool(deployment(tale, "west")),
    "half of the traffic": is_half,
    "all of the traffic": is_whole,
}
# The same of an adoption.
ARROWS_ADOPT = {
    "the source is placed": lambda tale, run: is_placed(tale, "east"),
    "the source is taken over": lambda tale, run: is_managed(deployment(tale, "east")),
    "both are placed": lambda tale, run: is_placed(tale, "east", "west"),
    "both are served": lambda tale, run: bool(deployment(tale, "west")),
    "half of the traffic": is_half,
    "all of the traffic": is_whole,
}


def back_at_each(tale, copy, arrows):
    """One run per arrow, each rolled back there: the source is as it was, its pods the same, nothing of ours left."""
    before, source, route = pods(tale, "east"), deployment(tale, "east"), router(tale, "virtualservice")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="1s", commit="manual", more=copy)
        for arrow, reached in arrows.items():
            tale.start()
            tale.until(arrow, 60, lambda run, reached=reached: reached(tale, run), every=0.01)
            tale.act("rollback")
            run = tale.until("the end of the run", 120, lambda r: r["state"] in ("rolled-back", "canceled"))
            tale.note(f"{arrow}: {run['state']}")
            assert pods(tale, "east") == before, f"{arrow}: pods of the source were replaced"
            now = deployment(tale, "east")
            assert now["spec"] == source["spec"], f"{arrow}: the source is not what it was: {source['spec']} → {now['spec']}"
            assert not is_managed(now), f"{arrow}: the source still carries Karmada's label"
            assert router(tale, "virtualservice") == route, f"{arrow}: the route is not what it was"
            check_nothing_left(tale)
        tale.no_failures(witness.stop())


@story("virtualservice", worlds=WORLDS if THOROUGH else ("karmada",), plane="karmada")
def back_from_karmada_at_each_arrow(tale):
    back_at_each(tale, TARGET_ONLY, ARROWS_TARGET_ONLY)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def back_from_karmada_adopt_at_each_arrow(tale):
    back_at_each(tale, ADOPT, ARROWS_ADOPT)


def hold_in(tale, reasons, seconds=60):
    return tale.until(f"a hold of {reasons}", seconds, lambda r: (r.get("hold") or {}).get("reason") in reasons)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def the_control_plane_stops_in_mid_run(tale):
    """No raise without it, and the reason is said; it comes back, and the run goes on to its end."""
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="5s", commit="manual", more=TARGET_ONLY)
        tale.start()
        tale.until_weight(50, 120)
        with tale.stage.without_api("hub"):
            run = hold_in(tale, AWAY)
            assert "hub" in run["hold"]["message"], run["hold"]
            assert run["weight"]["applied"] == 50, "it was raised without the control plane"
        tale.until_hold("commit", 180)
        assert pods(tale, "east") == before, "pods of the source were replaced before the commit"
        tale.act("commit")
        tale.until_state("completed", 180)
        tale.no_failures(witness.stop())
    check_retired(tale)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def traffic_goes_home_without_its_control_plane(tale):
    """Asked to go back while the control plane is gone: the traffic goes at once; the copies are taken away when it is there again."""
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s", more=TARGET_ONLY)
        tale.start()
        tale.until_weight(50, 120)
        with tale.stage.without_api("hub"):
            asked = time.monotonic()
            tale.act("rollback")
            tale.until("the traffic at home", HOME_S, lambda r: r["weight"]["applied"] == 0)
            tale.note(f"the traffic was home after {time.monotonic() - asked:.1f} s")
            tale.expect_split("virtualservice", 0)
            run = tale.until("a word about the control plane", 60, lambda r: "hub" in ((r.get("hold") or {}).get("message") or ""))
            assert run["state"] == "rolling-back", run["state"]
        tale.until_state("rolled-back", 180)
        tale.no_failures(witness.stop())
    assert pods(tale, "east") == before, "pods of the source were replaced"
    check_nothing_left(tale)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def the_member_stops_answering_in_mid_run(tale):
    """The target's API server is gone, its pods serve on: no raise, no failed request; it comes back, and the run goes on to its end."""
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="5s", more=TARGET_ONLY)
        tale.start()
        tale.until_weight(50, 120)
        with tale.stage.without_api("west"):
            run = hold_in(tale, (*AWAY, "not-ready", "probe-failed"))
            assert run["weight"]["applied"] == 50, "it was raised without a look at the target"
        tale.until_state("completed", 240)
        tale.no_failures(witness.stop())
    check_retired(tale)


IN_THE_WAY = """\
apiVersion: v1
kind: Namespace
metadata: {{name: {ns}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo, namespace: {ns}, labels: {{team: other}}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: other}}}}
  template: {{metadata: {{labels: {{app: other}}}}, spec: {{containers: [{{name: echo, image: "lab/echo:v1"}}]}}}}
"""


@story("virtualservice", worlds=WORLDS, plane="karmada")
def karmada_leaves_an_existing_deployment_alone(tale):
    """Somebody's Deployment of that name stands in the target: the run holds and names it; taken away, the run goes on."""
    tale.stage.apply("west", path(tale, IN_THE_WAY))
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="1s", more=TARGET_ONLY)
        tale.start()
        run = tale.until("a word about the Deployment in the way", 120,
                         lambda r: "Deployment" in ((r.get("hold") or {}).get("message") or ""))
        tale.note(f"{run['hold']['reason']}: {run['hold']['message']}")
        theirs = deployment(tale, "west")
        assert theirs["metadata"]["labels"]["team"] == "other" and not is_managed(theirs), "what stood in the way was touched"
        tale.stage.remove("west", path(tale, "/apis/apps/v1/namespaces/{ns}/deployments/echo"))
        tale.until_state("completed", 240)
        tale.no_failures(witness.stop())
    assert is_managed(deployment(tale, "west")), "the copy is not Karmada's"


OVERWRITE = "  copy: {method: karmada, controlPlane: hub, onConflict: overwrite}\n"
THEIRS = """\
apiVersion: v1
kind: Namespace
metadata: {{name: {ns}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo, namespace: {ns}, labels: {{team: other}}, annotations: {{example.com/owner: other}}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: echo}}}}
  template: {{metadata: {{labels: {{app: echo}}}}, spec: {{containers: [{{name: theirs, image: "lab/echo:v2"}}]}}}}
"""


def stand_there(tale):
    """Somebody's Deployment of that name and selector runs in the target; returns it as it is."""
    tale.stage.apply("west", path(tale, THEIRS))
    deadline = time.monotonic() + 60
    while not deployment(tale, "west").get("status", {}).get("availableReplicas"):
        assert time.monotonic() < deadline, "their Deployment does not run"
        time.sleep(0.2)
    return deployment(tale, "west")


def containers(o):
    return [(c["name"], c["image"]) for c in o["spec"]["template"]["spec"]["containers"]]


def is_taken_over(tale, theirs):
    now = deployment(tale, "west")
    assert now["metadata"]["uid"] == theirs["metadata"]["uid"], "it was replaced, not taken over"
    assert is_managed(now), "it is not Karmada's"
    assert containers(now) == containers(deployment(tale, "east")), f"it runs {containers(now)}"


@story("virtualservice", worlds=WORLDS, plane="karmada")
def karmada_takes_over_an_existing_deployment(tale):
    """onConflict: overwrite: the same object in the target, with the source's content, and it stays Karmada's."""
    theirs = stand_there(tale)
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="1s", more=OVERWRITE)
        tale.start()
        tale.until_state("completed", 240)
        tale.no_failures(witness.stop())
    is_taken_over(tale, theirs)
    check_retired(tale)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def karmada_says_what_cannot_be_overwritten(tale):
    """Their Deployment selects other pods, which never changes: the run says so before anything is written, and theirs stays."""
    tale.stage.apply("west", path(tale, IN_THE_WAY))
    theirs = deployment(tale, "west")
    tale.plan(steps="[50, 100]", hold="1s", more=OVERWRITE)
    tale.start()
    run = tale.until("a word about what never changes", 120, lambda r: "immutable" in ((r.get("hold") or {}).get("message") or ""))
    tale.note(f"{run['hold']['reason']}: {run['hold']['message']:.300}")
    tale.act("rollback")
    tale.until("the end of the run", 180, lambda r: r["state"] in ("rolled-back", "canceled"))
    now = deployment(tale, "west")
    assert (now["metadata"]["uid"], now["spec"]) == (theirs["metadata"]["uid"], theirs["spec"]), "theirs was touched"
    assert not is_managed(now) and not policies(tale) and not deployment(tale, "hub"), "something is left"


# The arrows of a copy over what stands there.
ARROWS_OVERWRITE = {
    "the target is placed": ARROWS_TARGET_ONLY["the target is placed"],
    "theirs is taken over": lambda tale, run: is_managed(deployment(tale, "west")),
    "half of the traffic": is_half,
}


def is_given_back(tale, arrow, theirs):
    now = deployment(tale, "west")
    assert now["metadata"]["uid"] == theirs["metadata"]["uid"], f"{arrow}: it was replaced"
    assert now["spec"] == theirs["spec"], f"{arrow}: it is not what it was: {theirs['spec']} → {now['spec']}"
    for part in ("labels", "annotations"):
        is_now, was = (without_revision(o["metadata"].get(part) or {}) for o in (now, theirs))
        assert is_now == was, f"{arrow}: {part}: {was} → {is_now}"


@story("virtualservice", worlds=WORLDS, plane="karmada")
def back_from_karmada_gives_an_overwritten_deployment_back(tale):
    """Rolled back, what was overwritten is what it was: the same object, its own content, nobody's."""
    before, theirs = pods(tale, "east"), stand_there(tale)
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s", more=OVERWRITE)
        for arrow, reached in ARROWS_OVERWRITE.items():
            tale.start()
            tale.until(arrow, 120, lambda run, reached=reached: reached(tale, run), every=0.01)
            tale.act("rollback")
            run = tale.until("the end of the run", 180, lambda r: r["state"] in ("rolled-back", "canceled"))
            tale.note(f"{arrow}: {run['state']}")
            is_given_back(tale, arrow, theirs)
            assert not policies(tale) and not deployment(tale, "hub"), f"{arrow}: something is left in the control plane"
        tale.no_failures(witness.stop())
    assert pods(tale, "east") == before, "pods of the source were replaced"


def without_revision(annotations):
    return {k: v for k, v in annotations.items() if k != "deployment.kubernetes.io/revision"}
