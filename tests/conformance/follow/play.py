# SPDX-License-Identifier: Apache-2.0
"""One run of one case against one world. Belongs to one thread; the recorder's threads are its own.

A table's own play is a subclass: it says what is made before and removed after a case, which watch is which, and has a method
_WORD for each step of its own.
"""
import contextlib
import json
import secrets
import time

from tests.conformance import expect
from tests.conformance.client import CONTENT_TYPES, Answer, Caller
from tests.conformance.follow import recorder, table

WAIT_S = 20.0  # for what comes by itself, if the step does not say how long
PAUSE_S = 0.1


class Failed(Exception):
    """A step that is not as it should be; str() has a line per difference."""


class Play:
    home = None     # the place of a call that names none
    prefix = "case"  # of the case's namespace
    wait_s = WAIT_S
    pause_s = PAUSE_S
    pace = 1.0  # what is a second of the original's time; for how long something holds, and how long a case sleeps

    def __init__(self, world, case, words):
        """world: target(place), places, and fault or None. words: the Table."""
        self.world, self.case, self.table = world, case, words
        self.ns = f"{self.prefix}-{secrets.token_hex(4)}"
        values = {name: path.replace("${ns}", self.ns) for name, path in words.shared("paths").items()}
        self.names = table.Names(self.ns, values, words.shared("objects"))
        self.names.values |= self.more_names()
        self.fixed = frozenset(self.names.values)
        self.callers = {place: Caller(world.target(place)) for place in world.places}
        self.recorder, self.mark = recorder.Recorder(), {}

    # ---- what a table adds

    def more_names(self):
        return {}

    def prepare(self):
        raise NotImplementedError

    def watched(self, watch):
        """(place, path, belongs) of a watch that a case names."""
        place, _, what = watch.rpartition(" ")
        return place or self.home, self.names.values[what], lambda o: True

    def clean_up(self):
        raise NotImplementedError

    def special(self, method, words):
        """The Answer to a call of a method that no server knows, or None."""
        return None

    # ---- the run

    def perform(self):
        """Raises Failed, or OSError when a server cannot be reached."""
        try:
            self.prepare()
            for watch in self.case.watch:
                place, path, belongs = self.watched(watch)
                self.recorder.open(watch, place, self.world.target(place), path, belongs)
            self._perform(self.case.steps)
        finally:
            self.recorder.close()
            for step in self.case.finally_:
                with contextlib.suppress(Failed, OSError, KeyError):
                    self._perform([step])
            self.clean_up()
            for caller in self.callers.values():
                caller.close()

    def write(self, place, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        answer = self.callers[place].call("admin", method, path, data, {"Content-Type": "application/json"} if data else {})
        if answer.status >= 300:
            raise Failed(f"  {method} {path} in {place}: {answer.status} {answer.text[:300]}")
        return answer

    def try_write(self, place, method, path, body=None):
        with contextlib.suppress(Failed, OSError):
            self.write(place, method, path, body)

    def _perform(self, steps):
        for number, step in enumerate(steps, 1):
            kind = self.table.kind_of(step)
            try:
                getattr(self, "_" + kind)(step)
            except Failed as failed:
                what = step[kind] if isinstance(step.get(kind), str) else kind
                raise Failed(f"step {number}: {what}\n{failed}") from None
            except KeyError as missing:
                raise Failed(f"step {number}: no variable or shared object {missing}") from None

    def until(self, limit_s, look):
        """What look() gives once it does not raise Failed any more."""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                return look()
            except Failed:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(self.pause_s)

    def _call(self, raw):
        step = self.names.fill(raw)
        reads = step["call"].split(" ", 1)[0] not in ("POST", "PUT", "PATCH", "DELETE")
        answer = self.until(step.get("within_s", self.wait_s if reads else 0), lambda: self._ask(step))
        until = time.monotonic() + step.get("hold_s", 0) * self.pace
        while time.monotonic() < until:
            time.sleep(self.pause_s)
            self._ask(step)
        self.keep(step, answer)

    def keep(self, step, answer):
        for name, pointer in step.get("keep", {}).items():
            value = expect.find(answer.body, pointer)
            if value is expect.ABSENT:
                raise Failed(f"  {pointer}: nothing to keep as {name}")
            if name in self.fixed:
                raise ValueError(f"{name} is a name that the table has already")
            self.names.values[name] = value

    def _ask(self, step):
        method, rest = step["call"].split(" ", 1)
        answer = self.special(method, rest.split(" "))
        if answer is None:
            data, headers = None, {}
            if "body" in step:
                data = json.dumps(step["body"]).encode()
                headers["Content-Type"] = CONTENT_TYPES[step.get("type", "merge-patch" if method == "PATCH" else "json")]
            answer = self.callers[step.get("on", self.home)].call("admin", method, rest, data, headers)
        if "each" in step and isinstance(answer.body, dict) and "items" in answer.body:
            values = [expect.find(item, step["each"]) for item in answer.body["items"]]
            body = {"each": sorted((v for v in values if v is not expect.ABSENT), key=str)}
            answer = Answer(answer.status, answer.headers, json.dumps(body))
        self.judge(step, answer)
        return answer

    def judge(self, step, answer):
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

        def look():
            wrong, wait = recorder.judge(self.recorder.since(start), step["seen"], step.get("order", []), step.get("never", []))
            if wrong and wait:
                raise Failed("\n".join(wrong))
            return wrong

        wrong = self.until(step.get("within_s", self.wait_s), look)
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
        time.sleep(step["sleep_s"] * self.pace)
