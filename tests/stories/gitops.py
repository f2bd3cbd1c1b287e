# SPDX-License-Identifier: Apache-2.0
"""Somebody keeps the writers as a repository says: it stands still in the freeze, is let go by a rollback, and stays paused after the move."""
import contextlib
import json
import threading
import time

from tests.stories import volumes
from tests.stories.moves import RATE
from tests.stories.registry import story
from tests.stories.volumes import WRITERS, data_is_equal, nothing_is_left, path, ready

EVERY_S = 0.3
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{ns}/kustomizations/shop"
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/{ns}/applications/shop"
FLUX_MARKS = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "{ns}"}
KUSTOMIZATION = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "shop"},
                 "spec": {"interval": "1m", "path": "./shop", "prune": True, "sourceRef": {"kind": "GitRepository", "name": "shop"}}}
AUTOMATED = {"prune": True, "selfHeal": True}
APPLICATION = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"},
               "spec": {"project": "default", "destination": {"server": "https://kubernetes.default.svc"},
                        "source": {"repoURL": "https://git.example.com/shop", "path": "shop"},
                        "syncPolicy": {"automated": AUTOMATED, "syncOptions": ["ServerSideApply=true"]}}}
PLAN = """\
  workloads: {{include: [{{kind: Deployment, name: echo}}, {{kind: StatefulSet, name: ledger}}], start: now}}
  volumes:
    default: {{strategy: veleroFsBackup}}
    passes: 1
    finalSync: {{maxPause: {pause}, rehearse: false, gitops: {gitops}}}
    velero: {{location: there}}
"""


class Keeper:
    """What a controller does: the ledger has as many replicas as its repository says, unless it is paused."""

    def __init__(self, tale, at, is_paused):
        self.tale, self.at, self.is_paused = tale, at.format(ns=tale.stage.namespace), is_paused
        self.put_back, self.failed, self._end = 0, None, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def owner(self):
        return self.tale.stage.get("east", self.at)

    def _work(self):
        while not self._end.wait(EVERY_S):
            try:
                self._look()
            except BaseException as failure:  # noqa: B902  told by the story's own thread
                self.failed = failure
                return

    def _look(self):
        at = path(self.tale, "statefulsets", "ledger")
        if self.is_paused(self.owner()) or self.tale.stage.get("east", at)["spec"]["replicas"] == 2:
            return
        self.tale.stage.edit("east", at, "kustomize-controller", [{"op": "replace", "path": "/spec/replicas", "value": 2}])
        self.put_back += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._end.set()
        self._thread.join()
        if kind is None and self.failed:
            raise self.failed


def mark(tale, where, marks):
    """The ledger carries its owner's marks, beside whatever it has."""
    at = path(tale, "statefulsets", "ledger")
    now = tale.stage.get("east", at)["metadata"].get(where, {})
    marks = {key: value.format(ns=tale.stage.namespace) for key, value in marks.items()}
    tale.stage.edit("east", at, "kustomize-controller", [{"op": "add", "path": f"/metadata/{where}", "value": {**now, **marks}}])


def is_suspended(owner):
    return bool(owner and owner["spec"].get("suspend"))


def is_manual(owner):
    return "automated" not in owner["spec"]["syncPolicy"]


def keep(tale, owner, at, is_paused):
    owner = json.loads(json.dumps(owner))
    owner["metadata"]["namespace"] = tale.stage.namespace
    tale.stage.apply("east", json.dumps(owner))
    return Keeper(tale, at, is_paused)


@contextlib.contextmanager
def flux(tale):
    volumes.install(tale, "veleroFsBackup")
    mark(tale, "labels", FLUX_MARKS)
    with keep(tale, KUSTOMIZATION, KUSTOMIZATIONS, is_suspended) as keeper:
        yield keeper


