# SPDX-License-Identifier: Apache-2.0
"""What each part of tests/run does. A part lists its tests and runs those asked for."""
import contextlib
import glob
import os
import queue
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.runner import cmocka
from tests.runner.build import ROOT, CannotRun, build
from tests.runner.postgres import Postgres
from tests.runner.tally import Tally

# They end what hangs, and nothing else: a program that gives way to others takes as long as those let it.
UNIT_TIMEOUT_S = 4 * 3600 if os.environ.get("CROSSFADE_TEST_ALL") else 600
GIVING_WAY = 3
# Unit tests at a time, of those with a database and of the others: they wait as much as they work. Drivers wait most of their time, for the control
# plane or the Velero that they drive.
SIDE_BY_SIDE = 2
DRIVERS_SIDE_BY_SIDE = 5
# Begun first, so that nobody waits for them alone at the end.
LONGEST = ["unit_engine_engine_pg", "unit_engine_crash", "unit_store_outage_pg", "unit_api_runs_pg", "unit_engine_reconcile",
           "unit_sandbox_karmada_cut_off", "unit_sandbox_karmada_placed_cut_off", "unit_sandbox_clusternet_cut_off",
           "unit_sandbox_velero_driver_faults", "unit_sandbox_velero_faults", "unit_sandbox_karmada_driver"]
# They walk a driver's whole way many times, with a control plane beside it: a part of their own, so that `unit` stays short.
DRIVERS = ("unit_sandbox_clusternet_cut_off", "unit_sandbox_clusternet_driver", "unit_sandbox_karmada_cut_off", "unit_sandbox_karmada_driver",
           "unit_sandbox_karmada_given_back", "unit_sandbox_karmada_placed", "unit_sandbox_karmada_placed_cut_off",
           "unit_sandbox_velero_driver", "unit_sandbox_velero_driver_cut_off", "unit_sandbox_velero_driver_faults",
           "unit_sandbox_velero_driver_restores", "unit_sandbox_velero_faults", "unit_velero_passes")
# Not told again under ThreadSanitizer: one thread's way at length, and a story of one route that is told of another.
ONE_THREAD = ("unit_engine_crash", "unit_sandbox_clusternet_cut_off", "unit_sandbox_karmada_cut_off", "unit_sandbox_karmada_given_back",
              "unit_sandbox_karmada_placed", "unit_sandbox_karmada_placed_cut_off", "unit_sandbox_velero_driver_cut_off",
              "unit_sandbox_velero_driver_faults", "unit_sandbox_velero_driver_restores", "unit_sandbox_velero_faults", "unit_velero_passes",
              "unit_velero_verify_script")
SAME_THREADS = ("moves_httproute", "moves_ingress", "total_failure_comes_back_httproute", "total_failure_comes_back_ingress",
                "moves_to_a_destination_that_exists_httproute")
# Sanitizers: every finding ends the test, leaks included.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": "print_suppressions=0",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/tests/tsan.supp",
}


# Whatever a test starts, also a sandbox or a guardian of it, runs under the same rules.
os.environ.update(SANITIZER_ENV)


# The exit status of a program that could not do its test here and says why.
SKIPPED = 77
OUTCOMES = {0: "ok  ", SKIPPED: "skip"}


def environment(**more):
    return {**os.environ, **more}


def print_line(text):
    print(text, flush=True)


def end_of(text, lines=60):
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def show_end(text):
    print_line(end_of(text))


class House:
    """Checks of the tree itself: every script in tests/house is one test."""

    def list(self):
        return sorted(os.path.basename(p) for p in glob.glob(f"{ROOT}/tests/house/*.py"))

    def run(self, wanted):
        tally = Tally()
        for name in self.list():
            if wanted and name not in wanted:
                continue
            done = subprocess.run([sys.executable, f"{ROOT}/tests/house/{name}"], cwd=ROOT, capture_output=True, text=True)
            print(f"{OUTCOMES.get(done.returncode, 'FAIL')} {name}")
            if done.returncode:
                show_end(done.stdout + done.stderr)
            tally += Tally(passed=done.returncode == 0, skipped=done.returncode == SKIPPED,
                           failed=done.returncode not in (0, SKIPPED))
        return tally


