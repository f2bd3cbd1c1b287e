# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of our own for the time of a `with` block: own data folder, Unix socket only, ended by pid.

PostgreSQL refuses to run as root, so as root it runs as the `postgres` user of Debian's package.
"""
import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from tests.runner import guard
from tests.runner.build import CannotRun


def binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
    if not found:
        raise CannotRun("no PostgreSQL is installed (apt-get install postgresql)")
    return found[-1]


class Postgres:
    def __init__(self, settings=()):
        self.settings = ["listen_addresses=", "shared_buffers=64MB", "max_connections=200", "fsync=off", *settings]

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix="crossfade-pg-")
            stack.enter_context(guard.remember_folder(self.folder))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            as_user = self._as_user()
            data = os.path.join(self.folder, "data")
            subprocess.run([*as_user, f"{binaries()}/initdb", "-D", data, "-N", "-A", "trust", "-U", "crossfade", "-E", "UTF8",
                            "--locale=C", "--no-instructions"], check=True, stdout=subprocess.DEVNULL, cwd="/")
            self.log = stack.enter_context(open(os.path.join(self.folder, "log"), "w"))
            options = [word for option in (f"unix_socket_directories={self.folder}", *self.settings) for word in ("-c", option)]
            self.process = subprocess.Popen([*as_user, f"{binaries()}/postgres", "-D", data, *options], stdout=self.log,
                                            stderr=subprocess.STDOUT, cwd="/", stdin=subprocess.DEVNULL)
            stack.callback(self._stop)
            self.conninfo = f"host={self.folder} user=crossfade dbname=postgres"
            self._wait()
            self._end = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._end.close()

    def _as_user(self):
        if os.geteuid() != 0:
            return []
        owner = pwd.getpwnam("postgres")
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        return ["runuser", "-u", "postgres", "--"]

    def _wait(self):
        deadline = time.monotonic() + 60
        ready = [f"{binaries()}/pg_isready", "-q", "-h", self.folder, "-U", "crossfade", "-d", "postgres"]
        while subprocess.run(ready).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotRun("PostgreSQL did not start: " + open(self.log.name).read()[-2000:])
            time.sleep(0.1)

    def _stop(self):
        # runuser hands a SIGTERM on; fast shutdown is SIGINT to the postmaster itself.
        pid_file = os.path.join(self.folder, "data", "postmaster.pid")
        try:
            os.kill(int(open(pid_file).readline()), signal.SIGINT)
            self.process.wait(timeout=20)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
