# SPDX-License-Identifier: Apache-2.0
"""Long-running processes of the lab, each known by a name and owned by a pid file.

The pid file holds the process's id and its start time, so that a number which the kernel has given
to somebody else is never signalled. Every wait has a deadline.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .errors import LabError
from .layout import Layout

STOP_GRACE_S = 5.0  # an API server with open watches may never end by itself
KILL_WAIT_S = 5.0
LOG_TAIL_LINES = 15
LOG_KEEP_BYTES = 8 << 20  # an older log is kept as one .old file


def _stat(pid: int) -> tuple[str, str, int] | None:
    """State letter, start time and session of a process, or None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19], int(fields[3])


def _ended(pid: int) -> bool:
    """A zombie without threads: of a killed process the first thread may be a zombie while others
    still hold its sockets."""
    now = _stat(pid)
    if now is None:
        return True
    if now[0] not in "ZX":
        return False
    try:
        return len(os.listdir(f"/proc/{pid}/task")) <= 1
    except OSError:
        return True


def _session(pid: int) -> list[int]:
    """Processes of the session that pid was started as the leader of, pid itself among them."""
    numbers = [int(n) for n in os.listdir("/proc") if n.isdigit()]
    facts = {n: _stat(n) for n in numbers}
    return [n for n, fact in facts.items() if fact and fact[2] == pid and not _ended(n)]


class Processes:
    def __init__(self, layout: Layout):
        self.layout = layout

    def pid_file(self, name: str) -> Path:
        return self.layout.run / (name.replace("/", ".") + ".pid")

    def log_file(self, name: str) -> Path:
        return self.layout.logs / (name.replace("/", ".") + ".log")

    def pid(self, name: str) -> int | None:
        """The id of the named process while it lives."""
        try:
            number, started = self.pid_file(name).read_text().split()
        except (OSError, ValueError):
            return None
        now = _stat(int(number))
        if now is None or now[1] != started or _ended(int(number)):
            return None
        return int(number)

    def names(self) -> list[str]:
        """Every name with a pid file, alive or not."""
        return sorted(f.stem.replace(".", "/") for f in self.layout.run.glob("*.pid"))

    def start(
        self,
        name: str,
        argv: list[str],
        netns: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        cwd: str | None = None,
    ) -> int:
        """Start the process unless it lives already; its output goes to its log file.

        nsenter --net is used, not `ip netns exec`: the latter has a mount namespace of its own, which
        hides the namespaces that are made later.
        """
        alive = self.pid(name)
        if alive:
            return alive
        prefix = ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []
        if user:
            prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
        log = self.log_file(name)
        if log.exists() and log.stat().st_size > LOG_KEEP_BYTES:
            log.rename(log.with_suffix(".old"))
        with open(log, "ab") as out:
            out.write(f"--- start {time.strftime('%F %T')}: {' '.join(argv)}\n".encode())
            out.flush()
            child = subprocess.Popen(
                prefix + argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(env or {})},
                cwd=cwd or "/",
                start_new_session=True,
            )
        now = _stat(child.pid)
        started = now[1] if now else "0"
        self.pid_file(name).write_text(f"{child.pid} {started}\n")
        return child.pid

    def send(self, name: str, number: signal.Signals) -> None:
        pid = self.pid(name)
        if pid is None:
            raise LabError(f"{name} is not running")
        os.kill(pid, number)

    def stop(self, names: Iterable[str], grace: float = STOP_GRACE_S) -> None:
        """SIGTERM to all, then SIGKILL to those that outlive the grace. Unknown names are nothing."""
        names = list(names)
        left = {}
        for name in names:
            pid = self.pid(name)
            if pid:
                left[name] = pid
                self._kill(pid, signal.SIGCONT)  # a stopped process does not see SIGTERM
                self._kill(pid, signal.SIGTERM)
        leaders = list(left.values())
        self._await_end(left, grace)
        self._end_sessions(leaders)
        self._await_end(left, KILL_WAIT_S)
        if left:
            raise LabError(f"these processes do not end even with SIGKILL: {left}")
        for name in names:
            self.pid_file(name).unlink(missing_ok=True)

    def _end_sessions(self, leaders: list[int]) -> None:
        """SIGKILL to the leaders that still live and to the children that they left behind."""
        for leader in leaders:
            for pid in _session(leader):
                self._kill(pid, signal.SIGKILL)

    def kill(self, name: str) -> None:
        """End it and its children as a crash would: SIGKILL, nothing else."""
        pid = self.pid(name)
        if pid is None:
            raise LabError(f"{name} is not running")
        self._end_sessions([pid])
        left = {name: pid}
        self._await_end(left, KILL_WAIT_S)
        if left:
            raise LabError(f"{name} does not end with SIGKILL")

    @staticmethod
    def _kill(pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def _await_end(self, left: dict[str, int], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while left:
            for name in [n for n in left if self.pid(n) is None]:
                del left[name]
            if not left or time.monotonic() > deadline:
                return
            time.sleep(0.02)

    def tail(self, name: str) -> str:
        try:
            lines = self.log_file(name).read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(lines[-LOG_TAIL_LINES:])


def wait_until(
    what: str,
    check: Callable[[], object],
    seconds: float,
    processes: Processes | None = None,
    needs: Iterable[str] = (),
    step: float = 0.05,
) -> object:
    """Poll check until it is truthy and return its value.

    An OSError of the check means "not yet". The named processes must stay alive meanwhile; else, and
    at the deadline, the error names what was waited for, the last answer and the end of their logs.
    """
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            last = check()
            if last:
                return last
        except OSError as error:
            last = error
        dead = [n for n in needs if processes and processes.pid(n) is None]
        if dead or time.monotonic() > deadline:
            reason = f"{dead[0]} ended" if dead else f"not within {seconds:.0f} s"
            logs = "".join(f"\n--- end of {n}:\n{processes.tail(n)}" for n in needs if processes)
            raise LabError(f"waiting for {what}: {reason} (last: {last}){logs}")
        time.sleep(step)


def run(argv: list[str], seconds: float = 30.0, **options) -> str:
    """Run a command to its end and return its output; its failure is a LabError with its words."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, **options)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(argv[:4])} …: no end within {seconds:.0f} s") from error
    except OSError as error:
        raise LabError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise LabError(f"{' '.join(argv[:6])} …: exit {done.returncode}: {words}")
    return done.stdout


def need_programs(names: Iterable[str]) -> None:
    missing = [n for n in names if not shutil.which(n)]
    if missing:
        raise LabError(
            f"missing programs: {', '.join(missing)}; `tests/lab/lab deps` installs them"
        )
