/* SPDX-License-Identifier: Apache-2.0 */
/* The aggregated API server's part that is not storage: members' proxies, and being away. */
#ifndef DEPLOY_SANDBOX_KARMADA_FRONT_H
#define DEPLOY_SANDBOX_KARMADA_FRONT_H

#include "deploy/sandbox/api/api.h"

struct km_plane;
struct km_front {
    struct km_plane *plane;
};

/* A sbx_front; `user` is a struct km_front. */
bool km_front_answer(void *user, const struct sbx_call *call, struct sbx_answer *out);

#endif
