# SPDX-License-Identifier: Apache-2.0
"""A service moves whose owner keeps it in Karmada already, placed on the source by a policy of his: it is taken over as it is placed, nobody
notices, and what is given back is his to the letter."""
import time

from tests.stories.breaks import check_restored, router
from tests.stories.crashes import die
from tests.stories.federations import ADOPT, WORLDS, deployment, is_managed, path, pods, policies
from tests.stories.moves import RATE, agree, check_copy, check_retired, watch_holds
from tests.stories.registry import THOROUGH, story

PLACED_S = 60  # in which Karmada has taken over what a policy places
THEIR_POLICY = """\
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {{name: shop, namespace: {ns}}}
spec:
  conflictResolution: Overwrite
  placement: {{clusterAffinity: {{clusterNames: [east]}}}}
  resourceSelectors:
    - {{apiVersion: apps/v1, kind: Deployment}}
    - {{apiVersion: v1, kind: Service}}
    - {{apiVersion: v1, kind: ServiceAccount, name: echo}}
    - {{apiVersion: v1, kind: ConfigMap, name: echo}}
    - {{apiVersion: v1, kind: Secret}}
    - {{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler}}
    - {{apiVersion: policy/v1, kind: PodDisruptionBudget}}
"""
KINDS = ("apis/apps/v1/namespaces/{ns}/deployments", "api/v1/namespaces/{ns}/services", "api/v1/namespaces/{ns}/serviceaccounts",
         "api/v1/namespaces/{ns}/configmaps", "apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
         "apis/policy/v1/namespaces/{ns}/poddisruptionbudgets")
CLAIM = "propagationpolicy.karmada.io/name"
RETAIN = "resourcetemplate.karmada.io/retain-replicas"


def echo_in(tale, cluster):
    """Every object named echo, by its path."""
    paths = [path(tale, "/" + kind) + "/echo" for kind in KINDS]
    return {p: tale.stage.get(cluster, p) for p in paths}


def place_by_somebody(tale):
    """As somebody has done who keeps his application in Karmada: templates and a policy, on east alone; the pods that run are taken over."""
    tale.stage.apply("hub", tale.stage.application() + "\n---\n" + path(tale, THEIR_POLICY))
    tale.stage.edit("hub", path(tale, "/apis/apps/v1/namespaces/{ns}/deployments/echo"), "somebody",
                    [{"op": "add", "path": "/metadata/labels/" + RETAIN.replace("/", "~1"), "value": "true"}])
    deadline = time.monotonic() + PLACED_S
    while not all(o and is_managed(o) for o in echo_in(tale, "east").values()):
        assert time.monotonic() < deadline, "Karmada does not take the application over for its owner"
        time.sleep(0.1)
    time.sleep(1)  # its last words about it


def theirs(tale):
    """What its owner sees of his application in the control plane."""
    seen = {}
    for at, template in echo_in(tale, "hub").items():
        meta = template["metadata"]
        seen[at] = {"spec": template.get("spec"), "data": template.get("data"), "uid": meta["uid"], "labels": meta.get("labels"),
                    "annotations": meta.get("annotations")}
    return seen


def identities(tale):
    return {at: o["metadata"]["uid"] for at, o in echo_in(tale, "east").items()}, pods(tale, "east")


def ours(tale):
    return [p for p in policies(tale) if p["metadata"]["name"] != "shop"]


def is_theirs_no_more(tale, at_least):
    """Whether so many templates are not claimed by the owner's policy."""
    return sum(o["metadata"].get("annotations", {}).get(CLAIM) != "shop" for o in echo_in(tale, "hub").values()) >= at_least


