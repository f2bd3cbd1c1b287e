# SPDX-License-Identifier: Apache-2.0
"""Whole moves with real bytes: a service with a volume for each of its pods, written to until the freeze and read through the gateway all
the time, goes from east to west through a real Velero; and comes back, with what the target wrote or without it."""
import os
import time

from tests.stories.ledger import CLAIMS, Appender, changes_of_side, check_nothing_is_lost
from tests.stories.registry import story
from tests.stories.tale import failed_request, parse_time

WORLDS = ("volumes",)
RATE = 50
FILL = int(os.environ.get("CROSSFADE_TEST_FILL", 200 * 10**6))  # bytes in each of the two volumes, beside the records
MOVE_S = 900  # any one part of a run
ROUTERS_S = 3  # after the last step of the switch, until every request meets it
PLAN = """\
  volumes:
    default: {{strategy: {strategy}, verify: {verify}}}
    passes: {passes}
    syncEvery: 30s
    finalSync: {{maxPause: {pause}, rehearse: {rehearse}, quiesce: [{{kind: CronJob, name: nightly}}]}}
    velero: {{location: there, backLocation: back, image: "lab/shell:v1"}}
  rollback: {{targetData: {back}}}
"""


def install(tale, fill=FILL):
    tale.stage.install("lab-csi", fill)


def start(tale, strategy, verify="none", back="discard", passes=2, rehearse="true", pause="10m", hold="5s", **more):
    text = PLAN.format(strategy=strategy, verify=verify, back=back, passes=passes, rehearse=rehearse, pause=pause)
    tale.plan(steps="[100]", hold=hold, more=text, **more)
    tale.start()


def step(tale, kind):
    listed = tale.service.rest.get(f"/api/v1/runs/{tale.run}/steps")["items"]
    return next(s for s in listed if s["kind"] == kind)


def freeze(tale):
    return step(tale, "volume.sync")["observation"]["freeze"]


def until_still(tale):
    """Nobody writes any more."""
    tale.until("the freeze", MOVE_S, lambda run: run["state"] == "active" and step(tale, "quiesce")["state"] == "done")


def nothing_is_left(tale):
    """Of backups, restores, modifiers and stage pods of this run, on both sides."""
    label = f"crossfade.dev/run={tale.run}"
    for cluster in ("east", "west"):
        kinds = "backups.velero.io,restores.velero.io,podvolumebackups.velero.io,datauploads.velero.io,configmaps,pods"
        for namespace in ("velero", tale.stage.namespace):
            left = tale.stage.kubectl(cluster, "-n", namespace, "get", kinds, "-l", label, "-o", "name").split()
            assert not left, f"left in {cluster}: {left}"


def check_the_source_is_as_before(tale):
    assert tale.stage.ready("east") == 2, "the source does not run as before"
    nightly = tale.stage.get("east", f"/apis/batch/v1/namespaces/{tale.stage.namespace}/cronjobs/nightly")
    assert not nightly["spec"].get("suspend"), "the CronJob is still suspended"
    assert not tale.stage.get("west", f"/apis/apps/v1/namespaces/{tale.stage.namespace}/statefulsets/ledger"), "the copy is still there"
    nothing_is_left(tale)


def check_readers(tale, result, until):
    """Requests fail only from the freeze's begin until the routers lead to the target; returns for how long."""
    frozen = freeze(tale)
    failed = [e for e in result.entries() if failed_request(e)]
    outside = [e for e in failed if not frozen["from"] / 1000 <= e["t"] / 1e9 <= until]
    assert not outside, f"{len(outside)} of {len(failed)} failed requests are outside the freeze, such as {outside[:3]}"
    span = (failed[-1]["t"] - failed[0]["t"]) / 1e9 if failed else 0
    tale.note(f"{result.sent} requests, {len(failed)} failed, all of them in the freeze and its switch, within {span:.1f} s")
    return span


