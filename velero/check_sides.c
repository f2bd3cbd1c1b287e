/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the two clusters' Veleros, their locations, and the target namespace's quota. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/objects/quantity.h"
#include "velero/check.h"
#include "velero/room.h"

#define BLOCKER "blocker"
#define WARNING "warning"

enum {
    MINOR_LEAST = 12, /* resource modifiers; the data mover */
    MINORS_APART = 2,
};

bool cf_velero_version(const json_t *facts, int out[3])
{
    const char *text = cf_json_str(facts, "", "version", NULL);
    return sscanf(text, "v%9d.%9d.%9d", &out[0], &out[1], &out[2]) == 3;
}

/* --- both servers --- */

struct side {
    const json_t *facts;
    const char *name;
};

static struct side side_of(const struct cf_check *c, int i)
{
    return i == 0 ? (struct side){ c->from, c->from_name } : (struct side){ c->to, c->to_name };
}

static bool installed(const json_t *facts)
{
    return cf_json_bool(facts, false, "installed", NULL);
}

static bool is_missing(const struct cf_check *c, struct cf_buf *message)
{
    for (int i = 0; i < 2; i++)
        if (!installed(side_of(c, i).facts))
            cf_buf_printf(message, "%s%s has no Velero", message->len ? "; " : "",
                          side_of(c, i).name);
    return message->len > 0;
}

static bool is_silent(const struct cf_check *c, struct cf_buf *message)
{
    for (int i = 0; i < 2; i++) {
        struct side s = side_of(c, i);
        if (installed(s.facts) && *cf_json_str(s.facts, "", "version", NULL) == '\0')
            cf_buf_printf(message,
                          "%sthe Velero server of %s does not answer a ServerStatusRequest",
                          message->len ? "; " : "", s.name);
    }
    return message->len > 0;
}

static bool is_too_old(const struct cf_check *c, struct cf_buf *message)
{
    int v[3];
    for (int i = 0; i < 2; i++) {
        struct side s = side_of(c, i);
        if (cf_velero_version(s.facts, v) && v[0] == 1 && v[1] < MINOR_LEAST)
            cf_buf_printf(message, "%sVelero %s of %s is older than v1.%d",
                          message->len ? "; " : "", cf_json_str(s.facts, "", "version", NULL),
                          s.name, MINOR_LEAST);
    }
    return message->len > 0;
}

static bool is_backwards(const struct cf_check *c, struct cf_buf *message)
{
    int a[3], b[3];
    if (!cf_velero_version(c->from, a) || !cf_velero_version(c->to, b) || a[0] != b[0] ||
        a[1] <= b[1])
        return false;
    cf_buf_printf(message, "%s has Velero %s and %s the older %s", c->from_name,
                  cf_json_str(c->from, "", "version", NULL), c->to_name,
                  cf_json_str(c->to, "", "version", NULL));
    return true;
}

static bool is_far_apart(const struct cf_check *c, struct cf_buf *message)
{
    int a[3], b[3];
    if (!cf_velero_version(c->from, a) || !cf_velero_version(c->to, b) || a[0] != b[0] ||
        b[1] - a[1] <= MINORS_APART)
        return false;
    cf_buf_printf(message, "Velero %s of %s and %s of %s are %d minor versions apart",
                  cf_json_str(c->from, "", "version", NULL), c->from_name,
                  cf_json_str(c->to, "", "version", NULL), c->to_name, b[1] - a[1]);
    return true;
}

static bool does_prune(const struct cf_check *c, struct cf_buf *message)
{
    for (int i = 0; i < 2; i++) {
        struct side s = side_of(c, i);
        size_t j;
        json_t *field;
        json_array_foreach(json_object_get(s.facts, "prunes"), j, field)
        {
            cf_buf_printf(message, "%s%s", message->len ? ", " : "", json_string_value(field));
        }
        if (message->len) {
            cf_buf_printf(message, ": the Velero CRDs of %s do not know %s", s.name,
                          j > 1 ? "these fields" : "this field");
            return true;
        }
    }
    return false;
}

