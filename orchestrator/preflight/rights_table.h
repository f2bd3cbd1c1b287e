/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind rights.h. Internal to this room. */
#ifndef CF_PREFLIGHT_RIGHTS_TABLE_H
#define CF_PREFLIGHT_RIGHTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { CF_RIGHTS_VERBS_MAX = 8 };

struct cf_right {
    const char *group;
    const char *resources[12]; /* plural names, ended by NULL */
    const char *verbs[CF_RIGHTS_VERBS_MAX];
    unsigned roles;
    bool cluster_wide; /* the resource has no namespace, or is wanted in any */
    bool optional;     /* only if the cluster serves it */
    const char *why;
};

extern const struct cf_right cf_rights[];
extern const size_t cf_rights_n;

#endif