@contextlib.contextmanager
def argo(tale):
    volumes.install(tale, "veleroFsBackup")
    mark(tale, "annotations", {"argocd.argoproj.io/tracking-id": "{ns}_shop:apps/StatefulSet:{ns}/ledger"})
    with keep(tale, APPLICATION, APPLICATIONS, is_manual) as keeper:
        yield keeper


def begin(tale, gitops="pause", pause="5m", name="move", **more):
    tale.plan(steps="[100]", hold="1s", traffic=WRITERS, more=PLAN.format(gitops=gitops, pause=pause), name=name, **more)
    tale.start(name)


def moves(tale, keeper):
    with tale.stage.witness(tale.story.routes[0], RATE):
        begin(tale)
        tale.until_state("completed", 300)
    assert keeper.put_back == 0, f"the owner has started the writers again {keeper.put_back} times"
    data_is_equal(tale, "east", "west")
    assert ready(tale, "west") == 2 and ready(tale, "east") == 0
    assert keeper.is_paused(keeper.owner()), "it would start the source's writers again"
    message = tale.get()["message"]
    assert "shop of east stays paused" in message, message
    nothing_is_left(tale)


@story(worlds=("federations",), velero=True)
def flux_is_suspended_while_data_moves(tale):
    """Flux would start the writers again within a moment; after the move it stays suspended, and the run says so."""
    with flux(tale) as keeper:
        moves(tale, keeper)


@story(worlds=("federations",), velero=True)
def argo_cd_lets_go_while_data_moves(tale):
    """The same with an Application: its automated sync is taken out, all else of its sync policy stays."""
    with argo(tale) as keeper:
        moves(tale, keeper)
        assert keeper.owner()["spec"]["syncPolicy"] == {"syncOptions": ["ServerSideApply=true"]}


def goes_back(tale, keeper):
    before = keeper.owner()["spec"]
    begin(tale, commit="manual")
    tale.until("the freeze", 120, lambda run: keeper.is_paused(keeper.owner()))
    tale.act("rollback")
    tale.until_state("rolled-back", 180)
    assert keeper.owner()["spec"] == before, f"{before} became {keeper.owner()['spec']}"
    assert ready(tale, "east") == 2 and not tale.stage.get("west", path(tale, "statefulsets", "ledger"))


@story(worlds=("federations",), velero=True)
def flux_is_let_go_by_a_rollback(tale):
    """A person goes back in the freeze: the Kustomization is exactly what it was, and keeps the writers again."""
    with flux(tale) as keeper:
        goes_back(tale, keeper)
        scale = [{"op": "replace", "path": "/spec/replicas", "value": 1}]
        tale.stage.edit("east", path(tale, "statefulsets", "ledger"), "an-admin", scale)
        tale.stage.until("the owner at its work", lambda: keeper.put_back > 0)


@story(worlds=("federations",), velero=True)
def argo_cd_is_given_back_by_a_rollback(tale):
    with argo(tale) as keeper:
        goes_back(tale, keeper)


@story(worlds=("federations",), velero=True)
def an_owner_elsewhere_is_paused_by_hand(tale):
    """The Kustomization is in a hub: preflight says so, a plan that leaves it to a person is held to it by what the writers do."""
    with flux(tale) as keeper:
        tale.stage.remove("east", keeper.at)
        keeper.is_paused = lambda _owner: True
        begin(tale)
        run = tale.until_hold("preflight", 60)
        assert "is not in east" in run["hold"]["message"], run["hold"]
        tale.act("rollback")
        tale.until("its end", 60, lambda r: r["state"] in ("canceled", "rolled-back"))
        keeper.is_paused = lambda _owner: False  # forgotten, by whoever was to do it
        begin(tale, gitops="byHand", pause="60s", name="by-hand")
        run = tale.until_hold("data", 120)
        assert "started again in the freeze" in run["hold"]["message"], run["hold"]
        tale.until_state("rolled-back", 240)
        assert ready(tale, "east") == 2, "the source is not what it was"
        assert keeper.put_back > 0
        time.sleep(EVERY_S * 2)
        assert ready(tale, "east") == 2
