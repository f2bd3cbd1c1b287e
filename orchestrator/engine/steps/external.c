/* SPDX-License-Identifier: Apache-2.0 */
/* Data that others replicate (external.h). */
#include "orchestrator/engine/steps/external.h"

#include <string.h>

enum { EXTERNAL_LOOK_MS = 1000 };

/* The text of a value, as `equals` is written; NULL: there is none. */
static char *text_of(const json_t *value)
{
    if (!value)
        return NULL;
    return json_is_string(value) ? cf_xstrdup(json_string_value(value)) : cf_json_dump(value);
}

static bool is_there(struct cf_pass *p, const char *claim, const json_t *until,
                     struct cf_outcome *out, struct cf_error *err)
{
    const struct cf_plan *plan = p->run->plan;
    bool source = strcmp(cf_json_str(until, "", "side", NULL), "source") == 0;
    const char *cluster = source ? plan->source_cluster : plan->target_cluster;
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *object = NULL;
    bool found = false;
    struct cf_object_ref ref =
        cf_ref(cf_json_str(until, "", "apiVersion", NULL), cf_json_str(until, "", "kind", NULL),
               source ? plan->source_namespace : plan->target_namespace,
               cf_json_str(until, "", "name", NULL));
    if (!cf_pass_kube(p, cluster, &kube, err) ||
        !cf_kube_find(kube, NULL, &ref, &found, &object, err))
        return cf_error_wrap(err, "%s %s of %s", ref.kind, ref.name, cluster);
    const char *pointer = cf_json_str(until, "", "pointer", NULL);
    const char *want = cf_json_str(until, "", "equals", NULL);
    cf_autofree char *is = text_of(found ? cf_json_pointer(object, pointer) : NULL);
    if (is && strcmp(is, want) == 0)
        return cf_out_done(out);
    return cf_out_wait(out, EXTERNAL_LOOK_MS, "claim %s: %s %s of %s has %.100s at %s, not yet %s",
                       claim, ref.kind, ref.name, cluster, is ? is : "nothing", pointer, want);
}

bool cf_external_there(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(p->run->plan->effective, "spec", "volumes", "claims", NULL), i,
                       row)
    {
        const json_t *until = json_object_get(row, "until");
        if (until && !is_there(p, cf_json_str(row, "", "name", NULL), until, out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_out_done(out);
}
