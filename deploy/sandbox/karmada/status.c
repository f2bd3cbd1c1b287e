/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and members of a status. */
#include "deploy/sandbox/karmada/status.h"

#include <string.h>

#include "base/json_patch.h"

static bool says(const json_t *condition, const struct km_condition *c)
{
    return strcmp(cf_json_str(condition, "", "status", NULL), c->status) == 0 &&
           strcmp(cf_json_str(condition, "", "reason", NULL), c->reason) == 0 &&
           strcmp(cf_json_str(condition, "", "message", NULL), c->message) == 0;
}

/* The conditions with that one set, in its old place or at the end. New reference. */
static json_t *with_condition(const json_t *object, const struct km_condition *c, const char *stamp)
{
    json_t *list = json_array(), *old;
    bool done = false;
    size_t i;
    json_array_foreach(cf_json_at(object, "status", "conditions", NULL), i, old)
    {
        if (strcmp(cf_json_str(old, "", "type", NULL), c->type) != 0) {
            json_array_append(list, old);
            continue;
        }
        done = true;
        if (says(old, c))
            json_array_append(list, old);
        else
            sbx_condition_add(list, object, c->type, c->status, c->reason, c->message, -1, stamp);
    }
    if (!done)
        sbx_condition_add(list, object, c->type, c->status, c->reason, c->message, -1, stamp);
    return list;
}

bool km_set_status(struct km_round *r, const char *manager, const char *group, const char *plural,
                   const json_t *object, const struct km_condition *c, json_t *more_take)
{
    cf_autojson json_t *more = more_take ? more_take : json_object();
    const char *ns = *sbx_ns(object) ? sbx_ns(object) : NULL;
    cf_autojson json_t *now = sbx_api_one(r->hub.world->api, group, plural, ns, sbx_name(object));
    if (!now || strcmp(sbx_uid(now), sbx_uid(object)) != 0)
        return false;
    if (c)
        json_object_set_new(more, "conditions", with_condition(now, c, r->hub.stamp));
    cf_autojson json_t *empty = json_object();
    const json_t *old = json_object_get(now, "status");
    cf_autojson json_t *after = cf_json_merge_apply(old ? old : empty, more);
    if (cf_json_equal(old, after))
        return true;
    return sbx_pass_merge_status(&r->hub, manager, group, plural, now,
                                 json_pack("{s:O}", "status", more));
}
