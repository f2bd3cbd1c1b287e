# SPDX-License-Identifier: Apache-2.0
"""One run of one case against two clusters, each with a Velero, over one bucket."""
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Callable, Protocol

from tests.conformance.client import Answer, Target
from tests.conformance.follow import play
from tests.conformance.follow.play import Failed

VELERO = "/apis/velero.io/v1/namespaces/velero"
PAUSE_S, PAUSE_MIN_S = 0.25, 0.05
READY_S = 60.0  # of a DownloadRequest
DELETES = ("restores", "serverstatusrequests", "deletebackuprequests")  # of the case's own objects; Backups go through a request


def _own(files):
    """Without what Velero leaves in a volume that it has restored."""
    return {path: known for path, known in files.items() if not path.startswith(".velero/")}


class Volumes(Protocol):
    """Files of claims' volumes, from outside of any pod. A file is known by (size, sha256)."""

    def put(self, place: str, namespace: str, claim: str, path: str, content: object) -> None: ...

    def remove(self, place: str, namespace: str, claim: str, path: str) -> None: ...

    def files(self, place: str, namespace: str, claim: str) -> dict[str, tuple[int, str]]: ...

    def expected(self, content: object) -> tuple[int, str]: ...


@dataclass
class World:
    """east writes the location "there" and west reads it; "back" is the other way round."""

    clusters: dict[str, Target]
    volumes: Volumes
    download: Callable[[str], bytes]  # of an address that a DownloadRequest gave
    names: dict[str, object] = field(default_factory=dict)  # of classes and images, and a size
    fault: Callable[[str], None] | None = None
    pace: float = 1.0  # of its time: what the original does in a second takes so long

    @property
    def places(self):
        return tuple(self.clusters)

    def target(self, place):
        return self.clusters[place]


class Play(play.Play):
    home, prefix = "east", "vel"
    wait_s = 180.0  # backups and restores of all cases wait for each other

    @property
    def pace(self):
        return self.world.pace

    @property
    def pause_s(self):
        return max(PAUSE_MIN_S, PAUSE_S * self.pace)

    def more_names(self):
        return self.world.names

    def prepare(self):
        kind = self.case.namespaces or "east"
        for place in {"none": (), "east": ("east",), "both": ("east", "west")}[kind]:
            self.write(place, "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}})

    def _is_ours(self, thing):
        """Whether an object of Velero's namespace belongs to this case: by its own name, or by its parent's."""
        meta = thing["metadata"]
        labels = meta.get("labels") or {}
        parents = (labels.get(f"velero.io/{kind}-name", "") for kind in ("backup", "restore"))
        return any(name.startswith(self.ns) for name in (meta["name"], *parents))

    def watched(self, watch):
        place, path, belongs = super().watched(watch)
        return place, path, self._is_ours if "/namespaces/velero/" in path else belongs

    def clean_up(self):
        for place in self.world.places:
            paths = [f"{VELERO}/{kind}" for kind in DELETES] + ["/api/v1/namespaces/velero/configmaps", "/api/v1/namespaces"]
            for path in paths:
                for name in self._listed(place, path):
                    self.try_write(place, "DELETE", f"{path}/{name}")
        for name in self._listed("east", f"{VELERO}/backups"):
            self._delete_backup(name)

    def _delete_backup(self, name):
        """With what is in the bucket; a rejected one never was there."""
        path = f"{VELERO}/backups/{name}"
        with contextlib.suppress(Failed, OSError):
            if self.write("east", "GET", path).body.get("status", {}).get("phase") == "FailedValidation":
                self.write("east", "DELETE", path)
                return
        request = {"apiVersion": "velero.io/v1", "kind": "DeleteBackupRequest",
                   "metadata": {"generateName": f"{name}-", "namespace": "velero"}, "spec": {"backupName": name}}
        self.try_write("east", "POST", f"{VELERO}/deletebackuprequests", request)

    def _listed(self, place, path):
        """Names of the case's own objects at path."""
        try:
            items = (self.callers[place].call("admin", "GET", path).body or {}).get("items", [])
        except OSError:
            return []
        return [i["metadata"]["name"] for i in items if i["metadata"]["name"].startswith(self.ns)]

    # ---- steps of its own

    def _volume(self, raw):
        """Files of a claim: put, remove, then what must be there."""
        step = self.names.fill(raw)
        place, claim = step["volume"].split(" ")
        where = (place, step.get("in", self.ns), claim)
        for path, content in step.get("put", {}).items():
            self.world.volumes.put(*where, path, content)
        for path in step.get("remove", []):
            self.world.volumes.remove(*where, path)
        if "files" in step or "same_as" in step:
            self.until(step.get("within_s", 0), lambda: self._compare(step, where))

    def _compare(self, step, where):
        there = self.world.volumes.files(*where)
        lines = []
        for path, content in step.get("files", {}).items():
            if content == {"$absent": True}:
                good = path not in there
            else:
                good = there.get(path) == self.world.volumes.expected(content)
            if not good:
                lines.append(f"  {path}: expected {content!r}, got {there.get(path)}; there are {sorted(there)[:20]}")
        if "same_as" in step:
            place, namespace, claim = step["same_as"].split(" ")
            here, other = (_own(files) for files in (there, self.world.volumes.files(place, namespace, claim)))
            lines += [f"  {path}: {here.get(path)}, but {other.get(path)} in {step['same_as']}"
                      for path in sorted(here.keys() | other.keys()) if here.get(path) != other.get(path)]
        if lines:
            raise Failed("\n".join(lines))

    def _fetch(self, raw):
        """What Velero keeps in the bucket about a backup or a restore, through a DownloadRequest."""
        step = self.names.fill(raw)
        kind, name = step["fetch"].split(" ")
        place = step.get("on", self.home)
        request = {"apiVersion": "velero.io/v1", "kind": "DownloadRequest",
                   "metadata": {"name": f"{name}-{secrets.token_hex(3)}", "namespace": "velero"},
                   "spec": {"target": {"kind": kind, "name": name}}}
        path = f"{VELERO}/downloadrequests/{request['metadata']['name']}"
        self.write(place, "POST", f"{VELERO}/downloadrequests", request)

        def look():
            status = self.write(place, "GET", path).body.get("status", {})
            if status.get("phase") != "Processed":
                raise Failed(f"  DownloadRequest in {place}: {status}")
            return status["downloadURL"]

        text = self.world.download(self.until(step.get("within_s", READY_S), look)).decode()
        self.try_write(place, "DELETE", path)
        answer = Answer(200, None, text)
        if isinstance(answer.body, list):
            answer = Answer(200, None, json.dumps({"items": answer.body}))
        self.judge(step, answer)
        self.keep(step, answer)
