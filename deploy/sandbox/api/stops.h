/* SPDX-License-Identifier: Apache-2.0 */
/* A place where requests stop until somebody lets them go on, for tests that do something at an
 * exact point of a run: the request has arrived and has had no effect yet.
 *
 * One per API server, set from outside (control/). It stops requests of programs called
 * "crossfade", not those of the tests around them. Any thread. */
#ifndef DEPLOY_SANDBOX_API_STOPS_H
#define DEPLOY_SANDBOX_API_STOPS_H

#include <pthread.h>

#include "orchestrator/http/http.h"

enum {
    SBX_STOP_METHOD_MAX = 8,
    SBX_STOP_PART_MAX = 256,
    SBX_STOP_REQUEST_MAX = 512,
    SBX_STOPPED_MAX = 64, /* at once; more are let through */
};

struct sbx_stop {
    pthread_mutex_t lock;               /* guards all that follows */
    char method[SBX_STOP_METHOD_MAX];   /* "": any */
    char part[SBX_STOP_PART_MAX];       /* of the target; "": nothing stops */
    char request[SBX_STOP_REQUEST_MAX]; /* the first that stopped, "PATCH /apis/…"; "": none yet */
    struct cf_http_parked *parked[SBX_STOPPED_MAX];
    size_t n_parked;
};

void sbx_stop_init(struct sbx_stop *s);
void sbx_stop_free(struct sbx_stop *s); /* when no request can come any more */

/* From now on requests with this method (NULL: any) whose target contains `part` stop. What stopped
 * before goes on. */
void sbx_stop_set(struct sbx_stop *s, const char *method, const char *part);
/* Nothing stops any more, and what stopped goes on. */
void sbx_stop_lift(struct sbx_stop *s);
/* The first request that stopped, "" while none has. */
void sbx_stop_request(struct sbx_stop *s, char out[SBX_STOP_REQUEST_MAX]);

/* Whether the request stops here: then `go_on` is called with `user` when it may go on, or when
 * nobody waits for it any more. */
bool sbx_stop_here(struct sbx_stop *s, struct cf_http_request *req, struct cf_http_response *res,
                   cf_http_continuation *go_on, void *user);

#endif
