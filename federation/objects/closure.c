/* SPDX-License-Identifier: Apache-2.0 */
/* The closure: seeds from the plan, then edges until nothing new comes, then the order of
 * application. */
#include "federation/objects/closure.h"

#include <stdlib.h>
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/selector.h"

/* --- seeds --- */

/* Marks what the routers' Services select, and joins it when the plan names nothing else. */
static bool seed_services(struct cf_closure_set *s, bool join, struct cf_error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(s->in->services, i, name)
    {
        struct cf_node *service = cf_set_find(s, "Service", json_string_value(name));
        if (!service)
            return cf_error_set(
                err, CF_ERR_INVALID,
                "the router's source destination is Service %s, which is not in the "
                "source namespace",
                json_string_value(name));
        const json_t *selector = cf_json_at(service->object, "spec", "selector", NULL);
        if (join)
            cf_set_select(s, service, NULL, "the router's source destination");
        for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
            if (!(n->kind->flags & CF_KIND_REACHED) ||
                !cf_selector_map_matches(selector, cf_object_pod_labels(n->object)))
                continue;
            n->reached = true;
            if (!join)
                continue;
            cf_set_select(s, n, NULL, "selected by Service %s", json_string_value(name));
            if (n->why && !n->from)
                n->from = service;
        }
    }
    return true;
}

static bool row_error(const json_t *row, size_t index, struct cf_error *err)
{
    cf_autofree char *text = cf_json_dump(row);
    cf_error_set(err, CF_ERR_INVALID,
                 "workloads.include row %zu matches nothing in the source: %.300s", index, text);
    cf_autofree char *field = cf_xasprintf("/spec/workloads/include/%zu", index);
    return cf_error_field(err, field);
}

static bool seed_includes(struct cf_closure_set *s, struct cf_error *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(s->in->workloads, "include"), i, row)
    {
        const struct cf_node *kept_out = NULL;
        bool has_member = false;
        for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
            if (!cf_match_holds(row, n->object))
                continue;
            cf_set_select(s, n, row, "listed in workloads.include");
            if (n->include == row)
                n->wave = s->row_waves[i];
            has_member = has_member || n->why;
            kept_out = n->why ? kept_out : n;
        }
        if (!has_member && !kept_out)
            return row_error(row, i, err);
        if (!has_member && !kept_out->refused)
            cf_set_note(s, "warning", "ROW_WITHOUT_OBJECTS", "Take the row out of the plan",
                        "workloads.include row %zu matches only what is not copied: %s (%s)", i,
                        kept_out->key, kept_out->why_not);
    }
    return true;
}

static void join_ambient(struct cf_closure_set *s)
{
    for (struct cf_node *n = s->nodes; n; n = n->hh.next)
        if (n->kind->flags & CF_KIND_AMBIENT && (!s->listed || cf_node_is(n, "Namespace")))
            cf_set_select(s, n, NULL, "belongs to the namespace");
}

/* One that an operator makes counts: it is refused, and the plan hears why. */
static bool has_workload(const struct cf_closure_set *s)
{
    for (const struct cf_node *n = s->nodes; n; n = n->hh.next)
        if (n->kind->flags & CF_KIND_WORKLOAD && (n->why || n->refused))
            return true;
    return false;
}

/* --- growing --- */

/* What the members up to this wave bring; whether there was anything to look at. */
static bool look_at_wave(struct cf_closure_set *s)
{
    bool any = false;
    for (size_t i = 0; i < s->queued; i++) {
        struct cf_node *n = s->queue[i];
        if (n->looked_at || n->wave > s->wave)
            continue;
        any = n->looked_at = true;
        cf_closure_edges(s, n);
    }
    return any;
}

/* Wave after wave: what several need comes with the first of them. */
static void grow(struct cf_closure_set *s)
{
    for (s->wave = 0; s->wave < s->waves; s->wave++)
        while (look_at_wave(s))
            cf_closure_custom_referrers(s);
}

/* --- the result --- */

static int by_wave(const void *a, const void *b)
{
    const struct cf_node *x = *(struct cf_node *const *)a, *y = *(struct cf_node *const *)b;
    if (x->wave != y->wave)
        return x->wave - y->wave;
    if (x->kind->wave != y->kind->wave)
        return x->kind->wave - y->kind->wave;
    return strcmp(x->key, y->key);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct cf_node *const *)a)->key, (*(struct cf_node *const *)b)->key);
}

/* The workload that it scales, where that is a member. */
static const struct cf_node *scaled_by(const struct cf_closure_set *s, const struct cf_node *n)
{
    const json_t *ref = cf_json_at(n->object, "spec", "scaleTargetRef", NULL);
    const struct cf_node *scaled = cf_set_find(s, cf_json_str(ref, "Deployment", "kind", NULL),
                                               cf_json_str(ref, "", "name", NULL));
    return scaled && scaled->why && scaled->kind->flags & CF_KIND_SCALABLE ? scaled : NULL;
}

