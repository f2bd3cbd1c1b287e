/* SPDX-License-Identifier: Apache-2.0 */
/* The table of phases, and the verdicts that rest on it. */
#include "velero/phases.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/text.h"
#include "velero/evidence.h"

enum {
    MINUTE = 60 * 1000,
    /* Velero's own limits, and a little more: what it may still end by itself is not stuck yet. */
    TAKEN = 2 * MINUTE,      /* by a server that lives */
    PICKED = 5 * MINUTE,     /* by a node-agent */
    EXPOSED = 31 * MINUTE,   /* the data mover's preparation gives up after 30 */
    MOVED = 15 * MINUTE,     /* without a byte; progress is written every 10 seconds */
    FINALIZED = 12 * MINUTE, /* resource timeout 10 */
    CANCELED = 10 * MINUTE,  /* forced after 5 */
};

#define SERVER "is its Velero server running? (kubectl -n velero get deploy,pods)"
#define AGENT  "is a node-agent running on that node? (kubectl -n velero get pods -o wide)"
#define QUEUE  "another backup is in front of it, or the server takes none"

const struct cf_phase_rule cf_phase_rules[] = {
    { "Backup", "", CF_PHASE_WAITS, TAKEN, SERVER },
    { "Backup", "New", CF_PHASE_WAITS, TAKEN, SERVER },
    { "Backup", "Queued", CF_PHASE_WAITS, MOVED, QUEUE },
    { "Backup", "ReadyToStart", CF_PHASE_WAITS, TAKEN, SERVER },
    { "Backup", "InProgress", CF_PHASE_MOVES, MOVED, SERVER },
    { "Backup", "WaitingForPluginOperations", CF_PHASE_MOVES, MOVED, SERVER },
    { "Backup", "WaitingForPluginOperationsPartiallyFailed", CF_PHASE_MOVES, MOVED, SERVER },
    { "Backup", "Finalizing", CF_PHASE_MOVES, FINALIZED, SERVER },
    { "Backup", "FinalizingPartiallyFailed", CF_PHASE_MOVES, FINALIZED, SERVER },
    { "Backup", "Completed", CF_PHASE_GOOD, 0, "" },
    { "Backup", "PartiallyFailed", CF_PHASE_PARTIAL, 0, "" },
    { "Backup", "Failed", CF_PHASE_BAD, 0, "" },
    { "Backup", "FailedValidation", CF_PHASE_REFUSED, 0, "" },
    { "Backup", "Deleting", CF_PHASE_GOING, FINALIZED, SERVER },
    { "Backup", "*", CF_PHASE_UNKNOWN, MOVED, "this Velero is newer than what is known here" },

    { "Restore", "", CF_PHASE_WAITS, TAKEN, SERVER },
    { "Restore", "New", CF_PHASE_WAITS, TAKEN, SERVER },
    { "Restore", "InProgress", CF_PHASE_MOVES, MOVED, SERVER },
    { "Restore", "WaitingForPluginOperations", CF_PHASE_MOVES, MOVED, SERVER },
    { "Restore", "WaitingForPluginOperationsPartiallyFailed", CF_PHASE_MOVES, MOVED, SERVER },
    { "Restore", "Finalizing", CF_PHASE_MOVES, FINALIZED, SERVER },
    /* It only ends PartiallyFailed; until then it may wait behind the claims of others, for ten minutes. */
    { "Restore", "FinalizingPartiallyFailed", CF_PHASE_PARTIAL, 0, "" },
    { "Restore", "Completed", CF_PHASE_GOOD, 0, "" },
    { "Restore", "PartiallyFailed", CF_PHASE_PARTIAL, 0, "" },
    { "Restore", "Failed", CF_PHASE_BAD, 0, "" },
    { "Restore", "FailedValidation", CF_PHASE_REFUSED, 0, "" },
    { "Restore", "*", CF_PHASE_UNKNOWN, MOVED, "this Velero is newer than what is known here" },

    { "PodVolumeBackup", "", CF_PHASE_WAITS, PICKED, AGENT },
    { "PodVolumeBackup", "New", CF_PHASE_WAITS, PICKED, AGENT },
    { "PodVolumeBackup", "Accepted", CF_PHASE_MOVES, EXPOSED, AGENT },
    { "PodVolumeBackup", "Prepared", CF_PHASE_MOVES, MOVED, AGENT },
    { "PodVolumeBackup", "InProgress", CF_PHASE_MOVES, MOVED, AGENT },
    { "PodVolumeBackup", "Canceling", CF_PHASE_MOVES, CANCELED, AGENT },
    { "PodVolumeBackup", "Canceled", CF_PHASE_BAD, 0, "" },
    { "PodVolumeBackup", "Completed", CF_PHASE_GOOD, 0, "" },
    { "PodVolumeBackup", "Failed", CF_PHASE_BAD, 0, "" },
    { "PodVolumeBackup", "*", CF_PHASE_UNKNOWN, MOVED, "newer than what is known here" },

    /* New also means that its pod is not placed, or has no init container. */
    { "PodVolumeRestore", "", CF_PHASE_WAITS, PICKED, "can its stage pod be scheduled there?" },
    { "PodVolumeRestore", "New", CF_PHASE_WAITS, PICKED, "can its stage pod be scheduled there?" },
    { "PodVolumeRestore", "Accepted", CF_PHASE_MOVES, EXPOSED, AGENT },
    { "PodVolumeRestore", "Prepared", CF_PHASE_MOVES, MOVED, AGENT },
    { "PodVolumeRestore", "InProgress", CF_PHASE_MOVES, MOVED, AGENT },
    { "PodVolumeRestore", "Canceling", CF_PHASE_MOVES, CANCELED, AGENT },
    { "PodVolumeRestore", "Canceled", CF_PHASE_BAD, 0, "" },
    { "PodVolumeRestore", "Completed", CF_PHASE_GOOD, 0, "" },
    { "PodVolumeRestore", "Failed", CF_PHASE_BAD, 0, "" },
    { "PodVolumeRestore", "*", CF_PHASE_UNKNOWN, MOVED, "newer than what is known here" },

    { "DataUpload", "", CF_PHASE_WAITS, PICKED, AGENT },
    { "DataUpload", "New", CF_PHASE_WAITS, PICKED, AGENT },
    { "DataUpload", "Accepted", CF_PHASE_MOVES, EXPOSED, "does the snapshot become ready?" },
    { "DataUpload", "Prepared", CF_PHASE_MOVES, MOVED, AGENT },
    { "DataUpload", "InProgress", CF_PHASE_MOVES, MOVED, AGENT },
    { "DataUpload", "Canceling", CF_PHASE_MOVES, CANCELED, AGENT },
    { "DataUpload", "Canceled", CF_PHASE_BAD, 0, "" },
    { "DataUpload", "Completed", CF_PHASE_GOOD, 0, "" },
    { "DataUpload", "Failed", CF_PHASE_BAD, 0, "" },
    { "DataUpload", "*", CF_PHASE_UNKNOWN, MOVED, "newer than what is known here" },

    { "DataDownload", "", CF_PHASE_WAITS, PICKED, AGENT },
    { "DataDownload", "New", CF_PHASE_WAITS, PICKED, AGENT },
    { "DataDownload", "Accepted", CF_PHASE_MOVES, EXPOSED,
      "a class that waits for its first consumer needs ignoreDelayBinding of the node-agent" },
    { "DataDownload", "Prepared", CF_PHASE_MOVES, MOVED, AGENT },
    { "DataDownload", "InProgress", CF_PHASE_MOVES, MOVED, AGENT },
    { "DataDownload", "Canceling", CF_PHASE_MOVES, CANCELED, AGENT },
    { "DataDownload", "Canceled", CF_PHASE_BAD, 0, "" },
    { "DataDownload", "Completed", CF_PHASE_GOOD, 0, "" },
    { "DataDownload", "Failed", CF_PHASE_BAD, 0, "" },
    { "DataDownload", "*", CF_PHASE_UNKNOWN, MOVED, "newer than what is known here" },
    { NULL, NULL, CF_PHASE_UNKNOWN, 0, NULL },
};