static bool lacks_mover(const struct cf_check *c, struct cf_buf *message)
{
    if (!c->any_snapshots)
        return false;
    if (installed(c->from) && !cf_json_bool(c->from, true, "kinds", "datauploads", NULL))
        cf_buf_printf(message, "%s does not serve DataUploads", c->from_name);
    if (installed(c->to) && !cf_json_bool(c->to, true, "kinds", "datadownloads", NULL))
        cf_buf_printf(message, "%s%s does not serve DataDownloads", message->len ? "; " : "",
                      c->to_name);
    return message->len > 0;
}

static bool lacks_agent(const struct cf_check *c, struct cf_buf *message)
{
    for (int i = 0; i < 2; i++) {
        struct side s = side_of(c, i);
        if (installed(s.facts) && !cf_json_bool(s.facts, false, "agent", "present", NULL))
            cf_buf_printf(message, "%s%s has no node-agent", message->len ? "; " : "", s.name);
    }
    return message->len > 0;
}

static bool is_busy(const struct cf_check *c, struct cf_buf *message)
{
    static const char *const kinds[] = { "Backup", "Restore" };
    for (int i = 0; i < 2; i++) {
        struct side s = side_of(c, i);
        size_t j;
        json_t *one;
        json_array_foreach(json_object_get(s.facts, "running"), j, one)
        {
            if (strcmp(cf_json_str(one, "", "kind", NULL), kinds[i]) == 0)
                cf_buf_printf(message, "%s%s %s on %s is %s", message->len ? "; " : "", kinds[i],
                              cf_json_str(one, "", "name", NULL), s.name,
                              cf_json_str(one, "New", "phase", NULL));
        }
    }
    return message->len > 0;
}

/* --- locations --- */

static const char *text_of(const json_t *location, const char *key)
{
    return cf_json_str(location, "", key, NULL);
}

static bool is_read_only(const json_t *location)
{
    return strcmp(text_of(location, "accessMode"), "ReadOnly") == 0;
}

static bool location_is_missing(const struct cf_check *c, struct cf_buf *message)
{
    const char *name = cf_json_str(c->request, "", "location", NULL);
    if (c->location || !installed(c->from))
        return false;
    if (*name)
        cf_buf_printf(message, "%s has no BackupStorageLocation %s", c->from_name, name);
    else
        cf_buf_printf(message, "%s has no default BackupStorageLocation", c->from_name);
    return true;
}

static bool location_has_no_pair(const struct cf_check *c, struct cf_buf *message)
{
    if (!c->location || c->pair || !installed(c->to))
        return false;
    cf_buf_printf(
        message,
        "no BackupStorageLocation of %s is the place of %s on %s (provider %s, bucket %s, "
        "prefix \"%s\")",
        c->to_name, text_of(c->location, "name"), c->from_name, text_of(c->location, "provider"),
        text_of(c->location, "bucket"), text_of(c->location, "prefix"));
    return true;
}

static void say_unavailable(const json_t *location, const char *cluster, struct cf_buf *message)
{
    const char *phase = text_of(location, "phase");
    if (location && strcmp(phase, "Available") != 0)
        cf_buf_printf(message, "%sBackupStorageLocation %s on %s is %s%s%.160s",
                      message->len ? "; " : "", text_of(location, "name"), cluster,
                      *phase ? phase : "not yet validated",
                      *text_of(location, "message") ? ": " : "", text_of(location, "message"));
}

static bool location_is_unavailable(const struct cf_check *c, struct cf_buf *message)
{
    say_unavailable(c->location, c->from_name, message);
    say_unavailable(c->pair, c->to_name, message);
    return message->len > 0;
}

static bool location_is_read_only(const struct cf_check *c, struct cf_buf *message)
{
    if (!is_read_only(c->location))
        return false;
    cf_buf_printf(message, "BackupStorageLocation %s on %s is read-only",
                  text_of(c->location, "name"), c->from_name);
    return true;
}

static bool location_has_two_writers(const struct cf_check *c, struct cf_buf *message)
{
    if (!c->location || !c->pair || is_read_only(c->location) || is_read_only(c->pair))
        return false;
    cf_buf_printf(message, "BackupStorageLocation %s on %s may write where %s on %s writes",
                  text_of(c->pair, "name"), c->to_name, text_of(c->location, "name"), c->from_name);
    return true;
}

