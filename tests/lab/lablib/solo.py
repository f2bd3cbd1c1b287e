# SPDX-License-Identifier: Apache-2.0
"""A lone API server with its etcd on 127.0.0.1: enough for tests of a Kubernetes client.

Needs neither root nor namespaces, and none of the rest of the lab.
"""

import shutil
import socket

from . import crds
from .build import build
from .control import ControlPlane
from .layout import Layout
from .process import Processes

NAME = "solo"
PARTS = ["pki", "etcd", "kube", "kubectl"]
# Below the kernel's range for outgoing connections, so that the port is still free after a restart.
PREFERRED_PORTS = (16443, 12379, 12380)


def _free(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise OSError("no free port on 127.0.0.1")


class Solo:
    def __init__(self, layout: Layout, processes: Processes):
        self.layout, self.processes = layout, processes
        self._ports_file = layout.run / f"{NAME}.ports"

    def _plane(self, ports: list[int]) -> ControlPlane:
        return ControlPlane(
            self.layout,
            self.processes,
            NAME,
            None,
            "127.0.0.1",
            ports[0],
            (ports[1], ports[2]),
            "198.19.48.0/20",
            "198.19.48.1",
        )

    def up(self) -> None:
        """Running and ready, with fresh data if it was down."""
        build(self.layout, PARTS)
        if self.processes.pid(f"{NAME}/apiserver") and self._ports_file.exists():
            self._plane([int(p) for p in self._ports_file.read_text().split()]).await_api()
            return
        self.down()
        ports = [_free(p) for p in PREFERRED_PORTS]
        self._ports_file.write_text(" ".join(map(str, ports)))
        plane = self._plane(ports)
        plane.make_pki()
        plane.start_api()
        plane.await_api()
        crds.apply(plane.api)
        plane.api.apply(self.layout.objects / "rbac-crossfade.yaml")

    def down(self) -> None:
        self.processes.stop([f"{NAME}/apiserver", f"{NAME}/etcd"])
        shutil.rmtree(self.layout.data(f"{NAME}-etcd"), ignore_errors=True)