class Unit:
    """The cmocka executables and the replayed fuzz corpus of one preset; counts single tests, not executables."""

    def __init__(self, preset, left_out=(), only=(), side_by_side=SIDE_BY_SIDE):
        self.preset = preset
        self.left_out = left_out
        self.only = only
        self.side_by_side = side_by_side
        self.timeout = UNIT_TIMEOUT_S

    def _folder(self):
        return os.path.join(ROOT, "build", self.preset, "tests")

    def list(self):
        build(self.preset)
        names = [os.path.basename(p) for p in glob.glob(f"{self._folder()}/unit_*") if os.access(p, os.X_OK)]
        replays = glob.glob(f"{self._folder()}/fuzz/replay_*")
        names += [os.path.basename(p) for p in replays if os.access(p, os.X_OK)]
        return sorted(n for n in names if n not in self.left_out and (not self.only or n in self.only))

    def run(self, wanted, say=print_line):
        """say() gets what there is to read, from any thread; who says it elsewhere gives way to another part."""
        self.timeout = UNIT_TIMEOUT_S * (GIVING_WAY if say is not print_line else 1)
        build(self.preset)
        names = [n for n in self.list() if not wanted or any(w in n for w in wanted)]
        names.sort(key=lambda n: LONGEST.index(n) if n in LONGEST else len(LONGEST))
        with_database = [n for n in names if n.endswith("_pg")]
        with contextlib.ExitStack() as stack:
            # One server for each that runs at a time, because an open transaction of one test delays (rightly) what another one
            # reads in commit order.
            servers = queue.SimpleQueue()
            for _ in with_database[:self.side_by_side]:
                servers.put(stack.enter_context(Postgres()).conninfo)

            def on_a_server(name):
                conninfo = servers.get()
                try:
                    return self.one(name, say, conninfo)
                finally:
                    servers.put(conninfo)

            jobs = []
            for test, row in (on_a_server, with_database), (lambda n: self.one(n, say), [n for n in names if not n.endswith("_pg")]):
                pool = stack.enter_context(ThreadPoolExecutor(self.side_by_side))
                jobs += [pool.submit(test, name) for name in row]
            return sum((job.result() for job in jobs), Tally())

    def one(self, name, say, conninfo=""):
        folder = f"{self._folder()}/fuzz" if name.startswith("replay_") else self._folder()
        command = [f"{folder}/{name}"]
        if name.startswith("replay_"):
            command.append(f"{ROOT}/tests/fuzz/corpus/{name[len('replay_'):]}")
        started = time.monotonic()
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment(CROSSFADE_TEST_PG=conninfo), timeout=self.timeout,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
            output, status = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"").decode(errors="replace") + (late.stderr or b"").decode(errors="replace")
            output, status = output + f"\nended after {self.timeout} s", 1
        tally = cmocka.count(output, status)
        if status == 0 and not tally.ran:
            tally.passed += 1  # a replay: silence is success
        took = f" ({time.monotonic() - started:.0f} s)"
        say(f"{'FAIL' if tally.failed else 'ok  '} {name}: {tally}{took}" + ("\n" + end_of(output) if tally.failed else ""))
        return tally


def run_side_by_side(jobs, workers):
    with ThreadPoolExecutor(workers) as pool:
        return [f.result() for f in [pool.submit(job) for job in jobs]]


class Stories:
    """The stories of tests/stories, told in one world: "sandbox", "federations" or "lab"."""

    def __init__(self, world, preset, targets=("crossfade",), left_out=()):
        self.world = world
        self.preset = preset
        self.targets = targets
        self.left_out = left_out

    def list(self):
        from tests.stories import registry
        names = [s.name for s in registry.stories(self.world)] + list(registry.OWN_TESTS[self.world])
        return [n for n in names if n not in self.left_out]

    def run(self, wanted):
        folder = build(self.preset, self.targets)
        from tests.stories import registry
        return registry.run(self.world, os.path.join(folder, "orchestrator", "crossfade"), wanted, environment(), self.left_out)


