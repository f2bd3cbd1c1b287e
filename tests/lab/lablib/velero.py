# SPDX-License-Identifier: Apache-2.0
"""A real Velero in both clusters, with an S3 server in hub and the lab's network storage.

The servers are processes beside the clusters, node-agent and what it starts are pods. Each direction
has a location of its own in the one bucket: `there` is written by east and read by west, `back` the other
way round.
"""

import http.client
import shutil

from .build import VELERO_MODULE, module_folder
from .cluster import LabCluster
from .csi import PARTS as CSI_PARTS
from .csi import Csi
from .errors import LabError
from .layout import HUB_ADDRESS, Layout
from .netns import inside
from .network import HUB
from .process import Processes, run, wait_until

NAME = "velero"
S3 = "s3"
S3_PORT = 9000
BUCKET = "velero"
NAMESPACE = "velero"
# The binaries that it needs beside those of the clusters.
PARTS = ["velero", "velero-restore-helper", "velero-plugin-for-aws", "gofakes3", "ledger", *CSI_PARTS]
# Location (and prefix in the bucket) to the cluster that writes it.
LOCATIONS = {"there": "east", "back": "west"}
SERVED_S = 30.0
AVAILABLE_S = 60.0  # idle: 1 s
AGENTS_S = 120.0
PLUGIN = "velero-plugin-for-aws"

_OBJECTS = f"/apis/velero.io/v1/namespaces/{NAMESPACE}"
_AGENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/node-agent"
_MERGE = "application/merge-patch+json"
_AWAY = "lab.crossfade.dev/no-such-node"
_CREDENTIALS = "[default]\naws_access_key_id = lab\naws_secret_access_key = lab\n"


class Velero:
    """Velero of one cluster."""

    def __init__(self, layout: Layout, processes: Processes, cluster: LabCluster):
        self.layout, self.processes, self.cluster = layout, processes, cluster
        self.api, self.where = cluster.api, cluster.cluster.name
        self.name = f"{self.where}/{NAME}"
        self.home = layout.data(f"{self.where}-velero")
        self.csi = Csi(layout, processes, cluster)

    def start(self) -> None:
        """The server. Home and folder for temporary files are its own: two must not share them."""
        for below in ("home", "tmp", "plugins"):
            (self.home / below).mkdir(parents=True, exist_ok=True)
        (self.home / "credentials").write_text(_CREDENTIALS)
        plugin = self.home / "plugins" / PLUGIN
        # A copy, for links are not looked at; by its name, for one that still runs cannot be written.
        fresh = plugin.parent.parent / (PLUGIN + ".part")
        shutil.copy2((self.layout.bin / PLUGIN).resolve(), fresh)
        fresh.replace(plugin)
        env = {
            "KUBECONFIG": str(self.layout.kubeconfig(self.where, "velero")),
            "HOME": str(self.home / "home"),
            "TMPDIR": str(self.home / "tmp"),
            "VELERO_NAMESPACE": NAMESPACE,
            "VELERO_SCRATCH_DIR": str(self.home / "tmp"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "credentials"),
            "GOGC": "50",
        }
        self.processes.start(
            self.name,
            [
                str(self.layout.bin / "velero"),
                "server",
                f"--plugin-dir={plugin.parent}",
                "--metrics-address=127.0.0.1:8085",
                "--profiler-address=127.0.0.1:6060",
                "--features=EnableCSI",
                # Its own minute is long to wait for when a test stops the bucket.
                "--store-validation-frequency=10s",
                "--item-operation-sync-frequency=2s",
            ],
            self.cluster.netns,
            env,
            cwd=str(self.home / "home"),
        )

    def _define(self) -> None:
        crds = module_folder("velero", VELERO_MODULE) / "config/crd"
        self.api.apply(*(crds / version / "bases" for version in ("v1", "v2alpha1")))
        paths = (f"{_OBJECTS}/backups", "/apis/velero.io/v2alpha1/datauploads")
        wait_until(
            f"Velero's kinds in {self.where}",
            lambda: all(self.api.call("GET", p)[0] == 200 for p in paths),
            SERVED_S,
        )
        text = (self.layout.objects / "velero.yaml").read_text()
        pods = self.layout.data(f"{self.where}-podlet") / "pods"
        self.api.apply_text(text.replace("${PODS}", str(pods)))
        self.api.apply_objects([_location(name, self.where) for name in LOCATIONS])

    def up(self) -> None:
        self.csi.up()
        self._define()
        self.start()
        wait_until(
            f"Velero's locations in {self.where}",
            self.available,
            AVAILABLE_S,
            self.processes,
            [self.name],
        )
        wait_until(f"node-agents of {self.where}", self.agents_ready, AGENTS_S)

    def available(self) -> bool:
        found = (self.api.get(f"{_OBJECTS}/backupstoragelocations") or {"items": []})["items"]
        phases = [o.get("status", {}).get("phase") for o in found]
        return phases == ["Available"] * len(LOCATIONS)

    def agents_ready(self) -> bool:
        """All that are wanted run and are ready; with the agents away, that none is left."""
        agent = self.api.get(_AGENT) or {}
        status = agent.get("status", {})
        if status.get("observedGeneration") != agent.get("metadata", {}).get("generation"):
            return False
        away = _AWAY in agent["spec"]["template"]["spec"].get("nodeSelector", {})
        wanted = status.get("desiredNumberScheduled", 0)
        if away:
            return not self._agents()
        return wanted > 0 and status.get("numberReady") == wanted

    def _agents(self) -> list[dict]:
        path = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=name%3Dnode-agent"
        return (self.api.get(path) or {"items": []})["items"]

    def set_agents(self, there: bool) -> None:
        """node-agent on every node, or on none; waited for."""
        choice = {_AWAY: None if there else "true"}
        body = {"spec": {"template": {"spec": {"nodeSelector": choice}}}}
        status, answer = self.api.call("PATCH", _AGENT, body, _MERGE)
        if status != 200:
            raise LabError(f"node-agent of {self.where}: {status} {answer[:300]!r}")
        wait_until(f"node-agents of {self.where}", self.agents_ready, AGENTS_S)

    def kill_agent(self, node: str) -> None:
        """SIGKILL to the program on a node, as a crash would; podlet starts it again."""
        for pod in self._agents():
            for container in pod["status"].get("containerStatuses", []):
                scheme, _, pid = container.get("containerID", "").partition("://")
                if pod["spec"].get("nodeName") == node and "running" in container["state"]:
                    if scheme != "process":
                        raise LabError(f"node-agent of {node} is no process of this machine")
                    run(["kill", "-KILL", pid])
                    return
        raise LabError(f"no node-agent runs on {node}")


