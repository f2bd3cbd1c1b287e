/* SPDX-License-Identifier: Apache-2.0 */
/* The typed plan: workloads. See bind.h. */
#include "orchestrator/plan/bind.h"

static const char *const starts[] = { "auto", "now", "atSwitch", NULL };
static const char *const dependencies[] = { "auto", "listed", NULL };

static struct cf_plan_match match_of(const json_t *row)
{
    return (struct cf_plan_match){
        .api_version = cf_json_str(row, NULL, "apiVersion", NULL),
        .kind = cf_json_str(row, NULL, "kind", NULL),
        .name = cf_json_str(row, NULL, "name", NULL),
        .selector = cf_json_str(row, NULL, "selector", NULL),
    };
}

static void bind_after(struct cf_plan *p, struct cf_plan_include *row, const json_t *names)
{
    row->n_after = json_array_size(names);
    const char **list = cf_arena_alloc(p->arena, row->n_after * sizeof *list);
    for (size_t i = 0; i < row->n_after; i++)
        list[i] = json_string_value(json_array_get(names, i));
    row->after = list;
}

static void bind_include(struct cf_plan *p, const json_t *rows)
{
    struct cf_plan_workloads *w = &p->workloads;
    w->n_include = json_array_size(rows);
    struct cf_plan_include *list = cf_arena_alloc(p->arena, w->n_include * sizeof *list);
    for (size_t i = 0; i < w->n_include; i++) {
        const json_t *row = json_array_get(rows, i);
        list[i].match = match_of(row);
        list[i].start = (enum cf_plan_start)cf_bind_word(row, "start", starts);
        list[i].on_conflict =
            (enum cf_plan_conflict)cf_bind_word(row, "onConflict", cf_words_conflict);
        bind_after(p, &list[i], json_object_get(row, "after"));
    }
    w->include = list;
}

static void bind_exclude(struct cf_plan *p, const json_t *rows)
{
    struct cf_plan_workloads *w = &p->workloads;
    w->n_exclude = json_array_size(rows);
    struct cf_plan_match *list = cf_arena_alloc(p->arena, w->n_exclude * sizeof *list);
    for (size_t i = 0; i < w->n_exclude; i++)
        list[i] = match_of(json_array_get(rows, i));
    w->exclude = list;
}

static void bind_transforms(struct cf_plan *p, const json_t *rows)
{
    struct cf_plan_workloads *w = &p->workloads;
    w->n_transforms = json_array_size(rows);
    struct cf_plan_transform *list = cf_arena_alloc(p->arena, w->n_transforms * sizeof *list);
    for (size_t i = 0; i < w->n_transforms; i++) {
        const json_t *row = json_array_get(rows, i);
        list[i].match = match_of(json_object_get(row, "match"));
        list[i].merge_patch = json_object_get(row, "mergePatch");
        list[i].image_from = cf_json_str(row, NULL, "imageRegistry", "from", NULL);
        list[i].image_to = cf_json_str(row, NULL, "imageRegistry", "to", NULL);
    }
    w->transforms = list;
}

void cf_bind_workloads(struct cf_plan *p, const json_t *workloads)
{
    struct cf_plan_workloads *w = &p->workloads;
    bind_include(p, json_object_get(workloads, "include"));
    bind_exclude(p, json_object_get(workloads, "exclude"));
    bind_transforms(p, json_object_get(workloads, "transforms"));
    w->dependencies =
        (enum cf_plan_dependencies)cf_bind_word(workloads, "dependencies", dependencies);
    w->on_conflict =
        (enum cf_plan_conflict)cf_bind_word(workloads, "onConflict", cf_words_conflict);
    w->start = (enum cf_plan_start)cf_bind_word(workloads, "start", starts);
    w->replicas_min = (int)cf_json_int(workloads, 1, "replicas", "min", NULL);
}
