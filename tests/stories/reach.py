# SPDX-License-Identifier: Apache-2.0
"""The target is there already, with a way to it that is not a bridge to its pods: the traffic moves all the same."""
import json
import time

from tests.stories.moves import RATE, agree, check_retired, watch_holds
from tests.stories.registry import each_route, story

# Its autoscaler is left alone: what the target runs is its owner's choice, here as in a mesh.
ADOPT = "  workloads: {onConflict: adopt, exclude: [{kind: HorizontalPodAutoscaler}]}"


def ready_addresses(tale, cluster):
    path = f"/apis/discovery.k8s.io/v1/namespaces/{tale.stage.namespace}/endpointslices"
    rows = [e for s in tale.stage.get(cluster, path)["items"]
            if s["metadata"]["labels"].get("kubernetes.io/service-name") == "echo" for e in s.get("endpoints") or []]
    return [a for e in rows if e["conditions"].get("ready") for a in e["addresses"]]


def pods_of(tale, cluster, seconds=20):
    """Addresses of the application's three pods, as soon as they can serve."""
    deadline = time.monotonic() + seconds
    while len(found := ready_addresses(tale, cluster)) != 3:
        assert time.monotonic() < deadline, f"{found} are ready instead of three pods"
        time.sleep(0.1)
    return found


def lead_to(tale, name, addresses):
    """A Service in the source that leads to fixed addresses: what somebody made by hand, or a mesh."""
    namespace = tale.stage.namespace
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": {"ports": [port]}}
    slice_ = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
              "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
              "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
              "ports": [{**port, "port": 8080}]}
    tale.stage.apply("east", json.dumps(service) + "\n---\n" + json.dumps(slice_))


def move(tale, **plan):
    """The whole move of an application that the target has already: nothing is copied, nothing fails."""
    route = tale.story.routes[0]
    with tale.stage.witness(route, RATE) as witness:
        tale.plan(steps="[30, 100]", hold="3s", more=ADOPT, **plan)
        tale.start()
        spans = watch_holds(tale, [route], [30])
        tale.until_state("completed")
        result = witness.stop()
    check_retired(tale)
    agree(tale, result, spans)
    tale.no_failures(result)
    assert all(e["cluster"] == "west" for e in result.entries()[-20:]), "the source still answers after the move"


DESTINATIONS = {
    "virtualservice": "{{target: {{host: echo-west.{0}.svc.cluster.local, port: 80}}}}",
    "httproute": "{{target: {{service: echo-west, port: 80}}}}",
}


@each_route("virtualservice", "httproute")
def moves_to_a_destination_that_exists(tale):
    """reach existing: the plan names both destinations, and no bridge is made."""
    tale.stage.install("west")
    lead_to(tale, "echo-west", pods_of(tale, "west"))
    tale.stage.target = "echo-west"
    move(tale, destinations=DESTINATIONS[tale.story.routes[0]].format(tale.stage.namespace))
    services = tale.stage.get("east", f"/api/v1/namespaces/{tale.stage.namespace}/services")["items"]
    assert sorted(s["metadata"]["name"] for s in services) == ["echo", "echo-west"], "a bridge was made"


@story("virtualservice", worlds=("lab",))
def moves_by_fixed_addresses(tale):
    """reach address. The sandbox's pods live on loopback addresses, which a bridge must not lead to."""
    tale.stage.install("west")
    addresses = pods_of(tale, "west")
    move(tale, traffic=f"    reach: {{mode: address, addresses: {json.dumps(addresses)}, ports: [{{name: http, port: 8080}}]}}")
