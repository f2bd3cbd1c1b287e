# SPDX-License-Identifier: Apache-2.0
"""A service moves through a control plane under load: into the target alone, or by adopting the source; nobody notices, and the pods of the
source are the same ones until the commit, and after it."""
from tests.stories.breaks import check_restored, router
from tests.stories.moves import RATE, SINGLETONS, agree, check_copy, check_retired, singletons, watch_holds
from tests.stories.registry import story

WORLDS = ("federations", "karmada")
TARGET_ONLY = "  copy: {method: karmada, controlPlane: hub}\n"
IN_TEMPLATE = "  copy: {method: karmada, controlPlane: hub, overrides: template}\n"
ADOPT = "  copy: {method: karmada, controlPlane: hub, mode: adopt}\n"
MANAGED = "karmada.io/managed"


def path(tale, rest):
    return rest.format(ns=tale.stage.namespace)


def deployment(tale, cluster):
    return tale.stage.get(cluster, path(tale, "/apis/apps/v1/namespaces/{ns}/deployments/echo"))


def pods(tale, cluster):
    listed = tale.stage.get(cluster, path(tale, "/api/v1/namespaces/{ns}/pods"))
    return sorted(p["metadata"]["uid"] for p in listed["items"])


def is_managed(o):
    return MANAGED in (o["metadata"].get("labels") or {})


def policies(tale):
    listed = tale.stage.get("hub", path(tale, "/apis/policy.karmada.io/v1alpha1/namespaces/{ns}/propagationpolicies"))
    return listed["items"] if listed else []


def check_handed_over(tale):
    """The copies stay Karmada's, in the target alone, under policies that its own scheduler follows."""
    assert is_managed(deployment(tale, "west")), "the copy is no longer managed by Karmada"
    left = policies(tale)
    assert left, "the policies are gone"
    for policy in left:
        placed = policy["spec"]["placement"]["clusterAffinity"]["clusterNames"]
        assert placed == ["west"], f"{policy['metadata']['name']} places on {placed}"
        assert policy["spec"].get("schedulerName", "default-scheduler") == "default-scheduler", policy["spec"]
        assert "suspension" not in policy["spec"], policy["spec"]


def check_nothing_left(tale):
    namespace = tale.stage.namespace
    for kind in ("deployments", "replicasets"):
        listed = tale.stage.get("west", f"/apis/apps/v1/namespaces/{namespace}/{kind}")
        assert not listed or not listed["items"], f"{kind} are left in the target"
    assert not policies(tale), "policies are left in the control plane"
    template = deployment(tale, "hub")
    assert not template, "a template is left in the control plane"


def schedulers(tale):
    return {p["spec"].get("schedulerName", "default-scheduler") for p in policies(tale)}


def move(tale, copy, sources_pods_stay, scheduler="crossfade"):
    before = pods(tale, "east")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[25, 60, 100]", hold="2s", commit="manual", more=copy)
        tale.start()
        spans = watch_holds(tale, ["virtualservice"], [25, 60])
        tale.until_hold("commit", 180)
        assert schedulers(tale) == {scheduler}, f"placed by {schedulers(tale)}, not by {scheduler}"
        assert pods(tale, "east") == before, "pods of the source were replaced before the commit"
        assert is_managed(deployment(tale, "east")) == sources_pods_stay
        tale.act("commit")
        tale.until_state("completed", 180)
        check_copy(tale)
        check_retired(tale)
        result = witness.stop()
    agree(tale, result, spans)
    tale.no_failures(result)
    source = deployment(tale, "east")
    assert not is_managed(source), "the source still carries Karmada's label"
    assert "work.karmada.io/conflict-resolution" not in source["metadata"].get("annotations", {}), source["metadata"]
    check_handed_over(tale)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada(tale):
    """With the printed rights alone: who only copies the source may change nothing in it but what a direct move changes."""
    tale.grant("east", "--side", "source")
    move(tale, TARGET_ONLY, False)


NAMESPACES = """\
apiVersion: v1
kind: Namespace
metadata: {{name: {ns}, labels: {{namespace.karmada.io/skip-auto-propagation: "true"}}}}
"""


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_with_roles_of_its_namespace(tale):
    """An administrator makes the namespaces, and gives rights in these alone beside what has no namespace."""
    for cluster in ("hub", "west"):
        tale.stage.apply(cluster, path(tale, NAMESPACES))
    for cluster, what in (("hub", ("--method", "karmada")), ("east", ("--side", "adopted")), ("west", ("--side", "target"))):
        tale.grant(cluster, *what, "--namespace", tale.stage.namespace)
    move(tale, ADOPT, True)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_by_its_scheduler(tale):
    """Where bindings may not be patched, Karmada's own scheduler places the copies."""
    tale.stage.keep_from_placing(tale.printed_rights("hub", "--method", "karmada"))
    move(tale, TARGET_ONLY, False, scheduler="default-scheduler")


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_adopt_by_its_scheduler(tale):
    tale.stage.keep_from_placing(tale.printed_rights("hub", "--method", "karmada"))
    move(tale, ADOPT, True, scheduler="default-scheduler")


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_in_template(tale):
    move(tale, IN_TEMPLATE, False)


@story("virtualservice", worlds=("sandbox", "karmada"), plane="karmada")
def moves_karmada_adopt(tale):
    move(tale, ADOPT, True)


