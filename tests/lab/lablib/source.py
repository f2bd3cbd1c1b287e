# SPDX-License-Identifier: Apache-2.0
"""Karmada's source folder, given by the user: `--source DIR` or $CROSSFADE_LAB_KARMADA_SOURCE.

Binaries are built from it, and its definitions and webhooks are applied from it as they stand there;
nothing of it is kept in our tree.
"""

import functools
import hashlib
import os
from pathlib import Path

from .errors import LabError

VARIABLE = "CROSSFADE_LAB_KARMADA_SOURCE"
# What the binaries are made of; vendored modules are pinned by their list.
_MADE_OF = ("cmd", "pkg", "api", "third_party")
_PINS = ("go.mod", "go.sum", "vendor/modules.txt")


def karmada_source() -> Path:
    """The folder, with vendored modules."""
    given = os.environ.get(VARIABLE)
    if not given:
        raise LabError(f"Karmada is built from its source: give --source DIR or set {VARIABLE}", 2)
    folder = Path(given).absolute()
    missing = [f for f in (*_PINS, "charts/karmada/_crds/bases") if not (folder / f).exists()]
    if missing:
        raise LabError(f"{folder} is no Karmada source with vendored modules: no {missing[0]}", 2)
    return folder


@functools.cache
def source_digest(folder: Path) -> str:
    """Stands for the code of the folder: equal code, equal binaries."""
    digest = hashlib.sha256()
    files = [folder / f for f in _PINS]
    for part in _MADE_OF:
        files += sorted((folder / part).rglob("*.go"))
    for file in files:
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
