/* SPDX-License-Identifier: Apache-2.0 */
/* The views, waits and notes of one round. */
#include "deploy/sandbox/karmada/round.h"
#include "federation/objects/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SHORT_MS = 1000, /* settling waits for what is shorter */
    KEY_MAX = 512,
};

void km_round_begin(struct km_round *r, struct km_plane *plane)
{
    r->plane = plane;
    r->clusters[0] = r->overrides[0] = '\0';
    r->hub_answers = !km_on(&plane->switches, KM_HUB_AWAY);
    r->memory = json_object();
    sbx_pass_begin(&r->hub, &plane->hub);
    for (size_t i = 0; i < plane->count; i++)
        sbx_pass_begin(&r->members[i], &plane->members[i].world);
}

void km_round_end(struct km_round *r, int64_t *out_wake, bool *out_waiting)
{
    *out_wake = r->hub.wake;
    *out_waiting = r->hub.is_waiting;
    for (size_t i = 0; i < r->plane->count; i++) {
        *out_wake = CF_MIN(*out_wake, r->members[i].wake);
        sbx_pass_end(&r->members[i]);
    }
    sbx_pass_end(&r->hub);
    json_decref(r->plane->memory);
    r->plane->memory = cf_steal(&r->memory);
}

static void key_of(char key[KEY_MAX], const char *fmt, va_list ap)
{
    vsnprintf(key, KEY_MAX, fmt, ap);
}

bool km_after(struct km_round *r, int64_t real_ms, const char *key_fmt, ...)
{
    char key[KEY_MAX];
    va_list ap;
    va_start(ap, key_fmt);
    key_of(key, key_fmt, ap);
    va_end(ap);
    return sbx_pass_after(&r->hub, CF_MAX(1, real_ms * r->plane->wait_percent / 100),
                          real_ms >= SHORT_MS, "%s", key);
}

const char *km_recall(struct km_round *r, const char *key_fmt, ...)
{
    char key[KEY_MAX];
    va_list ap;
    va_start(ap, key_fmt);
    key_of(key, key_fmt, ap);
    va_end(ap);
    json_t *text = json_object_get(r->memory, key);
    if (!text && (text = json_object_get(r->plane->memory, key)))
        json_object_set(r->memory, key, text);
    return json_string_value(text);
}

void km_note(struct km_round *r, const char *text, const char *key_fmt, ...)
{
    char key[KEY_MAX];
    va_list ap;
    va_start(ap, key_fmt);
    key_of(key, key_fmt, ap);
    va_end(ap);
    json_object_set_new(r->memory, key, json_string(text));
}

bool km_is_news(struct km_round *r, const char *now, const char *key_fmt, ...)
{
    char key[KEY_MAX];
    va_list ap;
    va_start(ap, key_fmt);
    key_of(key, key_fmt, ap);
    va_end(ap);
    const char *was = km_recall(r, "%s", key);
    if (was && strcmp(was, now) == 0)
        return false;
    km_note(r, now, "%s", key);
    return true;
}

char *km_digest(const json_t *value, char out[KM_DIGEST])
{
    cf_autofree char *text = cf_json_canonical(value);
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *c = text; *c; c++)
        h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
    snprintf(out, KM_DIGEST, "%016" PRIx64, h);
    return out;
}

/* ---- Members ---- */

struct km_member *km_member(struct km_round *r, const char *name)
{
    for (size_t i = 0; i < r->plane->count; i++)
        if (strcmp(r->plane->members[i].name, name) == 0)
            return &r->plane->members[i];
    return NULL;
}

struct sbx_pass *km_member_pass(struct km_round *r, const struct km_member *m)
{
    return &r->members[m - r->plane->members];
}

bool km_member_answers(const struct km_member *m)
{
    return !km_on(&m->switches, KM_UNREACHABLE);
}

bool km_cluster_is_ready(struct km_round *r, const char *name)
{
    const json_t *c = sbx_pass_one(&r->hub, KM_G_CLUSTER, "clusters", NULL, name);
    return c && cf_object_condition_is(c, "Ready", "True");
}

/* ---- Bindings and Works ---- */

const struct km_binding_kind km_binding_kinds[2] = {
    { "resourcebindings", "ResourceBinding", KM_RB_ID, KM_RB_NAME, KM_RB_NS, KM_F_RB },
    { "clusterresourcebindings", "ClusterResourceBinding", KM_CRB_ID, KM_CRB_NAME, NULL, KM_F_CRB },
};

