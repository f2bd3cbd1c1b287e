# SPDX-License-Identifier: Apache-2.0
"""Work inside a network namespace from this process, for as long as a `with` lasts.

Sockets belong to the namespace in which they are made, so a probe into the lab needs no child
process. The namespace is the thread's: other threads stay where they are.
"""

import contextlib
import ctypes
import os
from collections.abc import Iterator

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def exists(name: str) -> bool:
    return os.path.exists(f"/run/netns/{name}")


@contextlib.contextmanager
def inside(name: str | None) -> Iterator[None]:
    """Run the body in the named namespace; None is the one we are in."""
    if name is None:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(target)
        finally:
            os.close(target)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)
