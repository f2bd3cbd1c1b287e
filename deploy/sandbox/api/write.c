/* SPDX-License-Identifier: Apache-2.0 */
/* What every write has in common: reading the body, the namespace, system fields, generation,
 * managers, checks, storing. */
#include <string.h>

#include "base/clock.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "deploy/sandbox/api/managed.h"
#include "deploy/sandbox/api/rules.h"

enum { GENERATED_SUFFIX = 5 };

bool sbx_namespace_open(struct sbx_request *r)
{
    if (!r->kind->namespaced)
        return true;
    const struct sbx_kind *namespaces = sbx_kind_find("", "v1", "namespaces");
    const json_t *ns = sbx_get(r->api, namespaces, "", r->ns);
    if (!ns)
        return sbx_fail_not_found(r->out, namespaces, r->ns);
    if (!cf_json_at(ns, "metadata", "deletionTimestamp", NULL))
        return true;
    sbx_fail(r->out, 403, "Forbidden",
             "unable to create new content in namespace %s because it is being terminated", r->ns);
    sbx_detail(r->out, "kind", json_string(r->kind->plural));
    cf_autofree char *text = cf_xasprintf("namespace %s is being terminated", r->ns);
    sbx_detail(r->out, "causes",
               json_pack("[{s:s,s:s,s:s}]", "reason", "NamespaceTerminating", "message", text,
                         "field", "metadata.namespace"));
    return false;
}

bool sbx_read_object(struct sbx_request *r, json_t **out)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *obj = cf_json_parse(r->call->body, r->call->body_len, SBX_OBJECT_MAX, &err);
    if (!obj || !json_is_object(obj))
        return sbx_fail(r->out, 400, "BadRequest",
                        "the object provided is unrecognized (must be of type %s): %s",
                        r->kind->kind, obj ? "not an object" : err.message);
    cf_autofree char *want =
        *r->kind->group ? cf_xasprintf("%s/%s", r->kind->group, r->path.version) : cf_xstrdup("v1");
    const char *kind = cf_json_str(obj, "", "kind", NULL),
               *version = cf_json_str(obj, "", "apiVersion", NULL);
    if (!r->kind->is_crd && !*kind && !*version) {
        kind = r->kind->kind;
        version = want;
    }
    if (!*kind)
        return sbx_fail(r->out, 400, "BadRequest", "Object 'Kind' is missing in the body");
    if (strcmp(kind, r->kind->kind) != 0 || strcmp(version, want) != 0)
        return sbx_fail(r->out, 400, "BadRequest",
                        "%s in version \"%s\" cannot be handled as a %s of %s", kind, version,
                        r->kind->kind, want);
    json_object_set_new(obj, "apiVersion", json_string(want));
    json_object_set_new(obj, "kind", json_string(kind));
    if (!json_is_object(json_object_get(obj, "metadata")))
        json_object_set_new(obj, "metadata", json_object());
    const char *validation = sbx_query(&r->path, "fieldValidation");
    if (!sbx_rules_decode(r->kind, obj, validation && strcmp(validation, "Strict") == 0, r->out))
        return false;
    const char *ns = cf_json_str(obj, "", "metadata", "namespace", NULL);
    if (*ns && strcmp(ns, r->ns) != 0)
        return sbx_fail(r->out, 400, "BadRequest",
                        "the namespace of the provided object does not match the namespace sent on "
                        "the request");
    json_t *meta = json_object_get(obj, "metadata");
    if (*r->ns)
        json_object_set_new(meta, "namespace", json_string(r->ns));
    *out = cf_steal(&obj);
    return true;
}

void sbx_answer_object(struct sbx_request *r, int status, const json_t *obj)
{
    json_decref(r->out->body);
    r->out->body = sbx_shown(r->kind, r->path.version, obj, false);
    r->out->status = status;
}

/* Objects are kept in the table's version, whatever version they came in. */
static void store_version(const struct sbx_kind *k, json_t *obj)
{
    cf_autofree char *gv =
        *k->group ? cf_xasprintf("%s/%s", k->group, k->version) : cf_xstrdup(k->version);
    json_object_set_new(obj, "apiVersion", json_string(gv));
}

static void generate_name(json_t *meta)
{
    const char *prefix = cf_json_str(meta, "", "generateName", NULL);
    if (!*prefix || *cf_json_str(meta, "", "name", NULL))
        return;
    char suffix[GENERATED_SUFFIX + 1];
    cf_autofree char *name = cf_xasprintf("%s%s", prefix, cf_random_hex(suffix, GENERATED_SUFFIX));
    json_object_set_new(meta, "name", json_string(name));
}

char *sbx_now(const struct sbx_api *api, int64_t ahead_ms, char *buf)
{
    cf_time_rfc3339(cf_wall_ms(&cf_clock_real) + sbx_api_skew_ms(api) + ahead_ms, buf);
    memcpy(buf + 19, "Z", 2);
    return buf;
}

