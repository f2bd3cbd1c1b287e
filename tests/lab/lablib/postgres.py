# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of the lab's own: fresh data, a Unix socket only, an unprivileged user.

A socket is a file, so it is reached from every network namespace. Nothing is forced to the disk: what
was committed outlives the server, not the machine.
"""

import os
import pwd
import shutil
import socket
from pathlib import Path

from .errors import LabError
from .layout import Layout
from .process import Processes, run, wait_until

POSTGRES = "postgres"
DATABASE = ROLE = "crossfade"  # the role owns the database and may nothing else
SUPERUSER = "postgres"  # and the database that is always there
INIT_LIMIT_S = 60.0
READY_S = 30.0
ORPHANS_S = 10.0

_CONFIG = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 100
log_min_messages = warning
"""


def programs() -> Path:
    """The folder of the newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not found:
        raise LabError("PostgreSQL is not installed; `tests/lab/lab deps` does it")
    return found[-1].parent


def owner() -> pwd.struct_passwd:
    """The user that it runs as: PostgreSQL refuses root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LabError("there is neither a user postgres nor nobody")


class Postgres:
    def __init__(self, layout: Layout, processes: Processes):
        self.layout, self.processes = layout, processes
        self.folder = layout.postgres
        self.data = self.folder / "data"

    @property
    def dsn(self) -> str:
        return f"host={self.folder} user={ROLE} dbname={DATABASE}"

    def _as_owner(self, words: list[str]) -> list[str]:
        user = owner()
        return [
            "setpriv",
            f"--reuid={user.pw_uid}",
            f"--regid={user.pw_gid}",
            "--clear-groups",
            "--",
            *words,
        ]

    def _init(self) -> None:
        self.folder.mkdir(mode=0o755)
        os.chown(self.folder, owner().pw_uid, owner().pw_gid)
        options = [
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            f"--username={SUPERUSER}",
        ]
        run(
            self._as_owner([str(programs() / "initdb"), f"--pgdata={self.data}", *options]),
            INIT_LIMIT_S,
            cwd="/",
        )
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(_CONFIG.format(folder=self.folder))

    def _inhabitants(self) -> list[str]:
        """Processes that work in the data folder."""
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if link.readlink() == self.data:
                    found.append(link.parent.name)
            except OSError:
                continue  # it ended, or is a zombie
        return found

    def _forget_crash(self) -> None:
        """After SIGKILL: wait for the orphans' end, then remove the locks.

        The dead server may stay a zombie for a while, and a new one takes it for alive.
        """
        wait_until("the end of PostgreSQL's orphans", lambda: not self._inhabitants(), ORPHANS_S)
        for lock in (self.data / "postmaster.pid", self.folder / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)

    def start(self) -> None:
        if self.processes.pid(POSTGRES):
            return
        if not (self.data / "PG_VERSION").exists():
            self.remove()
            self._init()
        self._forget_crash()
        server = [str(programs() / "postgres"), "-D", str(self.data)]
        self.processes.start(POSTGRES, self._as_owner(server))

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(self.folder / ".s.PGSQL.5432"))
        words = [
            str(programs() / "pg_isready"),
            "-q",
            "-h",
            str(self.folder),
            "-U",
            SUPERUSER,
            "-d",
            SUPERUSER,
        ]
        try:
            run(words, 5)
        except LabError:
            return False
        return True

    def up(self) -> None:
        self.start()
        wait_until("PostgreSQL", self.answers, READY_S, self.processes, [POSTGRES])
        psql = [
            str(programs() / "psql"),
            "-h",
            str(self.folder),
            "-U",
            SUPERUSER,
            "-d",
            "postgres",
            "-Atqc",
        ]
        if not run([*psql, f"select 1 from pg_database where datname = '{DATABASE}'"]).strip():
            run([*psql, f"create role {ROLE} login"])
            run([*psql, f"create database {DATABASE} owner {ROLE}"])

    def remove(self) -> None:
        """Its data, once it is stopped."""
        shutil.rmtree(self.folder, ignore_errors=True)
