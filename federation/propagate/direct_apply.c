/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to the target: one object after the other in the order of the inventory, each step
 * repeatable. */
#include <string.h>

#include "federation/objects/diff.h"
#include "federation/objects/kinds.h"
#include "federation/propagate/direct.h"

static bool needs_write(const json_t *ledger, const json_t *item)
{
    const json_t *entry = cf_direct_entry(ledger, cf_json_str(item, "", "key", NULL));
    return !entry || strcmp(cf_json_str(entry, "", "digest", NULL),
                            cf_json_str(item, "", "digest", NULL)) != 0;
}

static void record(json_t *ledger, const json_t *item, const char *uid, const char *how)
{
    json_t *entry = cf_direct_entry(ledger, cf_json_str(item, "", "key", NULL));
    if (entry) {
        json_object_set(entry, "digest", json_object_get(item, "digest"));
        json_object_set_new(entry, "uid", json_string(uid));
        return;
    }
    json_array_append_new(ledger, json_pack("{s:O, s:O, s:s, s:s, s:O}", "key",
                                            json_object_get(item, "key"), "ref",
                                            json_object_get(item, "ref"), "uid", uid, "how", how,
                                            "digest", json_object_get(item, "digest")));
}

/* The body, but with the replicas that an autoscaler has set meanwhile: applying others would fight
 * it, applying none would reset them to one. */
static json_t *body_over(const json_t *item, const json_t *live)
{
    json_t *body = cf_json_copy(json_object_get(item, "body"));
    const json_t *replicas = cf_json_at(live, "spec", "replicas", NULL);
    if (live && replicas && cf_json_bool(item, false, "autoscaled", NULL))
        cf_json_put_take(body, json_incref(cf_json_unconst(replicas)), "spec", "replicas", NULL);
    return body;
}

static bool write_body(const struct cf_propagation *p, const json_t *item, const json_t *live,
                       bool force, json_t *ledger, const char *how, struct cf_error *err)
{
    cf_autojson json_t *body = body_over(item, live);
    cf_autojson json_t *written = NULL;
    struct cf_kube_write write = { .force = force };
    if (!cf_kube_apply(p->target, NULL, body, &write, &written, err)) {
        cf_error_field(err, cf_json_str(item, "", "key", NULL));
        return cf_error_wrap(err, "apply %s on %s", cf_json_str(item, "", "key", NULL),
                             cf_kube_name(p->target));
    }
    record(ledger, item, cf_object_uid(written), how);
    return true;
}

static bool refuse_foreign(const struct cf_propagation *p, const json_t *item, const json_t *live,
                           struct cf_error *err)
{
    cf_autojson json_t *lines = cf_direct_differences(item, live);
    cf_autofree char *writer = cf_object_last_writer(live, CF_KUBE_FIELD_MANAGER);
    cf_error_set(err, CF_ERR_CONFLICT,
                 "%s is already there on %s (written by %s) and differs: %.400s. Remove it, or set "
                 "workloads.onConflict: overwrite",
                 cf_json_str(item, "", "key", NULL), cf_kube_name(p->target),
                 writer ? writer : "somebody",
                 json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "");
    return cf_error_field(err, cf_json_str(item, "", "key", NULL));
}

static bool overwrite(const struct cf_propagation *p, const json_t *item, const json_t *live,
                      json_t *ledger, struct cf_error *err)
{
    if (!p->before.put(p->before.self, cf_json_str(item, "", "key", NULL), live, err))
        return cf_error_wrap(err, "keep the before-image of %s",
                             cf_json_str(item, "", "key", NULL));
    return write_body(p, item, live, true, ledger, "overwritten", err);
}

static bool apply_one(const struct cf_propagation *p, const json_t *item, json_t *ledger,
                      struct cf_error *err)
{
    enum cf_standing standing;
    cf_autojson json_t *live = NULL;
    if (!cf_direct_standing(p, item, &standing, &live, err))
        return false;
    const json_t *entry = cf_direct_entry(ledger, cf_json_str(item, "", "key", NULL));
    const char *how = cf_json_str(entry, "created", "how", NULL);
    const char *policy = cf_json_str(item, "fail", "onConflict", NULL);
    switch (standing) {
    case CF_STANDING_ABSENT:
        return write_body(p, item, NULL, false, ledger, "created", err);
    case CF_STANDING_OURS:
        return write_body(p, item, live, true, ledger, how, err);
    case CF_STANDING_SHARED:
        record(ledger, item, cf_object_uid(live), "same");
        return true;
    case CF_STANDING_EQUAL:
        if (strcmp(policy, "fail") != 0) {
            record(ledger, item, cf_object_uid(live), "adopted");
            return true;
        }
        return refuse_foreign(p, item, live, err);
    case CF_STANDING_FOREIGN:
        if (strcmp(policy, "overwrite") == 0)
            return overwrite(p, item, live, ledger, err);
        return refuse_foreign(p, item, live, err);
    }
    return true;
}

static bool is_namespace(const json_t *item)
{
    return strcmp(cf_json_str(item, "", "ref", "kind", NULL), "Namespace") == 0;
}

/* Before the first object inside the namespace is written, every object is tried: a copy that
 * cannot be finished is not begun. */
static bool rehearse(const struct cf_propagation *p, const json_t *inventory, struct cf_error *err)
{
    cf_autojson json_t *findings = NULL;
    if (!cf_direct_dry_run(p, inventory, &findings, err))
        return false;
    size_t i;
    json_t *f;
    json_array_foreach(findings, i, f)
    {
        if (strcmp(cf_json_str(f, "", "level", NULL), "blocker") == 0) {
            cf_error_set(err,
                         strcmp(cf_json_str(f, "", "code", NULL), "CONFLICT") == 0 ? CF_ERR_CONFLICT
                                                                                   : CF_ERR_INVALID,
                         "%s", cf_json_str(f, "", "message", NULL));
            return cf_error_field(err, cf_json_str(f, "", "key", NULL));
        }
    }
    return true;
}

static bool is_first_inside(const json_t *ledger, const json_t *item)
{
    size_t i;
    json_t *entry;
    if (is_namespace(item))
        return false;
    json_array_foreach(ledger, i, entry)
    {
        if (!is_namespace(entry))
            return false;
    }
    return true;
}

bool cf_direct_apply(const struct cf_propagation *p, const json_t *inventory, json_t **io_ledger,
                     int max_objects, struct cf_copying *out, struct cf_error *err)
{
    int written = 0;
    bool done = true;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(inventory, "objects"), i, item)
    {
        if (!needs_write(*io_ledger, item))
            continue;
        if (written == max_objects) {
            done = false;
            break;
        }
        if (is_first_inside(*io_ledger, item) && !rehearse(p, inventory, err))
            return false;
        if (!apply_one(p, item, *io_ledger, err))
            return false;
        written++;
    }
    out->done = done;
    return true;
}