def figures_of(tale):
    """What the freeze was forecast to take, and what its parts took: milliseconds."""
    sync, quiesce, final, switch = (step(tale, kind) for kind in ("volume.sync", "quiesce", "volume.final_sync", "writers.switch"))
    frozen, reports = sync["observation"]["freeze"], sync["observation"]["reports"]
    samples = [{key: r.get(key) for key in ("pass", "backupMs", "handOverMs", "rehearsalMs", "restoreMs")} for r in reports]
    last = samples[-1]
    took = round(1000 * (parse_time(final["finishedAt"]) - parse_time(final["startedAt"])))
    return {"freeze": frozen["ms"], "p50": quiesce["intent"]["forecast"]["p50Ms"], "p90": quiesce["intent"]["forecast"]["p90Ms"],
            "stop": quiesce["observation"]["stillAt"] - quiesce["intent"]["at"], "pass": last["backupMs"],
            "handOver": last["handOverMs"], "restore": last["restoreMs"],
            "verifyAndLooks": took - last["backupMs"] - last["handOverMs"] - last["restoreMs"],
            "start": frozen["to"] - switch["intent"]["at"], "forecast": quiesce["intent"]["forecast"], "samples": samples}


def moves_with_its_data(tale, strategy, verify):
    install(tale)
    with tale.stage.witness("virtualservice", RATE) as witness, Appender(tale.stage) as appender:
        start(tale, strategy, verify=verify)
        until_still(tale)
        appender.stop()
        tale.until_state("completed", MOVE_S)
        result = witness.stop()
    for claim in CLAIMS:
        source, target = tale.stage.files("east", claim), tale.stage.files("west", claim)
        assert source and source == target, f"claim {claim}: east has {source}, west has {target}"
    check_nothing_is_lost(tale.stage, "west", appender.acknowledged)
    last = appender.acknowledged[-1].at
    assert last > freeze(tale)["from"] / 1000 - 2, "nothing was written in the last seconds before the freeze"
    tale.note(f"{len(appender.acknowledged)} records acknowledged before the freeze, every one of them in the target; "
              f"{sum(len(tale.stage.files('west', c)) for c in CLAIMS)} files equal")
    assert tale.stage.ready("west") == 2 and tale.stage.ready("east") == 0
    nothing_is_left(tale)
    figures = figures_of(tale)
    tale.note(f"frozen for {figures['freeze'] / 1000:.1f} s, forecast {figures['p50'] / 1000:.1f} s, p90 {figures['p90'] / 1000:.1f} s; "
              + ", ".join(f"{k} {figures[k] / 1000:.1f}" for k in ("stop", "pass", "handOver", "restore", "verifyAndLooks", "start")))
    figures["readersS"] = check_readers(tale, result, parse_time(step(tale, "traffic.shift")["finishedAt"]) + ROUTERS_S)
    return figures


@story(worlds=WORLDS, velero=True)
def ledger_moves_by_files(tale):
    """fs-backup through pods of ours; the run itself reads every file at both ends in the freeze."""
    moves_with_its_data(tale, "veleroFsBackup", "checksum")


@story(worlds=WORLDS, velero=True)
def ledger_moves_by_snapshots(tale):
    """CSI snapshots and Velero's data mover."""
    moves_with_its_data(tale, "veleroSnapshot", "none")


def breaks_in_the_target(tale, strategy, back, told):
    """The target's pods take writes, and then fail; told: a person lets their data be lost when the run asks."""
    install(tale)
    with tale.stage.witness("virtualservice", RATE), Appender(tale.stage) as appender:
        start(tale, strategy, back=back, hold="120s", commit="manual")
        tale.until("records in the target", MOVE_S, lambda _: len(appender.of("west")) > 50)
        tale.stage.fault("west", error=1)
        if told:
            run = tale.until_hold("data-loss", 120)
            assert run["hold"]["message"], "the hold does not say why"
            tale.act("rollback", expect={"targetData": "discard"})
        tale.until_state("rolled-back", MOVE_S)
        time.sleep(2)  # the writer goes on in the source
        appender.stop()
    check_the_source_is_as_before(tale)
    tale.note(f"{len(appender.of('east'))} records acknowledged in east, {len(appender.of('west'))} in west, sides {changes_of_side(appender)}")
    return appender


@story(worlds=WORLDS, velero=True)
def ledger_goes_back_with_the_targets_records(tale):
    """`reverse`: by itself, at a gate's breach."""
    appender = breaks_in_the_target(tale, "veleroFsBackup", "reverse", False)
    check_nothing_is_lost(tale.stage, "east", appender.acknowledged)


@story(worlds=WORLDS, velero=True)
def ledger_goes_back_without_the_targets_records(tale):
    """`discard`: the run holds until a person says that they may be lost; what the source had is untouched."""
    appender = breaks_in_the_target(tale, "veleroSnapshot", "discard", True)
    check_nothing_is_lost(tale.stage, "east", appender.of("east"))
