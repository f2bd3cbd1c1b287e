/* SPDX-License-Identifier: Apache-2.0 */
/* Open-loop load: requests leave on a fixed beat whatever the answers do; each is logged as one JSON line, and summed up.
 *
 * One load at a time. Any thread. */
#ifndef DEPLOY_SANDBOX_LOAD_LOAD_H
#define DEPLOY_SANDBOX_LOAD_LOAD_H

#include "base/json.h"

struct sbx_load;

struct sbx_load_options {
    const char *url;    /* "http://127.0.0.1:8080/", of a gateway */
    const char *host;   /* Host header, or NULL */
    double rate;        /* requests per second, at most SBX_LOAD_RATE_MAX */
    int64_t duration_ms; /* 0: until stopped */
    int64_t timeout_ms; /* of one request; 0: 5 s */
    const char *log;    /* JSON lines, or NULL */
};
enum { SBX_LOAD_RATE_MAX = 2000 };

struct sbx_load *sbx_load_new(void);
void sbx_load_free(struct sbx_load *l); /* stops it; accepts NULL */
/* CONFLICT while one runs. */
bool sbx_load_start(struct sbx_load *l, const struct sbx_load_options *options, struct cf_error *err) CF_NODISCARD;
void sbx_load_stop(struct sbx_load *l); /* waits for answers under way, for at most a second */
/* {running, sent, answered, failed, firstFailure, lastFailure, byStatus, bySide, p50Ms, p95Ms, …}; new reference. */
json_t *sbx_load_summary(struct sbx_load *l);

#endif