class Tsan:
    """Unit tests and the sandbox's stories again under ThreadSanitizer."""

    def __init__(self):
        self.unit = Unit("tsan", left_out=ONE_THREAD)
        self.stories = Stories("sandbox", "tsan", left_out=SAME_THREADS)

    def list(self):
        return self.unit.list() + self.stories.list()

    def run(self, wanted):
        return self.unit.run(wanted) + self.stories.run(wanted)


TSAN = Tsan()


class Lab(Stories):
    """The stories on real clusters; on a real kube-apiserver the API conformance table, the cluster client and the routers."""

    def __init__(self):
        super().__init__("lab", "release", targets=("crossfade", "lab_kube_client", "lab_router_protocol", "lab_bridge_by_name"))

    def run(self, wanted):
        if os.geteuid() != 0:
            count = len(self.list())
            print("THE LAB NEEDS ROOT (network namespaces): its stories are not run.", flush=True)
            return Tally(failed=count) if os.environ.get("CI") else Tally(skipped=count)
        return super().run(wanted)


class Karmada(Stories):
    """Stories and the table of federations on a real Karmada, which the user gives: never run unless it is named."""

    def __init__(self):
        super().__init__("karmada", "release")

    def run(self, wanted):
        from tests.conformance.federation import run as federation
        from tests.conformance.federation import worlds
        if os.environ.get("CROSSFADE_LAB_KARMADA_SOURCE"):
            return super().run(wanted)
        world = worlds.from_environment()
        if not world:
            raise CannotRun("no Karmada is given: set CROSSFADE_LAB_KARMADA_SOURCE or KARMADA_KUBECONFIG (docs/testing.md)")
        return federation.tally("federation_conformance", world)


class Volumes(Lab):
    """Whole moves of data through a real Velero on the lab: never run unless it is named, for each takes minutes."""

    def __init__(self):
        Stories.__init__(self, "volumes", "release")


class Fuzz:
    """Every libFuzzer target for a while, starting from its corpus."""

    def list(self):
        return sorted(os.path.basename(p)[: -len("_fuzz.c")] for p in glob.glob(f"{ROOT}/tests/fuzz/*_fuzz.c"))

    def run(self, wanted):
        names = [n for n in self.list() if not wanted or n in wanted]
        folder = build("fuzz", [f"fuzz_{n}" for n in names]) if names else ""
        return sum(run_side_by_side([lambda n=n: self.one(folder, n) for n in names], workers=2), Tally())

    def one(self, folder, name):
        seconds = os.environ.get("FUZZ_SECONDS", "60")
        found = os.path.join(folder, "found", name)
        os.makedirs(found, exist_ok=True)
        command = [f"{folder}/tests/fuzz/fuzz_{name}", f"-max_total_time={seconds}", f"-artifact_prefix={found}/",
                   "-rss_limit_mb=2048", "-timeout=10", found, f"{ROOT}/tests/fuzz/corpus/{name}"]
        done = subprocess.run(command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace")
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} fuzz {name}", flush=True)
        if done.returncode:
            show_end(done.stderr)
        return Tally(passed=done.returncode == 0, failed=done.returncode != 0)


class Bench:
    """Benchmarks: figures beside a reference, never an assertion on time."""

    def list(self):
        return sorted(os.path.basename(p) for p in glob.glob(f"{ROOT}/tests/bench/*.sh"))

    def run(self, wanted):
        build("release", ("crossfade", "benches"))
        tally = Tally()
        for name in self.list():
            if wanted and not any(w in name for w in wanted):
                continue
            done = subprocess.run([f"{ROOT}/tests/bench/{name}"], cwd=ROOT, stdin=subprocess.DEVNULL)
            tally += Tally(passed=done.returncode == 0, failed=done.returncode != 0)
        return tally


PARTS = {
    "house": House(),
    "unit": Unit("dev", left_out=DRIVERS),
    "drivers": Unit("dev", only=DRIVERS, side_by_side=DRIVERS_SIDE_BY_SIDE),
    "sandbox": Stories("sandbox", "dev"),
    "federations": Stories("federations", "dev"),
    "tsan": TSAN,
    "tsan-unit": TSAN.unit,
    "tsan-stories": TSAN.stories,
    "lab": Lab(),
    "karmada": Karmada(),
    "volumes": Volumes(),
    "fuzz": Fuzz(),
    "bench": Bench(),
}
