/* SPDX-License-Identifier: Apache-2.0 */
/* Writes of the API server in memory: from a request to the stored object, with the refusals of a
 * real server. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_patch.h"
#include "tests/support/fake_kube_internal.h"

static void api_version_of(const struct fake_path *p, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s", p->group, p->group[0] ? "/" : "", p->version);
}

static void named(const struct fake_path *p, const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s%s \"%s\"", p->plural, p->group[0] ? "." : "", p->group, name);
}

static void not_found(const struct fake_path *p, struct fake_answer *a)
{
    char what[4 * FAKE_PART_MAX], text[5 * FAKE_PART_MAX];
    named(p, p->name, what, sizeof what);
    snprintf(text, sizeof text, "%s not found", what);
    fake_refuse(a, 404, "NotFound", NULL, text);
}

static void conflict(const struct fake_path *p, const char *reason, const char *words,
                     struct fake_answer *a)
{
    char what[4 * FAKE_PART_MAX], text[5 * FAKE_PART_MAX];
    named(p, p->name, what, sizeof what);
    snprintf(text, sizeof text, "Operation cannot be fulfilled on %s: %s", what, words);
    fake_refuse(a, 409, reason, NULL, text);
}

static bool same(const json_t *a, const json_t *b, const char *member)
{
    const json_t *x = json_object_get(a, member), *y = json_object_get(b, member);
    return x == y || (x && y && json_equal(x, y));
}

static bool is_plain(const struct cf_fake_kube *f, const struct fake_path *p)
{
    return f->plain_group[0] && strcmp(f->plain_group, p->group) == 0;
}

/* Metadata that only the server writes goes from `before` to `after`; generation counts spec
 * changes. */
static void carry_over(const struct cf_fake_kube *f, const json_t *before, json_t *after,
                       const struct fake_path *p)
{
    static const char *const kept[] = { "uid",       "creationTimestamp", "generation",   "name",
                                        "namespace", "deletionTimestamp", "managedFields" };
    json_t *metadata = json_object_get(after, "metadata");
    if (!json_is_object(metadata)) {
        metadata = json_object();
        json_object_set_new(after, "metadata", metadata);
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(kept); i++) {
        const json_t *old = cf_json_at(before, "metadata", kept[i], NULL);
        if (old)
            json_object_set_new(metadata, kept[i], cf_json_copy(old));
        else
            json_object_del(metadata, kept[i]);
    }
    bool status_only = strcmp(p->subresource, "status") == 0;
    const char *other = status_only ? "spec" : "status";
    const json_t *untouched = json_object_get(before, other);
    if (is_plain(f, p))
        (void)other;
    else if (untouched)
        json_object_set_new(after, other, cf_json_copy(untouched));
    else
        json_object_del(after, other);
    if (!status_only && !same(before, after, "spec"))
        json_object_set_new(
            metadata, "generation",
            json_integer(cf_json_int(before, 1, "metadata", "generation", NULL) + 1));
}

/* The object is what it should be from now on: a no-op keeps its resourceVersion. */
static void commit(struct cf_fake_kube *f, const struct fake_path *p, const json_t *before,
                   json_t *after, struct fake_answer *a)
{
    char key[6 * FAKE_PART_MAX];
    fake_key(p, key, sizeof key);
    const char *old_rv = cf_json_str(before, "", "metadata", "resourceVersion", NULL);
    cf_json_put_take(after, json_string(old_rv), "metadata", "resourceVersion", NULL);
    if (!before || !json_equal(before, after)) {
        char rv[32];
        snprintf(rv, sizeof rv, "%" PRId64, p->dry_run ? f->version : ++f->version);
        cf_json_put_take(after, json_string(rv), "metadata", "resourceVersion", NULL);
    }
    bool gone = cf_json_at(after, "metadata", "deletionTimestamp", NULL) &&
                json_array_size(cf_json_at(after, "metadata", "finalizers", NULL)) == 0;
    a->body = cf_json_copy(after);
    if (p->dry_run)
        return;
    if (gone)
        json_object_del(f->objects, key);
    else
        json_object_set(f->objects, key, after);
}

