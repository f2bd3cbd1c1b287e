# SPDX-License-Identifier: Apache-2.0
"""Build trees: one per preset, under build/, configured and built quietly unless something goes wrong."""
import os
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class CannotRun(Exception):
    """A part that could not start; the text says why and what to do."""


def _quiet(command, what, log):
    with open(log, "w") as out:
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT).returncode:
            with open(log) as text:
                tail = text.read().splitlines()[-60:]
            raise CannotRun(f"{what} failed; the end of {log}:\n" + "\n".join(tail))


_built = set()
_locks = {}  # one for each preset: parts run side by side


def build(preset, targets=()):
    """Configures and builds a preset once per run; returns its folder."""
    with _locks.setdefault(preset, threading.Lock()):
        return _build(preset, targets)


def _build(preset, targets):
    folder = os.path.join(ROOT, "build", preset)
    key = (preset, tuple(targets))
    if key in _built:
        return folder
    os.makedirs(folder, exist_ok=True)
    started = time.monotonic()
    _quiet(["cmake", "--preset", preset], f"configuring {preset}", os.path.join(folder, "configure.log"))
    command = ["ninja", "-C", folder, *targets]
    _quiet(command, f"building {preset}", os.path.join(folder, "build.log"))
    print(f"built {preset} in {time.monotonic() - started:.0f} s", flush=True)
    _built.add(key)
    return folder
