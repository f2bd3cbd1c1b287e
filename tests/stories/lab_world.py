# SPDX-License-Identifier: Apache-2.0
"""The lab as a world: real API servers, pods, gateways, Prometheus (tests/lab)."""
import json
import os
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))

from lablib import demo, environment, faults, network  # noqa: E402
from lablib.lab import Lab  # noqa: E402
from lablib.layout import Layout  # noqa: E402
from lablib.netns import inside  # noqa: E402
from lablib.witness import Witness  # noqa: E402

from tests.runner.tally import Tally  # noqa: E402


class LabWorld:
    side_by_side = 1  # two cores, and requests that must not fail for want of them

    def __enter__(self):
        subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "build"], check=True, stdin=subprocess.DEVNULL)
        self.lab = Lab(Layout())
        self.lab.up([])
        return self

    def __exit__(self, *_):
        if not os.environ.get("CROSSFADE_LAB_KEEP"):
            subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "down"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def own_tests(self, binary, wanted):
        """The conformance table, on a real kube-apiserver."""
        from tests.conformance import run as conformance
        if wanted and "conformance" not in wanted:
            return Tally()
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


class LabStage:
    def __init__(self, lab, story, folder):
        self.lab, self.story, self.folder = lab, story, folder
        # Its own even if the same story was killed here a moment ago.
        self.namespace = ("s-" + story.name.replace("_", "-"))[:32].rstrip("-") + "-" + os.urandom(2).hex()
        self.hub = lab.layout.netns(network.HUB)

    def up(self):
        demo.up(self.lab, self.namespace, list(self.story.routes))

    def down(self):
        faults.run(self.lab, ["heal"])
        for cluster in ("east", "west"):
            self.lab.clusters[cluster].api.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")

    def wrap(self, command):
        return ["nsenter", f"--net=/run/netns/{self.hub}", "--", *command]

    def inside(self):
        return inside(self.hub)

    def kubeconfig(self, cluster):
        return environment.facts(self.lab)[f"LAB_{cluster.upper()}_CROSSFADE_KUBECONFIG"]

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
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "crossfade-user"},
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "crossfade"},
                   "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "crossfade"}]}
        self.lab.clusters[cluster].api.apply_text(f"{rbac_yaml}\n---\n{json.dumps(binding)}")

    def router_object(self, route):
        return "echo"

    def witness(self, route, rate=100, name=""):
        # ingress-nginx reloads at commit, and closes the connections that it finds idle; Envoy never does.
        return Witness(self.lab, route, rate, name=f"{self.story.name}-{route}{name}", namespace=self.namespace,
                       resend=route == "ingress")

    def fault(self, cluster, **how):
        faults.run(self.lab, ["app", cluster, self.namespace, "app=echo", *[f"{k}={v}" for k, v in how.items()]])

    def get(self, cluster, path):
        return self.lab.clusters[cluster].api.get(path)

    def kubectl(self, cluster, *arguments):
        return self.lab.clusters[cluster].api.kubectl(*arguments)

    def split(self, route):
        """Percent of the route that Envoy sends to the target; None where the gateway does not tell (nginx)."""
        if route == "ingress":
            return None
        return self.target_percent(demo.host(route, self.namespace))

    def target_percent(self, host):
        """The bridge's part of the weights of a host's route in Envoy's present configuration."""
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
                return round(100 * sum(c["weight"] for c in split if "crossfade" in c["name"]) / total)
        return None

    def edit(self, cluster, path, manager, patch):
        """Somebody else's JSON Patch."""
        status, body = self.lab.clusters[cluster].api.call("PATCH", f"{path}?fieldManager={manager}", patch,
                                                           "application/json-patch+json")
        assert status < 300, f"PATCH {path}: {status} {body[:300]!r}"

    def roll(self, cluster):
        """The application's pods are replaced by new ones; returns when the last old one is gone."""
        self.kubectl(cluster, "-n", self.namespace, "rollout", "restart", "deployment/echo")
        self.kubectl(cluster, "-n", self.namespace, "rollout", "status", "deployment/echo", "--timeout=60s")
