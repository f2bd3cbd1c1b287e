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
from dataclasses import dataclass
from typing import Callable

from tests.stories.registry import THOROUGH, story
from tests.stories.volume_phases import (BACK, FORWARD, LOOK_S, PHASES, QUIESCE, TERMINAL, Client, Journey, Watch, backups_and_restores,
                                         install, is_home, nothing_is_left, plan, said, source_is_as_it_was, writers)

GOES_ON = "goes on"   # under the fault it reaches the next phase: by another attempt, by another way, or because it is nothing to it
MAY_WAIT = "may wait"  # it goes on, or says what it waits for
GOES_ON_S = 240
VERSION = "1.18.3"
SHOWS_S = 4.0  # what has not shown by then is nothing that it waits for
PAUSE = "45s"  # the freeze that a plan allows whose fault is never healed: a good one takes far less, on a slow machine too
LONGEST_S = 240
UNDER_S = 20.0
CLEAN_S = 150.0  # a run waits two minutes for what a Velero will not delete
HEALED = (0, 12)
SHOWN = 150
SPOKE = ("preflight", "step-failed", "data", "data-loss", "cluster-unreachable")  # holds that need not be waited for longer
# What a run that waits must name: an object, with its cluster where it has one.
NAMES = re.compile(r"(Backup|Restore|PodVolume|BackupStorageLocation|claim|pod|node|router|Deployment|StatefulSet|namespace|Velero|writers|cluster|step|pass|"
                   r"east|west)")

NO_VELERO = "nothing is asked of a Velero"
WITH_VELERO = ("preflight", "stage", "backup", "hand over", "restore", "clean up")
KINDS = sorted({p.kind for p in PHASES})


def server(phase):
    """The cluster whose Velero does what the phase asks for."""
    return phase.to if phase.kind in ("hand over", "restore") else phase.at


@dataclass(frozen=True)
class Says:
    """It waits, and says this; `stays`: still, after SHOWS_S, because it says so for a moment in any run."""
    text: str
    stays: bool = False


@dataclass(frozen=True)
class Fault:
    name: str
    begin: Callable  # of a tale and a phase
    end: Callable
    acts: dict  # kind of phase: what must follow
    not_elsewhere: str  # why it cannot act in the other phases that ask a Velero
    never: object = True  # whether it is told as never healed, too; or in which kinds of phases
    healed: bool = True

    def at(self, phase):
        return self.acts.get(phase.kind)

    def why_not(self, phase):
        return self.not_elsewhere if phase.kind in WITH_VELERO else NO_VELERO


def velero(which, **more):
    """A fault of the Velero that the phase asks."""
    def begin(tale, phase):
        tale.stage.control("PUT", "/faults/velero", {"fault": which, "cluster": server(phase), **more})

    def end(tale, phase):
        tale.stage.control("DELETE", f"/faults/velero?fault={which}")
    return begin, end


def kind_of(phase):
    return "Restore" if phase.kind == "restore" else "Backup"


def of_kind(which, **more):
    """The same, of what the phase makes: a Backup or a Restore."""
    def begin(tale, phase):
        tale.stage.control("PUT", "/faults/velero", {"fault": which, "cluster": server(phase), "kind": kind_of(phase), **more})
    return begin, velero(which)[1]


def version(old, cluster):
    """Another Velero is installed, and at the end the one that was there."""
    def install(text):
        return lambda tale, phase: tale.stage.control("PUT", "/faults/velero", {"fault": "version", "cluster": cluster, "value": text})

    def end(tale, phase):
        tale.stage.control("DELETE", "/faults/velero?fault=version")
        install(VERSION)(tale, phase)
    return install(old), end


def mover(value):
    def begin(tale, phase):
        kind = "PodVolumeRestore" if phase.kind == "restore" else "PodVolumeBackup"
        tale.stage.control("PUT", "/faults/velero", {"fault": "moverStuck", "cluster": server(phase), "kind": kind, "value": value})
    return begin, velero("moverStuck")[1]


def api(**fault):
    """A fault of the API server that the phase's first request goes to."""
    return (lambda tale, phase: tale.stage.control("PUT", "/faults/api", {"cluster": phase.cluster, **fault}),
            lambda tale, phase: tale.stage.control("PUT", "/faults/api", {"cluster": phase.cluster}))


def vanishes():
    """Somebody deletes what is there at this moment, in the bucket too."""
    def begin(tale, phase):
        tale.stage.control("PUT", "/faults/velero", {"fault": "backupGone", "cluster": phase.at, "name": "crossfade-*"})
    return begin, velero("backupGone")[1]


FOREIGN = """\
apiVersion: velero.io/v1
kind: Restore
metadata: {name: foreign, namespace: velero}
spec: {backupName: %s}
"""


