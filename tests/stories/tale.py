# SPDX-License-Identifier: Apache-2.0
"""What a story has at hand: a stage with two clusters and a demo application, a running service, and words for what people do.

Every wait has a deadline; when it passes, the story fails with what the run said last.
"""
import datetime
import shutil
import subprocess
import tempfile
import time
import uuid

from tests.stories import stats
from tests.stories.service import Service

SWITCH_S = 10  # a gateway has taken the main Ingress' new backend within this time
TERMINAL = ("completed", "rolled-back", "failed", "canceled")

PLAN = """\
apiVersion: crossfade.dev/v1alpha1
kind: MigrationPlan
metadata: {{name: {name}}}
spec:
  source: {{cluster: east, namespace: {namespace}}}
  target: {{cluster: west}}
  traffic:
{routers}
    steps: {steps}
    hold: {hold}
{traffic}
  gates:
    - {gate}
  commit: {commit}
{more}
"""

SUCCESS = "{{name: success, type: successRate, min: {minimum}, detect: {detect}, interval: 200ms}}"
ROUTER_TYPES = {"virtualservice": "virtualService", "httproute": "httpRoute", "ingress": "ingress"}


class Tale:
    def __init__(self, world, story, binary, postgres, environment):
        self.world, self.story, self.binary = world, story, binary
        self.postgres, self.environment = postgres, environment
        self.notes = []

    # --- setting up and clearing away

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="crossfade-story-")
        self.stage = self.world.stage(self.story, self.binary, self.folder)
        self.stage.up()
        self.name = "t" + uuid.uuid4().hex[:8]
        subprocess.run(["psql", "-q", "-h", self.postgres.folder, "-U", "crossfade", "-d", "postgres", "-c",
                        f"CREATE DATABASE {self.name}"], check=True, capture_output=True)
        database = f"host={self.postgres.folder} user=crossfade dbname={self.name}"
        self.service = Service(self.binary, database, self.folder, self.stage.wrap, self.stage.inside, self.environment)
        try:
            self.service.prepare()
            self.service.start()
            self.register()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.notes.append(f"the story's files are kept in {self.folder}")
            self.notes += [line for line in self.service.log_end(400).splitlines() if "http.request" not in line][-25:]
        try:
            self.service.stop()
        finally:
            self.stage.down()
            if kind is None:
                shutil.rmtree(self.folder, ignore_errors=True)
        return False

    def register(self):
        for cluster in ("east", "west"):
            self.service.rest.post("/api/v1/clusters", {
                "name": cluster, "kubeconfig": open(self.stage.kubeconfig(cluster)).read(),
                "metrics": self.stage.metrics(cluster)})
        if self.story.plane:
            self.service.rest.post("/api/v1/clusters", {"name": "hub", "kubeconfig": open(self.stage.kubeconfig("hub")).read()})
            self.grant("hub", "--method", self.story.plane)
            self.grant("east", "--side", "adopted")
            self.grant("west", "--side", "target")
            return
        for cluster in ("east", "west"):
            self.grant(cluster, "--side", "both")
            if self.story.velero:
                self.grant(cluster, "--side", "volumes")
                self.grant(cluster, "--side", "velero", "--namespace", "velero")

    def printed_rights(self, cluster, *what):
        return self.service.cli("cluster", "rbac", cluster, *what)

    def grant(self, cluster, *what):
        """From now on Crossfade has the rights there that it prints, and no others."""
        self.stage.grant(cluster, self.printed_rights(cluster, *what))

    def note(self, text):
        self.notes.append(text)

    # --- what people do

    def plan(self, steps="[10, 50, 100]", hold="2s", commit="auto", minimum="99.5%", detect="5%", gate=SUCCESS, destinations="",
             traffic="", more="", name="move"):
        """gate and destinations (of each router) in YAML's flow style; traffic and more are lines of spec.traffic and of spec."""
        row = f", destinations: {destinations}" if destinations else ""
        routers = "    routers:\n" + "\n".join(
            f"      - {{name: {r}, type: {ROUTER_TYPES[r]}, object: {self.stage.router_object(r)}{row}}}" for r in self.story.routes)
        text = PLAN.format(name=name, namespace=self.stage.namespace, routers=routers, steps=steps, hold=hold, commit=commit,
                           gate=gate.format(minimum=minimum, detect=detect), traffic=traffic, more=more)
        return self.service.rest.call("PUT", f"/api/v1/plans/{name}", text, content_type="application/yaml",
                                      headers={"If-None-Match": "*"})

    def start(self, plan="move"):
        self.run = self.service.rest.post(f"/api/v1/plans/{plan}/runs", {"reason": self.story.name})["id"]
        return self.run

    def get(self):
        return self.service.rest.get(f"/api/v1/runs/{self.run}")

    def act(self, action, reason="the story asks for it", **more):
        return self.service.rest.post(f"/api/v1/runs/{self.run}/actions", {"action": action, "reason": reason, **more})

    # --- waiting

    def until(self, what, seconds, condition, every=0.05):
        """Waits for condition(run) to be true and returns the run."""
        deadline = time.monotonic() + seconds
        last = None
        while time.monotonic() < deadline:
            try:
                last = self.get()
                if condition(last):
                    return last
            except (ConnectionError, OSError):
                pass  # the service is away for the moment
            time.sleep(every)
        raise AssertionError(f"after {seconds} s still waiting for {what}; the run says: {brief(last)}")

    def until_state(self, state, seconds=120):
        return self.until(state, seconds, lambda r: self._not_stuck(r, state) and r["state"] == state)

    @staticmethod
    def _not_stuck(run, wanted):
        if run["state"] in TERMINAL and run["state"] != wanted:
            raise AssertionError(f"the run is {run['state']}, not {wanted}: {brief(run)}")
        return True

    def until_weight(self, weight, seconds=90):
        return self.until(f"weight {weight}", seconds,
                          lambda r: self._not_stuck(r, None) and (r["weight"]["applied"] or 0) >= weight)

    def until_step(self, kind, states, weight, seconds=90):
        """The step of this kind and weight is in one of the states; asked as often as the service answers. Returns the state."""
        deadline = time.monotonic() + seconds
        while True:
            steps = self.service.rest.get(f"/api/v1/runs/{self.run}/steps")["items"]
            state = next(s["state"] for s in steps if s["kind"] == kind and (s["params"] or {}).get("weight") == weight)
            if state in states:
                return state
            if state != "planned" or time.monotonic() > deadline:
                raise AssertionError(f"{kind} {weight} is {state}, not {' or '.join(states)}: {brief(self.get())}")

    def until_hold(self, reason, seconds=60):
        return self.until(f"hold {reason}", seconds,
                          lambda r: self._not_stuck(r, None) and ((r.get("hold") or {}).get("reason") == reason))

    # --- looking

    def report(self):
        return self.service.rest.get(f"/api/v1/runs/{self.run}/report")

    def expect_split(self, route, weight, seconds=10):
        """The gateway's own configuration shows exactly this weight; returns when it is what requests meet."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.stage.split(route)
            if seen == weight:
                time.sleep(self.stage.lag(route))
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"the gateway sends {seen} % of {route} to the target, not {weight} %")
            time.sleep(0.1)

    def expect_share(self, entries, weight):
        """What the client saw between two times agrees with the weight."""
        n = len(entries)
        k = sum(e["cluster"] == "west" for e in entries)
        assert stats.fits(n, k, weight / 100), f"{k} of {n} answers came from the target at weight {weight} %"

    def no_failures(self, result):
        entries = result.entries()
        failed = [e for e in entries if failed_request(e)]
        assert not failed, f"{len(failed)} of {result.sent} requests failed; the first: {failed[:3]}"
        resent = [e for e in entries if e.get("resent")]
        if resent:
            self.only_at_the_switch(resent)
        self.note(f"{result.sent} requests, 0 failed" + (f", {len(resent)} sent again on a new connection" if resent else ""))

    def only_at_the_switch(self, resent):
        """A gateway may close idle connections once: when commit changes the main Ingress."""
        commit = next(s for s in self.get()["steps"] if s["kind"] == "commit")
        began = parse_time(commit["startedAt"])
        early = [e for e in resent if not began <= e["t"] / 1e9 <= began + SWITCH_S]
        assert not early, f"kept connections were closed outside the switch at {commit['startedAt']}: {early[:3]}"


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def failed_request(entry):
    return bool(entry.get("error")) or entry["status"] >= 400 or entry["status"] == 0


def brief(run):
    if not run:
        return "nothing"
    hold = run.get("hold") or {}
    current = next((s for s in run.get("steps", []) if s["state"] not in ("done", "undone")), {})
    return (f"state {run.get('state')} phase {run.get('phase')} weight {run.get('weight')} hold {hold.get('reason')}: "
            f"{hold.get('message')} | step {current.get('name')} {current.get('state')}: {current.get('message')} | "
            f"{run.get('message')}")
