# SPDX-License-Identifier: Apache-2.0
"""The demo application and its routes in east, up to the first answer through each of them."""

import http.client
import json

from . import istio
from .errors import LabError
from .lab import Lab
from .layout import EAST, ENVOY_ADMIN_PORT, HTTP_ROUTE_PORT, INGRESS_PORT, VIRTUAL_SERVICE_PORT
from .netns import inside
from .network import HUB
from .process import wait_until

AVAILABLE_S = 60.0
ROUTED_S = 30.0
NAMESPACE = "demo"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/echo"

# Each route: where a client in hub connects to, and the host it asks for.
ROUTES = {
    "virtualservice": (EAST.gateway_address, VIRTUAL_SERVICE_PORT, "virtualservice.example.com"),
    "httproute": (EAST.gateway_address, HTTP_ROUTE_PORT, "httproute.example.com"),
    "ingress": (EAST.ingress_address, INGRESS_PORT, "ingress.example.com"),
}


def available(lab: Lab, cluster: str = EAST.name) -> bool:
    """The newest pods of the demo are all there, and only they."""
    d = lab.clusters[cluster].api.get(DEPLOYMENT)
    if not d:
        return False
    status = d.get("status", {})
    fresh = status.get("observedGeneration", 0) >= d["metadata"]["generation"]
    counts = [status.get(f"{kind}Replicas", 0) for kind in ("available", "updated")] + [
        status.get("replicas", 0)
    ]
    return fresh and counts == [d["spec"]["replicas"]] * 3


def _get(lab: Lab, address: str, port: int, path: str, host: str) -> tuple[int, str | None, bytes]:
    """A request from hub: status, the cluster that answered (None: not the application), body."""
    with inside(lab.layout.netns(HUB)):
        link = http.client.HTTPConnection(address, port, timeout=3)
        try:
            link.request("GET", path, headers={"Host": host})
            answer = link.getresponse()
            return answer.status, answer.getheader("Lab-Cluster"), answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            link.close()


def answerer(lab: Lab, route: str) -> str | None:
    """The cluster whose pod answers one request through the route; None when none does."""
    address, port, host = ROUTES[route]
    status, cluster, _ = _get(lab, address, port, "/", host)
    return cluster if status == 200 else None


def envoy_weights(lab: Lab) -> list[list[int]]:
    """The weights of every weighted route in Envoy's present configuration."""
    path = "/config_dump?resource=dynamic_route_configs"
    dump = json.loads(
        _get(lab, EAST.gateway_address, ENVOY_ADMIN_PORT, path, EAST.gateway_address)[2]
    )
    hosts = [h for c in dump.get("configs", []) for h in c["route_config"].get("virtual_hosts", [])]
    split = [
        r["route"].get("weighted_clusters")
        for h in hosts
        for r in h.get("routes", [])
        if "route" in r
    ]
    return [[c["weight"] for c in s["clusters"]] for s in split if s]


def up(lab: Lab) -> None:
    if lab.processes.pid("east/apiserver") is None:
        raise LabError("the clusters are not up")
    api, objects = lab.clusters[EAST.name].api, lab.layout.objects
    api.apply(objects / "demo.yaml", objects / "routes.yaml")
    wait_until("the demo's pods", lambda: available(lab), AVAILABLE_S, step=0.1)
    for route in ROUTES:
        process = "ingress" if route == "ingress" else istio.ENVOY
        if lab.processes.pid(process):
            wait_until(
                f"an answer through the {route}",
                lambda r=route: answerer(lab, r),
                ROUTED_S,
                step=0.1,
            )
