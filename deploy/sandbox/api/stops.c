/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping requests and letting them go on (stops.h). */
#include "deploy/sandbox/api/stops.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "deploy/sandbox/api/api.h"

void sbx_stop_init(struct sbx_stop *s)
{
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
}

void sbx_stop_free(struct sbx_stop *s)
{
    sbx_stop_lift(s);
    pthread_mutex_destroy(&s->lock);
}

/* Wakes what stopped; the lock is held. */
static void let_go(struct sbx_stop *s)
{
    for (size_t i = 0; i < s->n_parked; i++) {
        cf_http_parked_wake(s->parked[i]);
        cf_http_parked_release(s->parked[i]);
    }
    s->n_parked = 0;
    s->part[0] = s->method[0] = s->request[0] = '\0';
}

void sbx_stop_set(struct sbx_stop *s, const char *method, const char *part)
{
    CF_LOCKED(&s->lock);
    let_go(s);
    (void)snprintf(s->method, sizeof s->method, "%s", method ? method : "");
    (void)snprintf(s->part, sizeof s->part, "%s", part);
}

void sbx_stop_lift(struct sbx_stop *s)
{
    CF_LOCKED(&s->lock);
    let_go(s);
}

void sbx_stop_request(struct sbx_stop *s, char out[SBX_STOP_REQUEST_MAX])
{
    CF_LOCKED(&s->lock);
    memcpy(out, s->request, SBX_STOP_REQUEST_MAX);
}

bool sbx_stop_here(struct sbx_stop *s, struct cf_http_request *req, struct cf_http_response *res,
                   cf_http_continuation *go_on, void *user)
{
    const char *method = cf_http_request_method(req), *target = cf_http_request_target(req);
    const char *agent = cf_http_request_header(req, "user-agent");
    CF_LOCKED(&s->lock);
    if (!s->part[0] || s->n_parked == SBX_STOPPED_MAX || !strstr(target, s->part) ||
        (s->method[0] && strcmp(s->method, method) != 0) || !agent ||
        strncmp(agent, SBX_OURS, strlen(SBX_OURS)) != 0)
        return false;
    if (!s->request[0])
        (void)snprintf(s->request, sizeof s->request, "%s %s", method, target);
    s->parked[s->n_parked++] = cf_http_park(res, -1, go_on, user);
    return true;
}
