# SPDX-License-Identifier: Apache-2.0
"""Copying a namespace of 1,000 objects from east to west on the lab, several ways in the same run: seconds, calls per object, and what the
target's API server and etcd spent on it. With a round trip in front of both servers as an option, for a lab has none.

python3 -m tests.bench.copy_lab BENCH_PROPAGATE_COPY BENCH_BASE_DELAY [OBJECTS [ROUNDS [ROUND_TRIP_MS...]]]     (root; brings the lab's clusters up)

kubectl   `kubectl get -o json`, what the server added taken away, `kubectl apply --server-side`
plain     a client in a hurry, 16 calls at once: lists, cleans, applies; no order, no look at what is there, no rehearsal, no record
direct    the driver as a run uses it, 16 at once: look, rehearsal, apply in waves, ledger; without the run's own records
tried     the same when the run's preflight has just tried every object (the target namespace exists)
serial    the driver with one call at a time
"""
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

from tests.bench.copy import thing
from tests.stories.lab_world import ROOT, in_hub, network
from lablib.lab import Lab
from lablib.layout import Layout

SOURCE = "bench"
KINDS = "configmaps,secrets,services,roles"
GIVEN = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
ARMS = {"kubectl": None, "plain": ["plain", "16"], "direct": ["direct", "16"], "tried": ["direct", "16", "tried"], "serial": ["direct", "1"]}
PORTS = {"east": 16443, "west": 26443}


def kubectl(lab, config, *words, text=None):
    command = in_hub(lab, [str(lab.layout.bin / "kubectl"), f"--kubeconfig={config}", *words])
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def by_kubectl(lab, configs, namespace):
    objects = json.loads(kubectl(lab, configs["east"], "-n", SOURCE, "get", KINDS, "-o", "json"))["items"]
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    for o in objects:
        if not o["metadata"]["name"].startswith("bench-"):
            continue
        for field in GIVEN:
            o["metadata"].pop(field, None)
        o["metadata"]["namespace"] = namespace
        for field in ("clusterIP", "clusterIPs"):
            o.get("spec", {}).pop(field, None)
        items.append(o)
    kubectl(lab, configs["west"], "apply", "--server-side", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def by_bench(lab, program, configs, namespace, how, *more):
    subprocess.run(in_hub(lab, [program, how, str(configs["east"]), str(configs["west"]), SOURCE, namespace, *more]), check=True,
                   capture_output=True)


def spent(lab):
    """CPU seconds of west's API server and etcd."""
    total = 0
    for name in ("kube-apiserver", "etcd"):
        for pid in subprocess.run(["pgrep", "-f", f"^{lab.layout.bin}/{name} .*west"], capture_output=True, text=True).stdout.split():
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def calls(lab):
    text = kubectl(lab, lab.layout.kubeconfig("west"), "get", "--raw", "/metrics")
    rows = re.findall(r'^apiserver_request_total\{(.*)\} (\S+)$', text, re.M)
    wanted = [(labels, float(n)) for labels, n in rows if re.search(r'resource="(%s)"' % KINDS.replace(",", "|"), labels)]
    return sum(n for labels, n in wanted if re.search(r'verb="(APPLY|PATCH|POST|PUT|GET|LIST)"', labels))


@contextlib.contextmanager
def far_away(lab, proxy, round_trip):
    """Kubeconfigs whose servers are a round trip away."""
    configs, running = {}, []
    for cluster, port in PORTS.items():
        own = lab.layout.kubeconfig(cluster)
        configs[cluster] = own
        if round_trip:
            host, own_port = re.search(r"server: \"?https://([\d.]+):(\d+)", open(own).read()).groups()
            configs[cluster] = f"/tmp/crossfade-bench-{os.getpid()}-{cluster}"
            with open(os.open(configs[cluster], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(open(own).read().replace(f"{host}:{own_port}", f"127.0.0.1:{port}"))
            running.append(subprocess.Popen(in_hub(lab, [proxy, str(port), host, own_port, str(round_trip)])))
    time.sleep(0.5 if running else 0)
    try:
        yield configs
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.wait()
        if round_trip:
            for path in configs.values():
                os.unlink(path)


def fill(lab, count):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SOURCE}}, *(thing(n, SOURCE) for n in range(count))]})
    kubectl(lab, lab.layout.kubeconfig("east"), "apply", "--server-side", "-f", "-", text=text)


def one(lab, programs, configs, arm, count):
    namespace = f"bench-{arm}-{os.urandom(2).hex()}"
    cpu, asked, began = spent(lab), calls(lab), time.monotonic()
    if ARMS[arm]:
        by_bench(lab, programs[0], configs, namespace, ARMS[arm][0], *ARMS[arm][1:])
    else:
        by_kubectl(lab, configs, namespace)
    seconds = time.monotonic() - began
    cpu, asked = spent(lab) - cpu, calls(lab) - asked
    west = lab.layout.kubeconfig("west")
    found = len(kubectl(lab, west, "-n", namespace, "get", KINDS, "-o", "name").split())
    assert found >= count, f"{arm}: {found} of {count} objects are there"
    kubectl(lab, west, "delete", "namespace", namespace, "--wait=true")
    return seconds, asked / count, 1000 * cpu / count


def main(programs, count, rounds, round_trips):
    subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "up", "clusters"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    lab = Lab(Layout())
    fill(lab, count)
    for round_trip in round_trips:
        found = {arm: [] for arm in ARMS}
        with far_away(lab, programs[1], round_trip) as configs:
            for _ in range(rounds):
                for arm in ARMS:
                    found[arm].append(one(lab, programs, configs, arm, count))
                    print(f"{round_trip} ms: {arm} {found[arm][-1][0]:.2f} s, load {os.getloadavg()[0]:.0f}", file=sys.stderr, flush=True)
        reference = statistics.median(row[0] for row in found["kubectl"])
        print(f"\n{count} objects, {round_trip} ms round trip, median of {rounds}; load of the machine {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores\n")
        print("| way | seconds | kubectl / it | calls per object | server CPU per object |\n|---|---|---|---|---|")
        for arm, rows in found.items():
            seconds, per_object, cpu = (statistics.median(column) for column in zip(*rows))
            print(f"| {arm} | {seconds:.2f} | {reference / seconds:.1f} | {per_object:.2f} | {cpu:.1f} ms |", flush=True)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[3:]]
    main([os.path.abspath(p) for p in sys.argv[1:3]], *(numbers[:2] + [1000, 3][len(numbers[:2]):]), numbers[2:] or [0, 20, 50])
