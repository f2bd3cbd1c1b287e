/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what the volumes' driver makes of each fault of a Velero: goes on by another attempt, waits and says for
 * what, is stuck and says what to do, or fails and says which claim lacks what; never calls done what is not. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_VELERO_DRIVER_FAULTS_H
#define TESTS_UNIT_DEPLOY_SANDBOX_VELERO_DRIVER_FAULTS_H

#include "tests/unit/deploy-sandbox/velero_driver.h"

enum end { DONE, FAILS, STICKS, NOT_DONE }; /* the last: one of the two before */

/* clang-format off */
static const struct {
    const char *what; /* with its number in the table of faults */
    enum what part;   /* the fault is thrown before it */
    const char *fault;
    int heal_ms;      /* of this machine; 0: never */
    enum end end;
    const char *says; /* at the end, or on the way to it */
    int attempt;      /* of the pass, or of its restore; 0: of no interest */
    int later_ms;     /* whenever nothing moves, the caller's clock is so much further */
} table[] = {
    { "F1 the object store is away at the start", LIVE, "{'fault':'storageAway','cluster':'east'}", 600, DONE, "BackupStorageLocation there on east is Unavailable", 0 },
    { "F2 it goes away before the restore", RESTORE, "{'fault':'storageAway','cluster':'west'}", 600, DONE, "", 0 },
    { "F3 1.18.0 reads no volumes from a read-only location", RESTORE, "{'fault':'version','cluster':'west','value':'1.18.0'}", 0, NOT_DONE, "", 0 },
    { "F4 an object of the backup fails", LIVE, "{'fault':'itemError','kind':'Backup','count':1}", 0, DONE, "", 2 },
    { "F5 a volume is lost once", LIVE, "{'fault':'volumeLost','kind':'PodVolumeBackup','count':1}", 0, DONE, "", 2 },
    { "F5 a snapshot is lost once", LIVE, "{'fault':'volumeLost','kind':'DataUpload','count':1}", 0, DONE, "", 2 },
    { "F5 a volume is lost always", FROZEN, "{'fault':'volumeLost','name':'data-db-1'}", 0, FAILS, "data-db-1: PodVolumeBackup is Failed", 3 },
    { "F5 a volume is lost on the way back out", RESTORE, "{'fault':'volumeLost','kind':'DataDownload','count':1}", 0, DONE, "", 2 },
    { "F6 a volume is skipped always", FROZEN, "{'fault':'volumeSkipped','name':'data-db-1'}", 0, FAILS, "data-db-1: no PodVolumeBackup: Velero skipped the volume", 3 },
    { "F7 no node-agent", LIVE, "{'fault':'agentAway','cluster':'east'}", 0, NOT_DONE, "", 0 },
    { "F8 nothing is synced", HAND_OVER, "{'fault':'syncOff','cluster':'west'}", 0, DONE, "", 0 },
    { "F9 a PodVolumeBackup is never synced", HAND_OVER, "{'fault':'podVolumeBackupMissing','cluster':'west'}", 0, DONE, "", 0 },
    { "F10 a backup goes on for ever", LIVE, "{'fault':'stuck','kind':'Backup','value':'InProgress'}", 0, STICKS, "minutes", 1 },
    { "F10 a restore goes on for ever", RESTORE, "{'fault':'stuck','kind':'Restore','value':'InProgress'}", 0, STICKS, "minutes", 1 },
    { "F11 the server restarts in a backup", LIVE, "{'fault':'serverRestart','cluster':'east','kind':'Backup','value':'InProgress','count':1}", 0, DONE, "", 2 },
    { "F11 the server restarts in a restore", RESTORE, "{'fault':'serverRestart','cluster':'west','kind':'Restore','value':'InProgress','count':1}", 0, DONE, "", 2 },
    { "F12 somebody deletes the backup", HAND_OVER, "{'fault':'backupGone','cluster':'east','count':1}", 0, DONE, "has been deleted", 2 },
    { "F13 the bucket has the name", LIVE, "{'fault':'nameTaken','count':1}", 0, DONE, "", 2 },
    { "F15 a phase is new in a backup", LIVE, "{'fault':'unknownPhase','kind':'Backup','value':'Foo','ms':60000}", 0, DONE, "", 1 },
    { "F15 a phase is new in a restore", RESTORE, "{'fault':'unknownPhase','kind':'Restore','value':'Foo','ms':60000}", 0, DONE, "", 1 },
    { "F16 writes meet conflicts", LIVE, "{'fault':'conflict','count':3}", 0, DONE, "", 1 },
    { "F20 a mover does not move on", LIVE, "{'fault':'moverStuck','kind':'DataUpload'}", 0, STICKS, "DataUpload", 1 },
    { "F20 nor into the target", RESTORE, "{'fault':'moverStuck','kind':'PodVolumeRestore'}", 0, STICKS, "PodVolumeRestore", 1 },
    { "F20 a mover falls back", LIVE, "{'fault':'moverFallsBack','kind':'DataUpload','count':1}", 0, DONE, "fell back to Prepared", 2, 61000 },
    { "F20 and on the way back out", RESTORE, "{'fault':'moverFallsBack','kind':'DataDownload','count':1}", 0, DONE, "fell back to Prepared", 2, 61000 },
    { "F24 the target's clock is ahead", HAND_OVER, "{'fault':'clockAhead','cluster':'west','ms':600000}", 0, DONE, "", 0 },
};
/* clang-format on */

