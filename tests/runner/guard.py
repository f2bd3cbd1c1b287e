# SPDX-License-Identifier: Apache-2.0
"""Whatever a program of the tests starts ends with it, however it ends.

run(main) runs main() in a process of its own, the worker, which leads a session of its own. All that it starts is in that session
for as long as it lives, also when the one that started it is gone, in whatever thread that was. Two others look after the session:
the process that called run(), which waits, hands on signals and gives the worker's status as its own; and a keeper, which only
waits for the worker's end. Whichever of the three is killed, even with SIGKILL, the others end the session: first with SIGTERM,
so that each program can stop in order, a few seconds later with SIGKILL. What leaves the session on purpose (the lab's components:
setsid) stays; for that, and for folders, remember_*() says what is to be done when the worker could not do it itself.
"""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

GRACE_S = 6  # for PostgreSQL and for the service, which finish what they have begun
KILL_S = 5
HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
PR_SET_PDEATHSIG = 1

_to_keeper = None  # the worker's end of the pipe; its closing, however it comes, wakes the keeper


def run(main, last_words=lambda: "", grace_s=GRACE_S):
    """Ends this process with main()'s status; or, when a signal stopped main(), with 1, after printing last_words()."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    caller = os.getpid()
    worker = os.fork()
    if worker == 0:
        os.close(reading)
        _work(main, last_words, caller, writing)
    keeper = os.fork()
    if keeper == 0:
        os.close(writing)
        _keep(worker, reading, grace_s)
    os.close(reading)
    os.close(writing)
    for number in HANDED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda n, _: _signal(worker, n))
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    end_session(worker, grace_s)
    os.waitpid(keeper, 0)
    os._exit(status if status >= 0 else 128 - status)


@contextlib.contextmanager
def remember_folder(path):
    """For the body: the folder goes, also if this process can no longer remove it."""
    with _remembered({"folder": path}):
        yield


@contextlib.contextmanager
def remember_command(command):
    """For the body: the command is run if this process is ended before the body is."""
    with _remembered({"command": command}):
        yield


@contextlib.contextmanager
def _remembered(what):
    _tell({"do": what})
    try:
        yield
    finally:
        _tell({"forget": what})


def _tell(message):
    if _to_keeper is not None:
        os.write(_to_keeper, json.dumps(message).encode() + b"\n")  # less than PIPE_BUF: whole lines, from any thread


# --- the worker

def _work(main, last_words, caller, writing):
    global _to_keeper
    _to_keeper = writing
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def stopped(number, _):
        signal.alarm(KILL_S)  # nobody may read what we print
        with contextlib.suppress(OSError):
            os.write(1, f"\nstopped by {signal.Signals(number).name}\n{last_words()}\n".encode())
        os._exit(1)

    for number in HANDED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stopped)
    if os.getppid() != caller:
        os._exit(1)
    status = 1
    try:
        status = main()
    except SystemExit as end:
        status = end.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status or 0)


# --- the keeper

def _keep(worker, reading, grace_s):
    os.setsid()
    for number in HANDED_ON:
        signal.signal(number, signal.SIG_IGN)
    left = []
    with os.fdopen(reading) as messages:
        for line in messages:
            message = json.loads(line)
            if "do" in message:
                left.append(message["do"])
            elif message["forget"] in left:
                left.remove(message["forget"])
    end_session(worker, grace_s)
    for what in reversed(left):
        if "folder" in what:
            shutil.rmtree(what["folder"], ignore_errors=True)
        else:
            subprocess.run(what["command"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os._exit(0)


# --- sessions

def left_running():
    """What the worker started and nobody ended, as text, one line each; to be asked at the end."""
    deadline = time.monotonic() + KILL_S
    while (others := [pid for pid in session_of(os.getsid(0)) if pid != os.getpid()]) and time.monotonic() < deadline:
        time.sleep(0.05)  # somebody who was told to end is ending
    return [f"{pid} {_command(pid)}" for pid in others]


def _command(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as line:
            return line.read().replace("\0", " ").strip()
    except OSError:
        return "(gone)"


def session_of(leader):
    """The living processes of a session."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat") as stat:
                    fields = stat.read().rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] not in "ZX":
                    found.append(int(name))
    return found


def end_session(leader, grace_s):
    """Ends every process of the session: in order if they do so in time."""
    for number, seconds in ((signal.SIGTERM, grace_s), (signal.SIGKILL, KILL_S)):
        deadline = time.monotonic() + seconds
        told = set()
        while (alive := session_of(leader)) and time.monotonic() < deadline:
            for pid in alive:
                if pid not in told:  # also what was started meanwhile
                    told.add(pid)
                    _signal(pid, number)
            time.sleep(0.05)
        if not alive:
            return


def _signal(pid, number):
    with contextlib.suppress(OSError):
        os.kill(pid, number)