const struct cf_phase_rule *cf_phase_rule(const char *kind, const char *phase)
{
    for (const struct cf_phase_rule *r = cf_phase_rules; r->kind; r++)
        if (strcmp(r->kind, kind) == 0 &&
            (strcmp(r->phase, phase) == 0 || strcmp(r->phase, "*") == 0))
            return r;
    return NULL;
}

const struct cf_phase_rule *cf_phase_of(const json_t *object)
{
    return cf_phase_rule(cf_json_str(object, "", "kind", NULL),
                         cf_json_str(object, "", "status", "phase", NULL));
}

bool cf_phase_is_end(const struct cf_phase_rule *r)
{
    return r->class == CF_PHASE_GOOD || r->class == CF_PHASE_PARTIAL || r->class == CF_PHASE_BAD ||
           r->class == CF_PHASE_REFUSED;
}

/* --- verdicts --- */

/* Refusals of validation that pass by themselves (a location that is away, a Backup that a sync took
 * for an orphan); the others are about what we asked for. */
static const char *const passing[] = { "navailable", "not available", "not found", "find backup" };

static bool passes_by_itself(const char *text)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(passing); i++)
        if (strstr(text, passing[i]))
            return true;
    return false;
}

static enum cf_verdict refused(const json_t *object, char *why)
{
    struct cf_buf text = CF_BUF_INIT(CF_VERDICT_WHY_MAX - 128);
    size_t i;
    json_t *line;
    json_array_foreach(cf_json_at(object, "status", "validationErrors", NULL), i, line)
    {
        cf_buf_printf(&text, "%s%s", i ? "; " : "", json_string_value(line));
    }
    const char *said = text.len ? cf_buf_str(&text) : "no reason given";
    snprintf(why, CF_VERDICT_WHY_MAX, "%s %s was refused: %.300s",
             cf_json_str(object, "", "kind", NULL),
             cf_json_str(object, "", "metadata", "name", NULL), said);
    bool again = passes_by_itself(said);
    cf_buf_free(&text);
    return again ? CF_VERDICT_AGAIN : CF_VERDICT_NEVER;
}

