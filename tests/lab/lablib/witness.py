# SPDX-License-Identifier: Apache-2.0
"""Load on one of the demo's routes, and what came of it: the independent client of a story."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .demo import NAMESPACE, ROUTES, host
from .errors import LabError
from .lab import Lab
from .network import HUB

END_S = 30.0  # after SIGTERM: the requests in flight have a limit of their own


@dataclass(frozen=True)
class Result:
    summary: dict
    log: Path

    def entries(self) -> list[dict]:
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    @property
    def sent(self) -> int:
        return self.summary["sent"]

    @property
    def failed(self) -> int:
        return self.summary["failed"]

    def share(self, cluster: str) -> float:
        """Which part of the answers came from the cluster."""
        answered = {c: n for c, n in self.summary["by_cluster"].items() if c}
        return answered.get(cluster, 0) / max(1, sum(answered.values()))


class Witness:
    """Requests at a fixed rate from hub until stop() or the duration's end.

    With `resend`, a request that met the end of a kept connection is sent once more and marked so.
    """

    def __init__(
        self,
        lab: Lab,
        route: str,
        rate: float = 100,
        seconds: float = 3600,
        name: str = "",
        namespace: str = NAMESPACE,
        resend: bool = False,
    ):
        address, port = ROUTES[route]
        folder = lab.layout.state / "witness"
        folder.mkdir(exist_ok=True)
        self.log = folder / f"{name or route}.jsonl"
        self._limit = seconds + END_S
        self._child = subprocess.Popen(
            [
                *[
                    "nsenter",
                    f"--net=/run/netns/{lab.layout.netns(HUB)}",
                    "--",
                    str(lab.layout.bin / "traffic"),
                ],
                f"-url=http://{address}:{port}/",
                f"-host={host(route, namespace)}",
                f"-rps={rate}",
                f"-duration={seconds}s",
                f"-log={self.log}",
                f"-resend={str(resend).lower()}",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )

    def _finish(self, limit: float) -> Result:
        try:
            text, _ = self._child.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            self._child.kill()
            self._child.communicate()
            raise LabError("the load generator does not end") from error
        if self._child.returncode != 0:
            raise LabError(f"the load generator failed: exit {self._child.returncode}")
        return Result(json.loads(text), self.log)

    def wait(self) -> Result:
        """The result at the end of the duration."""
        return self._finish(self._limit)

    def stop(self) -> Result:
        """The result up to now."""
        os.kill(self._child.pid, signal.SIGTERM)
        return self._finish(END_S)

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *_) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.communicate()