def foreign_restore(tale, phase):
    """Somebody else restores something of his, and it takes for ever."""
    tale.stage.control("PUT", "/faults/velero", {"fault": "stuck", "cluster": phase.to, "kind": "Restore", "name": "foreign"})
    listed = tale.stage.get(phase.to, "/apis/velero.io/v1/namespaces/velero/backups")["items"]
    tale.stage.apply(phase.to, FOREIGN % listed[0]["metadata"]["name"])
    tale.stage.until("the foreign restore", lambda: restore_phase(tale, phase.to) == "InProgress")


def restore_phase(tale, cluster):
    found = tale.stage.get(cluster, "/apis/velero.io/v1/namespaces/velero/restores/foreign")
    return (found or {}).get("status", {}).get("phase")


def foreign_restore_ends(tale, phase):
    tale.stage.control("DELETE", "/faults/velero?fault=stuck")
    tale.stage.remove(phase.to, "/apis/velero.io/v1/namespaces/velero/restores/foreign")


def orphan_goes(tale, phase):
    """A sync that had listed the bucket before takes the Backup away, which was handed over."""
    for backup in tale.stage.get(phase.to, "/apis/velero.io/v1/namespaces/velero/backups")["items"]:
        if "-there-" in backup["metadata"]["name"] or "-back-" in backup["metadata"]["name"]:
            tale.stage.remove(phase.to, f"/apis/velero.io/v1/namespaces/velero/backups/{backup['metadata']['name']}")


def nothing(tale, phase):
    """It needs no end."""


def kill(tale, phase):
    tale.service.kill()
    tale.service.start()


def everywhere(what):
    return {kind: what for kind in KINDS}


def there(*kinds, what=MAY_WAIT):
    return {kind: what for kind in kinds}


MADE = "it is about what a backup or restore does while it runs"
CHECKED = "a Velero is looked at in preflight; one that is replaced in mid-run is one that restarts"
SKIPPED = "a backup skips volumes, a restore takes what the backup has"
NAMED = "only a backup takes a name"
HANDED = "it is about how a backup becomes known to the other cluster"

STUCK = Says(r"(Backup|Restore|PodVolume\w+) \S+ on \w+ is (New|Queued|InProgress|Accepted|Prepared)", stays=True)
LOCATION = Says("BackupStorageLocation")
AGENT = {"preflight": Says("node-agent"), **there("stage", "backup", what=Says("ended PartiallyFailed|attempt 3 of 3")), "restore": STUCK}
SERVER = {"preflight": MAY_WAIT, **there("stage", "backup", "restore", what=STUCK), "clean up": Says("is to delete|being deleted", stays=True)}
THREE_TIMES = Says(r"attempt 3 of 3")
LOST = Says(r"more-ledger-0.*attempt 3 of 3")