static void create(struct cf_fake_kube *f, struct fake_path *p, const json_t *body,
                   const char *operation, struct fake_answer *a)
{
    cf_autojson json_t *object = cf_json_copy(body);
    const char *prefix = cf_json_str(body, NULL, "metadata", "generateName", NULL);
    const char *name = cf_json_str(body, NULL, "metadata", "name", NULL);
    f->uids++;
    if (name)
        snprintf(p->name, sizeof p->name, "%s", name);
    else if (prefix)
        snprintf(p->name, sizeof p->name, "%.200s%05" PRId64, prefix, f->uids);
    else {
        fake_refuse(a, 422, "Invalid", "metadata.name", "name or generateName is required");
        return;
    }
    char key[6 * FAKE_PART_MAX], text[64], gv[2 * FAKE_PART_MAX];
    fake_key(p, key, sizeof key);
    if (json_object_get(f->objects, key)) {
        char what[4 * FAKE_PART_MAX], words[5 * FAKE_PART_MAX];
        named(p, p->name, what, sizeof what);
        snprintf(words, sizeof words, "%s already exists", what);
        fake_refuse(a, 409, "AlreadyExists", NULL, words);
        return;
    }
    cf_json_put_take(object, json_string(p->name), "metadata", "name", NULL);
    if (p->ns[0])
        cf_json_put_take(object, json_string(p->ns), "metadata", "namespace", NULL);
    snprintf(text, sizeof text, "00000000-0000-4000-8000-%012" PRId64, f->uids);
    cf_json_put_take(object, json_string(text), "metadata", "uid", NULL);
    cf_json_put_take(object, json_string("2026-01-01T00:00:00Z"), "metadata", "creationTimestamp",
                     NULL);
    cf_json_put_take(object, json_integer(1), "metadata", "generation", NULL);
    cf_json_del(object, "metadata", "managedFields", NULL);
    cf_json_del(object, "metadata", "resourceVersion", NULL);
    if (!is_plain(f, p))
        json_object_del(object, "status");
    api_version_of(p, gv, sizeof gv);
    fake_manage(NULL, object, p->manager, operation, gv, "");
    a->status = 201;
    commit(f, p, NULL, object, a);
}

static void store_change(struct cf_fake_kube *f, const struct fake_path *p, const json_t *before,
                         json_t *after, const char *operation, struct fake_answer *a)
{
    const char *want_rv = cf_json_str(after, "", "metadata", "resourceVersion", NULL);
    const char *want_uid = cf_json_str(after, "", "metadata", "uid", NULL);
    if (want_uid[0] && strcmp(want_uid, cf_json_str(before, "", "metadata", "uid", NULL)) != 0) {
        conflict(p, "Conflict", "Precondition failed: UID in precondition differs", a);
        return;
    }
    if (want_rv[0] &&
        strcmp(want_rv, cf_json_str(before, "", "metadata", "resourceVersion", NULL)) != 0) {
        conflict(p, "Conflict",
                 "the object has been modified; please apply your changes to the latest version "
                 "and try again",
                 a);
        return;
    }
    char gv[2 * FAKE_PART_MAX];
    api_version_of(p, gv, sizeof gv);
    carry_over(f, before, after, p);
    fake_manage(before, after, p->manager, operation, gv, p->subresource);
    commit(f, p, before, after, a);
}

static void json_patch(struct cf_fake_kube *f, const struct fake_path *p, const json_t *before,
                       const json_t *patch, struct fake_answer *a)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *after = cf_json_patch_apply(before, patch, &err);
    if (after) {
        store_change(f, p, before, after, "Update", a);
        return;
    }
    bool is_malformed = err.kind == CF_ERR_INVALID;
    fake_refuse(a, is_malformed ? 400 : 422, is_malformed ? "BadRequest" : "Invalid", NULL,
                is_malformed ? err.message
                             : "the server rejected our request due to an error in our request");
}

