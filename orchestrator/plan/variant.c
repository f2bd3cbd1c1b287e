/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields belong to which type, and the check of it. See variant.h. */
#include "orchestrator/plan/variant.h"

#include <stdio.h>
#include <string.h>

#define ROUTERS "/spec/traffic/routers"
#define GATES   "/spec/gates"
#define SOURCE  "/destinations/source"
#define TARGET  "/destinations/target"

const struct cf_variant cf_variants[] = {
    { ROUTERS, "virtualService", "", " route ", " " },
    { ROUTERS, "httpRoute", "", " rule match ", " " },
    { ROUTERS, "ingress", "", " host path ", " " },
    { ROUTERS, "virtualService", SOURCE, " host subset port ", " host " },
    { ROUTERS, "virtualService", TARGET, " host subset port ", " host " },
    { ROUTERS, "httpRoute", SOURCE, " service namespace kind port ", " service " },
    { ROUTERS, "httpRoute", TARGET, " service namespace kind port ", " service " },
    { ROUTERS, "ingress", SOURCE, " service port portName ", " service " },
    { ROUTERS, "ingress", TARGET, " service port portName ", " service " },
    { GATES, "successRate", "", " cluster ", " " },
    { GATES, "latency", "", " cluster max ", " max " },
    { GATES, "promql", "", " cluster total failed ", " total failed " },
    { 0 },
};

static bool contains(const char *words, const char *word)
{
    char padded[64];
    snprintf(padded, sizeof padded, " %s ", word);
    return strstr(words, padded) != NULL;
}

/* Whether the field belongs to some type of this list's part, but not to this one; `out` gets the
 * first type that has it. */
static bool belongs_elsewhere(const struct cf_variant *v, const char *key, const char **out)
{
    if (contains(v->own, key))
        return false;
    for (const struct cf_variant *o = cf_variants; o->list; o++)
        if (strcmp(o->list, v->list) == 0 && strcmp(o->part, v->part) == 0 &&
            contains(o->own, key)) {
            *out = o->type;
            return true;
        }
    return false;
}

static void check_fields(const struct cf_variant *v, const json_t *part, char *pointer,
                         struct cf_report *r)
{
    const char *key, *owner;
    json_t *value;
    json_object_foreach(cf_json_unconst(part), key, value)
    {
        if (json_is_null(value) || !belongs_elsewhere(v, key, &owner))
            continue;
        char hint[128];
        snprintf(hint, sizeof hint, "remove it, or set type to %s", owner);
        size_t len = cf_json_pointer_push(pointer, key);
        cf_report(r, CF_PLAN_CONFLICTING_FIELDS, pointer, hint, "\"%s\" has no meaning for type %s",
                  key, v->type);
        pointer[len] = '\0';
    }
}

/* What was written but refused is not missing. */
static bool is_written(const struct cf_report *r, const char *pointer, const char *key)
{
    char origin[CF_JSON_POINTER_MAX];
    cf_report_written(r->written, pointer, origin);
    return json_object_get(cf_json_pointer(r->written, origin), key) != NULL;
}

static void check_required(const struct cf_variant *v, const json_t *part, const char *pointer,
                           struct cf_report *r)
{
    const char *p = v->required;
    char key[32];
    int used;
    while (sscanf(p, " %31s%n", key, &used) == 1) {
        p += used;
        if (json_object_get(part, key) || is_written(r, pointer, key))
            continue;
        char hint[64];
        snprintf(hint, sizeof hint, "type %s needs it", v->type);
        cf_report_missing(r, pointer, key, hint);
    }
}

static void check_row(const json_t *row, const char *list, size_t index, struct cf_report *r)
{
    const char *type = cf_json_str(row, "", "type", NULL);
    for (const struct cf_variant *v = cf_variants; v->list; v++) {
        if (strcmp(v->list, list) != 0 || strcmp(v->type, type) != 0)
            continue;
        const json_t *part = cf_json_pointer(row, v->part);
        if (!json_is_object(part))
            continue;
        char pointer[CF_JSON_POINTER_MAX];
        snprintf(pointer, sizeof pointer, "%s/%zu%s", list, index, v->part);
        check_fields(v, part, pointer, r);
        check_required(v, part, pointer, r);
    }
}

void cf_variant_check(const json_t *effective, struct cf_report *r)
{
    static const char *const lists[] = { ROUTERS, GATES };
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        size_t i;
        json_t *row;
        json_array_foreach(cf_json_pointer(effective, lists[l]), i, row)
            check_row(row, lists[l], i, r);
    }
}
