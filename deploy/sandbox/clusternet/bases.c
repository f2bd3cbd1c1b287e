/* SPDX-License-Identifier: Apache-2.0 */
/* Bases: the fed templates as they go to this cluster, all in one Description. What leaves the feeds
 * is deleted in the member by name. */
#include <string.h>

#include "base/digest.h"
#include "deploy/sandbox/clusternet/round.h"

static json_t *description_of(struct cn_round *r, const json_t *base)
{
    size_t i;
    json_t *d;
    json_array_foreach(cn_all(r, "descriptions"), i, d)
    {
        if (strcmp(sbx_label(d, CN_UID), sbx_uid(base)) == 0)
            return d;
    }
    return NULL;
}

/* As they stand in a Description: JSON as base64. NULL: one is missing or cannot be made. */
static json_t *raw_of(struct cn_round *r, const json_t *base)
{
    cf_autojson json_t *raw = json_array();
    size_t i;
    json_t *feed;
    json_array_foreach(cf_json_at(base, "spec", "feeds", NULL), i, feed)
    {
        json_t *manifest = cn_manifest_of(r, feed);
        char *why = NULL;
        if (!manifest) {
            cf_autofree char *said = cf_xasprintf(
                "Base %s/%s is using a nonexistent %s %s/%s", sbx_ns(base), sbx_name(base),
                cf_json_str(feed, "", "kind", NULL), cf_json_str(feed, "", "namespace", NULL),
                cf_json_str(feed, "", "name", NULL));
            cn_warn(r, base, "Nonexistent", said);
            return NULL;
        }
        cn_label(r, "manifests", manifest, sbx_uid(base), "Base");
        cn_label(r, "manifests", manifest, sbx_label(base, CN_SUB_UID), "Subscription");
        cf_autojson json_t *object = cn_overridden(r, manifest, sbx_ns(base), &why);
        if (!object) {
            cn_warn(r, base, "FailedApplyingOverrides", why);
            free(why);
            return NULL;
        }
        cf_autofree char *text = cf_json_dump(object);
        cf_autofree char *coded = cf_base64_encode(text, strlen(text));
        json_array_append_new(raw, json_string(coded));
    }
    return json_incref(raw);
}

static json_t *decoded(const json_t *text)
{
    struct cf_error err = CF_ERROR_INIT;
    unsigned char *bytes = NULL;
    size_t len;
    if (!cf_base64_decode(json_string_value(text), json_string_length(text), &bytes, &len, &err))
        return NULL;
    json_t *object = cf_json_parse((const char *)bytes, len, 0, &err);
    free(bytes);
    return object;
}

static bool is_named_in(const json_t *raw, const json_t *object)
{
    size_t i;
    json_t *text;
    json_array_foreach(raw, i, text)
    {
        cf_autojson json_t *other = decoded(text);
        if (other &&
            strcmp(cf_json_str(other, "", "kind", NULL), cf_json_str(object, "", "kind", NULL)) ==
                0 &&
            strcmp(sbx_ns(other), sbx_ns(object)) == 0 &&
            strcmp(sbx_name(other), sbx_name(object)) == 0)
            return true;
    }
    return false;
}

static void prune(struct cn_round *r, const json_t *description, const json_t *raw)
{
    struct cn_member *m = cn_member_of(r, sbx_ns(description));
    size_t i;
    json_t *text;
    json_array_foreach(cf_json_at(description, "spec", "raw", NULL), i, text)
    {
        cf_autojson json_t *object = decoded(text);
        char *why = NULL;
        if (m && object && !is_named_in(raw, object) && !cn_delete_by_name(r, m, object, &why)) {
            cn_warn(r, description, "UnsuccessfullyPruningFeed", why);
            free(why);
        }
    }
}

static void make_description(struct cn_round *r, const json_t *base, json_t *raw)
{
    cf_autofree char *name = cf_xasprintf("%s-generic", sbx_name(base));
    json_t *labels =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", CN_CREATED_BY, CN_CONTROLLER, CN_KIND,
                  "Base", CN_NAMESPACE, sbx_ns(base), CN_UID, sbx_uid(base), CN_CLUSTER_ID,
                  sbx_label(base, CN_CLUSTER_ID), CN_CLUSTER_NAME, sbx_label(base, CN_CLUSTER_NAME),
                  CN_SUB_NS, sbx_label(base, CN_SUB_NS), CN_SUB_UID, sbx_label(base, CN_SUB_UID));
    (void)sbx_pass_create(&r->hub, CN_CONTROLLER, CN_G_APPS, "descriptions",
                          json_pack("{s:{s:s,s:s,s:o,s:[s],s:o},s:{s:s,s:O}}", "metadata", "name",
                                    name, "namespace", sbx_ns(base), "labels", labels, "finalizers",
                                    CN_FINALIZER, "ownerReferences",
                                    sbx_owned_by(CN_G_APPS "/v1alpha1", "Base", base), "spec",
                                    "deployer", "Generic", "raw", raw));
}

static void sync_description(struct cn_round *r, const json_t *base)
{
    cf_autojson json_t *raw = raw_of(r, base);
    json_t *there = description_of(r, base);
    if (!raw)
        return;
    if (!there) {
        make_description(r, base, raw);
        return;
    }
    if (sbx_is_going(there) || cf_json_equal(cf_json_at(there, "spec", "raw", NULL), raw))
        return;
    prune(r, there, raw);
    /* The same look deploys what its view says: without this it would bring back what was pruned. */
    if (sbx_pass_merge(&r->hub, CN_CONTROLLER, CN_G_APPS, "descriptions", there,
                       json_pack("{s:{s:O}}", "spec", "raw", raw)))
        json_object_set(json_object_get(there, "spec"), "raw", raw);
}

static void let_go(struct cn_round *r, const json_t *base)
{
    json_t *there = description_of(r, base);
    size_t i;
    json_t *m;
    if (there) {
        if (!sbx_is_going(there))
            (void)sbx_pass_delete(&r->hub, CN_G_APPS, "descriptions", there, -1);
        return;
    }
    json_array_foreach(cn_all(r, "manifests"), i, m)
    {
        cn_label(r, "manifests", m, sbx_uid(base), NULL);
    }
    (void)cn_finalizer(r, "bases", base, CN_FINALIZER, false);
}

void cn_ctl_bases(struct cn_round *r)
{
    size_t i;
    json_t *base;
    json_array_foreach(cn_all(r, "bases"), i, base)
    {
        if (sbx_is_going(base))
            let_go(r, base);
        else
            sync_description(r, base);
    }
}