static void apply(struct cf_fake_kube *f, struct fake_path *p, const json_t *before,
                  const json_t *body, struct fake_answer *a)
{
    if (!before) {
        create(f, p, body, "Apply", a);
        return;
    }
    cf_autojson json_t *wanted = cf_json_copy(body);
    cf_autojson json_t *after = cf_json_merge_apply(before, wanted);
    char field[FAKE_PART_MAX], other[FAKE_PART_MAX], text[4 * FAKE_PART_MAX];
    if (!p->force &&
        fake_conflict(before, after, p->manager, field, sizeof field, other, sizeof other)) {
        snprintf(text, sizeof text, "Apply failed with 1 conflict: conflict with \"%s\": .%s",
                 other, field);
        fake_refuse(a, 409, "Conflict", field, text);
        return;
    }
    store_change(f, p, before, after, "Apply", a);
}

static void delete_one(struct cf_fake_kube *f, struct fake_path *p, const json_t *before,
                       const json_t *body, struct fake_answer *a)
{
    const char *uid = cf_json_str(body, NULL, "preconditions", "uid", NULL);
    const char *rv = cf_json_str(body, NULL, "preconditions", "resourceVersion", NULL);
    if (uid && strcmp(uid, cf_json_str(before, "", "metadata", "uid", NULL)) != 0) {
        conflict(p, "Conflict", "the UID in the precondition does not match the UID in record", a);
        return;
    }
    if (rv && strcmp(rv, cf_json_str(before, "", "metadata", "resourceVersion", NULL)) != 0) {
        conflict(
            p, "Conflict",
            "the ResourceVersion in the precondition does not match the ResourceVersion in record",
            a);
        return;
    }
    cf_autojson json_t *after = cf_json_copy(before);
    if (json_array_size(cf_json_at(body, "dryRun", NULL)) > 0)
        p->dry_run = true;
    cf_json_put_take(after, json_string("2026-01-01T00:00:01Z"), "metadata", "deletionTimestamp",
                     NULL);
    commit(f, p, before, after, a);
}

void fake_write(struct cf_fake_kube *f, const char *method, const char *content_type,
                const struct fake_path *path, const struct fake_kind *kind, const json_t *body,
                struct fake_answer *a)
{
    struct fake_path p = *path;
    char key[6 * FAKE_PART_MAX];
    fake_key(&p, key, sizeof key);
    cf_autojson json_t *before = p.name[0] ? json_incref(json_object_get(f->objects, key)) : NULL;
    bool is_apply = strcmp(content_type, "application/apply-patch+yaml") == 0;
    a->status = 200;
    if (strcmp(method, "POST") == 0 && p.name[0] == '\0') {
        const char *is = cf_json_str(body, "", "kind", NULL);
        if (strcmp(is, kind->kind) != 0)
            fake_refuse(a, 400, "BadRequest", NULL, "the object provided is of another kind");
        else
            create(f, &p, body, "Update", a);
    } else if (!before && !is_apply) {
        not_found(&p, a);
    } else if (strcmp(method, "PUT") == 0) {
        cf_autojson json_t *after = cf_json_copy(body);
        store_change(f, &p, before, after, "Update", a);
    } else if (strcmp(method, "DELETE") == 0) {
        delete_one(f, &p, before, body, a);
    } else if (strcmp(method, "PATCH") == 0 && is_apply) {
        apply(f, &p, before, body, a);
    } else if (strcmp(method, "PATCH") == 0 &&
               strcmp(content_type, "application/json-patch+json") == 0) {
        json_patch(f, &p, before, body, a);
    } else if (strcmp(method, "PATCH") == 0 &&
               strcmp(content_type, "application/merge-patch+json") == 0) {
        cf_autojson json_t *after = cf_json_merge_apply(before, body);
        store_change(f, &p, before, after, "Update", a);
    } else {
        fake_refuse(a, 415, "UnsupportedMediaType", NULL,
                    "the body of the request was in an unknown format");
    }
}