def check_given_back(tale, before):
    """The templates are their owner's again, as they were, and nothing of ours is left."""
    assert theirs(tale) == before, f"what was the owner's is not what it was: {before} → {theirs(tale)}"
    assert not ours(tale), "policies are left in the control plane"
    for binding in tale.stage.get("hub", path(tale, "/apis/work.karmada.io/v1alpha2/namespaces/{ns}/resourcebindings"))["items"]:
        name = binding["metadata"]["name"]
        assert binding["metadata"]["annotations"][CLAIM] == "shop", f"{name} is not the owner's"
        assert [c["name"] for c in binding["spec"]["clusters"]] == ["east"], f"{name} is placed on {binding['spec']['clusters']}"
        assert binding["spec"].get("schedulerName", "default-scheduler") == "default-scheduler", name
    assert is_managed(deployment(tale, "east")), "the source is no longer Karmada's"
    for kind in ("deployments", "replicasets"):
        listed = tale.stage.get("west", path(tale, "/apis/apps/v1/namespaces/{ns}/") + kind)
        assert not listed or not listed["items"], f"{kind} are left in the target"


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_placed(tale):
    """The source is in somebody's policy: taken over as it is placed, moved, and its owner told how to have it again."""
    place_by_somebody(tale)
    before = identities(tale)
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[25, 60, 100]", hold="2s", commit="manual", more=ADOPT)
        tale.start()
        spans = watch_holds(tale, ["virtualservice"], [25, 60])
        tale.until_hold("commit", 180)
        assert identities(tale) == before, "something of the source was replaced before the commit"
        tale.act("commit")
        run = tale.until_state("completed", 180)
        check_copy(tale)
        check_retired(tale)
        told = next(s for s in run["steps"] if s["kind"] == "cleanup")["message"]
        assert "edit propagationpolicy shop" in told and "delete propagationpolicy -l crossfade.dev/run=" in told, told
        tale.note(told)
        # As it says: the owner's policy names the target, and ours goes.
        tale.stage.edit("hub", path(tale, "/apis/policy.karmada.io/v1alpha1/namespaces/{ns}/propagationpolicies/shop"), "somebody",
                        [{"op": "replace", "path": "/spec/placement/clusterAffinity/clusterNames", "value": ["west"]}])
        copy = deployment(tale, "west")["metadata"]["uid"]
        for policy in ours(tale):
            tale.stage.remove("hub", path(tale, "/apis/policy.karmada.io/v1alpha1/namespaces/{ns}/propagationpolicies/" + policy["metadata"]["name"]))
        deadline = time.monotonic() + PLACED_S
        while is_theirs_no_more(tale, 1) or ours(tale):
            assert time.monotonic() < deadline, "the owner's policy does not get its templates again"
            time.sleep(0.1)
        time.sleep(2)
        result = witness.stop()
    agree(tale, result, spans)
    tale.no_failures(result)
    assert deployment(tale, "west")["metadata"]["uid"] == copy and is_managed(deployment(tale, "west")), "the copy is not what it was"
    assert not is_managed(deployment(tale, "east")), "the source still carries Karmada's label"


@story("virtualservice", worlds=WORLDS, plane="karmada")
def back_from_karmada_placed(tale):
    """A person goes back at half weight: the templates are their owner's again, to the letter."""
    place_by_somebody(tale)
    before, templates = identities(tale), theirs(tale)
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s", more=ADOPT)
        tale.start()
        tale.until_weight(50, 120)
        tale.act("rollback")
        tale.until_state("rolled-back", 120)
        tale.no_failures(witness.stop())
    assert identities(tale) == before, "something of the source was replaced"
    check_restored(tale, baseline)
    check_given_back(tale, templates)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def killed_while_it_takes_over_and_gives_back(tale):
    """The service dies with claims half taken, and again with claims half given back."""
    place_by_somebody(tale)
    before, templates = identities(tale), theirs(tale)
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s", more=ADOPT)
        tale.start()
        tale.until("the first template taken over", 60, lambda _: is_theirs_no_more(tale, 1), every=0.01)
        die(tale)
        tale.until_weight(50, 180)
        assert identities(tale) == before, "something of the source was replaced"
        tale.act("rollback")
        tale.until("the first template given back", 60, lambda _: not is_theirs_no_more(tale, len(KINDS)), every=0.01)
        die(tale)
        tale.until_state("rolled-back", 180)
        tale.no_failures(witness.stop())
    assert identities(tale) == before, "something of the source was replaced"
    check_given_back(tale, templates)


def is_widened(tale):
    mine = ours(tale)
    return bool(mine) and all({"east", "west"} <= set(p["spec"]["placement"]["clusterAffinity"]["clusterNames"]) for p in mine)


# What shows that a run has come so far, or further.
ARROWS = {
    "a claim is taken": lambda tale, run: is_theirs_no_more(tale, 1),
    "all claims are taken": lambda tale, run: is_theirs_no_more(tale, len(KINDS)),
    "both are placed": lambda tale, run: is_widened(tale),
    "both are served": lambda tale, run: bool(deployment(tale, "west")),
    "half of the traffic": lambda tale, run: run["weight"]["applied"] == 50,
    "all of the traffic": lambda tale, run: (run.get("hold") or {}).get("reason") == "commit",
}


@story("virtualservice", worlds=WORLDS if THOROUGH else ("karmada",), plane="karmada")
def back_from_karmada_placed_at_each_arrow(tale):
    """One run per arrow, each rolled back there: every time the templates are their owner's again, and the source is untouched."""
    place_by_somebody(tale)
    before, templates = identities(tale), theirs(tale)
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="1s", commit="manual", more=ADOPT)
        for arrow, reached in ARROWS.items():
            tale.start()
            tale.until(arrow, 60, lambda run, reached=reached: reached(tale, run), every=0.01)
            tale.act("rollback")
            run = tale.until("the end of the run", 120, lambda r: r["state"] in ("rolled-back", "canceled"))
            tale.note(f"{arrow}: {run['state']}")
            assert identities(tale) == before, f"{arrow}: something of the source was replaced"
            check_given_back(tale, templates)
        tale.no_failures(witness.stop())