const char *cf_closure_start(const struct cf_closure_set *s, const struct cf_node *n)
{
    const char *start = cf_json_str(n->include, NULL, "start", NULL);
    if (n->kind->flags & CF_KIND_STARTS) {
        const struct cf_node *scaled = scaled_by(s, n);
        return scaled ? cf_closure_start(s, scaled) : "now";
    }
    if (n->writes)
        return "atSwitch";
    if (!start)
        start = cf_json_str(s->in->workloads, "auto", "start", NULL);
    if (strcmp(start, "auto") != 0)
        return start;
    return n->reached || !(n->kind->flags & CF_KIND_SCALABLE) ? "now" : "atSwitch";
}

static const char *conflict_of(const struct cf_closure_set *s, const struct cf_node *n)
{
    const char *own = cf_json_str(n->include, NULL, "onConflict", NULL);
    return own ? own : cf_json_str(s->in->workloads, "fail", "onConflict", NULL);
}

static json_t *members_of(struct cf_closure_set *s)
{
    qsort(s->queue, s->queued, sizeof(struct cf_node *), by_wave);
    json_t *members = json_array();
    for (size_t i = 0; i < s->queued; i++) {
        const struct cf_node *n = s->queue[i];
        json_t *m =
            json_pack("{s:O, s:s, s:s, s:i, s:s, s:s}", "object", n->object, "why", n->why, "from",
                      n->from ? n->from->key : "", "wave", n->wave * CF_WAVE_STRIDE + n->kind->wave,
                      "start", cf_closure_start(s, n), "onConflict", conflict_of(s, n));
        if (n->pull_secrets)
            json_object_set(m, "pullSecrets", cf_json_unconst(n->pull_secrets));
        json_array_append_new(members, m);
    }
    return members;
}

/* Why an object that nothing asked for stays, where there is more to say than that. */
static const char *why_not(const struct cf_closure_set *s, const struct cf_node *n)
{
    if (n->why_not)
        return n->why_not;
    if (n->excluded)
        return "excluded by the plan";
    return cf_closure_is_steered(s, n) ? "the plan steers it: it stays where it is"
                                       : cf_object_skip_reason(n->object);
}

static void count(json_t *unrelated, const struct cf_node *n)
{
    const char *kind = cf_json_str(n->object, "", "kind", NULL);
    json_int_t so_far = json_integer_value(json_object_get(unrelated, kind));
    json_object_set_new(unrelated, kind, json_integer(so_far + 1));
}

static void rest_of(struct cf_closure_set *s, json_t *skipped, json_t *unrelated)
{
    size_t n_nodes = HASH_COUNT(s->nodes), n_rest = 0;
    cf_autofree struct cf_node **rest = cf_xcalloc(n_nodes + 1, sizeof *rest);
    for (struct cf_node *n = s->nodes; n; n = n->hh.next)
        if (!n->why)
            rest[n_rest++] = n;
    qsort(rest, n_rest, sizeof *rest, by_key);
    for (size_t i = 0; i < n_rest; i++) {
        const struct cf_node *n = rest[i];
        const char *reason = why_not(s, n);
        /* Endpoints and slices of controllers say nothing to anybody. */
        bool silent = n->kind->flags & CF_KIND_ON_DEMAND && !n->why_not;
        if (silent)
            continue;
        if (reason && json_array_size(skipped) < CF_CLOSURE_SKIPPED_MAX)
            json_array_append_new(skipped,
                                  json_pack("{s:s, s:s, s:s}", "kind",
                                            cf_json_str(n->object, "", "kind", NULL), "name",
                                            cf_object_name(n->object), "why", reason));
        else
            count(unrelated, n);
    }
}

static json_t *result(struct cf_closure_set *s)
{
    cf_autojson json_t *skipped = json_array();
    cf_autojson json_t *unrelated = json_object();
    rest_of(s, skipped, unrelated);
    json_t *out =
        json_pack("{s:o, s:O, s:O, s:O, s:O}", "members", members_of(s), "required", s->required,
                  "skipped", skipped, "unrelated", unrelated, "notes", s->notes);
    if (json_array_size(s->claims) > 0)
        json_object_set_new(out, "volumes",
                            json_pack("{s:O, s:O}", "claims", s->claims, "writers", s->writers));
    if (s->waves > 1)
        json_object_set_new(out, "waves", json_integer(s->waves));
    return out;
}

json_t *cf_closure(const struct cf_closure_input *in, struct cf_error *err)
{
    struct cf_closure_set s;
    cf_set_init(&s, in);
    json_t *out = NULL;
    bool by_services = json_array_size(json_object_get(in->workloads, "include")) == 0;
    if (!cf_closure_row_waves(&s, err) || !seed_services(&s, by_services, err) ||
        !seed_includes(&s, err))
        goto done;
    if ((!by_services && s.queued == 0 && !has_workload(&s)) ||
        (by_services && !has_workload(&s))) {
        cf_error_set(
            err, CF_ERR_INVALID,
            "nothing to copy: the routers' source Services select no workload; list what to move in "
            "spec.workloads.include");
        goto done;
    }
    grow(&s);
    cf_closure_volumes(&s);
    if (!cf_closure_check_waves(&s, err))
        goto done;
    join_ambient(&s);
    cf_closure_drop_empty_routes(&s);
    cf_closure_notes(&s);
    out = result(&s);
done:
    cf_set_free(&s);
    return out;
}