static void stamp_new(const struct sbx_api *api, const struct sbx_kind *k, json_t *meta)
{
    char uid[CF_UUID_TEXT], now[CF_TIME_TEXT_MAX];
    json_object_set_new(meta, "uid", json_string(cf_uuid_v7(uid)));
    json_object_set_new(meta, "creationTimestamp", json_string(sbx_now(api, 0, now)));
    json_object_del(meta, "deletionTimestamp");
    json_object_del(meta, "deletionGracePeriodSeconds");
    json_object_del(meta, "selfLink");
    json_object_del(meta, "generation");
    if (k->generation != SBX_GEN_NONE || k->is_crd)
        json_object_set_new(meta, "generation", json_integer(1));
}

static struct sbx_manager by_of(const struct sbx_request *r, const char *operation)
{
    static const char *const words[] = { "status", "scale", "finalize" };
    const char *sub = "";
    for (size_t i = 0; i < CF_ARRAY_LEN(words) && r->path.sub; i++)
        if (strcmp(words[i], r->path.sub) == 0)
            sub = words[i];
    return (struct sbx_manager){ r->manager, operation, NULL, sub };
}

/* stringData of a Secret becomes data. */
static void fold_string_data(json_t *obj)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(obj, "stringData"), key, v)
    {
        CF_CLEANUP(cf_buf_free) struct cf_buf b = CF_BUF_INIT((size_t)SBX_OBJECT_MAX * 2);
        const unsigned char *s = (const unsigned char *)json_string_value(v);
        size_t n = json_string_length(v);
        for (size_t i = 0; i < n; i += 3) {
            unsigned x = (unsigned)s[i] << 16 | (i + 1 < n ? (unsigned)s[i + 1] << 8 : 0) |
                         (i + 2 < n ? s[i + 2] : 0);
            cf_buf_putc(&b, digits[x >> 18]);
            cf_buf_putc(&b, digits[x >> 12 & 63]);
            cf_buf_putc(&b, i + 1 < n ? digits[x >> 6 & 63] : '=');
            cf_buf_putc(&b, i + 2 < n ? digits[x & 63] : '=');
        }
        cf_json_put_take(obj, json_string(cf_buf_str(&b)), "data", key, NULL);
    }
    json_object_del(obj, "stringData");
}

static void set_managed(json_t *obj, json_t *managed_take)
{
    json_t *meta = json_object_get(obj, "metadata");
    if (json_array_size(managed_take) == 0) {
        json_object_del(meta, "managedFields");
        json_decref(managed_take);
        return;
    }
    json_object_set_new(meta, "managedFields", managed_take);
}

void sbx_finish_create(struct sbx_request *r, json_t *obj_take, const char *operation,
                       json_t *managed_take)
{
    cf_autojson json_t *obj = obj_take;
    cf_autojson json_t *managed = managed_take;
    json_t *meta = json_object_get(obj, "metadata");
    generate_name(meta);
    stamp_new(r->api, r->kind, meta);
    json_object_del(meta, "managedFields");
    if (r->kind->has_status)
        json_object_del(obj, "status");
    if (strcmp(r->kind->kind, "Secret") == 0)
        fold_string_data(obj);
    cf_autofree char *version = cf_xstrdup(cf_json_str(obj, "", "apiVersion", NULL));
    sbx_rules_default(r->api, r->kind, obj, NULL);
    if (!sbx_reviewed(r, "CREATE", obj, NULL))
        return;
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    sbx_rules_check(r->api, r->kind, obj, NULL, &causes);
    const char *name = cf_json_str(meta, "", "name", NULL);
    if (causes.list) {
        sbx_fail_invalid(r->out, r->kind->group, r->kind->kind, name, &causes);
        return;
    }
    if (sbx_get(r->api, r->kind, r->ns, name)) {
        sbx_fail_exists(r->out, r->kind, name);
        return;
    }
    if (!managed) {
        struct sbx_manager by = by_of(r, operation);
        by.api_version = version;
        managed = sbx_managed_update(r->kind, NULL, NULL, obj, &by);
    }
    set_managed(obj, cf_steal(&managed));
    store_version(r->kind, obj);
    json_object_del(meta, "resourceVersion");
    if (!r->dry_run)
        (void)sbx_put_take(r->api, r->kind, json_incref(obj));
    sbx_answer_object(r, 201, obj);
}

/* ---- updates ---- */

