# SPDX-License-Identifier: Apache-2.0
"""What the lab itself asks of a cluster's API server: plain HTTPS for probes, kubectl for YAML."""

import http.client
import json
import ssl
from pathlib import Path

from .errors import LabError
from .layout import Layout
from .netns import inside
from .process import run

CALL_LIMIT_S = 5.0
APPLY_LIMIT_S = 60.0
_APPLY = ("--server-side", "--force-conflicts", "--field-manager=lab", "--validate=false")


class Api:
    """One API server, asked as admin. netns None: it is reached from where we are."""

    def __init__(self, layout: Layout, name: str, host: str, port: int, netns: str | None):
        self.layout, self.name, self.host, self.port, self.netns = layout, name, host, port, netns

    def call(
        self, method: str, path: str, body: object = None, content: str = "application/json"
    ) -> tuple[int, bytes]:
        """One request; returns status and body. No answer is an OSError."""
        pki = self.layout.pki(self.name)
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
        data = None if body is None else json.dumps(body).encode()
        with inside(self.netns):
            link = http.client.HTTPSConnection(
                self.host, self.port, timeout=CALL_LIMIT_S, context=context
            )
            try:
                link.request(method, path, data, {"Content-Type": content} if data else {})
                answer = link.getresponse()
                return answer.status, answer.read()
            except http.client.HTTPException as error:
                raise ConnectionError(str(error)) from error
            finally:
                link.close()

    def get(self, path: str) -> dict | None:
        """The object or list at path; None for 404."""
        status, body = self.call("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise LabError(f"{self.name}: GET {path}: {status} {body[:200]!r}")
        return json.loads(body)

    def ready(self) -> bool:
        return self.call("GET", "/readyz")[0] == 200

    def kubectl(self, *words: str, seconds: float = APPLY_LIMIT_S, text: str | None = None) -> str:
        command = [
            str(self.layout.bin / "kubectl"),
            f"--kubeconfig={self.layout.kubeconfig(self.name)}",
        ]
        prefix = ["nsenter", f"--net=/run/netns/{self.netns}", "--"] if self.netns else []
        return run([*prefix, *command, *words], seconds, input=text)

    def apply(self, *files: Path | str) -> None:
        """Server-side apply of whole files, as the lab's own field manager."""
        names = [w for f in files for w in ("-f", str(f))]
        self.kubectl("apply", *_APPLY, *names)

    def apply_objects(self, *groups: dict | list[dict]) -> None:
        """The same for objects made in Python."""
        items = [o for g in groups for o in (g if isinstance(g, list) else [g])]
        self.apply_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def apply_text(self, text: str) -> None:
        """The same for YAML or JSON text."""
        self.kubectl("apply", *_APPLY, "-f", "-", text=text)
