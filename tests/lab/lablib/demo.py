# SPDX-License-Identifier: Apache-2.0
"""The demo application and its routes in east, up to the first answer through each of them.

It can be had in any number of namespaces, each with host names of its own, so that a test need not
wait for the end of another one's pods.
"""

import http.client
import json
import re

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
_NAMESPACE_FORM = re.compile(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?")

# Each route: where a client in hub connects to.
ROUTES = {
    "virtualservice": (EAST.gateway_address, VIRTUAL_SERVICE_PORT),
    "httproute": (EAST.gateway_address, HTTP_ROUTE_PORT),
    "ingress": (EAST.ingress_address, INGRESS_PORT),
}


def host(route: str, namespace: str = NAMESPACE) -> str:
    """The host name that a client asks for."""
    return f"{route}.{namespace}.example.com"


def manifest(lab: Lab, name: str, namespace: str) -> str:
    """One of the demo's files, for the namespace."""
    text = (lab.layout.objects / f"{name}.yaml").read_text()
    return re.sub(r"\bdemo\b", namespace, text)


def deployment(lab: Lab, cluster: str, namespace: str) -> dict | None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/echo"
    return lab.clusters[cluster].api.get(path)


def available(lab: Lab, cluster: str = EAST.name, namespace: str = NAMESPACE) -> bool:
    """The newest pods of the demo are all there, and only they."""
    d = deployment(lab, cluster, namespace)
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


def answerer(lab: Lab, route: str, namespace: str = NAMESPACE) -> str | None:
    """The cluster whose pod answers one request through the route; None when none does."""
    address, port = ROUTES[route]
    status, cluster, _ = _get(lab, address, port, "/", host(route, namespace))
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


def up(lab: Lab, namespace: str = NAMESPACE, routes: list[str] | None = None) -> None:
    """The application with the named routes (all of them without names), answering."""
    routes = routes or list(ROUTES)
    if not _NAMESPACE_FORM.fullmatch(namespace):
        raise LabError(f"{namespace!r} cannot be a namespace", 2)
    unknown = [r for r in routes if r not in ROUTES]
    if unknown:
        raise LabError(f"no such route: {', '.join(unknown)}; routes: {', '.join(ROUTES)}", 2)
    if lab.processes.pid("east/apiserver") is None:
        raise LabError("the clusters are not up")
    api = lab.clusters[EAST.name].api
    served = {r: "ingress" if r == "ingress" else istio.ENVOY for r in routes}
    routes = [r for r in routes if lab.processes.pid(served[r])]
    files = ["demo", *(f"route-{r}" for r in routes)]
    api.apply_text("\n---\n".join(manifest(lab, f, namespace) for f in files))
    wait_until(
        "the demo's pods", lambda: available(lab, EAST.name, namespace), AVAILABLE_S, step=0.1
    )
    for route in routes:
        wait_until(
            f"an answer through the {route}",
            lambda r=route: answerer(lab, r, namespace),
            ROUTED_S,
            lab.processes,
            [served[route]],
            step=0.1,
        )
