# SPDX-License-Identifier: Apache-2.0
"""`lab env`: the lab's facts as shell assignments, for `eval "$(tests/lab/lab env)"`."""

import shlex

from .demo import ROUTES, host
from .karmada import NAME as KARMADA
from .lab import Lab
from .layout import EAST, ENVOY_ADMIN_PORT, HUB_ADDRESS, INGRESS_METRICS_PORT, PROMETHEUS_PORT
from .network import HUB


def facts(lab: Lab) -> dict[str, str]:
    layout = lab.layout
    values = {
        "LAB_STATE": layout.state,
        "LAB_BIN": layout.bin,
        "LAB_LOGS": layout.logs,
        "LAB_KUBECTL": layout.bin / "kubectl",
        "LAB_TRAFFIC": layout.bin / "traffic",
        "LAB_POSTGRES_DSN": lab.postgres.dsn,
        "LAB_PROMETHEUS_URL": f"http://{HUB_ADDRESS}:{PROMETHEUS_PORT}",
        "LAB_ENVOY_ADMIN_URL": f"http://{EAST.gateway_address}:{ENVOY_ADMIN_PORT}",
        "LAB_INGRESS_METRICS_URL": f"http://{EAST.ingress_address}:{INGRESS_METRICS_PORT}/metrics",
        "LAB_HUB_ADDRESS": HUB_ADDRESS,
    }
    for name in (HUB, *lab.clusters):
        values[f"LAB_IN_{name.upper()}"] = f"nsenter --net=/run/netns/{layout.netns(name)} --"
    for name, cluster in lab.clusters.items():
        upper, pki = name.upper(), layout.pki(name)
        values |= {
            f"LAB_{upper}_SERVER": cluster.cluster.server,
            f"LAB_{upper}_ADMIN_KUBECONFIG": pki / "admin.kubeconfig",
            f"LAB_{upper}_CROSSFADE_KUBECONFIG": pki / "crossfade.kubeconfig",
            f"LAB_{upper}_CROSSFADE_TOKEN": pki / "crossfade.token",
            f"LAB_{upper}_CA": pki / "ca.crt",
            f"LAB_{upper}_AUDIT": layout.logs / f"{name}-audit.jsonl",
            f"LAB_{upper}_POD_RANGE": cluster.cluster.pod_range,
        }
    if lab.processes.pid(f"{KARMADA}/apiserver"):
        pki = layout.pki(KARMADA)
        members = (f"{n}={layout.kubeconfig(n)}" for n in lab.clusters)
        values |= {
            "KARMADA_KUBECONFIG": layout.kubeconfig(KARMADA),
            "KARMADA_MEMBERS": ",".join(members),
            "LAB_KARMADA_SERVER": lab.karmada.plane.server,
            "LAB_KARMADA_CROSSFADE_KUBECONFIG": pki / "crossfade.kubeconfig",
            "LAB_KARMADA_AUDIT": layout.logs / f"{KARMADA}-audit.jsonl",
        }
    for route, (address, port) in ROUTES.items():
        values[f"LAB_{route.upper()}_URL"] = f"http://{address}:{port}/"
        values[f"LAB_{route.upper()}_HOST"] = host(route)
    return {k: str(v) for k, v in values.items()}


def show(lab: Lab) -> None:
    for name, value in facts(lab).items():
        print(f"export {name}={shlex.quote(value)}")
