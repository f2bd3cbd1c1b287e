# SPDX-License-Identifier: Apache-2.0
"""The lab as a world: real API servers, pods, gateways, Prometheus (tests/lab)."""
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))

from lablib import demo, environment, faults, network  # noqa: E402
from lablib.lab import Lab  # noqa: E402
from lablib.layout import HUB_ADDRESS, Layout  # noqa: E402
from lablib.netns import inside  # noqa: E402
from lablib.process import wait_until  # noqa: E402
from lablib.witness import Witness  # noqa: E402

from tests.runner import cmocka  # noqa: E402
from tests.runner.tally import Tally  # noqa: E402

EXECUTABLE_S = 120
SLOW_S = 2
NGINX_STATUS = "http://127.0.0.1:10246/configuration/backends"
NGINX_READS_S = 1.0  # each worker reads the controller's list once a second


def in_hub(lab, command):
    return ["nsenter", f"--net=/run/netns/{lab.layout.netns(network.HUB)}", "--", *command]


def user_binding(scope, metadata):
    """What gives the printed (cluster) role to the user of the lab's tokens."""
    group = "rbac.authorization.k8s.io"
    return {"apiVersion": f"{group}/v1", "kind": f"{scope}RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": f"{scope}Role", "name": "crossfade"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "crossfade"}]}


class LabWorld:
    side_by_side = 1  # two cores, and requests that must not fail for want of them
    own_beside = False  # its own tests restart what the stories need
    binaries, parts = (), ()  # of `lab build` and `lab up`: without names, all but those that only come when they are named

    def __enter__(self):
        subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "build", *self.binaries], check=True, stdin=subprocess.DEVNULL)
        self.lab = Lab(Layout())
        self.lab.up(list(self.parts))
        return self

    def __exit__(self, *_):
        if not os.environ.get("CROSSFADE_LAB_KEEP"):
            subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "down"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def own_test(self, name, binary):
        return self._conformance() if name == "conformance" else self._executable(binary, name)

    def _executable(self, binary, name):
        """A cmocka program of tests/lab, built beside the binary, with all rights in both clusters."""
        program = os.path.join(os.path.dirname(os.path.dirname(binary)), "tests", name)
        environment_of_it = {**os.environ, "CROSSFADE_TEST_KUBECONFIG": str(self.lab.layout.kubeconfig("east")),
                             "CROSSFADE_TEST_EAST": str(self.lab.layout.kubeconfig("east")),
                             "CROSSFADE_TEST_WEST": str(self.lab.layout.kubeconfig("west")),
                             "CROSSFADE_TEST_VIEWER": str(self.lab.layout.kubeconfig("east", "crossfade-viewer"))}
        try:
            done = subprocess.run(in_hub(self.lab, [program]), cwd=ROOT, env=environment_of_it, timeout=EXECUTABLE_S,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            output, tally = done.stdout, cmocka.count(done.stdout, done.returncode)
        except subprocess.TimeoutExpired as late:
            output, tally = f"{late.stdout}\nended after {EXECUTABLE_S} s", Tally(failed=1)
        print(f"{'FAIL' if tally.failed else 'ok  '} {name}: {tally}", flush=True)
        if tally.failed:
            print("\n".join("    " + line for line in output.splitlines()[-60:]), flush=True)
        return tally

    def _conformance(self):
        """The table, on a real kube-apiserver."""
        from tests.conformance import run as conformance
        # A server with a past: after a restart its watch cache no longer reaches back to the first version.
        faults.run(self.lab, ["kill", "east/apiserver"])
        faults.run(self.lab, ["start", "east/apiserver"])
        self._until_ready("east")
        passed, failed = conformance.run_lab(self.lab, self.lab.clusters["east"])
        print(f"{'FAIL' if failed else 'ok  '} conformance: {passed} passed, {failed} failed", flush=True)
        return Tally(passed=passed, failed=failed)

    def _until_ready(self, cluster, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.lab.clusters[cluster].api.ready():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, f"the API server of {cluster} does not become ready"
            time.sleep(0.2)

    def stage(self, story, binary, folder):
        return LabStage(self.lab, story, folder)


class KarmadaWorld(LabWorld):
    """The lab with a real Karmada, whose source the user gives (docs/testing.md)."""

    def __enter__(self):
        subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "build", "karmada"], check=True, stdin=subprocess.DEVNULL)
        super().__enter__()
        self.lab.up(["karmada"])
        return self

    def own_test(self, name, binary):
        """The table of federations, with the faults of the control plane's programs."""
        from tests.conformance.federation import run as federation
        from tests.conformance.federation import worlds
        return federation.tally(name, worlds.lab())


