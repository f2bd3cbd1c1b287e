# SPDX-License-Identifier: Apache-2.0
"""Custom resource definitions of Istio and of the Gateway API, from Go's module cache.

They are applied as they come with the modules that the lab is built from; no copy is kept.
"""

from pathlib import Path

from .api import Api
from .build import module_folder
from .process import wait_until

ESTABLISHED_S = 20.0
# One resource of each group; it is served a moment after its definition was accepted.
_PROBES = (
    "/apis/networking.istio.io/v1/virtualservices?limit=1",
    "/apis/gateway.networking.k8s.io/v1/httproutes?limit=1",
)


def files() -> list[Path]:
    istio = (
        module_folder("istiod", "istio.io/istio") / "manifests/charts/base/files/crd-all.gen.yaml"
    )
    gateway_api = module_folder("istiod", "sigs.k8s.io/gateway-api") / "config/crd/standard"
    return [istio, gateway_api]


def served(api: Api) -> bool:
    return all(api.call("GET", path)[0] == 200 for path in _PROBES)


def apply(api: Api) -> None:
    """All definitions applied and served."""
    if served(api):
        return
    api.apply(*files())
    wait_until(f"custom resources of {api.name}", lambda: served(api), ESTABLISHED_S)
