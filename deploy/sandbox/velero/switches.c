/* SPDX-License-Identifier: Apache-2.0 */
/* The table of faults, and the list of those that are thrown. */
#include "deploy/sandbox/velero/switches.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"

enum { THROWN_MAX = 64 /* a story throws them by hand */ };

/* Beside "fault", "cluster", "name", "attempt" and "count". */
enum wants { WANTS_NOTHING = 0, MAY_MS = 1, MAY_VALUE = 2, MAY_KIND = 4, NEEDS_VALUE = 8 };

static const struct {
    const char *name;
    int wants;
} table[VL_FAULTS] = {
    [VL_STORAGE_AWAY] = { "storageAway", WANTS_NOTHING },
    [VL_ITEM_ERROR] = { "itemError", MAY_KIND },
    [VL_VOLUME_LOST] = { "volumeLost", MAY_KIND },
    [VL_VOLUME_SKIPPED] = { "volumeSkipped", WANTS_NOTHING },
    [VL_AGENT_AWAY] = { "agentAway", MAY_VALUE },
    [VL_SYNC_OFF] = { "syncOff", WANTS_NOTHING },
    [VL_SYNC_LATE] = { "syncLate", MAY_MS },
    [VL_PVB_LATE] = { "podVolumeBackupsLate", MAY_MS },
    [VL_PVB_MISSING] = { "podVolumeBackupMissing", WANTS_NOTHING },
    [VL_STUCK] = { "stuck", MAY_KIND | MAY_VALUE },
    [VL_SERVER_AWAY] = { "serverAway", WANTS_NOTHING },
    [VL_SERVER_RESTART] = { "serverRestart", MAY_KIND | MAY_VALUE },
    [VL_BACKUP_GONE] = { "backupGone", WANTS_NOTHING },
    [VL_NAME_TAKEN] = { "nameTaken", WANTS_NOTHING },
    [VL_VERSION_IS] = { "version", MAY_VALUE | NEEDS_VALUE },
    [VL_UNKNOWN_PHASE] = { "unknownPhase", MAY_KIND | MAY_VALUE | MAY_MS },
    [VL_CONFLICT] = { "conflict", MAY_KIND },
    [VL_DOWNLOAD_NEVER] = { "downloadNever", WANTS_NOTHING },
    [VL_DOWNLOAD_DEAD] = { "downloadDead", WANTS_NOTHING },
    [VL_MOVER_STUCK] = { "moverStuck", MAY_KIND | MAY_VALUE },
    [VL_MOVER_FALLS_BACK] = { "moverFallsBack", MAY_KIND },
    [VL_CORRUPT] = { "corrupt", WANTS_NOTHING },
    [VL_DELETE_FAILS] = { "deleteFails", WANTS_NOTHING },
    [VL_CLOCK_AHEAD] = { "clockAhead", MAY_MS },
};

struct vl_switches {
    pthread_mutex_t lock;
    json_t *thrown; /* [{"fault": number, "said": as thrown, "met": {uid: its number}}] */
};

struct vl_switches *vl_switches_new(void)
{
    struct vl_switches *s = cf_xcalloc(1, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->thrown = json_array();
    return s;
}

void vl_switches_free(struct vl_switches *s)
{
    if (!s)
        return;
    json_decref(s->thrown);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *vl_fault_name(enum vl_fault f)
{
    return table[f].name;
}

/* ---- throwing ---- */

static int find(const char *name)
{
    for (int i = 0; i < VL_FAULTS; i++)
        if (strcmp(table[i].name, name) == 0)
            return i;
    return -1;
}

static const struct {
    const char *name;
    json_type type;
    int only; /* for faults with this bit; 0: for all */
} members[] = {
    { "fault", JSON_STRING, 0 },         { "cluster", JSON_STRING, 0 },
    { "name", JSON_STRING, 0 },          { "attempt", JSON_INTEGER, 0 },
    { "count", JSON_INTEGER, 0 },        { "ms", JSON_INTEGER, MAY_MS },
    { "value", JSON_STRING, MAY_VALUE }, { "kind", JSON_STRING, MAY_KIND },
};

static bool check_member(const char *key, const json_t *v, int wants, struct cf_error *err)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(members); i++)
        if (strcmp(members[i].name, key) == 0 && (!members[i].only || (wants & members[i].only)))
            return json_typeof(v) == members[i].type ||
                   cf_error_set(err, CF_ERR_INVALID, "%s must be a %s", key,
                                members[i].type == JSON_STRING ? "text" : "number");
    return cf_error_set(err, CF_ERR_INVALID, "\"%s\" is not known to this fault", key);
}