def _location(name: str, where: str) -> dict:
    return {
        "apiVersion": "velero.io/v1",
        "kind": "BackupStorageLocation",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "provider": "aws",
            "default": LOCATIONS[name] == where,
            "accessMode": "ReadWrite" if LOCATIONS[name] == where else "ReadOnly",
            "objectStorage": {"bucket": BUCKET, "prefix": name},
            "config": {
                "region": "us-east-1",
                "s3ForcePathStyle": "true",
                "s3Url": f"http://{HUB_ADDRESS}:{S3_PORT}",
            },
        },
    }


class Bucket:
    """The S3 server in hub."""

    def __init__(self, layout: Layout, processes: Processes):
        self.layout, self.processes = layout, processes
        self.netns = layout.netns(HUB)

    def start(self) -> None:
        data = self.layout.data(S3)
        data.mkdir(parents=True, exist_ok=True)
        self.processes.start(
            S3,
            [
                str(self.layout.bin / "gofakes3"),
                f"-host={HUB_ADDRESS}:{S3_PORT}",
                "-backend=bolt",
                f"-bolt.db={data / 'bucket.bolt'}",
                f"-initialbucket={BUCKET}",
            ],
            self.netns,
            {"GOGC": "50"},
        )

    def answers(self) -> bool:
        with inside(self.netns):
            link = http.client.HTTPConnection(HUB_ADDRESS, S3_PORT, timeout=3)
            try:
                link.request("GET", f"/{BUCKET}?max-keys=1")
                return link.getresponse().status == 200
            except http.client.HTTPException as error:
                raise ConnectionError(str(error)) from error
            finally:
                link.close()

    def up(self) -> None:
        self.start()
        wait_until("the S3 server", self.answers, SERVED_S, self.processes, [S3])