static enum cf_verdict ended_badly(const json_t *object, const json_t *rows, char *why)
{
    char lacks[CF_VERDICT_WHY_MAX / 2] = "";
    const char *reason = cf_json_str(object, "", "status", "failureReason", NULL);
    const char *phase = cf_json_str(object, "", "status", "phase", NULL);
    if (!cf_evidence_is_whole(rows))
        cf_evidence_lacks(rows, lacks, sizeof lacks);
    snprintf(why, CF_VERDICT_WHY_MAX, "%s %s %s %s with %" PRId64 " errors%s%.120s%s%.240s",
             cf_json_str(object, "", "kind", NULL),
             cf_json_str(object, "", "metadata", "name", NULL),
             strstr(phase, "Finalizing") ? "is" : "ended", phase,
             cf_json_int(object, 0, "status", "errors", NULL), *reason ? ": " : "", reason,
             *lacks ? "; " : "", lacks);
    return CF_VERDICT_AGAIN;
}

/* Completed, and still not good: what it counts itself, then each claim. */
static enum cf_verdict completed(const json_t *object, const json_t *rows, char *why)
{
    const char *kind = cf_json_str(object, "", "kind", NULL);
    const char *name = cf_json_str(object, "", "metadata", "name", NULL);
    static const char *const must_be_0[] = { "errors", "backupItemOperationsFailed",
                                             "restoreItemOperationsFailed" };
    for (size_t i = 0; i < CF_ARRAY_LEN(must_be_0); i++) {
        int64_t n = cf_json_int(object, 0, "status", must_be_0[i], NULL);
        if (n != 0) {
            snprintf(why, CF_VERDICT_WHY_MAX, "%s %s is Completed with %s %" PRId64, kind, name,
                     must_be_0[i], n);
            return CF_VERDICT_AGAIN;
        }
    }
    if (cf_evidence_is_whole(rows))
        return CF_VERDICT_GOOD;
    int said = snprintf(why, CF_VERDICT_WHY_MAX, "%s %s is Completed, but ", kind, name);
    cf_evidence_lacks(rows, why + said, CF_VERDICT_WHY_MAX - (size_t)said);
    return CF_VERDICT_AGAIN;
}

