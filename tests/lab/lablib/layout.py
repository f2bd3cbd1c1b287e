# SPDX-License-Identifier: Apache-2.0
"""Where everything lies: folders, namespaces, addresses, ports.

Addresses are those of 198.18.0.0/15, which is set aside for tests of network gear: inside the lab's
own namespaces they reach nothing else. hub is 198.18.0.1; a cluster with octet N has its API server
at 198.18.0.N, the pods' gateway at 198.18.N.1, nodes at 198.18.N.11 and on, gateways at 198.18.N.50
and 51, pods of node i in 198.18.(N+i).0/24 and services in 198.19.N.0/20.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

LAB_DIR = Path(__file__).resolve().parent.parent
HUB_ADDRESS = "198.18.0.1"
PROMETHEUS_PORT = 9090
NODE_COUNT = 3

ENVOY_ADMIN_PORT = 15000
VIRTUAL_SERVICE_PORT = 18080  # Envoy's listener of the Istio Gateway
HTTP_ROUTE_PORT = 18081  # Envoy's listener of the Kubernetes Gateway
INGRESS_PORT = 8090
INGRESS_METRICS_PORT = 10254


@dataclass(frozen=True)
class Cluster:
    """One simulated data centre: a namespace with a control plane and the pods behind it."""

    name: str
    octet: int

    @property
    def address(self) -> str:
        return f"198.18.0.{self.octet}"

    @property
    def server(self) -> str:
        return f"https://{self.address}:6443"

    @property
    def pod_gateway(self) -> str:
        return f"198.18.{self.octet}.1"

    @property
    def gateway_address(self) -> str:
        return f"198.18.{self.octet}.50"

    @property
    def ingress_address(self) -> str:
        return f"198.18.{self.octet}.51"

    @property
    def node_addresses(self) -> list[str]:
        return [f"198.18.{self.octet}.{11 + i}" for i in range(NODE_COUNT)]

    @property
    def pod_range(self) -> str:
        return f"198.18.{self.octet}.0/20"

    @property
    def service_range(self) -> str:
        return f"198.19.{self.octet}.0/20"

    @property
    def first_service(self) -> str:
        return f"198.19.{self.octet}.1"


EAST = Cluster("east", 16)
WEST = Cluster("west", 32)
CLUSTERS = {c.name: c for c in (EAST, WEST)}


def state_dir() -> Path:
    """The folder of this lab's run; two folders are two independent labs."""
    own = os.environ.get("CROSSFADE_LAB_STATE")
    if own:
        return Path(own).absolute()
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(base) / "crossfade-lab"


def cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "crossfade-lab"


def write_config(path: Path, text: str) -> None:
    """Write a configuration file unless it says that already: some programs watch theirs, and
    kube-proxy ends when it is written."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


class Layout:
    """The paths and names of one lab, all derived from its state folder."""

    def __init__(self, state: Path | None = None):
        self.state = state or state_dir()
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()
        self.prefix = "cfl" + digest[:4]  # of namespaces: short, for the kernel's 15-byte limits
        self.bin = self.state / "bin"
        self.run = self.state / "run"
        self.logs = self.state / "log"
        self.objects = LAB_DIR / "objects"
        # PostgreSQL runs as a user that may not enter a home folder.
        self.postgres = Path("/var/tmp") / f"crossfade-lab-{self.prefix}"

    def make(self) -> None:
        for folder in (self.state, self.bin, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)

    def netns(self, name: str) -> str:
        """The namespace of hub, east or west."""
        return f"{self.prefix}-{name}"

    def pki(self, cluster: str) -> Path:
        return self.state / "pki" / cluster

    def kubeconfig(self, cluster: str, user: str = "admin") -> Path:
        return self.pki(cluster) / f"{user}.kubeconfig"

    def data(self, part: str) -> Path:
        """Where a part keeps what a reset throws away."""
        return self.state / "data" / part
