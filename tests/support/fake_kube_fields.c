/* SPDX-License-Identifier: Apache-2.0 */
/* managedFields of the API server in memory: who last wrote which leaf. Lists are leaves, as in
 * CRDs without list keys. */
#include <stdio.h>
#include <string.h>

#include "base/json_patch.h"
#include "tests/support/fake_kube_internal.h"

static const char *const SERVER_OWNED[] = { "managedFields", "resourceVersion",   "uid",
                                            "generation",    "creationTimestamp", "name",
                                            "namespace" };

/* What changed, without what the server writes itself. New reference. */
static json_t *changes(const json_t *before, const json_t *after)
{
    cf_autojson json_t *nothing = json_object();
    json_t *diff = cf_json_merge_diff(before ? before : nothing, after);
    json_object_del(diff, "apiVersion");
    json_object_del(diff, "kind");
    for (size_t i = 0; i < CF_ARRAY_LEN(SERVER_OWNED); i++)
        cf_json_del(diff, "metadata", SERVER_OWNED[i], NULL);
    if (json_object_size(json_object_get(diff, "metadata")) == 0)
        json_object_del(diff, "metadata");
    return diff;
}

/* {"spec":{"replicas":3}} -> {"f:spec":{"f:replicas":{}}}; what was removed has no owner. New
 * reference. */
static json_t *to_fields(const json_t *diff)
{
    json_t *fields = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)diff, key, value)
    {
        if (json_is_null(value))
            continue;
        char name[FAKE_PART_MAX + 2];
        snprintf(name, sizeof name, "f:%s", key);
        json_object_set_new(fields, name,
                            json_is_object(value) && json_object_size(value) > 0 ? to_fields(value)
                                                                                 : json_object());
    }
    return fields;
}

/* Takes from `owned` every leaf that `diff` touches. */
static void disown(json_t *owned, const json_t *diff)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)diff, key, value)
    {
        char name[FAKE_PART_MAX + 2];
        snprintf(name, sizeof name, "f:%s", key);
        json_t *mine = json_object_get(owned, name);
        if (!mine)
            continue;
        if (json_is_object(value) && json_object_size(mine) > 0)
            disown(mine, value);
        if (!json_is_object(value) || json_object_size(mine) == 0)
            json_object_del(owned, name);
    }
}

static json_t *entry_of(json_t *managed, const char *manager, const char *operation,
                        const char *subresource)
{
    for (size_t i = 0; i < json_array_size(managed); i++) {
        json_t *e = json_array_get(managed, i);
        if (strcmp(cf_json_str(e, "", "manager", NULL), manager) == 0 &&
            strcmp(cf_json_str(e, "", "operation", NULL), operation) == 0 &&
            strcmp(cf_json_str(e, "", "subresource", NULL), subresource) == 0)
            return e;
    }
    json_t *e = json_pack("{s:s, s:s}", "manager", manager, "operation", operation);
    if (subresource[0])
        json_object_set_new(e, "subresource", json_string(subresource));
    json_array_append_new(managed, e);
    return e;
}

void fake_manage(const json_t *before, json_t *now, const char *manager, const char *operation,
                 const char *api_version, const char *subresource)
{
    cf_autojson json_t *diff = changes(before, now);
    json_t *metadata = json_object_get(now, "metadata");
    json_t *managed = json_object_get(metadata, "managedFields");
    if (!json_is_array(managed)) {
        managed = json_array();
        json_object_set_new(metadata, "managedFields", managed);
    }
    if (json_object_size(diff) == 0)
        return;
    for (size_t i = json_array_size(managed); i-- > 0;) {
        json_t *fields = json_object_get(json_array_get(managed, i), "fieldsV1");
        disown(fields, diff);
        if (json_object_size(fields) == 0)
            json_array_remove(managed, i);
    }
    json_t *e = entry_of(managed, manager, operation, subresource);
    json_object_set_new(e, "apiVersion", json_string(api_version));
    json_object_set_new(e, "time", json_string("2026-01-01T00:00:00Z"));
    json_object_set_new(e, "fieldsType", json_string("FieldsV1"));
    cf_autojson json_t *owned = json_incref(json_object_get(e, "fieldsV1"));
    cf_autojson json_t *added = to_fields(diff);
    cf_autojson json_t *nothing = json_object();
    json_object_set_new(e, "fieldsV1", cf_json_merge_apply(owned ? owned : nothing, added));
}

/* Walks both trees; *at is the path so far. */
static bool touches(const json_t *owned, const json_t *diff, char *buf, size_t size, size_t at)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)diff, key, value)
    {
        char name[FAKE_PART_MAX + 2];
        snprintf(name, sizeof name, "f:%s", key);
        const json_t *theirs = json_object_get(owned, name);
        if (!theirs)
            continue;
        int n = snprintf(buf + at, size - at, "%s%s", at ? "." : "", key);
        bool is_leaf = !json_is_object(value) || json_object_size(theirs) == 0;
        if (is_leaf || touches(theirs, value, buf, size, at + (size_t)n))
            return true;
        buf[at] = '\0';
    }
    return false;
}

bool fake_conflict(const json_t *before, const json_t *after, const char *manager, char *buf,
                   size_t size, char *other, size_t other_size)
{
    cf_autojson json_t *diff = changes(before, after);
    const json_t *managed = cf_json_at(before, "metadata", "managedFields", NULL);
    for (size_t i = 0; i < json_array_size(managed); i++) {
        const json_t *e = json_array_get(managed, i);
        if (strcmp(cf_json_str(e, "", "manager", NULL), manager) == 0)
            continue;
        if (touches(json_object_get(e, "fieldsV1"), diff, buf, size, 0)) {
            snprintf(other, other_size, "%s", cf_json_str(e, "", "manager", NULL));
            return true;
        }
    }
    return false;
}
