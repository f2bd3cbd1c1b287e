# SPDX-License-Identifier: Apache-2.0
"""A real Karmada in hub, over the clusters east and west: optional, because its source must be given.

A control plane of its own (etcd, API server, garbage collector and namespaces: no workload runs
there), Karmada's four programs beside it, and both clusters joined in Push mode with credentials that
are made here. Definitions, webhooks and the API service are applied from the given source folder.
"""

import base64
import os
import socket
from pathlib import Path

from .build import KARMADA_PARTS
from .cluster import LabCluster
from .control import ControlPlane
from .errors import LabError
from .layout import HUB_ADDRESS, Layout
from .netns import inside
from .network import HUB
from .process import Processes, wait_until
from .source import VARIABLE, karmada_source

NAME = "karmada"
PORT = 5443
WEBHOOK_PORT = 8443
AGGREGATED_PORT = 7443
PARTS = ["pki", "etcd", "kube", "kubectl", *KARMADA_PARTS]
# In the order of starting; the first three are Kubernetes' own.
COMPONENTS = (
    "etcd",
    "apiserver",
    "controller-manager",
    "aggregated-apiserver",
    "webhook",
    "scheduler",
    "karmada-controller-manager",
)
DEFINITIONS_S = 60.0
SERVED_S = 60.0
JOINED_S = 90.0
TOKEN_LIFE_S = 30 * 24 * 3600

_SYSTEM, _SECRETS = "karmada-system", "karmada-cluster"
_CLUSTERS = "/apis/cluster.karmada.io/v1alpha1/clusters"
_CONTROLLERS = "namespace garbage-collector ttl-after-finished clusterrole-aggregation"
# Asked for, because a control plane that has them is the more dangerous one.
_GATES = "Failover=true,PropagationPolicyPreemption=true"


def _listens(netns: str, port: int) -> bool:
    with inside(netns), socket.create_connection(("127.0.0.1", port), 1):
        return True


