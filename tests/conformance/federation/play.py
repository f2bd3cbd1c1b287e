# SPDX-License-Identifier: Apache-2.0
"""One run of one case against one control plane and its members."""
import json
from dataclasses import dataclass
from typing import Callable

from tests.conformance.client import Answer, Target
from tests.conformance.follow import play

SKIP_LABEL = "namespace.karmada.io/skip-auto-propagation"
WORKS = "/apis/work.karmada.io/v1alpha1"


@dataclass
class World:
    """A control plane and two members of it, called east and west in the table whatever their Cluster objects are called."""

    karmada: Target
    members: dict[str, Target]
    clusters: dict[str, str]  # member to the name of its Cluster object
    fault: Callable[[str], None] | None = None

    @property
    def places(self):
        return ("karmada", *self.members)

    def target(self, place):
        return self.karmada if place == "karmada" else self.members[place]


def _namespace_of(work):
    manifests = work.get("spec", {}).get("workload", {}).get("manifests") or [{}]
    return manifests[0].get("metadata", {}).get("namespace")


class Play(play.Play):
    home, prefix = "karmada", "fed"

    def more_names(self):
        return self.world.clusters

    def prepare(self):
        kind = self.case.namespaces or "skip"
        if kind == "none":
            return
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}}
        if kind == "skip":
            for member in self.world.members:
                self.write(member, "POST", "/api/v1/namespaces", namespace)
            namespace["metadata"]["labels"] = {SKIP_LABEL: "true"}
        self.write("karmada", "POST", "/api/v1/namespaces", namespace)

    def watched(self, watch):
        """works are those of the case's namespace; "bindings" are the control plane's, "east deployments" a member's."""
        if watch.startswith("works"):
            return "karmada", f"{WORKS}/works", lambda o: _namespace_of(o) == self.ns
        return super().watched(watch)

    def clean_up(self):
        for place in self.callers:
            self.try_write(place, "DELETE", f"/api/v1/namespaces/{self.ns}")

    def special(self, method, words):
        return self._find_work(*words) if method == "WORK" else None

    def _find_work(self, member, binding):
        """The Work of a binding in a member's execution namespace, as if it could be asked for by name; 404 when there is none."""
        listed = self.callers["karmada"].call("admin", "GET", f"{WORKS}/namespaces/karmada-es-{self.world.clusters[member]}/works")
        for work in (listed.body or {}).get("items", []):
            notes = work["metadata"].get("annotations", {})
            if (notes.get("resourcebinding.karmada.io/name"), notes.get("resourcebinding.karmada.io/namespace")) == (binding, self.ns):
                return Answer(200, listed.headers, json.dumps(work))
        return Answer(404, listed.headers, "{}")