static bool read_only_is_broken(const struct cf_check *c, struct cf_buf *message)
{
    int v[3];
    if (!is_read_only(c->pair) || !cf_velero_version(c->to, v) || v[0] != 1 || v[1] != 18 ||
        v[2] != 0)
        return false;
    cf_buf_printf(message,
                  "Velero v1.18.0 of %s cannot restore volumes from the read-only location %s",
                  c->to_name, text_of(c->pair, "name"));
    return true;
}

/* --- the way back --- */

static bool back_is_missing(const struct cf_check *c, struct cf_buf *message)
{
    const char *name = cf_json_str(c->request, "", "backLocation", NULL);
    if (!*name || !installed(c->to))
        return false;
    if (!c->back)
        cf_buf_printf(message, "%s has no BackupStorageLocation %s for the way back", c->to_name,
                      name);
    else if (!c->back_pair)
        cf_buf_printf(message, "no BackupStorageLocation of %s is the place of %s on %s",
                      c->from_name, name, c->to_name);
    return message->len > 0;
}

static bool back_cannot_write(const struct cf_check *c, struct cf_buf *message)
{
    if (!c->back)
        return false;
    if (is_read_only(c->back))
        cf_buf_printf(message, "BackupStorageLocation %s on %s is read-only",
                      text_of(c->back, "name"), c->to_name);
    else
        say_unavailable(c->back, c->to_name, message);
    return message->len > 0;
}

static bool back_shares_place(const struct cf_check *c, struct cf_buf *message)
{
    if (!cf_location_same_place(c->back, c->location))
        return false;
    cf_buf_printf(message, "the ways there and back would both write into bucket %s, prefix \"%s\"",
                  text_of(c->back, "bucket"), text_of(c->back, "prefix"));
    return true;
}

/* --- the target namespace --- */

/* The bytes that the claims ask for in the target, all or of one class. */
static double asked(const struct cf_check *c, const char *class, size_t *out_n)
{
    double sum = 0, one;
    size_t i;
    json_t *claim;
    *out_n = 0;
    json_array_foreach(json_object_get(c->request, "claims"), i, claim)
    {
        const char *of = cf_json_str(claim, "", "storageClass", NULL);
        const char *was = cf_json_str(claim, "", "claim", "spec", "storageClassName", NULL);
        const json_t *size = cf_json_at(claim, "size", NULL);
        if (class && strcmp(*of ? of : was, class) != 0)
            continue;
        if (!json_is_string(size) || !*json_string_value(size))
            size = cf_json_at(claim, "claim", "spec", "resources", "requests", "storage", NULL);
        ++*out_n;
        sum += cf_quantity_of(size, &one) ? one : 0;
    }
    return sum;
}

static bool over(const json_t *quota, const char *key, double want)
{
    double hard = 0, used = 0;
    if (!cf_quantity_of(cf_json_at(quota, "status", "hard", key, NULL), &hard) &&
        !cf_quantity_of(cf_json_at(quota, "spec", "hard", key, NULL), &hard))
        return false;
    (void)cf_quantity_of(cf_json_at(quota, "status", "used", key, NULL), &used);
    return used + want > hard;
}

static void hold_against(const struct cf_check *c, const json_t *quota, struct cf_buf *message)
{
    static const char by_class[] = ".storageclass.storage.k8s.io/requests.storage";
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(cf_json_at(quota, "spec", "hard", NULL)), key, value)
    {
        size_t n, len = strlen(key), tail = sizeof by_class - 1;
        double want = 0;
        if (strcmp(key, "requests.storage") == 0) {
            want = asked(c, NULL, &n);
        } else if (strcmp(key, "persistentvolumeclaims") == 0) {
            asked(c, NULL, &n);
            want = (double)n;
        } else if (len > tail && strcmp(key + len - tail, by_class) == 0) {
            cf_autofree char *class = cf_xstrndup(key, len - tail);
            want = asked(c, class, &n);
        }
        if (want > 0 && over(quota, key, want))
            cf_buf_printf(message, "%sResourceQuota %s leaves less than the claims need of %s",
                          message->len ? "; " : "",
                          cf_json_str(quota, "", "metadata", "name", NULL), key);
    }
}