static bool grows(const struct sbx_kind *k, const json_t *live, const json_t *obj)
{
    if (k->generation == SBX_GEN_NONE && !k->is_crd)
        return false;
    if (strcmp(k->kind, "Deployment") == 0 &&
        !cf_json_equal(cf_json_at(live, "metadata", "annotations", NULL),
                       cf_json_at(obj, "metadata", "annotations", NULL)) &&
        (cf_json_at(live, "metadata", "annotations", NULL) ||
         cf_json_at(obj, "metadata", "annotations", NULL)))
        return true;
    if (k->generation == SBX_GEN_SPEC)
        return !cf_json_equal(json_object_get(live, "spec"), json_object_get(obj, "spec"));
    cf_autojson json_t *a = json_copy(cf_json_unconst(live)), *b = json_copy(cf_json_unconst(obj));
    static const char *const out[] = { "metadata", "apiVersion", "kind" };
    for (size_t i = 0; i < CF_ARRAY_LEN(out); i++) {
        json_object_del(a, out[i]);
        json_object_del(b, out[i]);
    }
    if (k->has_status) {
        json_object_del(a, "status");
        json_object_del(b, "status");
    }
    return !cf_json_equal(a, b);
}

/* The member as `from` has it, or none. */
static void restore(json_t *obj, const json_t *from, const char *name)
{
    json_t *v = json_object_get(from, name);
    if (v)
        json_object_set(obj, name, v);
    else
        json_object_del(obj, name);
}

/* What a client cannot change by this request comes from the live object. */
static void keep_system_fields(struct sbx_request *r, json_t *obj, const json_t *live)
{
    static const char *const fixed[] = {
        "uid",         "creationTimestamp", "generation",
        "selfLink",    "deletionTimestamp", "deletionGracePeriodSeconds",
        "generateName"
    };
    json_t *meta = json_object_get(obj, "metadata");
    const json_t *old = json_object_get(live, "metadata");
    for (size_t i = 0; i < CF_ARRAY_LEN(fixed); i++)
        restore(meta, old, fixed[i]);
    bool is_status = r->path.sub && strcmp(r->path.sub, "status") == 0;
    if (!is_status && r->kind->has_status)
        restore(obj, live, "status");
    if (!is_status)
        return;
    const char *name;
    json_t *v;
    void *tmp;
    json_object_foreach_safe(obj, tmp, name, v)
    {
        if (strcmp(name, "status") != 0 && strcmp(name, "apiVersion") != 0 &&
            strcmp(name, "kind") != 0 && strcmp(name, "metadata") != 0)
            json_object_del(obj, name);
    }
    json_object_foreach(cf_json_unconst(live), name, v)
    {
        if (strcmp(name, "status") != 0 && strcmp(name, "metadata") != 0)
            json_object_set(obj, name, v);
    }
    json_t *fresh = json_copy(cf_json_unconst(old));
    restore(fresh, meta, "managedFields");
    if (strcmp(r->kind->kind, "Deployment") == 0)
        restore(fresh, meta, "annotations"); /* as its controllers do with revisions */
    json_object_set_new(obj, "metadata", fresh);
}

static bool version_agrees(struct sbx_request *r, const json_t *obj, const json_t *live)
{
    const json_t *meta = json_object_get(obj, "metadata"), *old = json_object_get(live, "metadata");
    const char *name = cf_json_str(old, "", "name", NULL),
               *uid = cf_json_str(meta, "", "uid", NULL);
    const char *rv = cf_json_str(meta, "", "resourceVersion", NULL);
    bool other_uid = *uid && strcmp(uid, cf_json_str(old, "", "uid", NULL)) != 0;
    if (other_uid && strcmp(r->call->method, "PUT") == 0) {
        cf_autofree char *why =
            cf_xasprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s",
                         uid, cf_json_str(old, "", "uid", NULL));
        return sbx_fail_conflict(r->out, r->kind, name, why);
    }
    if (*rv && strcmp(rv, "0") != 0 &&
        strcmp(rv, cf_json_str(old, "", "resourceVersion", NULL)) != 0)
        return sbx_fail_conflict(r->out, r->kind, name,
                                 "the object has been modified; please apply your changes to the "
                                 "latest version and try again");
    if (other_uid) {
        CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
        sbx_cause(&causes, "FieldValueInvalid", "field is immutable", "metadata.uid");
        return sbx_fail_invalid(r->out, r->kind->group, r->kind->kind, name, &causes);
    }
    return true;
}

/* Whether nothing but the version and the times of managers differ. */
static bool nothing_new(const json_t *live, const json_t *obj)
{
    if (!sbx_managed_equal(cf_json_at(live, "metadata", "managedFields", NULL),
                           cf_json_at(obj, "metadata", "managedFields", NULL)))
        return false;
    cf_autojson json_t *a = cf_json_copy(live), *b = cf_json_copy(obj);
    (void)cf_json_del(a, "metadata", "managedFields", NULL);
    (void)cf_json_del(b, "metadata", "managedFields", NULL);
    (void)cf_json_del(a, "metadata", "resourceVersion", NULL);
    (void)cf_json_del(b, "metadata", "resourceVersion", NULL);
    return cf_json_equal(a, b);
}

