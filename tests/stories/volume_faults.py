# SPDX-License-Identifier: Apache-2.0
"""Every fault of a Velero, at every phase of a run with data in which it can act, there and back; healed later, and never.

A phase begins with a request of Crossfade's, and a run can be stopped just there (volume_phases.py). *Healed*: a run goes through all phases,
there and back with its data; at each another fault begins, the run goes on until it says why it waits, or reaches the next phase unharmed;
then the fault ends. Story k has at each phase the k-th of the faults that can act there, so all stories are the whole table. *Never*: a
story for each fault; a run of its own for each phase: the fault begins there and stays until the run has ended, or nothing but its end can help.

What must hold whatever happens: nothing that was acknowledged is lost, no two writers, a run that waits names what it waits for, writers
that stand still do so for a reason that the run gives, the source is as it was after the way back, and nothing of ours is left.
"""
import json
import re
import time

from tests.stories.registry import THOROUGH, story
from tests.stories.volume_fault_table import FAULTS, GOES_ON, KINDS, Says
from tests.stories.volume_phases import (BACK, FORWARD, LOOK_S, PHASES, QUIESCE, SWITCH, TERMINAL, Client, Journey, Watch, backups_and_restores,
                                         install, is_home, nothing_is_left, plan, said, source_is_as_it_was, writers)

GOES_ON_S = 240
SHOWS_S = 4.0  # what has not shown by then is nothing that it waits for
PAUSE = "45s"  # the freeze that a plan allows whose fault is never healed: a good one takes far less, on a slow machine too
LONGEST_S = 240
UNDER_S = 35.0  # more than what hangs in the target may keep the source waiting (HANGS_MS of volume_final_sync.c)
CLEAN_S = 150.0  # a run waits two minutes for what a Velero will not delete
# What is told when not all is: rows that wait for little, and a freeze whose backup never ends.
HEALED = (3, 12)
NEVER = (("F10 in progress for ever", "final backup"),)
SHOWN = 150
THERE = ("hand over", "restore")  # these ask the target alone
SPOKE = ("preflight", "step-failed", "data", "data-loss", "cluster-unreachable")  # holds that need not be waited for longer
# What a run that waits must name: an object, with its cluster where it has one.
NAMES = re.compile(r"(Backup|Restore|PodVolume|BackupStorageLocation|claim|pod|node|router|Deployment|StatefulSet|namespace|Velero|writers|cluster|step|pass|"
                   r"east|west)")


def acting(phase):
    return [f for f in FAULTS if f.at(phase)]


def is_through(run):
    return run["state"] in TERMINAL or (run.get("hold") or {}).get("reason") == "commit"


def says_enough(must, text, hold, seconds):
    """Whether a run that says this, for so long, has answered the fault."""
    if must == GOES_ON:
        return False
    if isinstance(must, Says):
        return re.search(must.text, text) and (seconds > SHOWS_S or not must.stays)
    return hold in SPOKE or text and seconds > SHOWS_S


def under(journey, one, here, following):
    """The run goes on under the fault; what it says of what it waits for, or "goes on"."""
    must = one.at(here)
    earlier = (journey.look() or {}).get("hold")  # of the fault before: it is said until the pass under way is over
    journey.go_on(here, following)
    begun = time.monotonic()
    text = ""
    while time.monotonic() - begun < GOES_ON_S:
        run = journey.look()
        if journey.is_at(following) or not following and run and is_through(run):
            assert not isinstance(must, Says), f"{one.name} at {here.name}: it goes on, and should wait"
            return GOES_ON
        if run and run["state"] in TERMINAL:
            raise AssertionError(f"{one.name} at {here.name}: the run is {run['state']}: {said(run)}")
        text = said(run) if run else text
        hold = (run or {}).get("hold")
        if says_enough(must, text, hold["reason"] if hold and hold != earlier else "", time.monotonic() - begun):
            break
        time.sleep(LOOK_S)
    else:
        raise AssertionError(f"{one.name} at {here.name}: for {GOES_ON_S} s it has neither gone on nor said what it should: {text!r}")
    assert NAMES.search(text), f"{one.name} at {here.name}: the run waits and does not say for what: {text!r}"
    return text[:SHOWN]


