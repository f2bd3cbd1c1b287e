# SPDX-License-Identifier: Apache-2.0
"""A control plane and its members are registered at once, each known by its identity."""
import base64
import json
import os

from tests.stories.registry import story


def kubeconfig(tale, *contexts):
    """A kubeconfig of one's own with a context for each of these clusters, named after it; returns its path."""
    config = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for name in contexts:
        facts = tale.stage.clusters[name]
        ca = base64.b64encode(open(facts["ca"], "rb").read()).decode()
        server = facts.get("server") or facts["url"]
        config["clusters"].append({"name": name, "cluster": {"server": server, "certificate-authority-data": ca}})
        config["users"].append({"name": name, "user": {"token": facts["tokens"]["admin"]}})
        config["contexts"].append({"name": f"my-{name}", "context": {"cluster": name, "user": name}})
    path = os.path.join(tale.folder, "-".join(contexts) + ".json")
    with open(path, "w") as out:
        json.dump(config, out)
    return path


@story("virtualservice", worlds=("sandbox",), plane="karmada")
def members_are_registered_from_their_control_plane(tale):
    tale.service.cli("cluster", "remove", "west")
    tale.service.cli("cluster", "remove", "hub")
    said = tale.service.cli("cluster", "add", "plane", "--from-karmada", "my-hub", "--kubeconfig", kubeconfig(tale, "hub", "west"))
    assert said.splitlines() == ["control plane plane: registered", "member east: registered already, as east",
                                 "member west: registered with the credentials of context my-west"], said
    again = tale.service.cli("cluster", "add", "plane", "--from-karmada", "my-hub", "--kubeconfig", kubeconfig(tale, "hub", "west"))
    assert again.count("registered already") == 3, again
    members = json.loads(tale.service.cli("cluster", "members", "plane", "-o", "json"))["items"]
    assert [(m["name"], m["ready"], m["registeredAs"]) for m in members] == [("east", True, "east"), ("west", True, "west")], members
    check = json.loads(tale.service.cli("cluster", "check", "plane", "-o", "json"))
    assert check["federation"]["kind"] == "karmada" and not check["problems"], check["problems"]


@story("virtualservice", worlds=("sandbox",), plane="karmada")
def a_member_that_the_proxy_refuses_is_named(tale):
    """The member gives Karmada's impersonator no rights: the import says which member failed and what to give it."""
    tale.service.cli("cluster", "remove", "west")
    done = tale.service.cli("cluster", "add", "hub", "--from-karmada", "my-hub", "--kubeconfig", kubeconfig(tale, "hub"), "--member",
                            "west", check=False)
    assert done.returncode == 1, done
    assert "member west: not registered (tried through hub)" in done.stderr and "impersonate" in done.stderr, done.stderr
    assert "crossfade cluster add west --kubeconfig FILE" in done.stderr, done.stderr
    none = tale.service.cli("cluster", "add", "hub", "--from-karmada", "my-hub", "--kubeconfig", kubeconfig(tale, "hub"), "--member",
                            "north", check=False)
    assert none.returncode == 1 and "hub has no member north" in none.stderr, none
