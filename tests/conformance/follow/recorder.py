# SPDX-License-Identifier: Apache-2.0
"""What happened, in order: watches of some collections, each read by a thread of its own until close().

Events of one API server are ordered by resourceVersion, which is exact; events of different servers by when they came here.
"""
import json
import threading
import time
from dataclasses import dataclass

from tests.conformance import expect
from tests.conformance.client import Caller

LONGEST_S = 600  # of one watch; no case takes that long
END_S = 5.0


@dataclass
class Event:
    place: str  # which server
    watch: str
    type: str
    object: dict
    at: float

    @property
    def version(self):
        return int(self.object.get("metadata", {}).get("resourceVersion") or 0)

    def before(self, other):
        return self.version < other.version if self.place == other.place else self.at <= other.at


class Recorder:
    """Shared by the threads of its watches; the lock guards what they share."""

    def __init__(self):
        self._events, self._lock, self._closing, self._threads, self._streams = [], threading.Lock(), threading.Event(), [], set()

    def open(self, watch, place, target, path, belongs=lambda o: True):
        """Records from now on: what is there already counts as no event."""
        caller = Caller(target)
        answer = caller.call("admin", "GET", path)
        caller.close()
        if answer.status != 200:
            raise OSError(f"watch {watch}: GET {path}: {answer.status} {answer.text[:200]}")
        version = answer.body["metadata"]["resourceVersion"]
        thread = threading.Thread(target=self._read, args=(watch, place, target, path, [version], belongs), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read(self, watch, place, target, path, version, belongs):
        """version is a list of one: how far the watch has come, also when it is torn off."""
        while not self._closing.is_set():
            try:
                stream = Caller(target).stream("admin", f"{path}?watch=true&resourceVersion={version[0]}&timeoutSeconds={LONGEST_S}")
            except OSError:
                self._closing.wait(0.2)  # the server is away; the next watch begins where this one ended
                continue
            with self._lock:
                self._streams.add(stream)
            try:
                while not self._closing.is_set() and (line := stream.line(LONGEST_S)):
                    self._take(json.loads(line), watch, place, version, belongs)
            except (OSError, ValueError):
                pass  # torn off in the middle
            finally:
                with self._lock:
                    self._streams.discard(stream)
                stream.close()

    def _take(self, event, watch, place, version, belongs):
        thing = event.get("object", {})
        if event.get("type") not in ("ADDED", "MODIFIED", "DELETED"):
            return
        if belongs(thing):
            with self._lock:
                self._events.append(Event(place, watch, event["type"], thing, time.monotonic()))
        version[0] = thing["metadata"]["resourceVersion"]

    def now(self):
        """A mark: how many events there are."""
        with self._lock:
            return len(self._events)

    def since(self, mark):
        with self._lock:
            return self._events[mark:]

    def close(self):
        self._closing.set()
        with self._lock:
            for stream in self._streams:
                stream.stop()
        for thread in self._threads:
            thread.join(END_S)


def matches(event, wanted):
    """Whether an event is the one that a row of "seen" or "never" describes."""
    types = wanted.get("event", ["ADDED", "MODIFIED"])
    if event.watch != wanted["watch"] or event.type not in ([types] if isinstance(types, str) else types):
        return False
    return not expect.differences(event.object, wanted.get("fields", {}))


def judge(events, rows, order, never):
    """(lines that say what is wrong, whether waiting longer may help)."""
    first = {}
    for row in rows:
        first[row["name"]] = next((e for e in events if matches(e, row)), None)
    missing = [f"  not seen: {name}" for name, event in first.items() if event is None]
    if missing:
        return missing, True
    wrong = []
    for chain in order:
        names = [n.strip() for n in chain.split("<")]
        for a, b in zip(names, names[1:]):
            if not first[a].before(first[b]):
                wrong.append(f"  {a} came after {b}")
    for row in never:
        found = next((e for e in events if matches(e, row)), None)
        if found:
            wrong.append(f"  seen, and must not be: {row.get('name', row)}: {json.dumps(found.object)[:600]}")
    return wrong, False
