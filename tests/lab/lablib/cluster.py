# SPDX-License-Identifier: Apache-2.0
"""One of the lab's two clusters: control plane, service proxy, nodes and pods."""

from . import crds
from .control import ControlPlane
from .errors import LabError
from .layout import CLUSTERS, NODE_COUNT, Cluster, Layout, write_config
from .process import Processes, run, wait_until

NODES_READY_S = 30.0
PARTS = ["pki", "etcd", "kube", "kubectl", "podlet", "podinit", "echo", "traffic"]
# In the order of starting; stopping goes the other way round.
COMPONENTS = ("etcd", "apiserver", "controller-manager", "scheduler", "proxy", "podlet")

_PROXY_CONFIG = """apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {{kubeconfig: {kubeconfig}}}
mode: nftables
hostnameOverride: {name}-n1
bindAddress: {address}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
detectLocalMode: ClusterCIDR
clusterCIDR: {pods}
nftables: {{minSyncPeriod: 100ms}}
conntrack: {{maxPerCore: 0}}  # the limit is the machine's, not the namespace's
"""


class LabCluster:
    """Starts and stops the components of one cluster, each by itself or all together."""

    def __init__(self, layout: Layout, processes: Processes, cluster: Cluster):
        self.layout, self.processes, self.cluster = layout, processes, cluster
        self.netns = layout.netns(cluster.name)
        self.plane = ControlPlane(
            layout,
            processes,
            cluster.name,
            self.netns,
            cluster.address,
            6443,
            (2379, 2380),
            cluster.service_range,
            cluster.first_service,
            tuple(cluster.node_addresses),
        )
        self.api = self.plane.api

    def names(self) -> list[str]:
        return [f"{self.cluster.name}/{c}" for c in COMPONENTS]

    def start_proxy(self) -> None:
        c = self.cluster
        config = self.layout.pki(c.name) / "proxy.yaml"
        kubeconfig = self.layout.kubeconfig(c.name, "proxy")
        write_config(
            config,
            _PROXY_CONFIG.format(
                kubeconfig=kubeconfig, name=c.name, address=c.address, pods=c.pod_range
            ),
        )
        binary = str(self.layout.bin / "kube-proxy")
        self.processes.start(
            f"{c.name}/proxy", [binary, f"--config={config}"], self.netns, {"GOGC": "50"}
        )

    def start_podlet(self) -> None:
        c, data = self.cluster, self.layout.data(f"{self.cluster.name}-podlet")
        data.mkdir(parents=True, exist_ok=True)
        self.processes.start(
            f"{c.name}/podlet",
            [
                str(self.layout.bin / "podlet"),
                f"-kubeconfig={self.layout.kubeconfig(c.name, 'podlet')}",
                f"-cluster={c.name}",
                f"-octet={c.octet}",
                f"-nodes={NODE_COUNT}",
                f"-prefix={self.layout.prefix}",
                f"-dir={data}",
                f"-init={(self.layout.bin / 'podinit').resolve()}",
                f"-bin={self.layout.bin}",
                f"-images={self.layout.objects / 'images.json'}",
                f"-pki={self.layout.pki(c.name)}",
                f"-api={c.address}:6443",
            ],
            self.netns,
            {"GOGC": "50"},
        )

    def start(self, component: str) -> None:
        """Start one component (again); it is not waited for, but etcd and the API server are."""
        plane = self.plane
        if component == "etcd":
            plane.start_etcd()
        elif component == "apiserver":
            plane.start_api()
            plane.await_api()
        else:
            {
                "controller-manager": plane.start_controller_manager,
                "scheduler": plane.start_scheduler,
                "proxy": self.start_proxy,
                "podlet": self.start_podlet,
            }[component]()

    def begin(self) -> None:
        """The part of up() that runs by itself: certificates, etcd, API server started."""
        if not self.layout.kubeconfig(self.cluster.name).exists():
            self.plane.make_pki()
        self.plane.start_api()

    def finish(self) -> None:
        """The rest of up(): everything running, nodes ready, the lab's objects applied."""
        self.plane.await_api()
        self.api.apply(
            self.layout.objects / "rbac-components.yaml",
            self.layout.objects / "rbac-crossfade.yaml",
        )
        for component in COMPONENTS[2:]:
            self.start(component)
        crds.apply(self.api)
        self.api.apply(self.layout.objects / "storage.yaml")
        wait_until(
            f"nodes of {self.cluster.name}",
            self.nodes_ready,
            NODES_READY_S,
            self.processes,
            self.names(),
        )

    def nodes_ready(self) -> bool:
        nodes = self.api.get("/api/v1/nodes") or {"items": []}
        ready = [
            c
            for n in nodes["items"]
            for c in n["status"].get("conditions", [])
            if c["type"] == "Ready" and c["status"] == "True"
        ]
        return len(ready) == NODE_COUNT

    def silence(self, node: str, silent: bool) -> None:
        """Make a node play dead, or speak again."""
        if node not in [f"{self.cluster.name}-n{i + 1}" for i in range(NODE_COUNT)]:
            raise LabError(f"no node {node} in {self.cluster.name}")
        mark = self.layout.data(f"{self.cluster.name}-podlet") / f"silent-{node}"
        if silent:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def pods(self, namespace: str, selector: str) -> list[dict]:
        """Running pods by label selector."""
        items = self.api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")
        return [
            p for p in (items or {"items": []})["items"] if p["status"].get("phase") == "Running"
        ]


def check_kernel() -> None:
    """kube-proxy needs nftables in the kernel; say so before it fails in a log."""
    try:
        run(["nft", "list", "tables"], 10)
    except LabError as error:
        raise LabError(f"nftables do not work here: {error}") from error


def all_clusters(layout: Layout, processes: Processes) -> dict[str, LabCluster]:
    return {name: LabCluster(layout, processes, c) for name, c in CLUSTERS.items()}