static void work_out_managers(struct sbx_request *r, json_t *obj, const json_t *live,
                              const char *version, json_t *managed_take)
{
    if (managed_take) {
        set_managed(obj, managed_take);
        return;
    }
    const json_t *base = cf_json_at(live, "metadata", "managedFields", NULL);
    const json_t *given = cf_json_at(obj, "metadata", "managedFields", NULL);
    if (json_is_array(given) && !r->path.sub)
        base =
            given; /* a client may take entries away; one that does not know them leaves them out */
    /* No entry, or a single empty one, asks to forget all; who is not noted so far is not noted by
     * an update. */
    bool is_empty = json_array_size(base) == 0 ||
                    (json_array_size(base) == 1 && json_object_size(json_array_get(base, 0)) == 0);
    struct sbx_manager by = by_of(r, "Update");
    by.api_version = version;
    set_managed(obj, is_empty ? json_array() : sbx_managed_update(r->kind, base, live, obj, &by));
}

/* The last finalizer is gone from an object under deletion: so is the object. */
static bool finished_dying(const struct sbx_kind *k, const json_t *obj)
{
    if (!cf_json_at(obj, "metadata", "deletionTimestamp", NULL) ||
        json_array_size(cf_json_at(obj, "metadata", "finalizers", NULL)) > 0)
        return false;
    if (strcmp(k->kind, "Namespace") == 0)
        return json_array_size(cf_json_at(obj, "spec", "finalizers", NULL)) == 0;
    return strcmp(k->kind, "Pod") != 0 ||
           cf_json_int(obj, 0, "metadata", "deletionGracePeriodSeconds", NULL) == 0;
}

/* Who is under deletion gets no new finalizers. */
static void check_dying(const json_t *obj, const json_t *live, struct sbx_causes *causes)
{
    const json_t *old = cf_json_at(live, "metadata", "finalizers", NULL);
    size_t i, j;
    json_t *f, *g;
    if (!cf_json_at(live, "metadata", "deletionTimestamp", NULL))
        return;
    json_array_foreach(cf_json_at(obj, "metadata", "finalizers", NULL), i, f)
    {
        bool had = false;
        json_array_foreach(old, j, g)
        {
            had |= json_equal(f, g);
        }
        if (!had) {
            sbx_cause(causes, "FieldValueForbidden",
                      "no new finalizers can be added if the object is being deleted",
                      "metadata.finalizers");
            return;
        }
    }
}

void sbx_finish_update(struct sbx_request *r, json_t *live, json_t *obj_take, json_t *managed_take)
{
    cf_autojson json_t *obj = obj_take;
    cf_autojson json_t *managed = managed_take;
    cf_autojson json_t *held = json_incref(live);
    const char *name = cf_json_str(live, "", "metadata", "name", NULL);
    if (!version_agrees(r, obj, live))
        return;
    cf_autofree char *version = cf_xstrdup(cf_json_str(obj, "", "apiVersion", NULL));
    store_version(r->kind, obj);
    keep_system_fields(r, obj, live);
    json_t *own = cf_json_copy(obj); /* shares nothing with what is stored */
    json_decref(obj);
    obj = own;
    if (strcmp(r->kind->kind, "Secret") == 0)
        fold_string_data(obj);
    sbx_rules_default(r->api, r->kind, obj, live);
    if (!sbx_reviewed(r, "UPDATE", obj, live))
        return;
    CF_CLEANUP(sbx_causes_free) struct sbx_causes causes = { NULL };
    sbx_rules_check(r->api, r->kind, obj, live, &causes);
    check_dying(obj, live, &causes);
    if (causes.list) {
        sbx_fail_invalid(r->out, r->kind->group, r->kind->kind, name, &causes);
        return;
    }
    work_out_managers(r, obj, live, version, cf_steal(&managed));
    json_t *meta = json_object_get(obj, "metadata");
    bool is_status = r->path.sub && strcmp(r->path.sub, "status") == 0;
    if (!is_status && grows(r->kind, live, obj))
        json_object_set_new(meta, "generation",
                            json_integer(cf_json_int(live, 0, "metadata", "generation", NULL) + 1));
    if (nothing_new(live, obj)) {
        sbx_answer_object(r, 200, live);
        return;
    }
    restore(meta, json_object_get(live, "metadata"), "resourceVersion");
    if (!r->dry_run && finished_dying(r->kind, obj))
        sbx_remove(r->api, r->kind, r->ns, name);
    else if (!r->dry_run)
        (void)sbx_put_take(r->api, r->kind, json_incref(obj));
    sbx_answer_object(r, 200, obj);
}