# ---- healed ----

class Row:
    """One run there and back, with a fault at each phase that has one for this row."""

    def __init__(self, tale, number):
        self.tale, self.number = tale, number
        self.journey = Journey(tale)

    def one(self, phase):
        faults = [f for f in acting(phase) if f.healed]
        return faults[self.number] if self.number < len(faults) else None

    def through(self, phases):
        for here, following in zip(phases, [*phases[1:], None]):
            if not self.journey.arrive(here):
                return
            one = self.one(here)
            if not one:
                self.journey.go_on(here, following)
                continue
            begun = time.monotonic()
            one.begin(self.tale, here)
            try:
                what = under(self.journey, one, here, following)
            finally:
                one.end(self.tale, here)
            self.tale.note(f"{here.name}: {one.name}: {what} ({time.monotonic() - begun:.1f} s)")


def mend_all(tale):
    tale.stage.control("DELETE", "/stops")
    tale.stage.control("DELETE", "/faults")


def healed(number):
    def tell(tale):
        install(tale)
        plan(tale, "move", "1h")
        row, client = Row(tale, number), Client(tale)
        try:
            with Watch(tale) as watch:
                row.journey.start("move")
                row.through(FORWARD)
                row.journey.until_hold("commit")
                row.journey.go_back()
                row.through(BACK)
                row.journey.until_home()
                watch.check()
            client.stop()
            source_is_as_it_was(tale)
            nothing_is_left(tale)
            tale.note(f"{client.check_nothing_is_lost()} records")
        finally:
            mend_all(tale)
    tell.__name__ = f"volume_faults_healed_{number:02d}"
    return tell


# ---- never healed ----

