/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds that the simulated API server serves: one table. Pure. */
#ifndef DEPLOY_SANDBOX_API_KINDS_H
#define DEPLOY_SANDBOX_API_KINDS_H

#include "base/json.h"

/* Whether, and by what, an object's metadata.generation grows. */
enum sbx_generation {
    SBX_GEN_NONE,    /* it has none */
    SBX_GEN_SPEC,    /* spec changed */
    SBX_GEN_CONTENT, /* anything but metadata and status changed */
};

/* What an API server may be the control plane of. */
enum sbx_plane { SBX_PLANE_NONE, SBX_PLANE_KARMADA, SBX_PLANE_CLUSTERNET };

/* What may be installed into a cluster on top. */
enum sbx_addon { SBX_ADDON_NONE, SBX_ADDON_VELERO };

struct sbx_kind {
    const char *group, *version, *plural, *kind;
    const char *short_name;
    bool namespaced, has_status, has_scale;
    bool is_crd; /* a custom resource: other media types, unknown fields, lists that are whole */
    bool returns_deleted; /* DELETE answers with the object */
    enum sbx_plane plane; /* served by such a control plane only; NONE: by all servers */
    enum sbx_addon addon; /* served only where that is installed */
    enum sbx_generation generation;
    const char *name_rule; /* "subdomain", "label", "label1035", "path" */
    const char *top;       /* known members beside apiVersion, kind, metadata: "spec,status" */
};

extern const struct sbx_kind sbx_kinds[]; /* ends with a row without kind */

/* Other versions under which a group is served; stored is the table's. */
struct sbx_version_alias {
    const char *group, *version;
    const char *plurals; /* "a,b", or NULL: all */
};
extern const struct sbx_version_alias sbx_version_aliases[];

/* Which rows one server serves. Zero everywhere: those of an ordinary cluster. */
struct sbx_served {
    enum sbx_plane plane;
    enum sbx_addon addon;
    const char *hidden;  /* "group/plural,…" that it lacks, or NULL; borrowed */
    const char *lacking; /* the same, by the version of its addon */
};
bool sbx_kind_served(const struct sbx_served *s, const struct sbx_kind *k);

/* The kind at group/version under that plural on any server, or NULL. */
const struct sbx_kind *sbx_kind_find(const char *group, const char *version, const char *plural);
const struct sbx_kind *sbx_kind_of_group(const char *group,
                                         const char *plural); /* in any version */
/* The kind named so in objects of that apiVersion ("apps/v1"), or NULL. */
const struct sbx_kind *sbx_kind_named(const char *api_version, const char *kind);
bool sbx_group_version_served(const struct sbx_served *s, const char *group, const char *version);
bool sbx_word_in(const char *comma_list, const char *word);

/* Answers of discovery; new references, or NULL for what is not served. */
json_t *sbx_discover_root(void);                                              /* GET /api */
json_t *sbx_discover_groups(const struct sbx_served *s);                      /* GET /apis */
json_t *sbx_discover_group(const struct sbx_served *s, const char *group);    /* GET /apis/G */
json_t *sbx_discover_resources(const struct sbx_served *s, const char *group, /* GET /apis/G/V */
                               const char *version);

#endif