class Karmada:
    def __init__(self, layout: Layout, processes: Processes, members: dict[str, LabCluster]):
        self.layout, self.processes, self.members = layout, processes, members
        self.netns = layout.netns(HUB)
        pki = layout.pki(NAME)
        self.plane = ControlPlane(
            layout,
            processes,
            NAME,
            self.netns,
            HUB_ADDRESS,
            PORT,
            (2379, 2380),
            "198.19.64.0/20",
            "198.19.64.1",
            controllers=",".join(f"{c}-controller" for c in _CONTROLLERS.split()),
            pki_options=(
                "-server-cert=webhook=localhost",
                f"-server-cert=aggregated=localhost,karmada-aggregated-apiserver.{_SYSTEM}.svc",
            ),
            api_options=(
                "--disable-admission-plugins=StorageObjectInUseProtection,ServiceAccount",
                f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
                f"--proxy-client-key-file={pki}/front-proxy-client.key",
                f"--requestheader-client-ca-file={pki}/ca.crt",
                "--requestheader-allowed-names=front-proxy-client",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-username-headers=X-Remote-User",
            ),
        )
        self.api = self.plane.api
        self._source_note = layout.run / f"{NAME}.source"

    def part(self, component: str) -> str:
        return f"{NAME}/{component}"

    def names(self) -> list[str]:
        return [self.part(c) for c in COMPONENTS]

    def remember_source(self) -> None:
        """So that `reset` finds it again."""
        self._source_note.write_text(str(karmada_source()))

    def recall_source(self) -> None:
        if VARIABLE not in os.environ and self._source_note.exists():
            os.environ[VARIABLE] = self._source_note.read_text()

    # ---- processes

    def _run(self, component: str, options: list[str]) -> None:
        name = component if component.startswith(NAME) else f"{NAME}-{component}"
        self.processes.start(
            self.part(component),
            [
                str(self.layout.bin / name),
                f"--kubeconfig={self.layout.kubeconfig(NAME)}",
                *options,
            ],
            self.netns,
            {"GOGC": "50"},
        )

    def start_aggregated_apiserver(self) -> None:
        pki, config = self.layout.pki(NAME), self.layout.kubeconfig(NAME)
        self._run(
            "aggregated-apiserver",
            [
                f"--authentication-kubeconfig={config}",
                f"--authorization-kubeconfig={config}",
                f"--etcd-servers=http://127.0.0.1:{self.plane.etcd_ports[0]}",
                f"--tls-cert-file={pki}/aggregated.crt",
                f"--tls-private-key-file={pki}/aggregated.key",
                "--bind-address=127.0.0.1",
                f"--secure-port={AGGREGATED_PORT}",
            ],
        )

    def start_webhook(self) -> None:
        self._run(
            "webhook",
            [
                "--bind-address=127.0.0.1",
                f"--secure-port={WEBHOOK_PORT}",
                f"--cert-dir={self.layout.pki(NAME)}",
                "--tls-cert-file-name=webhook.crt",
                "--tls-private-key-file-name=webhook.key",
                "--metrics-bind-address=0",
                "--health-probe-bind-address=127.0.0.1:8000",
                "--allow-no-execute-taint-policy=true",
                f"--feature-gates={_GATES}",
            ],
        )

    def start_scheduler(self) -> None:
        self._run(
            "scheduler",
            [
                "--leader-elect=false",
                "--metrics-bind-address=0",
                "--health-probe-bind-address=127.0.0.1:10351",
                f"--feature-gates={_GATES}",
            ],
        )

    def start_controllers(self) -> None:
        self._run(
            "karmada-controller-manager",
            [
                "--leader-elect=false",
                "--metrics-bind-address=0",
                "--health-probe-bind-address=127.0.0.1:10357",
                # Its own thresholds are half a minute: too long to wait for in a test.
                "--cluster-status-update-frequency=1s",
                "--cluster-success-threshold=1s",
                "--cluster-failure-threshold=3s",
                "--graceful-eviction-timeout=20s",
                "--enable-no-execute-taint-eviction=true",
                f"--feature-gates={_GATES}",
            ],
        )

    def start(self, component: str) -> None:
        """Start one component (again); etcd and the API server are waited for."""
        if component == "etcd":
            self.plane.start_etcd()
        elif component == "apiserver":
            self.plane.start_api()
            self.plane.await_api()
        else:
            {
                "controller-manager": self.plane.start_controller_manager,
                "aggregated-apiserver": self.start_aggregated_apiserver,
                "webhook": self.start_webhook,
                "scheduler": self.start_scheduler,
                "karmada-controller-manager": self.start_controllers,
            }[component]()

    # ---- what the control plane holds

    def up(self) -> None:
        """Everything running, definitions served, both clusters joined and Ready."""
        if not self.layout.kubeconfig(NAME).exists():
            self.plane.make_pki()
        self.plane.start_api()
        self.plane.await_api()
        self.plane.start_controller_manager()
        self._apply_definitions()
        self.start_aggregated_apiserver()
        self._register_api()
        self.start_webhook()
        self._await(
            f"the webhook of {NAME}", lambda: _listens(self.netns, WEBHOOK_PORT), "webhook"
        )
        self._apply_webhooks()
        self.start_scheduler()
        self.start_controllers()
        for name, member in self.members.items():
            self._join(name, member)
        for name in self.members:
            wait_until(
                f"cluster {name} of {NAME}",
                lambda name=name: self.ready(name),
                JOINED_S,
                self.processes,
                self.names(),
            )

    def _await(self, what: str, check, component: str) -> None:
        wait_until(what, check, SERVED_S, self.processes, [self.part(component)])

    def _apply_definitions(self) -> None:
        self.api.apply_objects([_namespace(_SYSTEM), _namespace(_SECRETS)])
        self.api.apply(self.layout.objects / "rbac-karmada.yaml")
        folder = karmada_source() / "charts/karmada/_crds/bases"
        self.api.apply(*sorted(folder.rglob("*.yaml")))
        limit = f"--timeout={DEFINITIONS_S:.0f}s"
        self.api.kubectl("wait", "--for=condition=Established", "crd", "--all", limit)

    def _ca(self) -> str:
        return base64.b64encode((self.layout.pki(NAME) / "ca.crt").read_bytes()).decode()

    def _register_api(self) -> None:
        """Clusters are served by a server of their own on this machine."""
        service = "karmada-aggregated-apiserver"
        self.api.apply_objects(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": service, "namespace": _SYSTEM},
                "spec": {
                    "type": "ExternalName",
                    "externalName": "localhost",
                    "ports": [{"port": AGGREGATED_PORT}],
                },
            },
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1alpha1.cluster.karmada.io"},
                "spec": {
                    "group": "cluster.karmada.io",
                    "version": "v1alpha1",
                    "caBundle": self._ca(),
                    "groupPriorityMinimum": 2000,
                    "versionPriority": 10,
                    "service": {"name": service, "namespace": _SYSTEM, "port": AGGREGATED_PORT},
                },
            },
        )
        self._await(
            f"{_CLUSTERS}",
            lambda: self.api.call("GET", _CLUSTERS)[0] == 200,
            "aggregated-apiserver",
        )

    def _apply_webhooks(self) -> None:
        file = Path(karmada_source()) / "artifacts/deploy/webhook-configuration.yaml"
        text = file.read_text().replace("{{caBundle}}", self._ca())
        remote = "https://karmada-webhook.karmada-system.svc:443/"
        if remote not in text:
            raise LabError(f"{file}: no webhook at {remote}: this version is not known here")
        self.api.apply_text(text.replace(remote, f"https://127.0.0.1:{WEBHOOK_PORT}/"))

    def _join(self, name: str, member: LabCluster) -> None:
        """Accounts in the member, their tokens here, and the Cluster: it is known by its identity."""
        if self.api.get(f"{_CLUSTERS}/{name}"):
            return
        accounts = {name: "karmada-" + name, f"{name}-impersonator": "karmada-impersonator"}
        member.api.apply_objects(
            [
                _namespace(_SECRETS),
                _account(accounts[name]),
                _account(accounts[f"{name}-impersonator"]),
                _all_rights(accounts[name]),
            ]
        )
        ca = base64.b64encode((self.layout.pki(name) / "ca.crt").read_bytes()).decode()
        for secret, account in accounts.items():
            token = base64.b64encode(_token(member, account).encode()).decode()
            self.api.apply_objects(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": secret, "namespace": _SECRETS},
                    "data": {"token": token, "caBundle": ca},
                }
            )
        system = member.api.get("/api/v1/namespaces/kube-system") or {}
        body = {
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {
                "syncMode": "Push",
                "id": system["metadata"]["uid"],
                "apiEndpoint": member.cluster.server,
                "secretRef": {"namespace": _SECRETS, "name": name},
                "impersonatorSecretRef": {"namespace": _SECRETS, "name": f"{name}-impersonator"},
            },
        }
        status, answer = self.api.call("POST", _CLUSTERS, body)
        if status != 201:
            raise LabError(f"joining {name}: {status} {answer[:300]!r}")

    def ready(self, name: str) -> bool:
        """Whether Karmada reaches the cluster and knows all of its API."""
        status = (self.api.get(f"{_CLUSTERS}/{name}") or {}).get("status", {})
        conditions = {c["type"]: c["status"] for c in status.get("conditions", [])}
        return [conditions.get(c) for c in ("Ready", "CompleteAPIEnablements")] == ["True"] * 2


def _namespace(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _account(name: str) -> dict:
    metadata = {"name": name, "namespace": _SECRETS}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _all_rights(account: str) -> dict:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"lab-{account}"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": _SECRETS}],
    }


def _token(member: LabCluster, account: str) -> str:
    life = f"--duration={TOKEN_LIFE_S}s"
    return member.api.kubectl("create", "token", account, f"--namespace={_SECRETS}", life).strip()
