# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong on purpose. None keeps a record: `heal` looks at the lab and undoes them all."""

import http.client
import signal
from urllib.parse import quote, urlencode

from . import network
from .errors import LabError
from .lab import Lab
from .layout import NODE_COUNT
from .netns import inside
from .process import wait_until
from .velero import NAME as VELERO

APP_PORT = 8080
LINK_S = 5.0

USAGE = """  fault partition CLUSTER            cut a cluster off from hub and the other cluster
  fault join CLUSTER                 the cable is there again
  fault kill PROCESS                 end it with SIGKILL (names as in `lab status`)
  fault start PROCESS                start it again; etcd and API server are waited for
  fault stop PROCESS                 SIGSTOP: it accepts connections and never answers
  fault cont PROCESS                 SIGCONT
  fault silence NODE                 a node stops reporting (NotReady after about 8 s)
  fault speak NODE                   it reports again
  fault kill-agent NODE              SIGKILL to Velero's node-agent there; it comes back by itself
  fault agents-away CLUSTER          no node has a node-agent any more
  fault agents-back CLUSTER          every node has one again
  fault app CLUSTER NAMESPACE SELECTOR KEY=VALUE…
                                     faults of echo pods now running (error, hang, latency, status, ready, clear=1)
  fault heal                         undo all of the above"""


def partition(lab: Lab, name: str) -> None:
    network.set_link(lab.layout, name, False)


def join(lab: Lab, name: str) -> None:
    network.set_link(lab.layout, name, True)
    wait_until(f"the link to {name}", lambda: network.link_is_up(lab.layout, name), LINK_S)


def _cluster_of(lab: Lab, node: str):
    name = node.rpartition("-")[0]
    if name not in lab.clusters:
        raise LabError(f"no node {node}")
    return lab.clusters[name]


def _velero_of(lab: Lab, name: str):
    if name not in lab.veleros or not lab.processes.pid(f"{name}/{VELERO}"):
        raise LabError(f"no Velero runs for {name}")
    return lab.veleros[name]


def app(lab: Lab, cluster: str, namespace: str, selector: str, settings: dict[str, str]) -> int:
    """Set faults of the application in every running pod that the selector finds; returns how many."""
    if cluster not in lab.clusters:
        raise LabError(f"no cluster {cluster}")
    here = lab.clusters[cluster]
    pods = here.pods(namespace, quote(selector))
    for pod in pods:
        with inside(here.netns):
            link = http.client.HTTPConnection(pod["status"]["podIP"], APP_PORT, timeout=3)
            try:
                link.request("GET", "/fault?" + urlencode(settings))
                answer = link.getresponse()
                if answer.status != 200:
                    raise LabError(
                        f"{pod['metadata']['name']}: {answer.read().decode(errors='replace').strip()}"
                    )
            except (OSError, http.client.HTTPException) as error:
                raise LabError(f"{pod['metadata']['name']}: {error}") from error
            finally:
                link.close()
    return len(pods)


def heal(lab: Lab) -> None:
    """Links up, everything running and unstopped, nodes speaking, echo pods of the demo without faults."""
    for name in lab.clusters:
        if not network.link_is_up(lab.layout, name):
            join(lab, name)
    own = [n for n in lab.processes.names() if not n.startswith("solo/")]
    for name in own:
        if lab.processes.pid(name):
            lab.processes.send(name, signal.SIGCONT)
    order = ("etcd", "apiserver")  # the others end, or wait, without these
    for name in sorted(own, key=lambda n: [n.endswith("/" + o) for o in order], reverse=True):
        if lab.processes.pid(name) is None:
            lab.start(name)
    for name, cluster in lab.clusters.items():
        if lab.processes.pid(f"{name}/podlet"):
            for i in range(NODE_COUNT):
                cluster.silence(f"{name}-n{i + 1}", False)
            app(lab, name, "demo", "app=echo", {"clear": "1"})
        if lab.processes.pid(f"{name}/{VELERO}"):
            lab.veleros[name].set_agents(True)


def run(lab: Lab, words: list[str]) -> None:
    """`lab fault WORDS`."""
    match words:
        case ["partition", name]:
            partition(lab, name)
        case ["join", name]:
            join(lab, name)
        case ["kill", name]:
            lab.processes.kill(name)
        case ["start", name]:
            lab.start(name)
        case ["stop", name]:
            lab.processes.send(name, signal.SIGSTOP)
        case ["cont", name]:
            lab.processes.send(name, signal.SIGCONT)
        case ["silence", node]:
            _cluster_of(lab, node).silence(node, True)
        case ["speak", node]:
            _cluster_of(lab, node).silence(node, False)
        case ["kill-agent", node]:
            _velero_of(lab, _cluster_of(lab, node).cluster.name).kill_agent(node)
        case ["agents-away", name]:
            _velero_of(lab, name).set_agents(False)
        case ["agents-back", name]:
            _velero_of(lab, name).set_agents(True)
        case ["app", cluster, namespace, selector, *settings] if settings and all(
            "=" in s for s in settings
        ):
            count = app(lab, cluster, namespace, selector, dict(s.split("=", 1) for s in settings))
            print(f"{count} pods")
        case ["heal"]:
            heal(lab)
        case _:
            raise LabError("usage:\n" + USAGE, 2)