bool cf_velero_only_finalizes(const json_t *object)
{
    return strcmp(cf_json_str(object, "", "kind", NULL), "Restore") == 0 &&
           strcmp(cf_json_str(object, "", "status", "phase", NULL), "Finalizing") == 0;
}

static enum cf_verdict verdict_of(const json_t *object, const json_t *rows, char *why)
{
    if (!object) {
        snprintf(why, CF_VERDICT_WHY_MAX, "it has been deleted");
        return CF_VERDICT_AGAIN;
    }
    if (cf_velero_only_finalizes(object) && cf_evidence_is_whole(rows))
        return completed(object, rows, why);
    switch (cf_phase_of(object)->class) {
    case CF_PHASE_GOOD:
        return completed(object, rows, why);
    case CF_PHASE_PARTIAL:
    case CF_PHASE_BAD:
        return ended_badly(object, rows, why);
    case CF_PHASE_REFUSED:
        return refused(object, why);
    case CF_PHASE_WAITS:
    case CF_PHASE_MOVES:
    case CF_PHASE_GOING:
    case CF_PHASE_UNKNOWN:
        break;
    }
    return CF_VERDICT_RUNS;
}

enum cf_verdict cf_velero_verdict(const json_t *object, const json_t *rows, char *why)
{
    *why = '\0';
    enum cf_verdict verdict = verdict_of(object, rows, why);
    cf_utf8_mend(why); /* Velero's words were cut, perhaps within a character */
    return verdict;
}

/* --- progress --- */

/* With whether it was begun: one that falls back to Prepared does not look as it did before. */
static void print_object(struct cf_buf *b, const json_t *o)
{
    cf_buf_printf(b, "%s/%s %s %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
                  cf_json_str(o, "", "kind", NULL), cf_json_str(o, "", "metadata", "name", NULL),
                  cf_json_str(o, "", "status", "phase", NULL),
                  cf_json_at(o, "status", "startTimestamp", NULL) != NULL,
                  cf_json_int(o, 0, "status", "progress", "itemsBackedUp", NULL),
                  cf_json_int(o, 0, "status", "progress", "itemsRestored", NULL),
                  cf_json_int(o, 0, "status", "progress", "bytesDone", NULL),
                  cf_json_int(o, 0, "status", "queuePosition", NULL));
}

char *cf_velero_fingerprint(const json_t *object, const json_t *operations, char *buf)
{
    CF_CLEANUP(cf_buf_free)
    struct cf_buf text = CF_BUF_INIT(1024 * 1024);
    size_t i;
    json_t *one;
    print_object(&text, object);
    json_array_foreach(operations, i, one)
    {
        print_object(&text, one);
    }
    return cf_sha256_hex(cf_buf_str(&text), text.len, buf);
}

const struct cf_phase_rule *cf_velero_slowest(const json_t *object, const json_t *operations,
                                              const json_t **out_of)
{
    const struct cf_phase_rule *worst = NULL;
    size_t i;
    json_t *one;
    *out_of = object;
    json_array_foreach(operations, i, one)
    {
        const struct cf_phase_rule *r = cf_phase_of(one);
        if (!cf_phase_is_end(r) && (!worst || r->quiet_ms < worst->quiet_ms)) {
            worst = r;
            *out_of = one;
        }
    }
    return worst ? worst : cf_phase_of(object);
}
