# SPDX-License-Identifier: Apache-2.0
"""ingress-nginx beside east: its controller from its module, on Debian's nginx.

The controller brings its template and Lua files for an nginx of its own. A copy of them (made at run
time from the module, never kept in the tree) is adapted to Debian's: modules are loaded from where
Debian has them, what nginx 1.22 does not know is taken out, TCP and UDP services are left out, and the
Lua modules that Debian lacks are ours (ingress/lua). The copy is bound over /etc/nginx in a mount
namespace of the controller's own: the machine's nginx is not touched.
"""

import http.client
import re
import shutil
from pathlib import Path

from .api import Api
from .build import INGRESS_MODULE, module_folder
from .errors import LabError
from .layout import INGRESS_METRICS_PORT, INGRESS_PORT, LAB_DIR, Cluster, Layout
from .netns import inside
from .process import Processes, need_programs, wait_until

PARTS = ["ingress"]
INGRESS = "ingress"
NAMESPACE = "ingress-nginx"
READY_S = 60.0
_MODULES = ("ndk_http", "ngx_http_lua", "ngx_http_headers_more_filter", "ngx_stream")
_MODULE_DIR = "/usr/lib/nginx/modules"

# The controller sends its TCP and UDP services here and wants any answer.
_STREAM = """stream {
    server {
        listen 127.0.0.1:{{ .StreamPort }};
        return "ok";
    }
}
"""

_START = """set -e
mount --bind {tree} /etc/nginx
mkdir -p /tmp/nginx /etc/ingress-controller
mount --bind {work}/tmp /tmp/nginx
mount --bind {work}/controller /etc/ingress-controller
mount --bind {work}/log /var/log/nginx
exec "$@"
"""


def adapt_template(text: str) -> str:
    """The controller's nginx template, as Debian's nginx can read it."""
    head = "".join(f"load_module {_MODULE_DIR}/{m}_module.so;\n" for m in _MODULES)
    text = re.sub(r"^[ \t]*http2 on;[ \t]*$", "", text, flags=re.M)
    start = text.find("\nstream {")
    end = text.find("\n}\n", start)
    if start < 0 or end < 0:
        raise LabError("the ingress controller's template has no stream block where it was")
    return head + text[: start + 1] + _STREAM + text[end + 3 :]


def adapt_configuration(text: str) -> str:
    """The controller's store of backends, with times finer than a second.

    A worker takes a new state only if its time is later than that of the last one taken. With whole
    seconds, the second of two changes in one second is never taken; that is rare at the controller's
    default of one sync in 3 s, and common at ours.
    """
    coarse = "raw_backends_last_synced_at = ngx.time()"
    if coarse not in text:
        raise LabError("the ingress controller's Lua code does not keep its time where it did")
    return text.replace(coarse, coarse.replace("ngx.time()", "ngx.now()"))


class Ingress:
    def __init__(self, layout: Layout, processes: Processes, cluster: Cluster, api: Api):
        self.layout, self.processes, self.cluster, self.api = layout, processes, cluster, api
        self.netns = layout.netns(cluster.name)
        self.work = layout.data("ingress")

    def make_tree(self) -> Path:
        """The adapted copy of the controller's /etc/nginx, made anew."""
        tree = self.work / "nginx"
        shutil.rmtree(self.work, ignore_errors=True)
        source = module_folder("ingress", INGRESS_MODULE) / "rootfs/etc/nginx"
        shutil.copytree(source, tree, ignore=shutil.ignore_patterns("test", "plugins.md", "OWNERS"))
        for path in [tree, *tree.rglob("*")]:  # the module cache is read-only
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.copytree(LAB_DIR / "ingress/lua", tree / "lua", dirs_exist_ok=True)
        for name, adapt in (
            ("template/nginx.tmpl", adapt_template),
            ("lua/configuration.lua", adapt_configuration),
        ):
            (tree / name).write_text(adapt((tree / name).read_text()))
        shutil.copy("/etc/nginx/mime.types", tree / "mime.types")
        for folder in ("controller/ssl", "controller/auth", "controller/telemetry", "log", "tmp"):
            (self.work / folder).mkdir(parents=True)
        return tree

    def start(self) -> None:
        if self.processes.pid(INGRESS):
            return
        need_programs(["nginx"])
        missing = [m for m in _MODULES if not Path(_MODULE_DIR, f"{m}_module.so").exists()]
        if missing:
            raise LabError(f"nginx lacks {', '.join(missing)}; `tests/lab/lab deps` installs them")
        script = self.work / "start.sh"
        tree = self.make_tree()
        script.write_text(_START.format(tree=tree, work=self.work))
        self.processes.start(
            INGRESS,
            [
                *["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", str(script)],
                str((self.layout.bin / "nginx-ingress-controller").resolve()),
                f"--kubeconfig={self.layout.kubeconfig(self.cluster.name, 'ingress')}",
                f"--http-port={INGRESS_PORT}",
                "--https-port=8490",
                "--default-server-port=8181",
                f"--healthz-port={INGRESS_METRICS_PORT}",
                "--status-port=10246",
                "--stream-port=10247",
                "--ingress-class=nginx",
                "--controller-class=k8s.io/ingress-nginx",
                f"--configmap={NAMESPACE}/ingress-nginx",
                "--update-status=false",
                "--disable-leader-election",
                "--sync-rate-limit=20",  # by default a changed weight is served after 2 to 3 s
                "--shutdown-grace-period=0",
                "--post-shutdown-grace-period=0",
            ],
            self.netns,
            {
                "POD_NAME": "ingress-nginx",
                "POD_NAMESPACE": NAMESPACE,
                "NGINX_BINARY": shutil.which("nginx") or "",
            },
        )

    def ready(self) -> bool:
        with inside(self.netns):
            link = http.client.HTTPConnection(
                self.cluster.ingress_address, INGRESS_METRICS_PORT, timeout=3
            )
            try:
                link.request("GET", "/healthz")
                return link.getresponse().status == 200
            except http.client.HTTPException as error:
                raise ConnectionError(str(error)) from error
            finally:
                link.close()

    def up(self) -> None:
        self.api.apply(self.layout.objects / "ingress.yaml")
        self.start()
        wait_until("ingress-nginx", self.ready, READY_S, self.processes, [INGRESS])
