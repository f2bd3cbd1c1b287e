/* SPDX-License-Identifier: Apache-2.0 */
/* The name of an object in a cluster, as a value: copied freely, compared, printed.
 *
 * Longer parts than Kubernetes itself allows do not fit: such a ref is *invalid* (its kind is
 * empty), which every function of federation/kube refuses with CF_ERR_INVALID. Nothing is ever cut.
 * Any thread. */
#ifndef CF_FEDERATION_KUBE_REF_H
#define CF_FEDERATION_KUBE_REF_H

#include "base/json.h"

enum {
    CF_NAME_MAX = 254, /* DNS subdomain, 253, and NUL */
    CF_LABEL_MAX = 64, /* DNS label, 63, and NUL: namespaces, versions, kinds, cluster names */
    CF_API_VERSION_MAX = CF_NAME_MAX + CF_LABEL_MAX,
    CF_REF_TEXT_MAX = 3 * CF_NAME_MAX,
};

struct cf_object_ref {
    char cluster[CF_LABEL_MAX]; /* our name of the cluster, or "" where it is clear */
    char group[CF_NAME_MAX];    /* "" is the core group */
    char version[CF_LABEL_MAX];
    char kind[CF_LABEL_MAX];
    char ns[CF_LABEL_MAX]; /* "" for objects of the whole cluster */
    char name[CF_NAME_MAX];
};

/* cf_ref("apps/v1", "Deployment", "web", "echo"); `ns` may be NULL or "", `name` too (a
 * collection). */
struct cf_object_ref cf_ref(const char *api_version, const char *kind, const char *ns,
                            const char *name);
bool cf_ref_is_valid(const struct cf_object_ref *r);
/* From apiVersion, kind and metadata of an object. INVALID with the field that is missing or too
 * long. */
bool cf_ref_of(const json_t *object, struct cf_object_ref *out, struct cf_error *err) CF_NODISCARD;
/* Same cluster, group, kind, namespace and name; versions of one kind name the same object. */
bool cf_ref_equal(const struct cf_object_ref *a, const struct cf_object_ref *b);
/* Order by cluster, group, kind, namespace, name: for sorting and searching. */
int cf_ref_compare(const struct cf_object_ref *a, const struct cf_object_ref *b);

/* "apps/v1" or "v1" into buf of CF_API_VERSION_MAX; returns buf. */
char *cf_ref_api_version(const struct cf_object_ref *r, char *buf);
/* For people: "Deployment web/echo", with " on dc1" when the cluster is set; buf of
 * CF_REF_TEXT_MAX; returns buf. */
char *cf_ref_text(const struct cf_object_ref *r, char *buf);
/* As kubectl takes it: "deployment.apps/echo"; buf of CF_REF_TEXT_MAX; returns buf. */
char *cf_ref_kubectl(const struct cf_object_ref *r, char *buf);

#endif
