# SPDX-License-Identifier: Apache-2.0
"""The lab's network storage in one cluster: snapshot definitions, classes, and the driver's process.

Its volumes are folders of this machine (cmd/csi); `folder` says which one a claim has.
"""

from pathlib import Path

from .build import module_folder
from .cluster import LabCluster
from .layout import Layout
from .process import Processes, wait_until

PARTS = ["csi"]
READY_S = 30.0
SNAPSHOTTER = "github.com/kubernetes-csi/external-snapshotter/client/v8"
ATTRIBUTE = "lab.crossfade.dev/folder"
# Group snapshots are of no use here.
_KINDS = ("volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses")
_GROUP = "snapshot.storage.k8s.io"


class Csi:
    def __init__(self, layout: Layout, processes: Processes, cluster: LabCluster):
        self.layout, self.processes, self.cluster = layout, processes, cluster
        self.name = f"{cluster.cluster.name}/csi"
        self.data = layout.data(f"{cluster.cluster.name}-csi")

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        for below in ("volumes", "snapshots"):
            (self.data / below).mkdir(exist_ok=True)
        (self.data / "ready").unlink(missing_ok=True)
        self.processes.start(
            self.name,
            [
                str(self.layout.bin / "csi"),
                f"-kubeconfig={self.layout.kubeconfig(self.cluster.cluster.name, 'csi')}",
                f"-dir={self.data}",
            ],
            self.cluster.netns,
            {"GOGC": "50"},
        )

    def up(self) -> None:
        """Definitions served, classes there, the driver watching."""
        api = self.cluster.api
        crds = module_folder("velero", SNAPSHOTTER) / "config/crd"
        api.apply(*(crds / f"{_GROUP}_{kind}.yaml" for kind in _KINDS))
        path = f"/apis/{_GROUP}/v1/"
        wait_until(
            f"{_GROUP} of {api.name}",
            lambda: all(api.call("GET", path + kind)[0] == 200 for kind in _KINDS),
            READY_S,
        )
        api.apply(self.layout.objects / "csi.yaml")
        if self.processes.pid(self.name) is None:
            self.start()
        wait_until(
            f"the storage of {api.name}",
            (self.data / "ready").exists,
            READY_S,
            self.processes,
            [self.name],
        )

    def folder(self, namespace: str, claim: str) -> Path | None:
        """The folder of a bound claim's volume; None when there is none (yet)."""
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}"
        volume = (self.cluster.api.get(path) or {}).get("spec", {}).get("volumeName")
        spec = (self.cluster.api.get(f"/api/v1/persistentvolumes/{volume}") or {}) if volume else {}
        found = spec.get("spec", {}).get("csi", {}).get("volumeAttributes", {}).get(ATTRIBUTE)
        return Path(found) if found else None
