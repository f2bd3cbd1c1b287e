# SPDX-License-Identifier: Apache-2.0
"""The lab with a real Velero as a world: its stage has the ledger, whose records are on its disk, behind a gateway."""
import hashlib
import json
import os
import re

from tests.stories.lab_world import LabStage, LabWorld, demo, faults, user_binding, wait_until
from lablib.witness import Witness

STARTED_S = 180  # two pods, one after the other, each writing its known content first
ROLE = re.compile(r"^kind: (Cluster|)Role\nmetadata:\n  name: (\S+)\n(?:  namespace: (\S+)\n)?", re.M)


class VeleroWorld(LabWorld):
    binaries, parts = ("velero",), ("clusters", "istio", "prometheus", "velero")

    def stage(self, story, binary, folder):
        return VeleroStage(self.lab, story, folder)


class VeleroStage(LabStage):
    def up(self):
        """The ledger comes with its story, which says how much it has to carry."""

    def down(self):
        faults.run(self.lab, ["heal"])
        for cluster in ("east", "west"):
            self._api(cluster).kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")

    def install(self, storage_class, fill):
        """The ledger in east, answering through its gateway. fill: bytes of known content in each of its volumes."""
        text = demo.manifest(self.lab, "ledger", self.namespace)
        self.apply("east", text.replace("CLASS", storage_class).replace("FILL", str(fill)))
        wait_until("the ledger's pods", lambda: self.ready("east") == 2, STARTED_S, step=0.3)
        wait_until("an answer through the gateway", lambda: demo.answerer(self.lab, "virtualservice", self.namespace), demo.ROUTED_S, step=0.1)

    def ready(self, cluster):
        found = self.get(cluster, f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/ledger")
        return (found or {}).get("status", {}).get("readyReplicas", 0)

    def grant(self, cluster, rbac_yaml):
        """Every printed role, and no other right, is given to the user of the lab's tokens."""
        self.kubectl(cluster, "delete", "clusterrolebinding", "lab-crossfade", "--ignore-not-found")
        bindings = [user_binding(scope, {"name": name + "-user", **({"namespace": namespace} if namespace else {})})
                    for scope, name, namespace in ROLE.findall(rbac_yaml)]
        for binding in bindings:
            binding["roleRef"]["name"] = binding["metadata"]["name"].removesuffix("-user")
        self._api(cluster).apply_text("\n---\n".join([rbac_yaml, *map(json.dumps, bindings)]))

    def router_object(self, route):
        return "ledger"

    def witness(self, route, rate=100, name=""):
        return Witness(self.lab, route, rate, name=self.namespace + name, namespace=self.namespace)

    def fault(self, cluster, **how):
        faults.run(self.lab, ["app", cluster, self.namespace, "app=ledger", *[f"{k}={v}" for k, v in how.items()]])

    # --- volumes: folders of this machine, read without asking anybody who moved them

    def folder_of(self, cluster, claim):
        """Where the claim's volume lies; None: there is no such claim, or it has no volume yet."""
        found = self.get(cluster, f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims/{claim}")
        name = (found or {}).get("spec", {}).get("volumeName")
        volume = name and self.get(cluster, f"/api/v1/persistentvolumes/{name}")
        return volume["spec"]["csi"]["volumeAttributes"]["lab.crossfade.dev/folder"] if volume else None

    def files(self, cluster, claim):
        """{path: sha256} of the claim's volume, without the mark that Velero leaves in a restored one."""
        top = self.folder_of(cluster, claim)
        assert top, f"claim {claim} of {cluster} has no volume"
        found = {}
        for folder, _, names in os.walk(top):
            for path in (os.path.join(folder, name) for name in names):
                if not os.path.relpath(path, top).startswith(".velero"):
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, top)] = hashlib.file_digest(file, "sha256").hexdigest()
        return found
