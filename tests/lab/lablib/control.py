# SPDX-License-Identifier: Apache-2.0
"""The control plane of a cluster: certificates, etcd, API server, and the components around them.

Knows how a component is started and when it is ready; which cluster has which of them is decided by
the callers (cluster for the lab's two, solo for a lone API server, karmada for its control plane).
"""

import socket
from dataclasses import dataclass

from .api import Api
from .layout import Layout
from .netns import inside
from .process import Processes, run, wait_until

ETCD_READY_S = 20.0
API_READY_S = 60.0  # idle: 3 s
PKI_LIMIT_S = 20.0

# Only what the lab's stories need; each controller costs memory and start-up time.
CONTROLLERS = ",".join(
    f"{name}-controller"
    for name in (
        "deployment replicaset statefulset daemonset job cronjob endpointslice endpoints "
        "endpointslice-mirroring namespace serviceaccount root-ca-certificate-publisher garbage-collector "
        "disruption node-lifecycle taint-eviction persistentvolume-binder persistentvolumeclaim-protection "
        "persistentvolume-protection pod-garbage-collector clusterrole-aggregation ttl-after-finished "
        "horizontal-pod-autoscaler resourcequota"
    ).split()
)

# The audit log keeps every write: the history checker of the stories reads it.
AUDIT_POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  resources: [{group: coordination.k8s.io, resources: [leases]}, {group: "", resources: [events]}]
- level: RequestResponse
  resources:
  - {group: networking.istio.io}
  - {group: gateway.networking.k8s.io}
  - {group: networking.k8s.io}
- level: Request
  omitManagedFields: true
"""


@dataclass(frozen=True)
class ControlPlane:
    """Where one control plane runs. netns None: in the namespace of the caller, on loopback."""

    layout: Layout
    processes: Processes
    name: str
    netns: str | None
    address: str
    port: int
    etcd_ports: tuple[int, int]
    service_range: str
    first_service: str
    node_addresses: tuple[str, ...] = ()
    controllers: str = CONTROLLERS
    pki_options: tuple[str, ...] = ()
    api_options: tuple[str, ...] = ()

    @property
    def api(self) -> Api:
        return Api(self.layout, self.name, self.address, self.port, self.netns)

    @property
    def server(self) -> str:
        return f"https://{self.address}:{self.port}"

    def part(self, component: str) -> str:
        return f"{self.name}/{component}"

    def make_pki(self) -> None:
        """Fresh keys, certificates, tokens and kubeconfigs."""
        words = [
            str(self.layout.bin / "pki"),
            f"-dir={self.layout.pki(self.name)}",
            f"-cluster={self.name}",
        ]
        words += [f"-server={self.server}", f"-ips={self.address},{self.first_service},127.0.0.1"]
        if self.node_addresses:
            words.append(f"-node-ips={','.join(self.node_addresses)}")
        run([*words, *self.pki_options], PKI_LIMIT_S)
        (self.layout.pki(self.name) / "audit-policy.yaml").write_text(AUDIT_POLICY)

    def start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{p}" for p in self.etcd_ports)
        data = self.layout.data(f"{self.name}-etcd")
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        self.processes.start(
            self.part("etcd"),
            [
                str(self.layout.bin / "etcd"),
                f"--name={self.name}",
                f"--data-dir={data}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster={self.name}={peer}",
                "--unsafe-no-fsync",  # the data lives as long as the lab
                "--snapshot-count=10000",
                "--auto-compaction-mode=periodic",
                "--auto-compaction-retention=5m",
                "--log-level=warn",
            ],
            self.netns,
            {"GOMEMLIMIT": "200MiB"},
        )

    def etcd_listens(self) -> bool:
        with inside(self.netns), socket.create_connection(("127.0.0.1", self.etcd_ports[0]), 1):
            return True

    def start_apiserver(self) -> None:
        pki = self.layout.pki(self.name)
        options = [
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.port}",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_ports[0]}",
            f"--service-cluster-ip-range={self.service_range}",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--token-auth-file={pki}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki}/service-account.pub",
            f"--service-account-signing-key-file={pki}/service-account.key",
            f"--kubelet-client-certificate={pki}/apiserver-to-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-to-kubelet.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true",
            "--profiling=false",
            f"--audit-policy-file={pki}/audit-policy.yaml",
            f"--audit-log-path={self.layout.logs / (self.name + '-audit.jsonl')}",
            "--audit-log-maxsize=200",
            "--audit-log-maxbackup=1",
            *self.api_options,
        ]
        if (
            self.netns is None
        ):  # loopback may not stand in the endpoints of the service "kubernetes"
            options.append("--endpoint-reconciler-type=none")
        binary = str(self.layout.bin / "kube-apiserver")
        self.processes.start(self.part("apiserver"), [binary, *options], self.netns, {"GOGC": "50"})

    def await_api(self) -> None:
        """Ready means: /readyz is 200. Fails at once when etcd or the API server ends."""
        needs = (self.part("etcd"), self.part("apiserver"))
        wait_until(f"API server of {self.name}", self.api.ready, API_READY_S, self.processes, needs)

    def start_api(self) -> None:
        """etcd and API server, up to ready. The API server ends when it finds no etcd: etcd first."""
        self.start_etcd()
        wait_until(
            f"etcd of {self.name}",
            self.etcd_listens,
            ETCD_READY_S,
            self.processes,
            [self.part("etcd")],
        )
        self.start_apiserver()

    def start_controller_manager(self) -> None:
        pki = self.layout.pki(self.name)
        self.processes.start(
            self.part("controller-manager"),
            [
                str(self.layout.bin / "kube-controller-manager"),
                f"--kubeconfig={pki}/controller-manager.kubeconfig",
                f"--service-account-private-key-file={pki}/service-account.key",
                f"--root-ca-file={pki}/ca.crt",
                # Under RBAC the controllers may do nothing in the manager's own name.
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--profiling=false",
                "--bind-address=127.0.0.1",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
                "--node-monitor-grace-period=8s",
                "--node-monitor-period=1s",
                "--min-resync-period=12h",
                f"--controllers={self.controllers}",
            ],
            self.netns,
            {"GOGC": "50"},
        )

    def start_scheduler(self) -> None:
        config = f"{self.layout.pki(self.name)}/scheduler.kubeconfig"
        self.processes.start(
            self.part("scheduler"),
            [
                str(self.layout.bin / "kube-scheduler"),
                f"--kubeconfig={config}",
                f"--authentication-kubeconfig={config}",
                f"--authorization-kubeconfig={config}",
                "--leader-elect=false",
                "--profiling=false",
                "--bind-address=127.0.0.1",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
            ],
            self.netns,
            {"GOGC": "50"},
        )
