/* SPDX-License-Identifier: Apache-2.0 */
/* Reading from the API server in memory: objects, lists, discovery, reviews. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fake_kube_internal.h"

static void group_version(const struct fake_path *p, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s", p->group, p->group[0] ? "/" : "", p->version);
}

/* "a=b,c!=d,e" by equality, inequality and existence. */
static bool selected(const json_t *labels, const char *selector)
{
    cf_autofree char *text = cf_xstrdup(selector);
    char *rest = NULL;
    for (char *term = strtok_r(text, ",", &rest); term; term = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(term, '=');
        bool is_negated = equals && equals > term && equals[-1] == '!';
        const char *value = equals ? equals + 1 + (equals[1] == '=') : NULL;
        if (equals)
            *(is_negated ? equals - 1 : equals) = '\0';
        const char *has = json_string_value(json_object_get(labels, term));
        bool fits = value ? (has && strcmp(has, value) == 0) != is_negated : has != NULL;
        if (!fits)
            return false;
    }
    return true;
}

static bool in_list(const struct fake_path *p, const char *key, const json_t *o)
{
    char prefix[4 * FAKE_PART_MAX], wanted[FAKE_PART_MAX + 16];
    snprintf(prefix, sizeof prefix, "%s/%s/", p->group, p->plural);
    snprintf(wanted, sizeof wanted, "metadata.name=%s",
             cf_json_str(o, "", "metadata", "name", NULL));
    return strncmp(key, prefix, strlen(prefix)) == 0 &&
           (!p->ns[0] || strcmp(p->ns, cf_json_str(o, "", "metadata", "namespace", NULL)) == 0) &&
           (!p->fields[0] || strcmp(p->fields, wanted) == 0) &&
           selected(cf_json_at(o, "metadata", "labels", NULL), p->selector);
}

static json_t *as_version(const json_t *o, const char *gv)
{
    json_t *copy = cf_json_copy(o);
    json_object_set_new(copy, "apiVersion", json_string(gv));
    return copy;
}

/* The continue token is the number of objects that earlier pages had. */
static void read_list(struct cf_fake_kube *f, const struct fake_path *p,
                      const struct fake_kind *kind, struct fake_answer *a)
{
    char gv[2 * FAKE_PART_MAX], text[80];
    group_version(p, gv, sizeof gv);
    json_t *items = json_array();
    int64_t skip = atoll(p->token), seen = 0, left = 0;
    const char *key;
    json_t *o;
    json_object_foreach(f->objects, key, o)
    {
        if (!in_list(p, key, o) || seen++ < skip)
            continue;
        if (p->limit > 0 && (int64_t)json_array_size(items) >= p->limit) {
            left++;
            continue;
        }
        json_t *item = as_version(o, gv);
        json_object_del(item, "apiVersion"); /* as in real lists */
        json_object_del(item, "kind");
        json_array_append_new(items, item);
    }
    a->status = 200;
    snprintf(text, sizeof text, "%sList", kind->kind);
    a->body = json_pack("{s:s, s:s, s:{}, s:o}", "kind", text, "apiVersion", gv, "metadata",
                        "items", items);
    snprintf(text, sizeof text, "%" PRId64, f->version);
    cf_json_put_take(a->body, json_string(text), "metadata", "resourceVersion", NULL);
    if (left > 0) {
        snprintf(text, sizeof text, "%" PRId64, skip + (int64_t)json_array_size(items));
        cf_json_put_take(a->body, json_string(text), "metadata", "continue", NULL);
    }
}

void fake_read(struct cf_fake_kube *f, const struct fake_path *p, const struct fake_kind *kind,
               struct fake_answer *a)
{
    if (!p->name[0]) {
        read_list(f, p, kind, a);
        return;
    }
    char key[6 * FAKE_PART_MAX], gv[2 * FAKE_PART_MAX];
    fake_key(p, key, sizeof key);
    group_version(p, gv, sizeof gv);
    const json_t *o = json_object_get(f->objects, key);
    if (!o) {
        char text[4 * FAKE_PART_MAX];
        snprintf(text, sizeof text, "%s%s%s \"%s\" not found", p->plural, p->group[0] ? "." : "",
                 p->group, p->name);
        fake_refuse(a, 404, "NotFound", NULL, text);
        return;
    }
    a->status = 200;
    a->body = as_version(o, gv);
}

