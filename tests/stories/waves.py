# SPDX-License-Identifier: Apache-2.0
"""Waves of workloads inside one plan: what others come after is ready in the target before anything of them is written there, by each method."""
import json
import time

from tests.stories.moves import RATE
from tests.stories.registry import story

DB = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: db, namespace: {namespace}}}
data: {{size: small}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: db, namespace: {namespace}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec: {{containers: [{{name: main, image: busybox, envFrom: [{{configMapRef: {{name: db}}}}]}}]}}
"""
# No node of the target has the label at first: the copy's pod waits for one.
WORKLOADS = """\
  workloads:
    include: [{kind: Deployment, name: echo, after: [Deployment/db]}, {kind: Deployment, name: db, start: now}]
    transforms: [{match: {kind: Deployment, name: db}, mergePatch: {spec: {template: {spec: {nodeSelector: {disk: ssd}}}}}}]
"""
LOOKING_S = 3  # long enough for a dozen looks of the service


def names(tale, kind):
    listed = tale.stage.get("west", f"/{kind.format(ns='namespaces/' + tale.stage.namespace)}")
    return {o["metadata"]["name"] for o in listed["items"]} if listed else set()


def deployments(tale):
    return names(tale, "apis/apps/v1/{ns}/deployments")


def later_ones(tale):
    """What only echo needs, or has."""
    return names(tale, "api/v1/{ns}/services") | (deployments(tale) - {"db"})


def step(tale):
    return next(s for s in tale.get()["steps"] if s["kind"] == "propagate")


def label_nodes(tale):
    for node in tale.stage.get("west", "/api/v1/nodes")["items"]:
        name = node["metadata"]["name"]
        labels = {**(node["metadata"].get("labels") or {}), "disk": "ssd"}
        tale.stage.edit("west", f"/api/v1/nodes/{name}", "an-admin", [{"op": "add", "path": "/metadata/labels", "value": labels}])


def check_shown(tale):
    said = json.loads(tale.service.cli("plan", "explain", "move", "-o", "json"))
    waves = {o["object"]: o["wave"] for o in said["objects"]}
    assert waves["ConfigMap/db"] == waves["Deployment/db"] == 1 and waves["Service/echo"] == waves["Deployment/echo"] == 2, waves
    orders = [o["order"] for o in said["objects"]]
    assert orders == sorted(orders), orders
    table = tale.service.cli("plan", "explain", "move").splitlines()
    assert table[0].split()[:2] == ["WAVE", "OBJECT"], table[0]
    tree = tale.service.cli("plan", "explain", "move", "-o", "tree")
    assert "wave 2" in tree, tree
    writes = tale.service.rest.get("/api/v1/plans/move/diff?against=live")["writes"]
    shown = {(w["ref"]["kind"], w["ref"]["name"]): w.get("wave") for w in writes if w.get("wave")}
    assert shown["Deployment", "db"] == 1 and shown["Deployment", "echo"] == 2, shown


def a_wave_waits(tale, copy):
    tale.stage.apply("east", DB.format(namespace=tale.stage.namespace))
    tale.plan(steps="[50, 100]", hold="1s", commit="manual", more=copy + WORKLOADS)
    check_shown(tale)
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.start()
        tale.until("a word about the wave", 60, lambda r: "wave 2 of 2 waits for Deployment db: 0 of 1 pods ready" in step(tale)["message"])
        until = time.monotonic() + LOOKING_S
        while time.monotonic() < until:
            assert deployments(tale) == {"db"} and not later_ones(tale), f"written before db is ready: {later_ones(tale)}"
            time.sleep(0.1)
        label_nodes(tale)
        tale.until_weight(50)
        assert deployments(tale) == {"db", "echo"}, deployments(tale)
        tale.act("rollback")
        tale.until_state("rolled-back", 180)
        tale.no_failures(witness.stop())
    assert not deployments(tale), "the way back left a workload"


@story("virtualservice", worlds=("sandbox",))
def a_wave_waits_for_what_comes_before_it(tale):
    a_wave_waits(tale, "")


@story("virtualservice", worlds=("federations",), plane="karmada")
def a_wave_waits_with_karmada(tale):
    a_wave_waits(tale, "  copy: {method: karmada, controlPlane: hub}\n")


@story("virtualservice", worlds=("federations",), plane="clusternet")
def a_wave_waits_with_clusternet(tale):
    a_wave_waits(tale, "  copy: {method: clusternet, controlPlane: hub}\n")