enum { SETTLED_MS = 1500, LONG_MS = 60 * 60 * 1000, FELT_MS = 150 };

/* Drives the part; what is expected to stick is given an hour whenever it has said the same for a while: the
 * machine may be slow to get there, and of what stands still the second look is what is recorded. */
static inline void drive_row(struct driver *d, size_t i, struct cf_moving *out, bool *out_said)
{
    int64_t begun = cf_mono_ms(&cf_clock_real);
    int64_t since = begun;
    char said[CF_MOVING_WHY_MAX] = "";
    bool healed = false;
    *out_said = false;
    for (;;) {
        int64_t ms = cf_mono_ms(&cf_clock_real) - begun;
        if (ms > PART_MS)
            fail_msg("%s: no end: %s", table[i].what, out->why);
        if (table[i].heal_ms > 0 && ms > table[i].heal_ms && !healed) {
            sbx_velero_heal(d->velero, "", NULL);
            healed = true;
        }
        int64_t later = table[i].end >= STICKS ? LONG_MS : table[i].later_ms;
        if (strcmp(said, out->why) != 0) {
            (void)snprintf(said, sizeof said, "%s", out->why);
            since = begun + ms;
        }
        if (later > 0 && begun + ms - since > SETTLED_MS) {
            d->now_ms += later;
            since = begun + ms;
        }
        bool ok = once(d, table[i].part, table[i].part == LIVE ? 1 : 2, out);
        *out_said = *out_said || strstr(out->why, table[i].says);
        if (ok && (out->done || out->failed || out->stuck))
            return;
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
}

static inline int attempt_of(const struct driver *d, size_t i)
{
    bool restore = table[i].part == RESTORE;
    const char *pass = table[i].part == LIVE ? "1" : "2";
    return (int)(restore
                     ? cf_json_int(d->stored, 0, "ways", "there", "passes", pass, "restore",
                                   "attempt", NULL)
                     : cf_json_int(d->stored, 0, "ways", "there", "passes", pass, "attempt", NULL));
}

static inline void check_row(size_t i)
{
    struct driver d;
    struct cf_moving out = { 0 };
    bool said = false;
    driver_up(&d);
    if (table[i].part != LIVE)
        FREEZE(&d);
    if (table[i].part != LIVE && table[i].part != FROZEN)
        drive_done(&d, FROZEN, 2);
    if (table[i].part == RESTORE)
        drive_done(&d, HAND_OVER, 2);
    throw_fault(&d, table[i].fault);
    cf_sleep_ms(&cf_clock_real, FELT_MS);
    drive_row(&d, i, &out, &said);
    enum end end = out.done ? DONE : out.failed ? FAILS : STICKS;
    bool as_told = table[i].end == NOT_DONE ? end != DONE : end == table[i].end;
    if (!as_told || !said)
        fail_msg("%s: end %d, not %d: %s", table[i].what, (int)end, (int)table[i].end, out.why);
    if (table[i].attempt && attempt_of(&d, i) != table[i].attempt)
        fail_msg("%s: attempt %d, not %d", table[i].what, attempt_of(&d, i), table[i].attempt);
    if (end == DONE && table[i].part == RESTORE)
        check_arrived(&d);
    /* However it ended, it can be stopped and everything goes. */
    sbx_velero_heal(d.velero, "", NULL);
    drive_done(&d, CANCEL, 0);
    drive_done(&d, TAKE_BACK, 0);
    drive_done(&d, CLEAN, 0);
    check_clean(&d);
    assert_int_equal(count(d.west, "", "persistentvolumeclaims", "store"), 0);
    driver_down(&d);
}

/* Those that are thrown before these parts, a half of them: one that hangs tells where. */
static inline void check_rows(enum what first, enum what last, size_t half)
{
    size_t n = 0;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        if (table[i].part >= first && table[i].part <= last && n++ % 2 == half)
            check_row(i);
}

#endif
