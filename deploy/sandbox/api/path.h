/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks for: its path and query taken apart. Pure. */
#ifndef DEPLOY_SANDBOX_API_PATH_H
#define DEPLOY_SANDBOX_API_PATH_H

#include "deploy/sandbox/api/kinds.h"

enum { SBX_SEGMENTS_MAX = 10, SBX_QUERY_MAX = 24 };

struct sbx_path {
    char *text;                       /* owns what the rest points into */
    char *segments[SBX_SEGMENTS_MAX]; /* decoded */
    int count;                        /* -1: more than fit, or broken escapes */
    char *names[SBX_QUERY_MAX], *values[SBX_QUERY_MAX];
    int queries;
    /* of /api/… and /apis/G/… */
    const char *group, *version, *ns, *plural, *name,
        *sub;                    /* "" or NULL where the path ends before */
    const struct sbx_kind *kind; /* NULL: not a resource we serve */
};

void sbx_path_parse(struct sbx_path *p, const char *target);
void sbx_path_free(struct sbx_path *p);
const char *sbx_query(const struct sbx_path *p, const char *name); /* NULL if absent */
/* A number from 0 to SBX_QUERY_INT_MAX; the default when absent or anything else. */
enum { SBX_QUERY_INT_MAX = 1000000000 };
int64_t sbx_query_int(const struct sbx_path *p, const char *name, int64_t dflt);
bool sbx_query_true(const struct sbx_path *p, const char *name); /* "true" or "1" */

#endif
