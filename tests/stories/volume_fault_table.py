# SPDX-License-Identifier: Apache-2.0
"""The faults of a Velero and of what is around it, and what must follow where: a table (deploy/sandbox/velero/README.md says what each is).

    python3 -m tests.stories.volume_fault_table

prints it, each fault at each phase: what must follow, or why the fault cannot act there.
"""
from dataclasses import dataclass
from typing import Callable

from tests.stories.volume_phases import PHASES

GOES_ON = "goes on"   # under the fault it reaches the next phase: by another attempt, by another way, or because it is nothing to it
MAY_WAIT = "may wait"  # it goes on, or says what it waits for
VERSION = "1.18.3"

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


def lost(**more):
    """One claim's volume; a restore's mover does not tell its claim, so there it is any."""
    def begin(tale, phase):
        name = "*" if phase.kind == "restore" else "more-ledger-0"
        tale.stage.control("PUT", "/faults/velero", {"fault": "volumeLost", "cluster": server(phase), "name": name, **more})
    return begin, velero("volumeLost")[1]


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
spec: {backupName: %s, includedResources: [jobs]}
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
    tale.stage.remove(phase.to, "/apis/velero.io/v1/namespaces/velero/restores/foreign")
    tale.stage.control("DELETE", "/faults/velero?fault=stuck")


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
AGENT = {"backup": Says("ended PartiallyFailed|attempt 3 of 3"), "restore": STUCK}
SERVER = {"preflight": MAY_WAIT, "stage": GOES_ON, **there("backup", "restore", what=STUCK), "clean up": Says("is to delete|being deleted", stays=True)}
THREE_TIMES = Says(r"attempt 3 of 3")
LOST = Says(r"more-ledger-0.*attempt 3 of 3")

FAULTS = [
    Fault("F1/F2 bucket away", *velero("storageAway"),
          {**there("preflight", "stage", what=MAY_WAIT), **there("backup", "restore", what=LOCATION), "hand over": MAY_WAIT, "clean up": MAY_WAIT}, ""),
    Fault("F3 1.18.0 with a read-only location", *version("1.18.0", "west"), there("preflight", what=Says("v1.18.0 of west")), CHECKED),
    Fault("F4 an object fails once", *of_kind("itemError", attempt=1), there("backup", "restore", what=GOES_ON), MADE, never=False),
    Fault("F4 objects fail", *of_kind("itemError"), there("backup", "restore", what=THREE_TIMES), MADE),
    Fault("F5 a volume is lost once", *lost(attempt=1), there("backup", "restore", what=GOES_ON), MADE,
          never=False),
    Fault("F5 a volume is lost each time", *lost(), {"backup": LOST, "restore": THREE_TIMES}, MADE),
    Fault("F6 a volume is skipped once", *velero("volumeSkipped", name="more-ledger-0", attempt=1), there("backup", what=GOES_ON), SKIPPED,
          never=False),
    Fault("F6 a volume is skipped each time", *velero("volumeSkipped", name="more-ledger-0"), there("backup", what=LOST), SKIPPED),
    Fault("F7 no node-agent", *velero("agentAway"), AGENT, "agents move bytes and do nothing else; preflight sees their DaemonSet, which is there"),
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
    Fault("F14 an old Velero", *version("1.11.0", "west"), there("preflight", what=Says("1.11.0")), CHECKED),
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


def pairs():
    """Each fault at each phase, with what must follow or why not."""
    for one in FAULTS:
        for phase in PHASES:
            must = one.at(phase)
            text = f"waits and says {must.text!r}" if isinstance(must, Says) else must or "cannot: " + one.why_not(phase)
            assert text != "cannot: ", f"{one.name} at {phase.name}: neither what must follow nor why not"
            yield one, phase, text


assert all(text for _, _, text in pairs())

if __name__ == "__main__":
    for fault, at, what in pairs():
        print(fault.name, at.name, what, sep="\t")
