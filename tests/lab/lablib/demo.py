# SPDX-License-Identifier: Apache-2.0
"""The demo application and its routes in east, up to the first answer through each of them."""

import http.client

from . import istio
from .errors import LabError
from .lab import Lab
from .layout import EAST, HTTP_ROUTE_PORT, INGRESS_PORT, VIRTUAL_SERVICE_PORT
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


def available(lab: Lab) -> bool:
    d = lab.clusters[EAST.name].api.get(DEPLOYMENT)
    if not d:
        return False
    status = d.get("status", {})
    fresh = status.get("observedGeneration", 0) >= d["metadata"]["generation"]
    return fresh and status.get("availableReplicas", 0) == status.get("updatedReplicas", 0) == d["spec"]["replicas"]


def answers(lab: Lab, route: str) -> bool:
    """One request from hub through the route is answered by the application."""
    address, port, host = ROUTES[route]
    with inside(lab.layout.netns(HUB)):
        link = http.client.HTTPConnection(address, port, timeout=3)
        try:
            link.request("GET", "/", headers={"Host": host})
            answer = link.getresponse()
            return answer.status == 200 and answer.getheader("Lab-Cluster") is not None
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            link.close()


def up(lab: Lab) -> None:
    if lab.processes.pid("east/apiserver") is None:
        raise LabError("the clusters are not up")
    api, objects = lab.clusters[EAST.name].api, lab.layout.objects
    api.apply(objects / "demo.yaml", objects / "routes.yaml")
    wait_until("the demo's pods", lambda: available(lab), AVAILABLE_S, step=0.1)
    for route in ROUTES:
        process = "ingress" if route == "ingress" else istio.ENVOY
        if lab.processes.pid(process):
            wait_until(f"an answer through the {route}", lambda r=route: answers(lab, r), ROUTED_S, step=0.1)
