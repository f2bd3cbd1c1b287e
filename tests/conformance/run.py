#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the conformance table against one API server: `python3 -m tests.conformance.run --kubeconfig FILE [NAME…]`.

run(target) is for other programs; run_lab and run_sandbox make the target. Every case has a namespace of its own and runs
beside others. Returns and prints how many passed and failed; a failed case shows the step and each difference.
"""
import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from tests.conformance import cases as table
from tests.conformance import expect
from tests.conformance.client import CONTENT_TYPES, Caller, Credentials, Target, read_kubeconfig
from tests.runner import guard

WORKERS = 6
EVENT_LIMIT_S = 10.0  # an event that is due comes at once
END_LIMIT_S = 20.0    # a watch ends by itself: its timeoutSeconds are less
REFUSAL_LIMIT_S = 5.0  # to read what a refused watch says
SANDBOX_START_S = 20.0
SANDBOX_END_S = 15.0


class Failed(Exception):
    """A step whose answer is not as it should be; str() has a line per difference."""


def _status_fits(status, wanted):
    if wanted is None:
        return 200 <= status < 300
    return status in wanted if isinstance(wanted, list) else status == wanted


class Play:
    """One run of one case."""

    def __init__(self, target, case, paths, objects):
        self.case = case
        self.ns = f"conformance-{secrets.token_hex(5)}"
        self.variables = table.Variables(self.ns, paths, objects)
        self.caller = Caller(target)

    def perform(self):
        """Raises Failed, or OSError when the server cannot be reached."""
        try:
            if self.case.namespace:
                self._step({"call": "POST /api/v1/namespaces", "status": 201,
                            "body": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.ns}}})
            for number, step in enumerate(self.case.steps, 1):
                try:
                    self._step_with_retries(step)
                except Failed as failed:
                    raise Failed(f"step {number}: {self.variables.fill(step['call'])}\n{failed}") from None
                except KeyError as missing:
                    raise Failed(f"step {number}: no variable or shared object {missing}") from None
        finally:
            self._clean_up()

    def _clean_up(self):
        steps = list(self.case.finally_)
        if self.case.namespace:
            steps.append({"call": f"DELETE /api/v1/namespaces/{self.ns}"})
        for step in steps:
            with contextlib.suppress(Failed, OSError, KeyError):
                self._step(step)
        self.caller.close()

    def _step_with_retries(self, step):
        deadline = time.monotonic() + step.get("retry_s", 0)
        while True:
            try:
                return self._step(step)
            except Failed:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(0.1)

    def _step(self, raw):
        if "events" in raw or "ends" in raw:
            return self._watch(raw)
        step = self.variables.fill({k: v for k, v in raw.items() if k != "then"})
        method, path = step["call"].split(" ", 1)
        headers = dict(step.get("headers", {}))
        data = None
        if "body" in step or "text" in step:
            data = (step["text"] if "text" in step else json.dumps(step["body"])).encode()
            headers.setdefault("Content-Type", CONTENT_TYPES.get(step.get("type", "json"), step.get("type")))
        answer = self.caller.call(step.get("as", "admin"), method, path, data, headers)
        self._judge(step, answer)
        for name, pointer in step.get("keep", {}).items():
            value = expect.find(answer.body, pointer)
            if value is expect.ABSENT:
                raise Failed(f"  {pointer}: nothing to keep as {name}")
            self.variables.values[name] = value
        return answer

    def _judge(self, step, answer):
        lines = []
        body = answer.body
        if not _status_fits(answer.status, step.get("status")):
            lines.append(f"status: expected {step.get('status', '2xx')}, got {answer.status}: {answer.text[:500]}")
        if "reason" in step and expect.find(body, "/reason") != step["reason"]:
            lines.append(f"reason: expected {step['reason']}, got {answer.text[:500]}")
        if "message" in step:
            lines += expect.differences(body, {"/message": {"$match": step["message"]}})
        lines += expect.cause_differences(body, step.get("causes", []))
        lines += expect.differences(body, step.get("fields", {}))
        for name, wanted in step.get("answer_headers", {}).items():
            got = answer.headers.get(name)
            if not expect.fits(expect.ABSENT if got is None else got, wanted):
                lines.append(f"header {name}: expected {wanted!r}, got {got!r}")
        if lines:
            raise Failed("\n".join("  " + line for line in lines))

    def _watch(self, raw):
        """Opens the watch, performs the steps of "then" while it runs, and reads the events in their order."""
        head = self.variables.fill({k: v for k, v in raw.items() if k in ("call", "as", "headers")})
        path = head["call"].split(" ", 1)[1]
        stream = self.caller.stream(head.get("as", "admin"), path, head.get("headers"))
        try:
            if stream.status != 200:
                raise Failed(f"  status: expected 200, got {stream.status}: {stream.line(REFUSAL_LIMIT_S)[:300]}")
            for step in raw.get("then", []):
                self._step_with_retries(step)
            for number, wanted in enumerate(raw.get("events", []), 1):
                self._event(stream, number, wanted)
            if raw.get("ends"):
                self._end(stream)
        finally:
            stream.close()

    def _event(self, stream, number, raw):
        wanted = self.variables.fill(raw)
        while True:
            event = self._read_event(stream, f"event {number}", wanted.get("within_s", EVENT_LIMIT_S))
            if event.get("type") != "BOOKMARK" or wanted["type"] == "BOOKMARK":
                break
        lines = expect.differences(event, {"/type": wanted["type"], **wanted.get("fields", {})})
        if lines:
            raise Failed("\n".join(f"  event {number}: {line}" for line in lines))
        for name, pointer in wanted.get("keep", {}).items():
            self.variables.values[name] = expect.find(event, pointer)

    def _read_event(self, stream, what, limit_s):
        try:
            line = stream.line(limit_s)
        except TimeoutError:
            raise Failed(f"  {what}: nothing came within {limit_s:g} s") from None
        if not line:
            raise Failed(f"  {what}: the watch ended instead")
        try:
            return json.loads(line)
        except ValueError:
            raise Failed(f"  {what}: no JSON: {line[:200]}") from None

    def _end(self, stream):
        deadline = time.monotonic() + END_LIMIT_S
        while True:
            try:
                line = stream.line(deadline - time.monotonic())
            except TimeoutError:
                raise Failed("  the watch did not end") from None
            if not line:
                return
            if json.loads(line).get("type") != "BOOKMARK":
                raise Failed(f"  the end was due, but an event came: {line[:300]}")



def _needs(steps):
    """The roles that some steps speak as."""
    roles = set()
    for step in steps:
        roles |= {step.get("as", "admin")} | _needs(step.get("then", []))
    return roles


def _one(target, case, paths, objects):
    """(name, "ok" | "FAIL" | "skip", difference)."""
    if _needs(case.steps) - set(target.roles):
        return case.name, "skip", ""
    try:
        Play(target, case, paths, objects).perform()
    except Failed as failed:
        return case.name, "FAIL", str(failed)
    except (OSError, ValueError) as error:
        return case.name, "FAIL", f"  {type(error).__name__}: {error}"
    return case.name, "ok", ""


def run_cases(target, names=(), report=print, workers=WORKERS):
    """Runs the cases whose name has one of `names` in it (all without any); returns [(name, outcome, difference)]."""
    paths, objects = table.shared("paths"), table.shared("objects")
    chosen = [c for c in table.load() if not names or any(n in c.name for n in names)]
    target.roles.setdefault("nobody", Credentials())
    results = []
    with ThreadPoolExecutor(workers) as pool:
        for name, outcome, difference in pool.map(lambda c: _one(target, c, paths, objects), chosen):
            results.append((name, outcome, difference))
            report(f"{outcome:<4} {name}" + (f"\n{difference}" if difference else ""))
    return results


def run(target, names=(), report=print):
    """(passed, failed) of the table, or of the cases named, on one server."""
    outcomes = [outcome for _, outcome, _ in run_cases(target, names, report)]
    return outcomes.count("ok"), outcomes.count("FAIL")


def failures_only(line):
    """A report for callers with a report of their own."""
    if not line.startswith("ok"):
        print(line, flush=True)


# ---- worlds ----

def run_lab(lab, cluster, report=failures_only):
    """On a cluster of tests/lab, from within its network."""
    from lablib.netns import inside
    api = cluster.api
    pki = lab.layout.pki(api.name)
    roles = {"admin": Credentials(certificate=(str(pki / "admin.crt"), str(pki / "admin.key")))}
    viewer = pki / "crossfade-viewer.token"
    if viewer.exists():
        roles["viewer"] = Credentials(token=viewer.read_text().strip())
    return run(Target(f"https://{api.host}:{api.port}", str(pki / "ca.crt"), roles, lambda: inside(api.netns)), report=report)


def sandbox_target(facts):
    """The first cluster of a running sandbox, by what it wrote to sandbox.json."""
    cluster = facts["clusters"][0]
    tokens = cluster["tokens"]
    return Target(cluster["url"], cluster.get("ca"), {"admin": Credentials(tokens["admin"]), "viewer": Credentials(tokens["viewer"])})


@contextlib.contextmanager
def sandbox(binary, environment=None, options=("--clusters", "east")):
    """A sandbox for as long as the body runs, with one cluster unless the options say else; gives its facts."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder, guard.remember_folder(folder):
        command = [binary, "sandbox", *options, "--ports", "0", "--state-dir", folder, "--die-with-parent"]
        log = open(os.path.join(folder, "log"), "w+")
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield _await_facts(process, os.path.join(folder, "sandbox.json"), log)
        finally:
            status = _end_process(process)
            log.seek(0)
            text = log.read()
            log.close()
        if status:
            raise RuntimeError(f"the sandbox ended with {status}:\n{text[-4000:]}")