static bool quota_is_short(const struct cf_check *c, struct cf_buf *message)
{
    size_t i;
    json_t *quota;
    json_array_foreach(json_object_get(c->request, "toQuotas"), i, quota)
    {
        hold_against(c, quota, message);
    }
    return message->len > 0;
}

static bool quota_is_short_of_pods(const struct cf_check *c, struct cf_buf *message)
{
    size_t i, n;
    json_t *quota;
    asked(c, NULL, &n);
    json_array_foreach(json_object_get(c->request, "toQuotas"), i, quota)
    {
        if (over(quota, "pods", (double)n))
            cf_buf_printf(message, "ResourceQuota %s leaves no room for %zu stage pods",
                          cf_json_str(quota, "", "metadata", "name", NULL), n);
    }
    return message->len > 0;
}

static bool are_too_many(const struct cf_check *c, struct cf_buf *message)
{
    size_t n = json_array_size(json_object_get(c->request, "claims"));
    if (n <= CF_VELERO_CLAIMS_MAX)
        return false;
    cf_buf_printf(message, "%zu claims are more than one run takes (%d)", n, CF_VELERO_CLAIMS_MAX);
    return true;
}

/* --- the table --- */

#define S CF_CHECK_SIDES

const struct cf_check_rule cf_check_side_rules[] = {
    { "velero-missing", BLOCKER, S, is_missing, "install Velero in both clusters" },
    { "velero-silent", BLOCKER, S, is_silent, "start the Velero server, look at its log" },
    { "velero-too-old", BLOCKER, S, is_too_old, "update it, or choose another strategy" },
    { "velero-older-target", BLOCKER, S, is_backwards,
      "a backup cannot be restored by an older server: update the target's" },
    { "velero-far-apart", WARNING, S, is_far_apart, "bring both to versions near each other" },
    { "velero-prunes", BLOCKER, S, does_prune, "update the Velero CRDs there" },
    { "velero-no-mover", BLOCKER, S, lacks_mover,
      "update Velero there, or choose strategy veleroFsBackup" },
    { "agent-missing", BLOCKER, S, lacks_agent,
      "install the node-agent (velero install --use-node-agent)" },
    { "velero-busy", WARNING, S, is_busy,
      "a cluster restores one at a time: the run waits until it is free" },
    { "location-missing", BLOCKER, S, location_is_missing,
      "create it, or name another in volumes.velero.location" },
    { "location-unpaired", BLOCKER, S, location_has_no_pair,
      "create one there with the same provider, bucket and prefix, accessMode ReadOnly" },
    { "location-unavailable", BLOCKER, S, location_is_unavailable,
      "see its message; credentials and address of the object store" },
    { "location-read-only", BLOCKER, S, location_is_read_only,
      "the side that has the data must be able to write: accessMode ReadWrite there" },
    { "location-two-writers", WARNING, S, location_has_two_writers,
      "set accessMode ReadOnly in the target: its garbage collection would remove the source's "
      "data" },
    { "location-read-only-bug", BLOCKER, S, read_only_is_broken, "update it to v1.18.1 or later" },
    { "back-location-missing", BLOCKER, S, back_is_missing,
      "create it in both clusters, or leave the way back out" },
    { "back-location-unwritable", BLOCKER, S, back_cannot_write,
      "on the way back the target writes: accessMode ReadWrite there" },
    { "back-location-shared", BLOCKER, S, back_shares_place,
      "give each direction a prefix of its own" },
    { "target-quota", BLOCKER, S, quota_is_short, "raise the quota in the target namespace" },
    { "target-quota-pods", BLOCKER, S, quota_is_short_of_pods,
      "raise the quota of pods for the time of the move" },
    { "claims-too-many", BLOCKER, S, are_too_many, "make two plans of it" },
    { NULL, NULL, 0, NULL, NULL },
};