bool vl_switches_throw(struct vl_switches *s, const json_t *fault, struct cf_error *err)
{
    const char *name = cf_json_str(fault, "", "fault", NULL), *key;
    int f = find(name);
    json_t *v;
    if (f < 0)
        return cf_error_set(err, CF_ERR_INVALID, "\"%s\" is no fault of a Velero", name);
    json_object_foreach(cf_json_unconst(fault), key, v)
    {
        if (!check_member(key, v, table[f].wants, err))
            return false;
    }
    if ((table[f].wants & NEEDS_VALUE) && !*cf_json_str(fault, "", "value", NULL))
        return cf_error_set(err, CF_ERR_INVALID, "%s wants a value", name);
    CF_LOCKED(&s->lock);
    if (json_array_size(s->thrown) == THROWN_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "there are %d faults already: heal some",
                            THROWN_MAX);
    json_array_append_new(
        s->thrown, json_pack("{s:i,s:o,s:{}}", "fault", f, "said", cf_json_copy(fault), "met"));
    return true;
}

static bool of_cluster(const json_t *said, const char *cluster)
{
    const char *mine = cf_json_str(said, "", "cluster", NULL);
    return !cluster || !*mine || strcmp(mine, cluster) == 0;
}

void vl_switches_heal(struct vl_switches *s, const char *fault, const char *cluster)
{
    CF_LOCKED(&s->lock);
    for (size_t i = json_array_size(s->thrown); i-- > 0;) {
        const json_t *one = json_array_get(s->thrown, i), *said = json_object_get(one, "said");
        if ((!*fault || strcmp(fault, cf_json_str(said, "", "fault", NULL)) == 0) &&
            of_cluster(said, cluster))
            json_array_remove(s->thrown, i);
    }
}

json_t *vl_switches_tell(struct vl_switches *s)
{
    json_t *list = json_array();
    size_t i;
    json_t *one;
    CF_LOCKED(&s->lock);
    json_array_foreach(s->thrown, i, one)
    {
        json_t *row = cf_json_copy(json_object_get(one, "said"));
        json_object_set_new(
            row, "met", json_integer((json_int_t)json_object_size(json_object_get(one, "met"))));
        json_array_append_new(list, row);
    }
    return list;
}

/* ---- meeting ---- */

static bool fits(const json_t *said, const char *kind, const char *name, const char *alias)
{
    const char *pattern = cf_json_str(said, "*", "name", NULL),
               *only = cf_json_str(said, "", "kind", NULL);
    return (!*only || !kind || strcmp(only, kind) == 0) &&
           (fnmatch(pattern, name, 0) == 0 || (alias && fnmatch(pattern, alias, 0) == 0));
}

/* The object's number among those that met this one, from 1. */
static int64_t number_of(json_t *one, const char *uid)
{
    json_t *met = json_object_get(one, "met");
    cf_autofree char *fresh =
        *uid ? cf_xstrdup(uid) : cf_xasprintf("asked %zu", json_object_size(met));
    int64_t n = cf_json_int(met, 0, fresh, NULL);
    if (n == 0) {
        n = (int64_t)json_object_size(met) + 1;
        json_object_set_new(met, fresh, json_integer(n));
    }
    return n;
}

bool vl_meets(struct vl_switches *s, enum vl_fault f, const char *cluster, const char *kind,
              const char *name, const char *alias, const char *uid, struct vl_met *out)
{
    size_t i;
    json_t *one;
    CF_LOCKED(&s->lock);
    json_array_foreach(s->thrown, i, one)
    {
        const json_t *said = json_object_get(one, "said");
        if (cf_json_int(one, -1, "fault", NULL) != f || !of_cluster(said, cluster) ||
            !fits(said, kind, name, alias))
            continue;
        int64_t attempt = cf_json_int(said, 0, "attempt", NULL),
                count = cf_json_int(said, 0, "count", NULL), n = number_of(one, uid);
        if ((attempt && n != attempt) || (count && n > count))
            continue;
        if (out) {
            out->ms = cf_json_int(said, 0, "ms", NULL);
            snprintf(out->value, sizeof(out->value), "%s", cf_json_str(said, "", "value", NULL));
        }
        return true;
    }
    return false;
}

bool vl_is_on(struct vl_switches *s, enum vl_fault f, const char *cluster, struct vl_met *out)
{
    return vl_meets(s, f, cluster, NULL, "", NULL, cluster, out);
}