/* --- discovery --- */

static void resource_list(const struct cf_fake_kube *f, const struct fake_path *p,
                          struct fake_answer *a)
{
    char gv[2 * FAKE_PART_MAX];
    group_version(p, gv, sizeof gv);
    json_t *resources = json_array();
    for (size_t i = 0; i < f->n_kinds; i++) {
        const struct fake_kind *k = &f->kinds[i];
        if (strcmp(k->group, p->group) != 0 || strcmp(k->version, p->version) != 0)
            continue;
        json_array_append_new(resources, json_pack("{s:s, s:s, s:b, s:[s,s,s,s,s,s,s]}", "name",
                                                   k->plural, "kind", k->kind, "namespaced",
                                                   k->namespaced, "verbs", "get", "list", "watch",
                                                   "create", "update", "patch", "delete"));
    }
    if (json_array_size(resources) == 0) {
        json_decref(resources);
        fake_refuse(a, 404, "NotFound", NULL, "the server could not find the requested resource");
        return;
    }
    a->status = 200;
    a->body = json_pack("{s:s, s:s, s:o}", "kind", "APIResourceList", "groupVersion", gv,
                        "resources", resources);
}

static void group_list(const struct cf_fake_kube *f, struct fake_answer *a)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < f->n_kinds; i++) {
        const struct fake_kind *k = &f->kinds[i];
        json_t *group = NULL, *known;
        size_t at;
        json_array_foreach(groups, at, known)
        {
            if (strcmp(cf_json_str(known, "", "name", NULL), k->group) == 0)
                group = known;
        }
        if (!k->group[0])
            continue;
        char gv[2 * FAKE_PART_MAX];
        snprintf(gv, sizeof gv, "%s/%s", k->group, k->version);
        if (!group) {
            group = json_pack("{s:s, s:[], s:{s:s}}", "name", k->group, "versions",
                              "preferredVersion", "groupVersion", gv);
            json_array_append_new(groups, group);
        }
        json_t *versions = json_object_get(group, "versions");
        const json_t *last = json_array_get(versions, json_array_size(versions) - 1);
        if (strcmp(cf_json_str(last, "", "groupVersion", NULL), gv) != 0)
            json_array_append_new(versions, json_pack("{s:s}", "groupVersion", gv));
    }
    a->status = 200;
    a->body = json_pack("{s:s, s:o}", "kind", "APIGroupList", "groups", groups);
}

static void review(const struct cf_fake_kube *f, const json_t *body, struct fake_answer *a)
{
    const json_t *what = cf_json_at(body, "spec", "resourceAttributes", NULL);
    const char *sub = cf_json_str(what, "", "subresource", NULL);
    char text[4 * FAKE_PART_MAX];
    snprintf(text, sizeof text, "%s %s/%s%s%s", cf_json_str(what, "", "verb", NULL),
             cf_json_str(what, "", "group", NULL), cf_json_str(what, "", "resource", NULL),
             sub[0] ? "/" : "", sub);
    bool denied = false;
    for (size_t i = 0; i < f->n_denied; i++)
        denied |= strcmp(f->denied[i], text) == 0;
    a->status = 201;
    a->body = cf_json_copy(body);
    cf_json_put_take(a->body, json_boolean(!denied), "status", "allowed", NULL);
    cf_json_put_take(a->body, json_string(denied ? "as the test asked" : ""), "status", "reason",
                     NULL);
}

bool fake_read_special(struct cf_fake_kube *f, const struct cf_kube_request *r,
                       const struct fake_path *p, const json_t *body, struct fake_answer *a)
{
    a->status = 200;
    if (strcmp(r->path, "/version") == 0)
        a->body =
            json_pack("{s:s, s:s, s:s}", "major", "1", "minor", "35+", "gitVersion", "v1.35.4");
    else if (strcmp(r->path, "/api") == 0)
        a->body = json_pack("{s:s, s:[s]}", "kind", "APIVersions", "versions", "v1");
    else if (strcmp(r->path, "/apis") == 0)
        group_list(f, a);
    else if (strcmp(p->plural, "selfsubjectaccessreviews") == 0)
        review(f, body, a);
    else if (p->plural[0] == '\0')
        resource_list(f, p, a);
    else
        return false;
    return true;
}