void km_each_binding(struct km_round *r,
                     void (*look_at)(struct km_round *r, const struct km_binding_kind *bk,
                                     json_t *binding))
{
    for (size_t k = 0; k < CF_ARRAY_LEN(km_binding_kinds); k++) {
        size_t i;
        json_t *b;
        json_array_foreach(sbx_pass_all(&r->hub, KM_G_WORK, km_binding_kinds[k].plural), i, b)
        {
            look_at(r, &km_binding_kinds[k], b);
        }
    }
}

const char *km_binding_id(const struct km_binding_kind *bk, const json_t *binding)
{
    return sbx_label(binding, bk->id_label);
}

json_t *km_works_of(struct km_round *r, const struct km_binding_kind *bk, const json_t *binding)
{
    return km_works_among(sbx_pass_all(&r->hub, KM_G_WORK, "works"), bk, binding);
}

json_t *km_works_among(const json_t *works, const struct km_binding_kind *bk, const json_t *binding)
{
    json_t *mine = json_array();
    const char *id = km_binding_id(bk, binding);
    size_t i;
    json_t *w;
    json_array_foreach(*id ? cf_json_unconst(works) : NULL, i, w)
    {
        if (strcmp(sbx_label(w, bk->id_label), id) == 0)
            json_array_append(mine, w);
    }
    return mine;
}

const char *km_work_cluster(const json_t *work)
{
    const char *ns = sbx_ns(work);
    size_t n = strlen(KM_SPACE_PREFIX);
    return strncmp(ns, KM_SPACE_PREFIX, n) == 0 ? ns + n : "";
}

json_t *km_template_of(struct km_round *r, const json_t *binding)
{
    const json_t *ref = cf_json_at(binding, "spec", "resource", NULL);
    const struct sbx_kind *k = sbx_kind_named(cf_json_str(ref, "", "apiVersion", NULL),
                                              cf_json_str(ref, "", "kind", NULL));
    if (!k)
        return NULL;
    return sbx_pass_one(&r->hub, k->group, k->plural,
                        k->namespaced ? cf_json_str(ref, "", "namespace", NULL) : NULL,
                        cf_json_str(ref, "", "name", NULL));
}

bool km_has_cluster(const json_t *clusters, const char *name)
{
    size_t i;
    json_t *c;
    json_array_foreach(clusters, i, c)
    {
        if (strcmp(cf_json_str(c, "", "name", NULL), name) == 0)
            return true;
    }
    return false;
}

bool km_drop_finalizer(struct km_round *r, const char *group, const char *plural, const json_t *o,
                       const char *finalizer)
{
    json_t *kept = sbx_list_without(cf_json_at(o, "metadata", "finalizers", NULL), NULL, finalizer);
    return sbx_pass_merge(&r->hub, KM_CONTROLLER, group, plural, o,
                          json_pack("{s:{s:o}}", "metadata", "finalizers", kept));
}

/* ---- Events ---- */

void km_warn(struct km_round *r, const json_t *object, const char *reason, const char *message)
{
    cf_autojson json_t *said = json_pack("[s,s,s]", sbx_uid(object), reason, message);
    char digest[KM_DIGEST];
    km_digest(said, digest);
    if (!km_is_news(r, digest, "warned %s %s %s", sbx_uid(object), reason, digest))
        return;
    const char *ns = *sbx_ns(object) ? sbx_ns(object) : "default";
    cf_autofree char *name = cf_xasprintf("%s.%s", sbx_name(object), digest);
    json_t *event = json_pack(
        "{s:{s:s,s:s},s:{s:s,s:s,s:s,s:s,s:s},s:s,s:s,s:s,s:i,s:s,s:s,s:{s:s}}", "metadata", "name",
        name, "namespace", ns, "involvedObject", "apiVersion",
        cf_json_str(object, "", "apiVersion", NULL), "kind", cf_json_str(object, "", "kind", NULL),
        "namespace", sbx_ns(object), "name", sbx_name(object), "uid", sbx_uid(object), "type",
        "Warning", "reason", reason, "message", message, "count", 1, "firstTimestamp", r->hub.stamp,
        "lastTimestamp", r->hub.stamp, "source", "component", KM_CONTROLLER);
    (void)sbx_pass_create(&r->hub, KM_CONTROLLER, "", "events", event);
}
