# SPDX-License-Identifier: Apache-2.0
"""One run of one case against one control plane and its members. Belongs to one thread; the recorder's threads are its own."""
import contextlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Callable

from tests.conformance import expect
from tests.conformance.client import CONTENT_TYPES, Answer, Caller, Target
from tests.conformance.federation import recorder, table

WAIT_S = 20.0  # for what comes by itself, if the step does not say how long
PAUSE_S = 0.1
SKIP_LABEL = "namespace.karmada.io/skip-auto-propagation"
WORKS = "/apis/work.karmada.io/v1alpha1"


class Failed(Exception):
    """A step that is not as it should be; str() has a line per difference."""


@dataclass
class World:
    """A control plane and two members of it, called east and west in the table whatever their Cluster objects are called."""

    karmada: Target
    members: dict[str, Target]
    clusters: dict[str, str]  # member to the name of its Cluster object
    fault: Callable[[str], None] | None = None

    def target(self, place):
        return self.karmada if place == "karmada" else self.members[place]


def _namespace_of(work):
    manifests = work.get("spec", {}).get("workload", {}).get("manifests") or [{}]
    return manifests[0].get("metadata", {}).get("namespace")


class Play:
    def __init__(self, world, case, paths, objects):
        self.world, self.case = world, case
        self.ns = f"fed-{secrets.token_hex(4)}"
        values = {name: path.replace("${ns}", self.ns) for name, path in paths.items()}
        self.names = table.Names(self.ns, values, objects)
        self.names.values |= world.clusters
        self.fixed = frozenset(self.names.values)
        self.callers = {place: Caller(world.target(place)) for place in ("karmada", *world.members)}
        self.recorder, self.mark = recorder.Recorder(), {}

    def perform(self):
        """Raises Failed, or OSError when a server cannot be reached."""
        try:
            self._prepare()
            self._open_watches()
            self._perform(self.case.steps)
        finally:
            self.recorder.close()
            self._clean_up()

    # ---- before and after

    def _write(self, place, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        answer = self.callers[place].call("admin", method, path, data, {"Content-Type": "application/json"} if data else {})
        if answer.status >= 300:
            raise Failed(f"  {method} {path} in {place}: {answer.status} {answer.text[:300]}")

    def _prepare(self):
        if self.case.namespaces == "none":
            return
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}}
        if self.case.namespaces == "skip":
            for member in self.world.members:
                self._write(member, "POST", "/api/v1/namespaces", namespace)
            namespace["metadata"]["labels"] = {SKIP_LABEL: "true"}
        self._write("karmada", "POST", "/api/v1/namespaces", namespace)

    def _open_watches(self):
        paths = self.names.values
        for watch in self.case.watch:
            if watch.startswith("works"):
                self.recorder.open(watch, "karmada", self.world.karmada, f"{WORKS}/works", lambda o: _namespace_of(o) == self.ns)
            else:  # "bindings", or "east deployments"
                place, _, what = watch.rpartition(" ")
                self.recorder.open(watch, place or "karmada", self.world.target(place or "karmada"), paths[what])

    def _clean_up(self):
        for step in self.case.finally_:
            with contextlib.suppress(Failed, OSError, KeyError):
                self._perform([step])
        for place in self.callers:
            with contextlib.suppress(Failed, OSError):
                self._write(place, "DELETE", f"/api/v1/namespaces/{self.ns}")
        for caller in self.callers.values():
            caller.close()

    # ---- steps

    def _perform(self, steps):
        for number, step in enumerate(steps, 1):
            kind = table.kind_of(step)
            try:
                getattr(self, "_" + kind)(step)
            except Failed as failed:
                what = step.get(kind) if kind in ("call", "fault", "mark") else kind
                raise Failed(f"step {number}: {what}\n{failed}") from None
            except KeyError as missing:
                raise Failed(f"step {number}: no variable or shared object {missing}") from None

    def _call(self, raw):
        step = self.names.fill(raw)
        reads = step["call"].split(" ", 1)[0] in ("GET", "WORK")
        deadline = time.monotonic() + step.get("within_s", WAIT_S if reads else 0)
        while True:
            try:
                answer = self._ask(step)
                break
            except Failed:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(PAUSE_S)
        until = time.monotonic() + step.get("hold_s", 0)
        while time.monotonic() < until:
            time.sleep(PAUSE_S)
            self._ask(step)
        self._keep(step, answer)

    def _keep(self, step, answer):
        for name, pointer in step.get("keep", {}).items():
            value = expect.find(answer.body, pointer)
            if value is expect.ABSENT:
                raise Failed(f"  {pointer}: nothing to keep as {name}")
            if name in self.fixed:
                raise ValueError(f"{name} is a name that the table has already")
            self.names.values[name] = value

    def _ask(self, step):
        method, rest = step["call"].split(" ", 1)
        if method == "WORK":
            answer = self._find_work(*rest.split(" "))
        else:
            data, headers = None, {}
            if "body" in step:
                data = json.dumps(step["body"]).encode()
                headers["Content-Type"] = CONTENT_TYPES[step.get("type", "merge-patch" if method == "PATCH" else "json")]
            answer = self.callers[step.get("on", "karmada")].call("admin", method, rest, data, headers)
        if "each" in step and isinstance(answer.body, dict) and "items" in answer.body:
            values = [expect.find(item, step["each"]) for item in answer.body["items"]]
            body = {"each": sorted((v for v in values if v is not expect.ABSENT), key=str)}
            answer = Answer(answer.status, answer.headers, json.dumps(body))
        self._judge(step, answer)
        return answer

    def _find_work(self, member, binding):
        """The Work of a binding in a member's execution namespace, as if it could be asked for by name; 404 when there is none."""
        listed = self.callers["karmada"].call("admin", "GET", f"{WORKS}/namespaces/karmada-es-{self.world.clusters[member]}/works")
        for work in (listed.body or {}).get("items", []):
            notes = work["metadata"].get("annotations", {})
            if (notes.get("resourcebinding.karmada.io/name"), notes.get("resourcebinding.karmada.io/namespace")) == (binding, self.ns):
                return Answer(200, listed.headers, json.dumps(work))
        return Answer(404, listed.headers, "{}")

    def _judge(self, step, answer):
        lines = []
        wanted = step.get("status")
        good = 200 <= answer.status < 300 if wanted is None else answer.status in (wanted if isinstance(wanted, list) else [wanted])
        if not good:
            lines.append(f"status: expected {wanted or '2xx'}, got {answer.status}: {answer.text[:500]}")
        if "reason" in step:
            lines += expect.differences(answer.body, {"/reason": step["reason"]})
        if "message" in step and not expect.fits(answer.text, {"$match": step["message"]}):
            lines.append(f"message: expected {step['message']!r}, got {answer.text[:500]}")
        lines += expect.differences(answer.body, step.get("fields", {}))
        if lines:
            raise Failed("\n".join("  " + line for line in lines))

    def _mark(self, step):
        self.mark[step["mark"]] = self.mark[None] = self.recorder.now()

    def _seen(self, raw):
        step = self.names.fill(raw)
        start = self.mark.get(step.get("since"), 0)
        deadline = time.monotonic() + step.get("within_s", WAIT_S)
        while True:
            wrong, wait = recorder.judge(self.recorder.since(start), step["seen"], step.get("order", []), step.get("never", []))
            if not wait or time.monotonic() >= deadline:
                break
            time.sleep(PAUSE_S)
        if wrong:
            raise Failed("\n".join(wrong))

    def _one_of(self, step):
        """The alternatives in turn: one of them must hold as a whole."""
        said = []
        for alternative in step["one_of"]:
            try:
                self._perform(alternative)
                return
            except Failed as failed:
                said.append(str(failed))
        raise Failed("\n".join(f"  neither: {s}" for s in said))

    def _fault(self, step):
        self.world.fault(self.names.fill(step["fault"]))

    def _sleep_s(self, step):
        time.sleep(step["sleep_s"])
