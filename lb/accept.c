/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the controller behind a router has taken this generation in. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "lb/change.h"

/* The two conditions a parent must have; without an observedGeneration a condition counts as of
 * now. */
static const char *const needed[] = { "Accepted", "ResolvedRefs" };

static const json_t *condition_of(const json_t *parent, const char *type)
{
    const json_t *list = json_object_get(parent, "conditions");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(cf_json_str(json_array_get(list, i), "", "type", NULL), type) == 0)
            return json_array_get(list, i);
    return NULL;
}

static bool judge_parent(const json_t *parent, int64_t generation, struct cf_router_acceptance *out)
{
    const char *name = cf_json_str(parent, "?", "parentRef", "name", NULL);
    for (size_t i = 0; i < CF_ARRAY_LEN(needed); i++) {
        const json_t *c = condition_of(parent, needed[i]);
        bool current = c && cf_json_int(c, generation, "observedGeneration", NULL) >= generation;
        if (!current) {
            snprintf(out->why, sizeof out->why,
                     "parent %.100s: %s is not there for this generation yet", name, needed[i]);
            return false;
        }
        if (strcmp(cf_json_str(c, "", "status", NULL), "True") == 0)
            continue;
        out->refused = strcmp(cf_json_str(c, "", "status", NULL), "False") == 0;
        snprintf(out->why, sizeof out->why, "parent %.80s: %s is %.10s: %.60s: %.180s", name,
                 needed[i], cf_json_str(c, "?", "status", NULL), cf_json_str(c, "", "reason", NULL),
                 cf_json_str(c, "", "message", NULL));
        return false;
    }
    return true;
}

static bool is_parent(const json_t *ref, const json_t *status, const char *ns)
{
    const json_t *theirs = json_object_get(status, "parentRef");
    return strcmp(cf_json_str(ref, "", "name", NULL), cf_json_str(theirs, "", "name", NULL)) == 0 &&
           strcmp(cf_json_str(ref, ns, "namespace", NULL),
                  cf_json_str(theirs, ns, "namespace", NULL)) == 0 &&
           strcmp(cf_json_str(ref, "", "sectionName", NULL),
                  cf_json_str(theirs, "", "sectionName", NULL)) == 0;
}

static void judge_http_route(const json_t *object, struct cf_router_acceptance *out)
{
    const json_t *refs = cf_json_at(object, "spec", "parentRefs", NULL);
    const json_t *statuses = cf_json_at(object, "status", "parents", NULL);
    const char *ns = cf_json_str(object, "", "metadata", "namespace", NULL);
    int64_t generation = cf_json_int(object, 0, "metadata", "generation", NULL);
    for (size_t i = 0; i < json_array_size(refs); i++) {
        const json_t *ref = json_array_get(refs, i);
        bool seen = false;
        for (size_t k = 0; k < json_array_size(statuses); k++) {
            const json_t *status = json_array_get(statuses, k);
            if (!is_parent(ref, status, ns))
                continue;
            seen = true;
            if (!judge_parent(status, generation, out))
                return;
        }
        if (!seen) {
            snprintf(out->why, sizeof out->why, "no controller has answered for parent %.100s yet",
                     cf_json_str(ref, "?", "name", NULL));
            return;
        }
    }
    out->accepted = json_array_size(refs) > 0;
    if (!out->accepted)
        snprintf(out->why, sizeof out->why, "the HTTPRoute names no parent");
}

/* Istio has written it as a number and as a text; 0 when it is absent. */
static int64_t observed_generation(const json_t *value)
{
    struct cf_error ignored = CF_ERROR_INIT;
    int64_t n = json_integer_value(value);
    if (json_is_string(value) &&
        !cf_int_parse(json_string_value(value), 0, INT64_MAX, &n, &ignored))
        return 0;
    return n;
}

/* Istio writes a status only where it is told to; what it then calls an error counts, its absence
 * does not. */
static void judge_virtual_service(const json_t *object, struct cf_router_acceptance *out)
{
    const json_t *messages = cf_json_at(object, "status", "validationMessages", NULL);
    int64_t generation = cf_json_int(object, 0, "metadata", "generation", NULL);
    int64_t observed =
        observed_generation(cf_json_at(object, "status", "observedGeneration", NULL));
    out->accepted = true;
    for (size_t i = 0; observed == generation && i < json_array_size(messages); i++) {
        const json_t *m = json_array_get(messages, i);
        const json_t *level = json_object_get(m, "level");
        bool is_error = json_is_string(level) ? strcmp(json_string_value(level), "ERROR") == 0
                                              : json_integer_value(level) == 3;
        if (!is_error)
            continue;
        out->accepted = false;
        out->refused = true;
        snprintf(out->why, sizeof out->why, "Istio finds an error in it: %.60s %.60s",
                 cf_json_str(m, "", "type", "name", NULL),
                 cf_json_str(m, "", "type", "code", NULL));
    }
}

void cf_router_judge_acceptance(enum cf_router_type type, const json_t *object,
                                struct cf_router_acceptance *out)
{
    *out = (struct cf_router_acceptance){ .accepted = type == CF_ROUTER_INGRESS };
    if (type == CF_ROUTER_HTTP_ROUTE)
        judge_http_route(object, out);
    else if (type == CF_ROUTER_VIRTUAL_SERVICE)
        judge_virtual_service(object, out);
}

bool cf_router_accepted(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                        struct cf_router_acceptance *out, struct cf_error *err)
{
    cf_autojson json_t *object = NULL;
    if (!cf_router_get(kube, how, baseline, false, &object, err))
        return false;
    if (object) {
        cf_router_judge_acceptance(cf_baseline_type(baseline), object, out);
        return true;
    }
    *out = (struct cf_router_acceptance){ .refused = true };
    snprintf(out->why, sizeof out->why, "the object is gone");
    return true;
}
