# SPDX-License-Identifier: Apache-2.0
"""A person with kubectl and without Crossfade: the line that every hold and report prints sends the traffic back."""
import json
import os
import re
import shutil
import subprocess

from tests.stories.breaks import ROUTERS, check_restored, router
from tests.stories.registry import story

RATE = 100
KUBECTL_S = 30
BACK = "back   "
LINE = re.compile(r"kubectl --context (\S+) -n (\S+) patch (\w+)\.(\S+) (\S+) --type=json "
                  r"-p \"\$\(kubectl .* -o jsonpath='\{\.metadata\.annotations\.(.+)\}'\)\"$")


def printed(tale, command):
    """What stands after `back` in the command's output."""
    lines = tale.service.cli("run", command, tale.run).splitlines()
    return [line.removeprefix(BACK) for line in lines if line.startswith(BACK)]


def kubectl_of(stage):
    """The world's own kubectl, or this machine's; None: there is none."""
    lab = getattr(stage, "lab", None)
    return str(lab.layout.bin / "kubectl") if lab else shutil.which("kubectl")


def run_with_kubectl(tale, binary, cluster, line):
    """The printed line, letter by letter, in a shell whose kubeconfig has a context with the cluster's name."""
    folder = os.path.join(tale.folder, "by-hand")
    os.mkdir(folder)
    os.symlink(binary, os.path.join(folder, "kubectl"))
    config = shutil.copy(tale.stage.kubeconfig(cluster), os.path.join(folder, "kubeconfig"))
    environment = {**tale.environment, "PATH": folder + os.pathsep + os.environ["PATH"], "KUBECONFIG": config, "HOME": folder}

    def shell(text):
        done = subprocess.run(tale.stage.wrap(["sh", "-c", text]), env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=KUBECTL_S)
        assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    theirs = shell("kubectl config current-context")
    if theirs != cluster:
        shell(f"kubectl config rename-context {theirs} {cluster}")
    tale.note(f"by kubectl: {shell(line)}")


def run_by_http(tale, line):
    """What the line says, where there is no kubectl."""
    cluster, namespace, plural, group, name, key = LINE.match(line).groups()
    path = ROUTERS["virtualservice"].format(namespace)
    assert path.endswith(f"/{plural}/{name}") and f"/apis/{group}/" in path, f"{path} is not what the line names: {line}"
    annotations = tale.stage.get(cluster, path)["metadata"]["annotations"]
    tale.stage.edit(cluster, path, "kubectl-patch", json.loads(annotations[key.replace("\\.", ".")]))
    tale.note("by HTTP: there is no kubectl here")


@story("virtualservice")
def the_printed_line_sends_the_traffic_back_without_crossfade(tale):
    """Crossfade is killed in mid-run; the line from its last words takes the traffic home. When it is back it rolls the rest back."""
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[20, 100]", hold="60s")
        tale.start()
        tale.until_weight(20)
        tale.act("pause", "lunch")
        tale.until_hold("paused")
        lines = printed(tale, "get")
        assert len(lines) == 1 and LINE.match(lines[0]), f"run get prints {lines}"
        assert printed(tale, "report") == lines, "the report prints another line"
        cluster = LINE.match(lines[0]).group(1)
        assert cluster == "east", f"the line names {cluster}"
        tale.service.kill()
        binary = kubectl_of(tale.stage)
        if binary:
            run_with_kubectl(tale, binary, cluster, lines[0])
        else:
            run_by_http(tale, lines[0])
        tale.expect_split("virtualservice", 0)
        tale.service.start()
        tale.until_state("rolled-back")
        tale.no_failures(witness.stop())
    check_restored(tale, baseline)
    for command in ("get", "report"):
        none = printed(tale, command)
        assert len(none) == 1 and none[0].startswith("none: "), f"after the end run {command} prints {none}"


@story("virtualservice", worlds=("sandbox",))
def no_line_is_printed_that_would_do_nothing(tale):
    """Before the first write and after commit it says why there is none."""
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[100]", hold="1s", commit="manual")
        tale.start()
        tale.until_hold("commit")
        assert LINE.match(printed(tale, "get")[0])
        tale.act("commit")
        tale.until_state("completed")
        tale.no_failures(witness.stop())
    for command in ("get", "report"):
        assert printed(tale, command)[0].startswith("none: it is committed"), printed(tale, command)