FAULTS = [
    Fault("F1/F2 bucket away", *velero("storageAway"),
          {"preflight": MAY_WAIT, **there("stage", "backup", "restore", what=LOCATION), "hand over": GOES_ON, "clean up": MAY_WAIT}, ""),
    Fault("F3 1.18.0 with a read-only location", *version("1.18.0", "west"), there("preflight", what=Says("v1.18.0 of west")), CHECKED),
    Fault("F4 an object fails once", *of_kind("itemError", attempt=1), there("backup", "restore", what=GOES_ON), MADE, never=False),
    Fault("F4 objects fail", *of_kind("itemError"), there("backup", "restore", what=THREE_TIMES), MADE),
    Fault("F5 a volume is lost once", *velero("volumeLost", name="more-ledger-0", attempt=1), there("backup", "restore", what=GOES_ON), MADE,
          never=False),
    Fault("F5 a volume is lost each time", *velero("volumeLost", name="more-ledger-0"), there("backup", "restore", what=LOST), MADE),
    Fault("F6 a volume is skipped once", *velero("volumeSkipped", name="more-ledger-0", attempt=1), there("backup", what=GOES_ON), SKIPPED,
          never=False),
    Fault("F6 a volume is skipped each time", *velero("volumeSkipped", name="more-ledger-0"), there("backup", what=LOST), SKIPPED),
    Fault("F7 no node-agent", *velero("agentAway"), AGENT, "agents move bytes, and do nothing else"),
    Fault("F8 no sync", *velero("syncOff"), there("hand over", what=GOES_ON), HANDED),
    Fault("F8 late sync", *velero("syncLate", ms=300000), there("hand over", what=GOES_ON), HANDED, never=False),
    Fault("F9 a Backup long before its volumes", *velero("podVolumeBackupsLate", ms=60000), there("hand over", what=GOES_ON), HANDED, never=False),
    Fault("F9 a volume is never synced", *velero("podVolumeBackupMissing"), there("hand over", what=GOES_ON), HANDED),
    Fault("F10 in progress for ever", *of_kind("stuck"), there("backup", "restore", what=STUCK), MADE),
    Fault("F11 the server is away", *velero("serverAway"), SERVER, "the hand over is made by objects alone"),
    Fault("F11 the server restarts in the middle", *of_kind("serverRestart", value="InProgress", attempt=1), there("backup", "restore", what=GOES_ON),
          MADE, never=False),
    Fault("F12 the backup vanishes", *vanishes(), there("backup", "hand over", "restore"), "there is no backup yet, or it is to go"),
    Fault("F13 the name is taken once", *velero("nameTaken", attempt=1), there("backup", what=GOES_ON), NAMED, never=False),
    Fault("F13 every name is taken", *velero("nameTaken"), there("backup", what=THREE_TIMES), NAMED),
    Fault("F14 an old Velero", *version("1.11.0", "east"), there("preflight", what=Says("1.11.0")), CHECKED),
    Fault("F15 a phase of the future", *of_kind("unknownPhase", value="Foo"),
          there("backup", "restore", what=Says(r"(Backup|Restore) \S+ on \w+ is Foo", stays=True)), MADE),
    Fault("F16 writes conflict", *velero("conflict", count=2), there("stage", "backup", "hand over", "restore", "clean up", what=GOES_ON),
          "only writes of Velero's kinds conflict", never=False),
    Fault("F16 429", *api(status=429), everywhere(MAY_WAIT), "", never=False),  # in the end it is what a 503 is
    Fault("F16 503", *api(status=503), everywhere(MAY_WAIT), ""),
    Fault("F16 connections cut, history gone", api(cut_watches=True, forget_history=True)[0], nothing, everywhere(GOES_ON), "", never=False),
    Fault("F17 a reply is lost", *api(lose_replies=1), everywhere(GOES_ON), "", never=False),
    Fault("F19 a foreign restore in front", foreign_restore, foreign_restore_ends,
          there("restore", what=Says("blocked by restore foreign", stays=True)), "only restores wait for one another here"),
    Fault("F20 a mover waits: New", *mover("New"), there("backup", "restore", what=STUCK), MADE),
    Fault("F20 a mover waits: Accepted", *mover("Accepted"), there("backup", "restore", what=STUCK), MADE, never=False),
    Fault("F20 a mover waits: Prepared", *mover("Prepared"), there("backup", "restore", what=STUCK), MADE, never=False),
    Fault("F20 a mover waits: InProgress", *mover("InProgress"), there("backup", "restore", what=STUCK), MADE),
    Fault("F21 other bytes", *velero("corrupt", name="more-ledger-0"), there("backup"), "a backup is where bytes are written into the bucket",
          healed=False),
    Fault("F22 an orphan goes", orphan_goes, nothing, there("restore", what=GOES_ON), "nothing was handed over yet, or not again", never=False),
    Fault("F23 deletions fail", *velero("deleteFails"), there("clean up", what=Says("would not delete backup", stays=True)),
          "nothing else asks for a deletion"),
    Fault("F24 the clock is an hour ahead", *velero("clockAhead", ms=3600000), there(*WITH_VELERO, what=GOES_ON), "",
          never=("preflight", "hand over")),
    Fault("the service is killed", kill, nothing, everywhere(GOES_ON), "", never=False),
]
# F18 is in no row: no download is ever asked for, because the evidence is what the movers' own objects say. F21 cannot be healed: what is
# in the bucket stays as it is.


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
            self.journey.arrive(here)
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
        self.frozen = QUIESCE <= self.number < len(FORWARD) - 1
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

    def first_answer(self):
        """What the run makes of it: goes on, goes back by itself, or says why it waits (then a person decides)."""
        begun = time.monotonic()
        while time.monotonic() - begun < LONGEST_S:
            run = self.journey.look()
            hold = (run.get("hold") or {}).get("reason") if run else None
            enough = run and says_enough(self.one.at(self.here), said(run), hold, time.monotonic() - begun)
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
        runs = "the source serves" if writers(self.tale, "east") else "the source stands still"
        self.one.end(self.tale, self.here)
        self.journey.until_home()
        nothing_is_left(self.tale)
        return f"{runs}; {text[:SHOWN]}"

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


def never(one):
    def tell(tale):
        install(tale)
        plan(tale, "move", "1h")
        plan(tale, "brief", PAUSE)
        wrong = []
        for here in [p for p in PHASES if one.at(p) and (one.never is True or p.kind in one.never)]:
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
for each in FAULTS if THOROUGH else ():
    if each.never:
        story(worlds=("federations",), velero=True)(never(each))
