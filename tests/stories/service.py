# SPDX-License-Identifier: Apache-2.0
"""A running `crossfade serve` with a database, a key and a state folder of its own; it can be killed and started again."""
import json
import os
import signal
import subprocess
import time

from tests.stories.rest import Rest

READY_S = 30
END_S = 20


class Service:
    def __init__(self, binary, database, folder, wrap, inside, environment):
        self.binary, self.database, self.folder = binary, database, folder
        self.wrap, self.inside, self.environment = wrap, inside, environment
        self.process = None
        self.log = None
        self.more = []  # further options of `serve`
        self.token_file = os.path.join(folder, "token")

    def cli(self, *arguments, check=True, timeout=60, **more):
        """The command line against this service; returns its standard output."""
        # HOME is ours: nobody's own contexts may leak in.
        environment = {**self.environment, "HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "NO_COLOR": "1"}
        connection = []
        if self.process and arguments[0] not in ("key", "token-bootstrap"):
            connection = ["--server", self.url, "--token-file", self.token_file]
        done = subprocess.run(self.wrap([self.binary, *arguments, *connection]), env=environment, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True, **more)
        if check and done.returncode:
            raise AssertionError(f"crossfade {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done if not check else done.stdout

    def _run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], env=self.environment, text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(f"crossfade {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def prepare(self):
        self.key = os.path.join(self.folder, "key")
        self._run("key", "generate", self.key)
        self._run("migrate", "--database", self.database)
        token = self._run("token", "bootstrap", "--database", self.database).strip().splitlines()[-1]
        with open(os.open(self.token_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(token)

    def start(self):
        ready = os.path.join(self.folder, "ready")
        if os.path.exists(ready):
            os.unlink(ready)
        self.log = open(os.path.join(self.folder, "log"), "a")
        self.process = subprocess.Popen(
            self.wrap([self.binary, "serve", "--database", self.database, "--listen", "127.0.0.1:0", "--state-dir",
                       os.path.join(self.folder, "state"), "--key-file", self.key, "--ready-file", ready,
                       *self.more]),
            env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + READY_S
        while not os.path.exists(ready) or not open(ready).read().strip():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("crossfade serve did not become ready:\n" + self.log_end())
            time.sleep(0.02)
        self.url = open(ready).read().strip()
        self.rest = Rest(self.url, open(self.token_file).read().strip(), self.inside)
        return self

    def log_end(self, lines=40):
        if not self.log:
            return ""
        self.log.flush()
        return "\n".join(open(self.log.name).read().splitlines()[-lines:])

    def events_of(self, run):
        status, _, text = self.rest.raw("GET", f"/api/v1/runs/{run}/events?limit=500", headers={"Accept": "application/json"})
        return json.loads(text)["items"] if status == 200 else []

    def kill(self):
        """SIGKILL, as a machine would go away."""
        pid = self._own_pid()
        os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=END_S)

    def _own_pid(self):
        # nsenter execs the program: the process is the service itself.
        return self.process.pid

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(timeout=END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("crossfade serve does not end on SIGTERM:\n" + self.log_end())
            if status != 0:
                raise AssertionError(f"crossfade serve ended with {status}:\n" + self.log_end())
        if self.log:
            self.log.close()
