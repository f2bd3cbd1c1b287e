# SPDX-License-Identifier: Apache-2.0
"""The command line of the lab: one command at a time works on a state folder."""

import fcntl
import os
import signal
import sys

from . import demo, environment, faults
from .build import KARMADA_PARTS, build, install_dependencies
from .build import PARTS as BINARIES
from .errors import LabError
from .karmada import NAME as KARMADA
from .lab import OPTIONAL, PARTS, Lab, need_root
from .layout import Layout
from .network import HUB
from .source import VARIABLE
from .velero import NAME as VELERO
from .velero import PARTS as VELERO_PARTS

USAGE = f"""usage: lab COMMAND

  deps                  install the Debian packages that the lab needs
  build [BINARY…]       build what is missing: {', '.join(BINARIES)}
  up [PART…]            start parts: {', '.join(p for p in PARTS if p not in OPTIONAL)} (all of them without a
                        name), or a lone API server on loopback: apiserver
  build {KARMADA} [--source DIR], up {KARMADA} [--source DIR]
                        a Karmada over both clusters, from its source with vendored modules
                        (${VARIABLE} names it as well)
  build {VELERO}, up {VELERO}
                        a Velero in both clusters, with an S3 server and network storage
  demo [NAMESPACE [ROUTE…]]
                        apply the demo application to east with its routes (virtualservice, httproute,
                        ingress; all without a name) and wait until they answer
  status                what runs; exit 1 when something died
  env                   facts as shell assignments: eval "$(lab env)"
  exec hub|east|west COMMAND…
                        run a command in a namespace of the lab
  kubectl CLUSTER ARGS… kubectl as admin of east, west, karmada or solo
  reset                 cold start on empty data
  down [apiserver]      end everything and remove it; the lone API server only by its name
  fault …               things that go wrong:
{faults.USAGE}

State: $CROSSFADE_LAB_STATE, or crossfade-lab in the XDG state folder. Two state folders are two labs.
"""

LOCKED = ("build", "up", "demo", "reset", "down", "fault")


def _become(words: list[str]) -> None:
    os.execvp(words[0], words)


def _kubectl(lab: Lab, words: list[str]) -> None:
    places = {name: name for name in lab.clusters} | {KARMADA: HUB}
    if not words or words[0] not in (*places, "solo"):
        raise LabError(f"kubectl: name the cluster first: {', '.join(places)} or solo", 2)
    name, *rest = words
    command = [
        str(lab.layout.bin / "kubectl"),
        f"--kubeconfig={lab.layout.kubeconfig(name)}",
        *rest,
    ]
    if name in places:
        where = lab.layout.netns(places[name])
        command = ["nsenter", f"--net=/run/netns/{where}", "--", *command]
    _become(command)


def _exec(lab: Lab, words: list[str]) -> None:
    if len(words) < 2 or words[0] not in (HUB, *lab.clusters):
        raise LabError("exec: hub, east or west, then a command", 2)
    need_root()
    _become(["nsenter", f"--net=/run/netns/{lab.layout.netns(words[0])}", "--", *words[1:]])


def _take_source(words: list[str]) -> list[str]:
    """The words without `--source DIR`, which goes where the building looks for it."""
    if "--source" not in words:
        return words
    at = words.index("--source")
    if at + 1 == len(words):
        raise LabError("--source: a folder must follow", 2)
    os.environ[VARIABLE] = words[at + 1]
    return words[:at] + words[at + 2 :]


def _binaries(names: list[str]) -> list[str]:
    """Names of binaries; "karmada" and "velero" are all of theirs. Without a name, those of a plain `up`."""
    groups = {KARMADA: list(KARMADA_PARTS), VELERO: VELERO_PARTS}
    return [b for n in names for b in groups.get(n, [n])] or [
        b for b in BINARIES if b not in VELERO_PARTS
    ]


def _dispatch(lab: Lab, command: str, words: list[str]) -> int:
    match command, words:
        case "deps", []:
            install_dependencies()
        case "build", names:
            build(lab.layout, _binaries(_take_source(names)))
        case "up", ["apiserver"]:
            lab.solo.up()
        case "up", parts:
            lab.up(_take_source(parts))
        case "demo", [namespace, *routes]:
            demo.up(lab, namespace, routes)
        case "demo", []:
            demo.up(lab)
        case "status", []:
            return 0 if lab.status() else 1
        case "env", []:
            environment.show(lab)
        case "exec", _:
            _exec(lab, words)
        case "kubectl", _:
            _kubectl(lab, words)
        case "reset", []:
            lab.reset()
        case "down", ["apiserver"]:
            lab.solo.down()
        case "down", []:
            lab.down()
        case "fault", _:
            need_root()
            faults.run(lab, words)
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    return 0


def main(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if words else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that cleaning-up code runs
    layout = Layout()
    layout.make()
    lab = Lab(layout)
    try:
        with open(layout.state / "lock", "w", encoding="utf-8") as lock:
            if words[0] in LOCKED:
                fcntl.flock(lock, fcntl.LOCK_EX)
            return _dispatch(lab, words[0], words[1:])
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `lab status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing is left to flush to
        return 141
