/* SPDX-License-Identifier: Apache-2.0 */
/* The typed plan: gates, ends and what happens at the end of a run. See bind.h. */
#include "orchestrator/plan/bind.h"

#include <string.h>

#include "base/units.h"

enum { ARENA_MAX = 4 * 1024 * 1024 }; /* all lists at their limits take under 100 kB */

const char *cf_bind_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cf_assert(text);
    return text;
}

int64_t cf_bind_ms(const json_t *object, const char *key)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t ms = 0;
    cf_assert(cf_duration_parse(cf_bind_text(object, key), &ms, &err));
    return ms;
}

double cf_bind_ratio(const json_t *object, const char *key)
{
    struct cf_error err = CF_ERROR_INIT;
    double ratio = 0;
    cf_assert(cf_percent_parse(cf_bind_text(object, key), &ratio, &err));
    return ratio;
}

int cf_bind_word(const json_t *object, const char *key, const char *const *words)
{
    const char *text = cf_bind_text(object, key);
    int i = 0;
    while (words[i] && strcmp(words[i], text) != 0)
        i++;
    cf_assert(words[i]);
    return i;
}

static void bind_gate(struct cf_plan_gate *g, const json_t *row)
{
    g->name = cf_bind_text(row, "name");
    g->type = (enum cf_plan_gate_type)cf_bind_word(row, "type", cf_words_gate_type);
    g->min = cf_bind_ratio(row, "min");
    g->detect = cf_bind_ratio(row, "detect");
    g->alpha = cf_bind_ratio(row, "alpha");
    g->interval_ms = cf_bind_ms(row, "interval");
    g->min_requests = cf_json_int(row, 0, "minRequests", NULL);
    g->max_ms = g->type == CF_PLAN_GATE_LATENCY ? cf_bind_ms(row, "max") : 0;
    g->total = cf_json_str(row, NULL, "total", NULL);
    g->failed = cf_json_str(row, NULL, "failed", NULL);
    g->cluster = cf_json_str(row, NULL, "cluster", NULL);
}

static void bind_gates(struct cf_plan *p, const json_t *spec)
{
    const json_t *rows = json_object_get(spec, "gates");
    p->n_gates = json_array_size(rows);
    struct cf_plan_gate *gates = cf_arena_alloc(p->arena, p->n_gates * sizeof *gates);
    for (size_t i = 0; i < p->n_gates; i++)
        bind_gate(&gates[i], json_array_get(rows, i));
    p->gates = gates;
    static const char *const then[] = { "pause", "rollback", NULL };
    const json_t *no_data = cf_json_at(spec, "gateDefaults", "noData", NULL);
    p->no_data_wait_ms = cf_bind_ms(no_data, "waitUpTo");
    p->no_data_then = (enum cf_plan_no_data)cf_bind_word(no_data, "then", then);
}

static void bind_ends(struct cf_plan *p, const json_t *spec)
{
    const json_t *source = json_object_get(spec, "source");
    const json_t *target = json_object_get(spec, "target");
    p->source_cluster = cf_bind_text(source, "cluster");
    p->source_namespace = cf_bind_text(source, "namespace");
    p->target_cluster = cf_bind_text(target, "cluster");
    p->target_namespace = cf_bind_text(target, "namespace");
    p->create_namespace = cf_json_bool(target, false, "createNamespace", NULL);
}

static void bind_copy(struct cf_plan *p, const json_t *copy)
{
    struct cf_plan_copy *c = &p->copy;
    c->method = (enum cf_plan_copy_method)cf_bind_word(copy, "method", cf_words_copy_method);
    c->control_plane = cf_json_str(copy, NULL, "controlPlane", NULL);
    c->mode = strcmp(cf_json_str(copy, "", "mode", NULL), "adopt") == 0 ? CF_PLAN_COPY_ADOPT
                                                                        : CF_PLAN_COPY_TARGET_ONLY;
    c->overwrite = strcmp(cf_json_str(copy, "", "onConflict", NULL), "overwrite") == 0;
    c->overrides_in_template = strcmp(cf_json_str(copy, "", "overrides", NULL), "template") == 0;
    c->timeout_ms = cf_bind_ms(copy, "timeout");
}

static void bind_end_of_run(struct cf_plan *p, const json_t *spec)
{
    static const char *const commits[] = { "manual", "auto", NULL };
    static const char *const cleanups[] = { "scaleToZero", "keep", NULL };
    size_t i;
    json_t *word;
    json_array_foreach(cf_json_pointer(spec, "/rollback/on"), i, word)
    {
        p->rollback_on |= strcmp(json_string_value(word), "gate") == 0
                              ? CF_PLAN_ROLLBACK_ON_GATE
                              : CF_PLAN_ROLLBACK_ON_DEADLINE;
    }
    p->reverse_data = strcmp(cf_json_str(spec, "", "rollback", "targetData", NULL), "reverse") == 0;
    p->commit = (enum cf_plan_commit)cf_bind_word(spec, "commit", commits);
    const json_t *cleanup = json_object_get(spec, "cleanup");
    p->cleanup_source = (enum cf_plan_cleanup)cf_bind_word(cleanup, "source", cleanups);
    p->cleanup_after_ms = cf_bind_ms(cleanup, "after");
}

struct cf_plan *cf_bind(json_t *effective)
{
    struct cf_plan *p = cf_xcalloc(1, sizeof *p);
    p->arena = cf_arena_new(ARENA_MAX);
    p->effective = json_incref(effective);
    const json_t *spec = json_object_get(effective, "spec");
    p->name = cf_bind_text(json_object_get(effective, "metadata"), "name");
    p->labels = cf_json_at(effective, "metadata", "labels", NULL);
    p->description = cf_json_str(spec, NULL, "description", NULL);
    bind_ends(p, spec);
    cf_bind_workloads(p, json_object_get(spec, "workloads"));
    bind_copy(p, json_object_get(spec, "copy"));
    cf_bind_volumes(p, json_object_get(spec, "volumes"));
    cf_bind_traffic(p, json_object_get(spec, "traffic"));
    bind_gates(p, spec);
    bind_end_of_run(p, spec);
    cf_autofree char *canonical = cf_json_canonical(effective);
    cf_sha256_hex(canonical, strlen(canonical), p->digest);
    return p;
}

void cf_plan_free(struct cf_plan *p)
{
    if (!p)
        return;
    json_decref(p->effective);
    cf_arena_free(p->arena);
    free(p);
}

void cf_plan_free_p(struct cf_plan **p)
{
    cf_plan_free(*p);
}
