# SPDX-License-Identifier: Apache-2.0
"""Objects that tests of the lab make by hand: a bridge to another cluster's pods, and routes over it."""

NAMESPACE = "demo"
BRIDGE = "echo-by-hand"


def _meta(name: str, **more) -> dict:
    return {"name": name, "namespace": NAMESPACE, **more}


def bridge(addresses: list[str]) -> list[dict]:
    """A Service without selector and an EndpointSlice with the given pod addresses."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _meta(BRIDGE),
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": _meta(
                BRIDGE,
                labels={
                    "kubernetes.io/service-name": BRIDGE,
                    "endpointslice.kubernetes.io/managed-by": "lab",
                },
            ),
            "addressType": "IPv4",
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
            "ports": [{"name": "http", "port": 8080}],
        },
    ]


def split(stay: int) -> list[dict]:
    """The demo's three routes, with `stay` percent for its own Service and the rest over the bridge."""
    go = 100 - stay

    def istio(service: str, weight: int) -> dict:
        host = f"{service}.{NAMESPACE}.svc.cluster.local"
        return {"destination": {"host": host, "port": {"number": 80}}, "weight": weight}

    def backend(service: str, weight: int) -> dict:
        return {"name": service, "port": 80, "weight": weight}

    path = {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": BRIDGE, "port": {"number": 80}}},
    }
    return [
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": _meta("echo"),
            "spec": {
                "hosts": ["virtualservice.demo.example.com"],
                "gateways": ["gateways/istio"],
                "http": [{"name": "primary", "route": [istio("echo", stay), istio(BRIDGE, go)]}],
            },
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": _meta("echo"),
            "spec": {
                "parentRefs": [{"name": "kubernetes", "namespace": "gateways"}],
                "hostnames": ["httproute.demo.example.com"],
                "rules": [{"backendRefs": [backend("echo", stay), backend(BRIDGE, go)]}],
            },
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": _meta(
                BRIDGE,
                annotations={
                    "nginx.ingress.kubernetes.io/canary": "true",
                    "nginx.ingress.kubernetes.io/canary-weight": str(go),
                },
            ),
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{"host": "ingress.demo.example.com", "http": {"paths": [path]}}],
            },
        },
    ]