BESIDE = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: beside, namespace: {ns}}}
spec:
  rules:
    - host: beside.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: beside, port: {{number: 80}}}}}}}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: beside, namespace: {ns}}}
spec: {{type: NodePort, selector: {{app: echo}}, ports: [{{port: 80, targetPort: 8080}}]}}
"""


def move_with_what_leads_there(tale, copy, sources_pods_stay):
    """An Ingress and a node port beside the router: they come along, with the printed rights, and the source's number stays."""
    beside = path(tale, "/api/v1/namespaces/{ns}/services/beside")
    tale.stage.apply("east", path(tale, BESIDE))
    before = tale.stage.get("east", beside)["spec"]["ports"]
    move(tale, copy, sources_pods_stay)
    assert tale.stage.get("west", path(tale, "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses/beside")), "the Ingress did not come"
    assert tale.stage.get("west", beside)["spec"]["ports"][0]["nodePort"], "the target has no node port"
    now = tale.stage.get("east", beside)["spec"]["ports"]
    assert now == before, f"the source's node port changed: {before} → {now}"


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_with_what_leads_there(tale):
    move_with_what_leads_there(tale, TARGET_ONLY, False)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def moves_karmada_adopt_with_what_leads_there(tale):
    move_with_what_leads_there(tale, ADOPT, True)


def roll_back(tale, copy):
    """A person goes back at half weight: traffic, then the copies, and the source is what it was."""
    before, source = pods(tale, "east"), deployment(tale, "east")
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s", more=copy)
        tale.start()
        tale.until_weight(50, 120)
        tale.act("rollback")
        tale.until_state("rolled-back", 120)
        tale.no_failures(witness.stop())
    assert pods(tale, "east") == before, "pods of the source were replaced"
    now = deployment(tale, "east")
    assert now["spec"] == source["spec"], f"the source is not what it was: {source['spec']} → {now['spec']}"
    assert not is_managed(now), "the source still carries Karmada's label"
    check_restored(tale, baseline)
    check_nothing_left(tale)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def back_from_karmada(tale):
    tale.grant("east", "--side", "source")
    roll_back(tale, TARGET_ONLY)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def back_from_karmada_by_its_scheduler(tale):
    tale.stage.keep_from_placing(tale.printed_rights("hub", "--method", "karmada"))
    roll_back(tale, TARGET_ONLY)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def back_from_karmada_adopt(tale):
    roll_back(tale, ADOPT)


@story("virtualservice", worlds=WORLDS, plane="karmada")
def karmada_starts_at_commit_what_must_not_run_twice(tale):
    tale.stage.apply("east", SINGLETONS.format(namespace=tale.stage.namespace))
    tale.plan(steps="[50, 100]", hold="1s", commit="manual", more=ADOPT + """\
  workloads: {include: [{kind: Deployment, name: echo}, {kind: Deployment, name: worker}, {kind: CronJob, name: nightly}]}
""")
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.start()
        tale.until_hold("commit", 180)
        assert singletons(tale, "east")[:2] == (True, 2), "the source's were touched before commit"
        assert singletons(tale, "west")[:2] == (False, 0), "the target's did not wait for the commit"
        tale.act("commit")
        tale.until_state("completed", 180)
        tale.no_failures(witness.stop())
    assert singletons(tale, "east")[:2] == (False, 0), "they still run in the source"
    assert singletons(tale, "west")[:2] == (True, 2), "they do not run in the target"


@story("virtualservice", worlds=WORLDS, plane="karmada")
def karmada_holds_when_its_policy_is_changed(tale):
    """Somebody edits the policy in mid-run: no raise until it is given back."""
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="3s", more=TARGET_ONLY)
        tale.start()
        tale.until_weight(50, 120)
        policy = next(p for p in policies(tale) if p["spec"]["resourceSelectors"][0]["kind"] == "Deployment")
        at = path(tale, "/apis/policy.karmada.io/v1alpha1/namespaces/{ns}/propagationpolicies/" + policy["metadata"]["name"])
        edit = [{"op": "replace", "path": "/spec/preserveResourcesOnDeletion", "value": False}]
        tale.stage.edit("hub", at, "an-admin", edit)
        run = tale.until_hold("federation", 60)
        assert policy["metadata"]["name"].removesuffix("-run") in run["hold"]["message"], run["hold"]
        edit[0]["value"] = True
        tale.stage.edit("hub", at, "an-admin", edit)
        tale.until_state("completed", 180)
        tale.no_failures(witness.stop())


@story("virtualservice", worlds=WORLDS, plane="karmada")
def karmada_names_what_stands_in_its_way(tale):
    """An object of that name in the target: the run holds and names it, and it stays as it is."""
    namespace = tale.stage.namespace
    tale.stage.apply("west", f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\napiVersion: v1\nkind: ServiceAccount\n"
                             f"metadata: {{name: echo, namespace: {namespace}, labels: {{team: other}}}}\n")
    tale.plan(steps="[50, 100]", hold="1s", more=TARGET_ONLY)
    tale.start()
    tale.until("a word about the object in the way", 60, lambda r: "ServiceAccount" in ((r.get("hold") or {}).get("message", "")))
    tale.act("rollback")
    tale.until("the end of the run", 60, lambda r: r["state"] in ("canceled", "rolled-back"))
    left = tale.stage.get("west", f"/api/v1/namespaces/{namespace}/serviceaccounts/echo")
    assert left["metadata"]["labels"]["team"] == "other", "what stood in the way was touched"
