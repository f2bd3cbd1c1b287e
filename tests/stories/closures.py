# SPDX-License-Identifier: Apache-2.0
"""What is copied with a workload, what is kept out, and that the plan's explanation says the same as what the run does."""
import json
import os

from tests.stories.registry import story

RATE = 100

# Beside the echo service: a route that the plan does not steer, one that it does, what shapes its traffic, a name outside, and
# endpoints that a person keeps.
NEIGHBOURS = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: office, namespace: {namespace}}}
spec:
  hosts: [office.example.org]
  http:
    - {{name: other, match: [{{uri: {{prefix: /other}}}}], route: [{{destination: {{host: other}}}}]}}
    - {{name: echo, route: [{{destination: {{host: echo}}, weight: 90}}, {{destination: {{host: other}}, weight: 10}}]}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: echo, namespace: {namespace}}}
spec: {{host: echo.{namespace}.svc.cluster.local}}
---
apiVersion: v1
kind: Service
metadata: {{name: other, namespace: {namespace}}}
spec: {{selector: {{app: other}}, ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: unrelated, namespace: {namespace}}}
data: {{a: b}}
"""


def by_name(rows):
    return {r["object"]: r for r in rows}


@story("virtualservice", worlds=("sandbox",))
def a_route_beside_the_plans_own_is_copied_and_collapsed(tale):
    """The plan explains what it copies; a second route comes along, leads only to what is copied, and goes with the undo."""
    namespace = tale.stage.namespace
    routers = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices"
    tale.stage.apply("east", NEIGHBOURS.format(namespace=namespace))
    tale.plan(steps="[50, 100]", hold="30s", commit="manual")
    said = json.loads(tale.service.cli("plan", "explain", "move", "-o", "json"))
    copied, skipped = by_name(said["objects"]), by_name(said["skipped"])
    assert copied["Deployment/echo"]["from"] == "Service/echo", copied
    assert copied["VirtualService/office"]["why"] == "leads to Service/echo", copied
    assert "DestinationRule/echo" in copied and "ConfigMap/unrelated" not in copied, copied
    own = tale.stage.router_object("virtualservice")
    assert "steers" in skipped[f"VirtualService/{own}"]["why"], skipped
    codes = {n["code"] for n in said["notes"]}
    assert {"ROUTE_NOT_STEERED", "ROUTE_COLLAPSED"} <= codes, said["notes"]
    tree = tale.service.cli("plan", "explain", "move", "-o", "tree")
    assert tree.splitlines()[0].startswith("Namespace/") or "Service/echo" in tree, tree
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.start()
        tale.until_weight(50)
        route = tale.stage.get("west", f"{routers}/office")["spec"]["http"][1]["route"]
        assert [d["destination"]["host"] for d in route] == ["echo"] and "weight" not in route[0], route
        assert tale.stage.get("west", f"{routers}/{own}") is None, "the plan's own router was copied"
        tale.act("rollback")
        tale.until_state("rolled-back")
        tale.no_failures(witness.stop())
    assert tale.stage.get("west", f"{routers}/office") is None, "the undo left the copied route"


@story("virtualservice", worlds=("sandbox",))
def only_what_is_listed_is_copied(tale):
    """dependencies: listed; what is needed and not listed is said, of a plan that is not stored."""
    namespace = tale.stage.namespace
    tale.stage.apply("east", NEIGHBOURS.format(namespace=namespace))
    tale.plan(steps="[100]", hold="1s", more="""\
  workloads: {include: [{kind: Deployment, name: echo}], dependencies: listed}
""")
    said = json.loads(tale.service.cli("plan", "explain", "move", "-o", "json"))
    assert "Deployment/echo" in by_name(said["objects"]) and "Service/echo" not in by_name(said["objects"]), said["objects"]
    notes = [n["message"] for n in said["notes"] if n["code"] == "NOT_LISTED"]
    assert any("Service/echo acts on Deployment/echo" in n for n in notes), notes
    document = os.path.join(tale.folder, "listed.yaml")
    with open(document, "w") as out:
        out.write(tale.service.cli("plan", "get", "move", "--document"))
    stored = json.loads(tale.service.cli("plan", "explain", "-f", document, "-o", "json"))
    assert stored["revision"] is None and stored["objects"] == said["objects"], stored
