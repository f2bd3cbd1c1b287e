/* SPDX-License-Identifier: Apache-2.0 */
/* What the server is and what it lets us do: version, clock, identity, access. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "federation/kube/kube_internal.h"

enum { ROLES_FRESH_MS = 1000 }; /* a server that starts again takes longer than this to listen */

static bool read_version(struct cf_kube *k, const struct cf_kube_how *how, json_t **out,
                         int64_t *out_date_ms, struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    struct kube_exchange x = { .method = "GET", .path = "/version", .is_read = true };
    return kube_exchange(&span, &x, out, out_date_ms, err);
}

bool cf_kube_version(struct cf_kube *k, const struct cf_kube_how *how, struct cf_kube_version *out,
                     struct cf_error *err)
{
    cf_autojson json_t *v = NULL;
    if (!read_version(k, how, &v, NULL, err))
        return cf_error_wrap(err, "ask for the version");
    const char *git = cf_json_str(v, "", "gitVersion", NULL);
    if (git[0] == '\0')
        return cf_error_set(err, CF_ERR_INVALID,
                            "this is not a Kubernetes API server: /version "
                            "has no gitVersion");
    struct cf_kube_version found = {
        /* managed clusters say "31+": strtol stops at the plus */
        .major = (int)strtol(cf_json_str(v, "0", "major", NULL), NULL, 10),
        .minor = (int)strtol(cf_json_str(v, "0", "minor", NULL), NULL, 10),
    };
    snprintf(found.git, sizeof found.git, "%s", git);
    *out = found;
    return true;
}

bool cf_kube_clock_skew(struct cf_kube *k, const struct cf_kube_how *how, int64_t *out_ms,
                        struct cf_error *err)
{
    cf_autojson json_t *v = NULL;
    int64_t date_ms = 0;
    int64_t before_ms = cf_wall_ms(&cf_clock_real);
    if (!read_version(k, how, &v, &date_ms, err))
        return cf_error_wrap(err, "ask for the time");
    int64_t after_ms = cf_wall_ms(&cf_clock_real);
    if (date_ms == 0)
        return cf_error_set(err, CF_ERR_INVALID, "the API server's answers carry no Date header");
    /* the header is cut to whole seconds: on average half a second is missing */
    int64_t middle_ms = before_ms + (after_ms - before_ms) / 2;
    *out_ms = date_ms + 500 - middle_ms;
    return true;
}

bool cf_kube_uid(struct cf_kube *k, const struct cf_kube_how *how, char *buf, struct cf_error *err)
{
    struct cf_object_ref ref = cf_ref("v1", "Namespace", NULL, "kube-system");
    cf_autojson json_t *ns = NULL;
    if (!cf_kube_get(k, how, &ref, &ns, err))
        return cf_error_wrap(err, "read the cluster's identity (namespace kube-system)");
    const char *uid = cf_json_str(ns, "", "metadata", "uid", NULL);
    if (uid[0] == '\0' || strlen(uid) >= CF_KUBE_UID_TEXT)
        return cf_error_set(err, CF_ERR_INVALID, "namespace kube-system has no usable uid");
    memcpy(buf, uid, strlen(uid) + 1);
    return true;
}

static json_t *access_review(const struct cf_kube_access *what)
{
    const struct {
        const char *name, *value;
    } parts[] = {
        { "verb", what->verb },         { "group", what->group },
        { "resource", what->resource }, { "subresource", what->subresource },
        { "namespace", what->ns },      { "name", what->name },
    };
    json_t *review = json_object();
    json_object_set_new(review, "apiVersion", json_string("authorization.k8s.io/v1"));
    json_object_set_new(review, "kind", json_string("SelfSubjectAccessReview"));
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++) {
        if (parts[i].value && parts[i].value[0])
            cf_json_put_take(review, json_string(parts[i].value), "spec", "resourceAttributes",
                             parts[i].name, NULL);
    }
    return review;
}

bool cf_kube_can(struct cf_kube *k, const struct cf_kube_how *how,
                 const struct cf_kube_access *what, bool *out_allowed, char *reason,
                 struct cf_error *err)
{
    struct kube_span span = kube_span(k, how);
    cf_autojson json_t *review = access_review(what);
    cf_autofree char *body = cf_json_dump(review);
    struct kube_exchange x = {
        .method = "POST",
        .path = KUBE_ACCESS_REVIEWS,
        .content_type = KUBE_JSON,
        .body = body,
        .body_len = strlen(body),
        .is_read = true,
    };
    cf_autojson json_t *answer = NULL;
    if (!kube_exchange(&span, &x, &answer, NULL, err))
        return cf_error_wrap(err, "ask whether we may %s %s", what->verb, what->resource);
    *out_allowed = cf_json_bool(answer, false, "status", "allowed", NULL);
    if (reason)
        snprintf(reason, CF_ERROR_FIELD_MAX, "%s",
                 cf_json_str(answer, "", "status", "reason", NULL));
    return true;
}

bool kube_knows_roles(const struct kube_span *span, bool *out_is_news)
{
    struct cf_kube_access any = { .verb = "get", .resource = "namespaces" };
    struct cf_kube_how how = span->how;
    struct cf_error mine = CF_ERROR_INIT;
    bool allowed;
    int64_t seen_ms = atomic_load(&span->k->roles_seen_ms);
    if (seen_ms && cf_mono_now_ms() - seen_ms < ROLES_FRESH_MS)
        return true;
    *out_is_news = true;
    how.timeout_ms = CF_MAX(1, span->deadline_ms - cf_mono_now_ms());
    if (!cf_kube_can(span->k, &how, &any, &allowed, NULL, &mine))
        return false;
    atomic_store(&span->k->roles_seen_ms, cf_mono_now_ms());
    return true;
}
