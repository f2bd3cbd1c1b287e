/* SPDX-License-Identifier: Apache-2.0 */
/* Services that a member's configuration names. One without a selector is configuration itself and
 * comes along; one with pods behind it is only reported: what runs is moved when the plan says
 * so. */
#include <string.h>

#include "federation/objects/closure_set.h"
#include "federation/objects/mentions.h"
#include "federation/objects/routes.h"
#include "federation/objects/selector.h"

struct mention {
    struct cf_closure_set *set;
    struct cf_node *from;
    const char *where;
};

static bool was_said(struct cf_closure_set *s, const char *code, const char *name)
{
    cf_autofree char *start = cf_xasprintf("%s is named by ", name);
    size_t i;
    json_t *note;
    json_array_foreach(s->notes, i, note)
    {
        const char *message = cf_json_str(note, "", "message", NULL);
        if (strcmp(cf_json_str(note, "", "code", NULL), code) == 0 &&
            strncmp(message, start, strlen(start)) == 0)
            return true;
    }
    return false;
}

/* The member behind a Service that will have no pods before the switch, or NULL. */
static const struct cf_node *late_workload(const struct cf_closure_set *s,
                                           const struct cf_node *service)
{
    const json_t *selector = cf_json_at(service->object, "spec", "selector", NULL);
    for (size_t i = 0; i < s->queued; i++)
        if (s->queue[i]->kind->flags & CF_KIND_SCALABLE &&
            strcmp(cf_closure_start(s, s->queue[i]), "now") != 0 &&
            cf_selector_map_matches(selector, cf_object_pod_labels(s->queue[i]->object)))
            return s->queue[i];
    return NULL;
}

static void remark(const struct mention *m, const struct cf_node *service)
{
    const struct cf_node *late = service->why ? late_workload(m->set, service) : NULL;
    const char *start = cf_closure_start(m->set, m->from);
    if (!service->why && !service->excluded && !service->why_not &&
        !was_said(m->set, "NAMED_SERVICE", service->key))
        cf_set_note(m->set, "warning", "NAMED_SERVICE",
                    "List its workload in workloads.include, or see to it that the name leads "
                    "somewhere in the target",
                    "%s is named by %s (%s), and is not copied", service->key, m->from->key,
                    m->where);
    if (late && strcmp(start, "now") == 0 && !was_said(m->set, "LATE_START", service->key))
        cf_set_note(m->set, "warning", "LATE_START",
                    "Give its row in workloads.include start: now, unless it must not run on both "
                    "sides",
                    "%s is named by %s (%s), but %s starts in the target only at the switch",
                    service->key, m->from->key, m->where, late->key);
}

static void take_host(void *user, const char *host)
{
    struct mention *m = user;
    struct cf_backend b;
    cf_host_backend(host, m->set->ns, &b);
    if (strcmp(b.kind, "Service") != 0 || strcmp(b.ns, m->set->ns) != 0)
        return;
    struct cf_node *n = cf_set_find(m->set, "Service", b.name);
    bool has_pods = n && json_object_size(cf_json_at(n->object, "spec", "selector", NULL)) > 0;
    if (n && m->set->settled && has_pods)
        remark(m, n);
    else if (n && !m->set->settled && !has_pods)
        cf_set_need(m->set, n, m->from, "named in %s of %s", m->where, m->from->key);
}

static void look_into_container(struct mention *m, const json_t *container)
{
    static const char *const lists[] = { "command", "args" };
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(container, "env"), i, one)
    {
        const char *name = cf_json_str(one, "", "name", NULL);
        m->where = name;
        cf_mentions(cf_json_str(one, "", "value", NULL), cf_is_host_variable(name), take_host, m);
    }
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        m->where = lists[l];
        json_array_foreach(json_object_get(container, lists[l]), i, one)
        {
            if (json_is_string(one))
                cf_mentions(json_string_value(one), false, take_host, m);
        }
    }
}

void cf_closure_mentions(struct cf_closure_set *s, struct cf_node *n)
{
    static const char *const lists[] = { "initContainers", "containers" };
    struct mention m = { s, n, "" };
    const json_t *spec = cf_object_pod_spec(n->object);
    const char *key;
    json_t *one;
    size_t i;
    for (size_t l = 0; l < CF_ARRAY_LEN(lists); l++) {
        json_array_foreach(json_object_get(spec, lists[l]), i, one)
        {
            look_into_container(&m, one);
        }
    }
    if (!cf_node_is(n, "ConfigMap"))
        return;
    json_object_foreach(cf_json_unconst(json_object_get(n->object, "data")), key, one)
    {
        m.where = key;
        if (json_is_string(one))
            cf_mentions(json_string_value(one), cf_is_host_variable(key), take_host, &m);
    }
}