def _end_process(process):
    """Its exit status after SIGTERM: sanitizers tell there what they found."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout=SANDBOX_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "no end"


def _await_facts(process, path, log):
    deadline = time.monotonic() + SANDBOX_START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            with open(path) as source:
                return json.load(source)
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"the sandbox did not start:\n{log.read()[-2000:]}")


def run_sandbox(binary, environment=None, report=failures_only):
    """On a sandbox of its own."""
    with sandbox(binary, environment) as facts:
        return run(sandbox_target(facts), report=report)


def _target_of(options):
    url, ca, admin = read_kubeconfig(options.kubeconfig)
    roles = {"admin": admin}
    if options.viewer:
        roles["viewer"] = read_kubeconfig(options.viewer)[2]
    return Target(url, ca, roles)


def main():
    parser = argparse.ArgumentParser(prog="python3 -m tests.conformance.run", description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", help="of a user with all rights, data or files inline")
    parser.add_argument("--viewer", help="kubeconfig of a user who may only read")
    parser.add_argument("--sandbox", metavar="BINARY", help="start a sandbox of this crossfade binary and run there")
    parser.add_argument("--list", action="store_true", help="print the cases' names")
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names of cases")
    options = parser.parse_args()
    if options.list:
        print("\n".join(c.name for c in table.load()))
        return 0
    if options.sandbox:
        with sandbox(options.sandbox) as facts:
            passed, failed = run(sandbox_target(facts), options.names)
    elif options.kubeconfig:
        passed, failed = run(_target_of(options), options.names)
    else:
        parser.error("--kubeconfig or --sandbox is needed")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    guard.run(main, lambda: "0 passed, 1 failed")