class Cell:
    """One run with one fault that stays."""

    def __init__(self, tale, one, here):
        self.tale, self.one, self.here = tale, one, here
        self.number = PHASES.index(here)
        self.frozen = QUIESCE <= self.number < SWITCH  # what maxPause binds
        self.back = here in BACK
        self.journey = Journey(tale)

    def arrive(self):
        """Stops at the phase, and begins the fault. Whoever lets the target's writes be lost has nothing written there."""
        client = Client(self.tale)
        self.journey.start("brief" if self.frozen else "move")
        if self.back:
            self.journey.through(FORWARD[:QUIESCE], FORWARD[QUIESCE])
            self.journey.arrive(FORWARD[QUIESCE])
            client.stop()
            self.journey.through(FORWARD[QUIESCE:])
            self.journey.until_hold("commit")
            self.journey.go_back()
            self.journey.through(BACK[:BACK.index(self.here)], self.here)
        else:
            self.journey.through(FORWARD[:self.number], self.here)
        self.journey.arrive(self.here)
        self.one.begin(self.tale, self.here)
        self.journey.go_on(self.here, None)
        return client

    def must(self):
        """What must follow here, or where the fault, which stays, is first felt."""
        way = BACK if self.back else FORWARD
        felt = [self.one.at(p) for p in way[way.index(self.here):]]
        return next((must for must in felt if isinstance(must, Says)), felt[0]) if felt[0] == GOES_ON else felt[0]

    def first_answer(self):
        """What the run makes of it: goes on, goes back by itself, or says why it waits (then a person decides)."""
        must = self.must()
        begun = time.monotonic()
        while time.monotonic() - begun < LONGEST_S:
            run = self.journey.look()
            hold = (run.get("hold") or {}).get("reason") if run else None
            enough = run and says_enough(must, said(run), hold, time.monotonic() - begun)
            if run and is_through(run):
                return GOES_ON
            if run and run["state"] == "rolling-back" and not self.back:
                return "goes back by itself: " + said(run)[:SHOWN]
            if enough and not self.frozen:
                assert NAMES.search(said(run)), f"{self.one.name} at {self.here.name}: the run waits and does not say for what: {said(run)}"
                return said(run)[:SHOWN]
            if run and hold == "pause-too-long":
                self.journey.help(run)
            time.sleep(LOOK_S)
        raise AssertionError(f"{self.one.name} at {self.here.name}: after {LONGEST_S} s neither on nor back: {said(run)}")

    def send_home(self, answer):
        run = self.journey.look()
        if run["state"] == "active":
            self.tale.act("rollback")
        elif run["state"] == "rolling-back" and self.back and self.here.kind not in ("clean up", "start"):
            self.tale.act("rollback", expect={"targetData": "discard"})

    def end(self):
        """Home under the fault, or a hold that says what is in the way; then the fault ends after all."""
        wait = CLEAN_S if self.here.kind == "clean up" else UNDER_S
        begun = time.monotonic()
        while True:
            run = self.journey.look()
            seconds, text = time.monotonic() - begun, said(run)
            if run["state"] in TERMINAL:
                assert is_home(run), f"{self.one.name} at {self.here.name}: {run['state']}: {text}"
                return "home under the fault" + self.leftovers()
            if seconds > wait and (run.get("hold") or {}).get("reason") and NAMES.search(text):
                break
            assert seconds < wait + LONGEST_S, f"{self.one.name} at {self.here.name}: on its way back it does not say why it waits: {text}"
            time.sleep(LOOK_S)
        serves = writers(self.tale, "east")
        assert serves or not self.frozen or self.here.kind not in THERE, f"{self.one.name} at {self.here.name}: it keeps the source frozen: {text}"
        self.one.end(self.tale, self.here)
        self.journey.until_home()
        # A run that ends after two minutes of cleaning up leaves the rest, and says so.
        left = self.leftovers() if self.here.kind == "clean up" else nothing_is_left(self.tale) or ""
        return f"{'the source serves' if serves else 'the source stands still'}; {text[:SHOWN]}{left}"

    def leftovers(self):
        left = backups_and_restores(self.tale)
        nothing_is_left(self.tale, but_for_velero=True)
        if not left:
            return ""
        told = json.dumps(self.journey.look())
        assert "left behind" in told, f"{self.one.name} at {self.here.name}: {left} are left, and the run does not say so"
        return f", {len(left)} objects of Velero left behind and told"

    def tell(self):
        begun = time.monotonic()
        with Watch(self.tale) as watch:
            client = self.arrive()
            answer = self.first_answer()
            self.send_home(answer)
            outcome = self.end()
            self.one.end(self.tale, self.here)
            watch.check()
        client.stop()
        self.tale.stage.until("the source's ledger", lambda: writers(self.tale, "east"))
        source_is_as_it_was(self.tale)
        client.check_nothing_is_lost()
        return f"{self.here.name}: {self.one.name}: never: {answer} | {outcome} ({time.monotonic() - begun:.1f} s)"


def never_healed(one):
    """The phases at which the fault is told as one that stays."""
    kinds = KINDS if one.never is True else one.never or ()
    return [p for p in PHASES if one.at(p) and p.kind in kinds and (THOROUGH or (one.name, p.name) in NEVER)]


def never(one):
    def tell(tale):
        install(tale)
        plan(tale, "move", "1h")
        plan(tale, "brief", PAUSE)
        wrong = []
        for here in never_healed(one):
            try:
                tale.note(Cell(tale, one, here).tell())
            except AssertionError as failure:
                wrong.append(f"{here.name}: {one.name}: {failure}")
                tale.note(f"WRONG {wrong[-1]}")
                mend_all(tale)
                get_home(tale)
            mend_all(tale)
        assert not wrong, "; ".join(wrong)
    tell.__name__ = "volume_faults_never_" + re.sub(r"[^a-z0-9]+", "_", one.name.lower()).strip("_")
    return tell


def get_home(tale):
    """After a cell that went wrong, so that the next can be told."""
    journey = Journey(tale)
    run = journey.look()
    if run["state"] == "active":
        tale.act("rollback")
    journey.until_home()


ROWS = max(len([f for f in acting(p) if f.healed]) for p in PHASES)
for k in range(ROWS) if THOROUGH else HEALED:
    story(worlds=("federations",), velero=True)(healed(k))
for each in FAULTS:
    if never_healed(each):
        story(worlds=("federations",), velero=True)(never(each))
