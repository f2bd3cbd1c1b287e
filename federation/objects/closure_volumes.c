/* SPDX-License-Identifier: Apache-2.0 */
/* Claims whose data moves, and who writes to them: such a claim is no copy, because Velero makes it in
 * the target and gives no data to one that is there already; and nothing that mounts it runs in the
 * target before the writers switch. */
#include <string.h>

#include "federation/objects/clean.h"
#include "federation/objects/closure_set.h"
#include "federation/objects/pods.h"
#include "federation/objects/selector.h"
#include "federation/objects/volumes.h"

const json_t *cf_volumes_row(const json_t *volumes, const char *claim)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(volumes, "claims"), i, row)
    {
        if (cf_name_matches(cf_json_str(row, "", "name", NULL), claim))
            return row;
    }
    return json_object_get(volumes, "default");
}

bool cf_volumes_is_moved(const json_t *row)
{
    return strncmp(cf_json_str(row, "", "strategy", NULL), "velero", strlen("velero")) == 0;
}

/* ---- who mounts what ---- */

static bool mounts(const struct cf_node *n, const char *claim)
{
    const json_t *spec = cf_object_pod_spec(n->object);
    return spec && (cf_pod_mounts(spec, claim) ||
                    (cf_node_is(n, "StatefulSet") && cf_claim_is_of_set(claim, n->object)));
}

static json_t *identity(const struct cf_node *n)
{
    return json_pack("{s:O, s:O, s:s}", "apiVersion", json_object_get(n->object, "apiVersion"),
                     "kind", json_object_get(n->object, "kind"), "name", cf_object_name(n->object));
}

/* What cannot stand still while the last pass reads, or would run twice. What the plan says of all
 * workloads is not said of this one. */
static void note_writer(struct cf_closure_set *s, const struct cf_node *n, const char *claim)
{
    if (!n->why)
        cf_set_note(s, "blocker", "WRITER_OUTSIDE",
                    "Add it to workloads.include, or stop it and keep it stopped",
                    "%s mounts the claim %s, whose data moves, and is not copied: what it writes "
                    "after the freeze would be lost",
                    n->key, claim);
    else if (cf_node_is(n, "DaemonSet"))
        cf_set_note(s, "blocker", "WRITER_UNSTOPPABLE",
                    "Give the claim the strategy none, or take the DaemonSet out of the way first",
                    "%s mounts the claim %s, whose data moves: a DaemonSet cannot stand still",
                    n->key, claim);
    else if (strcmp(cf_json_str(n->include, "", "start", NULL), "now") == 0 &&
             strcmp(cf_json_str(s->in->workloads, "", "start", NULL), "now") != 0)
        cf_set_note(s, "blocker", "WRITER_TWICE", "Take `start: now` out of its row",
                    "%s mounts the claim %s, whose data moves: it cannot run in the target before",
                    n->key, claim);
}

static void add_writer(struct cf_closure_set *s, struct cf_node *n, const char *claim, json_t *by)
{
    note_writer(s, n, claim);
    if (!n->why)
        return;
    json_array_append_new(by, json_string(n->key));
    if (!n->writes)
        json_array_append_new(s->writers, identity(n));
    n->writes = true;
}

/* ---- claims ---- */

static void take_claim(struct cf_closure_set *s, struct cf_node *claim, const json_t *row)
{
    json_t *by = json_array();
    const struct cf_node *first = NULL; /* of `by` */
    const char *name = cf_object_name(claim->object);
    for (struct cf_node *n = s->nodes; n; n = n->hh.next) {
        if (!(n->kind->flags & CF_KIND_WORKLOAD) || !mounts(n, name))
            continue;
        add_writer(s, n, name, by);
        first = first || !n->why ? first : n;
    }
    json_t *out =
        json_pack("{s:s, s:O, s:O, s:s, s:s, s:O, s:o}", "name", name, "strategy",
                  json_object_get(row, "strategy"), "verify", json_object_get(row, "verify"),
                  "storageClass", cf_json_str(row, "", "storageClass", NULL), "size",
                  cf_json_str(row, "", "size", NULL), "claim", claim->object, "by", by);
    if (first)
        json_object_set_new(out, "placement", cf_pod_placement(cf_object_pod_spec(first->object)));
    json_array_append_new(s->claims, out);
}

static int by_claim_name(const void *a, const void *b)
{
    const struct cf_node *x = *(struct cf_node *const *)a, *y = *(struct cf_node *const *)b;
    return strcmp(cf_object_name(x->object), cf_object_name(y->object));
}

/* The members among the claims whose data moves, by name; caller frees. */
static struct cf_node **moved_claims(const struct cf_closure_set *s, size_t *out_n)
{
    struct cf_node **list = cf_xcalloc(s->queued + 1, sizeof(struct cf_node *));
    *out_n = 0;
    for (size_t i = 0; i < s->queued; i++) {
        struct cf_node *n = s->queue[i];
        if (cf_node_is(n, "PersistentVolumeClaim") &&
            cf_volumes_is_moved(cf_volumes_row(s->in->volumes, cf_object_name(n->object))))
            list[(*out_n)++] = n;
    }
    qsort(list, *out_n, sizeof(struct cf_node *), by_claim_name);
    return list;
}

void cf_closure_volumes(struct cf_closure_set *s)
{
    size_t n = 0;
    cf_autofree struct cf_node **claims = moved_claims(s, &n);
    for (size_t i = 0; i < n; i++)
        take_claim(s, claims[i], cf_volumes_row(s->in->volumes, cf_object_name(claims[i]->object)));
    for (size_t i = 0; i < n; i++)
        cf_set_drop(s, claims[i], "Velero makes it in the target, with its data");
}
