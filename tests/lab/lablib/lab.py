# SPDX-License-Identifier: Apache-2.0
"""The whole lab: which parts there are, and how they come up and go down together."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import cluster, ingress, istio, karmada, network, velero
from .build import build
from .errors import EXIT_SKIPPED, LabError
from .layout import EAST, Layout
from .postgres import Postgres
from .process import Processes, need_programs
from .prometheus import Prometheus
from .solo import Solo

# What `up` can be asked for, in the order of starting; the values are the binaries it needs.
PARTS = {
    "postgres": [],
    "clusters": cluster.PARTS,
    "istio": istio.PARTS,
    "ingress": ingress.PARTS,
    "prometheus": [],
    "karmada": karmada.PARTS,
    "velero": velero.PARTS,
}
# They come only when they are named: the source of one must be given, the other costs a gigabyte.
OPTIONAL = ("karmada", "velero")
_NEED_CLUSTERS = ("istio", "ingress", "karmada", "velero")
_TOOLS = ["ip", "nsenter", "unshare", "setpriv", "nft"]


def need_root() -> None:
    if os.geteuid() != 0:
        raise LabError("must run as root: it makes network namespaces (skipped)", EXIT_SKIPPED)


class Lab:
    def __init__(self, layout: Layout):
        self.layout = layout
        self.processes = Processes(layout)
        self.clusters = cluster.all_clusters(layout, self.processes)
        east = self.clusters[EAST.name]
        self.istio = istio.Istio(layout, self.processes, EAST, east.api)
        self.ingress = ingress.Ingress(layout, self.processes, EAST, east.api)
        self.karmada = karmada.Karmada(layout, self.processes, self.clusters)
        self.veleros = {
            name: velero.Velero(layout, self.processes, c) for name, c in self.clusters.items()
        }
        self.bucket = velero.Bucket(layout, self.processes)
        self.prometheus = Prometheus(layout, self.processes)
        self.postgres = Postgres(layout, self.processes)
        self.solo = Solo(layout, self.processes)

    def _own(self) -> list[str]:
        """Names of the lab's processes; the lone API server is not one of them."""
        return [n for n in self.processes.names() if not n.startswith("solo/")]

    def build(self, parts: list[str]) -> None:
        wanted = [b for p in parts for b in PARTS[p]]
        build(self.layout, list(dict.fromkeys(wanted)))

    def up(self, parts: list[str]) -> None:
        """The parts, running and ready. What is up already stays; leftovers of a crash are removed."""
        need_root()
        need_programs(_TOOLS)
        parts = parts or [p for p in PARTS if p not in OPTIONAL]
        unknown = [p for p in parts if p not in PARTS]
        if unknown:
            raise LabError(
                f"no such part: {', '.join(unknown)}; parts: apiserver, {', '.join(PARTS)}"
            )
        if any(p in _NEED_CLUSTERS for p in parts):
            parts = [*parts, "clusters"]
        parts = [p for p in PARTS if p in parts]
        self.build(parts)
        if [n for n in self._own() if self.processes.pid(n) is None]:
            self.down()
        network.up(self.layout)
        try:
            self._start(parts)
        except BaseException:
            self._hint()
            raise

    def _start(self, parts: list[str]) -> None:
        if "clusters" in parts:
            cluster.check_kernel()
            for c in self.clusters.values():
                if not self.layout.kubeconfig(c.cluster.name).exists():
                    c.plane.make_pki()
                c.plane.start_etcd()
            for c in self.clusters.values():
                c.plane.start_api()
        if "postgres" in parts:
            self.postgres.up()
        if "karmada" in parts:
            self.karmada.remember_source()
        if "prometheus" in parts:
            self.prometheus.start()
        if "clusters" in parts:
            _together([c.finish for c in self.clusters.values()])
        gateways = {
            "istio": self.istio.up,
            "ingress": self.ingress.up,
            "prometheus": self.prometheus.up,
            "karmada": self.karmada.up,
            "velero": self._velero_up,
        }
        _together([up for part, up in gateways.items() if part in parts])
        for name in self._own():
            if self.processes.pid(name) is None:
                raise LabError(f"{name} ended at once:\n{self.processes.tail(name)}")

    def _velero_up(self) -> None:
        self.bucket.up()
        _together([v.up for v in self.veleros.values()])

    def _hint(self) -> None:
        print(f"lab: it did not come up; logs: {self.layout.logs}; `lab down` removes what runs")

    def start(self, name: str) -> None:
        """Start one process again after it was killed."""
        where, _, component = name.partition("/")
        if where in self.clusters and component in cluster.COMPONENTS:
            self.clusters[where].start(component)
            return
        if where == karmada.NAME and component in karmada.COMPONENTS:
            self.karmada.start(component)
            return
        if where in self.veleros and component in (velero.NAME, "csi"):
            here = self.veleros[where]
            (here.start if component == velero.NAME else here.csi.start)()
            return
        starters = {
            istio.ISTIOD: self.istio.start_istiod,
            istio.ENVOY: self.istio.start_envoy,
            ingress.INGRESS: self.ingress.up,
            "prometheus": self.prometheus.up,
            "postgres": self.postgres.up,
            velero.S3: self.bucket.up,
        }
        if name not in starters:
            raise LabError(f"no such process: {name}")
        starters[name]()

    def down(self) -> None:
        """End everything, remove namespaces and data. Harmless when nothing is up."""
        need_root()
        planes = (*self.clusters, karmada.NAME)
        last = {f"{c}/{part}" for c in planes for part in ("etcd", "apiserver")}
        own = self._own()
        self.processes.stop([n for n in own if n not in last])
        self.processes.stop([n for n in own if n in last and n.endswith("/apiserver")])
        self.processes.stop([n for n in own if n in last])
        network.down(self.layout)
        self.postgres.remove()
        data = self.layout.state / "data"
        for folder in data.iterdir() if data.exists() else ():
            if not folder.name.startswith("solo-"):
                shutil.rmtree(folder, ignore_errors=True)
        for name in planes:
            shutil.rmtree(self.layout.pki(name), ignore_errors=True)

    def running_parts(self) -> list[str]:
        names = set(self._own())
        signs = {
            "clusters": "east/apiserver",
            "istio": istio.ENVOY,
            "ingress": ingress.INGRESS,
            "karmada": "karmada/apiserver",
            "velero": velero.S3,
        }
        return [p for p in PARTS if signs.get(p, p) in names]

    def reset(self) -> None:
        """A cold start on empty data, of the parts that were up."""
        parts = self.running_parts()
        if not parts:
            raise LabError("nothing is up")
        self.karmada.recall_source()
        self.down()
        self.up(parts)

    def all_alive(self) -> bool:
        return all(self.processes.pid(n) for n in self._own())

    def memory_mib(self) -> int:
        """Resident memory of the lab's processes (without the pods')."""
        pids = [self.processes.pid(n) for n in self._own()]
        return sum(_facts(p)[1] for p in pids if p)

    def status(self) -> bool:
        """Print what runs; true when all that was started still lives."""
        good = True
        for name in self.processes.names():
            pid = self.processes.pid(name)
            good = good and pid is not None
            print(f"{name:28} {_describe(pid) if pid else 'DEAD'}")
        if self._own():
            for name in self.clusters:
                up = network.link_is_up(self.layout, name)
                print(f"{name + ' link':28} {'up' if up else 'CUT'}")
        elif not self.processes.names():
            print("nothing is up")
        return good


def _together(work: list[Callable[[], None]]) -> None:
    """Run all at once, wait for all (each is bounded), raise the first error."""
    with ThreadPoolExecutor(max(1, len(work))) as pool:
        for result in [pool.submit(w) for w in work]:
            result.result()


def _facts(pid: int) -> tuple[str, int]:
    """State letter and resident MiB of a process."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            facts = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return "X", 0
    return facts.get("State", "?").split()[0], int(facts.get("VmRSS", "0 kB").split()[0]) // 1024


def _describe(pid: int) -> str:
    state, memory = _facts(pid)
    return f"pid {pid:<8} {memory:5} MiB{'  STOPPED' if state == 'T' else ''}"
