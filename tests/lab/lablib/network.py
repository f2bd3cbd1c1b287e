# SPDX-License-Identifier: Apache-2.0
"""The lab's network: one namespace for hub and one for each cluster, joined by a bridge in hub.

Pods of both clusters reach each other (a flat network): each namespace routes the other clusters'
ranges. Nothing is added to the machine's own network.
"""

import os
import signal

from . import netns
from .errors import LabError
from .layout import CLUSTERS, HUB_ADDRESS, Cluster, Layout
from .process import run, wait_until

IP_LIMIT_S = 20.0
SWEEP_LIMIT_S = 5.0
HUB = "hub"


def link_name(cluster: str) -> str:
    """The hub's end of the cable to a cluster: taking it down cuts the cluster off."""
    return f"v-{cluster}"


def _ip(namespace: str | None, commands: list[str]) -> None:
    where = ["-n", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], IP_LIMIT_S, input="\n".join(commands) + "\n")


def _join(layout: Layout, c: Cluster) -> None:
    hub, here = layout.netns(HUB), layout.netns(c.name)
    _ip(None, [f"link add up0 netns {here} type veth peer name {link_name(c.name)} netns {hub}"])
    _ip(hub, [f"link set {link_name(c.name)} master hub0 up"])
    own = [c.pod_gateway, *c.node_addresses, c.gateway_address, c.ingress_address]
    others = [o for o in CLUSTERS.values() if o is not c]
    _ip(
        here,
        ["link set lo up", f"addr add {c.address}/24 dev up0", "link set up0 up"]
        + [f"addr add {address}/32 dev lo" for address in own]
        + [
            f"route add {r} via {o.address}" for o in others for r in (o.pod_range, o.service_range)
        ],
    )
    _ip(hub, [f"route add {r} via {c.address}" for r in (c.pod_range, c.service_range)])


def up(layout: Layout) -> None:
    """All namespaces, connected. Those that exist are taken as they are."""
    names = [layout.netns(n) for n in (HUB, *CLUSTERS)]
    if all(netns.exists(n) for n in names):
        return
    down(layout)
    for name in names:
        _ip(None, [f"netns add {name}"])
        with netns.inside(name):  # /proc/sys/net shows the namespace of who opens it
            with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
                file.write("1")
    hub = layout.netns(HUB)
    _ip(
        hub,
        [
            "link set lo up",
            "link add hub0 type bridge",
            f"addr add {HUB_ADDRESS}/24 dev hub0",
            "link set hub0 up",
        ],
    )
    for cluster in CLUSTERS.values():
        _join(layout, cluster)


def namespaces(layout: Layout) -> list[str]:
    """Every namespace of this lab, the pods' too."""
    try:
        return sorted(n for n in os.listdir("/run/netns") if n.startswith(layout.prefix + "-"))
    except FileNotFoundError:
        return []


def inhabitants(layout: Layout) -> list[int]:
    """Processes in any of the lab's namespaces; all are ours, whoever started them."""
    found = []
    for name in namespaces(layout):
        found += [int(p) for p in run(["ip", "netns", "pids", name], IP_LIMIT_S).split()]
    return found


def down(layout: Layout) -> None:
    """End what still lives in the namespaces (left by a crash) and remove them."""

    def empty() -> bool:
        left = inhabitants(layout)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left

    wait_until("an end of the processes in the namespaces", empty, SWEEP_LIMIT_S)
    for name in namespaces(layout):
        run(["ip", "netns", "del", name], IP_LIMIT_S)


def set_link(layout: Layout, cluster: str, up: bool) -> None:
    """Cut a cluster off from hub and from the other cluster, or join it again."""
    if cluster not in CLUSTERS:
        raise LabError(f"no cluster {cluster}; there are {', '.join(CLUSTERS)}")
    _ip(layout.netns(HUB), [f"link set {link_name(cluster)} {'up' if up else 'down'}"])


def link_is_up(layout: Layout, cluster: str) -> bool:
    return "state UP" in run(
        ["ip", "-n", layout.netns(HUB), "link", "show", link_name(cluster)], IP_LIMIT_S
    )
