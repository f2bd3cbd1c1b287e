/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rights (rights.h). */
#include "orchestrator/preflight/rights.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "orchestrator/preflight/rights_table.h"

enum { YAML_MAX = 64 * 1024 };

bool cf_rights_role_parse(const char *name, enum cf_rights_role *out)
{
    if (strcmp(name, "source") == 0)
        *out = (enum cf_rights_role)(CF_RIGHTS_SOURCE | CF_RIGHTS_ROUTER);
    else if (strcmp(name, "target") == 0)
        *out = CF_RIGHTS_TARGET;
    else if (strcmp(name, "both") == 0)
        *out = CF_RIGHTS_BOTH;
    else if (strcmp(name, "adopted") == 0)
        *out = (enum cf_rights_role)(CF_RIGHTS_SOURCE | CF_RIGHTS_ROUTER | CF_RIGHTS_ADOPTED);
    else if (strcmp(name, "volumes") == 0)
        *out = CF_RIGHTS_VOLUMES;
    else if (strcmp(name, "velero") == 0)
        *out = CF_RIGHTS_VELERO;
    else if (strcmp(name, "karmada") == 0)
        *out = CF_RIGHTS_KARMADA;
    else if (strcmp(name, "clusternet") == 0)
        *out = CF_RIGHTS_CLUSTERNET;
    else
        return false;
    return true;
}

bool cf_rights_is_optional(const json_t *row)
{
    return cf_json_bool(row, false, "optional", NULL);
}

/* ---- asking ---- */

static bool ask(struct cf_kube *kube, const struct cf_right *r, const char *resource,
                const char *verb, const char *ns, json_t *out, struct cf_error *err)
{
    char reason[CF_ERROR_FIELD_MAX] = "", plural[CF_ERROR_FIELD_MAX];
    bool allowed = false;
    size_t len = strcspn(resource, "/");
    (void)snprintf(plural, sizeof plural, "%.*s", (int)len, resource);
    struct cf_kube_access what = { .verb = verb,
                                   .group = r->group,
                                   .resource = plural,
                                   .subresource = resource[len] ? resource + len + 1 : NULL,
                                   .ns = r->cluster_wide ? NULL : ns };
    if (!cf_kube_can(kube, NULL, &what, &allowed, reason, err))
        return false;
    json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:b}", "verb", verb, "group",
                                         r->group, "resource", resource, "namespace",
                                         what.ns ? what.ns : "", "allowed", allowed, "reason",
                                         reason, "for", r->why, "optional", r->optional));
    return true;
}

bool cf_rights_check(struct cf_kube *kube, enum cf_rights_role role, const char *ns,
                     json_t **out_rows, struct cf_error *err)
{
    cf_autojson json_t *out = json_array();
    for (size_t i = 0; i < cf_rights_n; i++) {
        const struct cf_right *r = &cf_rights[i];
        if (!(r->roles & role))
            continue;
        for (int k = 0; r->resources[k]; k++)
            for (int v = 0; v < CF_RIGHTS_VERBS_MAX && r->verbs[v]; v++)
                if (!ask(kube, r, r->resources[k], r->verbs[v], ns, out, err))
                    return false;
    }
    *out_rows = cf_steal(&out);
    return true;
}

/* ---- printing ---- */

static void print_rule(const struct cf_right *r, struct cf_buf *out)
{
    cf_buf_printf(out, "  # %s\n  - apiGroups: [\"%s\"]\n    resources: [", r->why, r->group);
    for (int i = 0; r->resources[i]; i++) {
        const char *quote = strcmp(r->resources[i], "*") == 0 ? "\"" : ""; /* else an alias */
        cf_buf_printf(out, "%s%s%s%s", i ? ", " : "", quote, r->resources[i], quote);
    }
    cf_buf_puts(out, "]\n    verbs: [");
    for (int i = 0; i < CF_RIGHTS_VERBS_MAX && r->verbs[i]; i++)
        cf_buf_printf(out, "%s%s", i ? ", " : "", r->verbs[i]);
    cf_buf_puts(out, "]\n");
}

/* What is applied beside the rights of a source or target has a name of its own: under one name the later
 * would take the earlier's place. */
static const char *name_of(enum cf_rights_role role)
{
    switch (role) {
    case CF_RIGHTS_VOLUMES:
        return "crossfade-volumes";
    case CF_RIGHTS_VELERO:
        return "crossfade-velero";
    default:
        return "crossfade";
    }
}

static bool is_printed(const struct cf_right *r, enum cf_rights_role role, bool cluster_wide,
                       bool namespaced)
{
    return (r->roles & role) && (r->cluster_wide ? cluster_wide : namespaced);
}

static void print_role(enum cf_rights_role role, const char *kind, const char *ns,
                       bool cluster_wide, bool namespaced, struct cf_buf *out)
{
    cf_buf_printf(out,
                  "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\n",
                  kind, name_of(role));
    if (ns)
        cf_buf_printf(out, "  namespace: %s\n", ns);
    cf_buf_puts(out, "rules:\n");
    for (size_t i = 0; i < cf_rights_n; i++)
        if (is_printed(&cf_rights[i], role, cluster_wide, namespaced))
            print_rule(&cf_rights[i], out);
    cf_buf_puts(out, "---\n");
}

static void print_binding(enum cf_rights_role role, const char *kind, const char *role_kind,
                          const char *ns, struct cf_buf *out)
{
    cf_buf_printf(out,
                  "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\n",
                  kind, name_of(role));
    if (ns)
        cf_buf_printf(out, "  namespace: %s\n", ns);
    cf_buf_printf(out,
                  "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\n"
                  "subjects:\n  - {kind: ServiceAccount, name: crossfade, namespace: crossfade}\n",
                  role_kind, name_of(role));
}

static bool has_cluster_wide(enum cf_rights_role role)
{
    for (size_t i = 0; i < cf_rights_n; i++)
        if (is_printed(&cf_rights[i], role, true, false))
            return true;
    return false;
}

char *cf_rights_yaml(enum cf_rights_role role, const char *ns)
{
    struct cf_buf out = CF_BUF_INIT(YAML_MAX);
    cf_buf_puts(&out, "# Least rights of Crossfade in this cluster. Reading its own identity and "
                      "asking for its rights\n"
                      "# (SelfSubjectAccessReview) every authenticated account may do.\n");
    if (!ns) {
        print_role(role, "ClusterRole", NULL, true, true, &out);
        print_binding(role, "ClusterRoleBinding", "ClusterRole", NULL, &out);
        return cf_buf_take(&out);
    }
    if (has_cluster_wide(role)) {
        print_role(role, "ClusterRole", NULL, true, false, &out);
        print_binding(role, "ClusterRoleBinding", "ClusterRole", NULL, &out);
        cf_buf_puts(&out, "---\n");
    }
    print_role(role, "Role", ns, false, true, &out);
    print_binding(role, "RoleBinding", "Role", ns, &out);
    return cf_buf_take(&out);
}