class LabStage:
    def __init__(self, lab, story, folder):
        self.lab, self.story, self.folder = lab, story, folder
        # Its own even if the same story was killed here a moment ago.
        self.namespace = ("s-" + story.name.replace("_", "-"))[:32].rstrip("-") + "-" + os.urandom(2).hex()
        self.hub = lab.layout.netns(network.HUB)
        self.target = "crossfade"  # in the name of the backend that leads to the target: a bridge

    def up(self):
        demo.up(self.lab, self.namespace, list(self.story.routes))

    def down(self):
        faults.run(self.lab, ["heal"])
        for cluster in ("east", "west", *(["hub"] if self.story.plane else [])):
            self._api(cluster).kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")

    def install(self, cluster):
        """The application, without routes, in another cluster too; returns when it can serve."""
        self.apply(cluster, self.application())
        wait_until(f"the application in {cluster}", lambda: demo.available(self.lab, cluster, self.namespace), demo.AVAILABLE_S)

    def application(self):
        """Its objects, as YAML."""
        return demo.manifest(self.lab, "demo", self.namespace)

    def apply(self, cluster, text):
        """Somebody else's objects, as YAML or JSON."""
        self._api(cluster).apply_text(text)

    def _api(self, cluster):
        return self.lab.karmada.api if cluster == "hub" else self.lab.clusters[cluster].api

    def wrap(self, command):
        return in_hub(self.lab, command)

    def inside(self):
        return inside(self.hub)

    def kubeconfig(self, cluster):
        return environment.facts(self.lab)[f"LAB_{'KARMADA' if cluster == 'hub' else cluster.upper()}_CROSSFADE_KUBECONFIG"]

    def metrics(self, cluster):
        """Both kinds of source are told of: Envoy's text read directly for VirtualServices, Prometheus for the others."""
        if cluster != "east":
            return []
        facts = environment.facts(self.lab)
        if "virtualservice" in self.story.routes:
            return [{"type": "scrape", "urls": [facts["LAB_ENVOY_ADMIN_URL"] + "/stats/prometheus"]}]
        return [{"type": "prometheus", "url": facts["LAB_PROMETHEUS_URL"]}]

    def grant(self, cluster, rbac_yaml):
        """The least rights that Crossfade itself prints, for the token that it uses here, and no others."""
        self.kubectl(cluster, "delete", "clusterrolebinding", "lab-crossfade", "--ignore-not-found")
        documents = [rbac_yaml, json.dumps(user_binding("Cluster", {"name": "crossfade-user"}))]
        if "kind: Role\n" in rbac_yaml:
            documents.append(json.dumps(user_binding("", {"name": "crossfade-user", "namespace": self.namespace})))
        self._api(cluster).apply_text("\n---\n".join(documents))

    def keep_from_placing(self, rbac_yaml):
        """The same without the one rule that is optional: bindings may not be patched."""
        rules = re.split(r"(?m)^(?=  # )", rbac_yaml)
        kept = [r for r in rules if not ("[resourcebindings]" in r and "[patch]" in r)]
        assert len(kept) == len(rules) - 1, "the rule to patch bindings is not printed by itself"
        self.grant("hub", "".join(kept))

    def router_object(self, route):
        return "echo"

    def witness(self, route, rate=100, name=""):
        # ingress-nginx reloads at commit, and closes the connections that it finds idle; Envoy never does.
        return Witness(self.lab, route, rate, name=f"{self.story.name}-{route}{name}", namespace=self.namespace,
                       resend=route == "ingress")

    def fault(self, cluster, **how):
        faults.run(self.lab, ["app", cluster, self.namespace, "app=echo", *[f"{k}={v}" for k, v in how.items()]])

    def get(self, cluster, path):
        return self._api(cluster).get(path)

    def kubectl(self, cluster, *arguments):
        return self._api(cluster).kubectl(*arguments)

    def split(self, route):
        """Percent of the route that its gateway is configured to send to the target."""
        return self._nginx_percent() if route == "ingress" else self.target_percent(demo.host(route, self.namespace))

    def lag(self, route):
        """Seconds from split() until the gateway does what it said."""
        return NGINX_READS_S if route == "ingress" else 0

    def _nginx_percent(self):
        """From the list that ingress-nginx gave to its workers: the source's backend and the canaries that stand in for it."""
        with inside(self.lab.layout.netns("east")):
            backends = {b["name"]: b for b in json.load(urllib.request.urlopen(NGINX_STATUS, timeout=5))}
        source = backends.get(f"{self.namespace}-echo-80")
        if not source:
            return None
        canaries = [backends[name] for name in source.get("alternativeBackends") or [] if self.target in name]
        policies = [c["trafficShapingPolicy"] for c in canaries if c["trafficShapingPolicy"]["weight"]]
        return sum(round(100 * p["weight"] / (p.get("weightTotal") or 100)) for p in policies)

    def target_percent(self, host):
        """The target's part of the weights of a host's route in Envoy's present configuration."""
        admin = environment.facts(self.lab)["LAB_ENVOY_ADMIN_URL"]
        with self.inside():
            text = urllib.request.urlopen(f"{admin}/config_dump?resource=dynamic_route_configs", timeout=5).read()
        for config in json.loads(text).get("configs", []):
            for virtual_host in config["route_config"].get("virtual_hosts", []):
                if not any(d.split(":")[0] == host for d in virtual_host["domains"]):
                    continue
                route = virtual_host["routes"][0]["route"]
                split = route.get("weighted_clusters", {}).get("clusters") or [{"name": route["cluster"], "weight": 1}]
                total = sum(c["weight"] for c in split)
                return round(100 * sum(c["weight"] for c in split if self.target in c["name"]) / total)
        return None

    @contextlib.contextmanager
    def without_api(self, cluster):
        """For the body: that cluster's API server (or the control plane's) is gone; whatever it runs goes on."""
        process = f"{'karmada' if cluster == 'hub' else cluster}/apiserver"
        faults.run(self.lab, ["kill", process])
        try:
            yield
        finally:
            faults.run(self.lab, ["start", process])

    @contextlib.contextmanager
    def slow_routers(self):
        """For the body: writes of the story's routers take SLOW_S, because the API server asks a webhook that does not answer."""
        with self.inside():
            deaf = socket.create_server((HUB_ADDRESS, 0))  # connections are made, and never accepted
        rule = {"apiGroups": ["networking.istio.io", "gateway.networking.k8s.io", "networking.k8s.io"], "apiVersions": ["*"],
                "operations": ["UPDATE"], "resources": ["virtualservices", "httproutes", "ingresses"]}
        hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": self.namespace},
                "webhooks": [{"name": "slow.example.com", "clientConfig": {"url": f"https://{HUB_ADDRESS}:{deaf.getsockname()[1]}/"},
                              "rules": [rule], "timeoutSeconds": SLOW_S, "failurePolicy": "Ignore", "sideEffects": "None",
                              "admissionReviewVersions": ["v1"],
                              "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}}]}
        self.lab.clusters["east"].api.apply_text(json.dumps(hook))
        try:
            yield
        finally:
            self.kubectl("east", "delete", "validatingwebhookconfiguration", self.namespace)
            deaf.close()

    def edit(self, cluster, path, manager, patch):
        """Somebody else's JSON Patch."""
        status, body = self._api(cluster).call("PATCH", f"{path}?fieldManager={manager}", patch, "application/json-patch+json")
        assert status < 300, f"PATCH {path}: {status} {body[:300]!r}"

    def remove(self, cluster, path):
        """Somebody else deletes it."""
        status, body = self._api(cluster).call("DELETE", path)
        assert status < 300, f"DELETE {path}: {status} {body[:300]!r}"

    def roll(self, cluster):
        """The application's pods are replaced by new ones; returns when the last old one is gone."""
        self.kubectl(cluster, "-n", self.namespace, "rollout", "restart", "deployment/echo")
        self.kubectl(cluster, "-n", self.namespace, "rollout", "status", "deployment/echo", "--timeout=60s")
