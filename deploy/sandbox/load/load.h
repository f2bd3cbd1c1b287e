/* SPDX-License-Identifier: Apache-2.0 */
/* Load at a fixed rate, whatever the answers do (an open loop), with every request logged.
 *
 * It hides nothing: no retries, no redirects, and a request that could not be started in time
 * counts as failed. The log is one JSON object a line, in order of completion, written at once:
 *   {"n":7,"t":1763719000123456789,"us":2130,"status":200,"cluster":"east","pod":"echo-1","version":"v1"}
 * `t` is the start in Unix ns, `us` the time to the end of the answer. A failed request (no answer,
 * or a status of 500 and more) has "error". Used by control/ and by the command line. Any thread. */
#ifndef DEPLOY_SANDBOX_LOAD_LOAD_H
#define DEPLOY_SANDBOX_LOAD_LOAD_H

#include "base/json.h"

struct sbx_loads;

/* Room for loads by id; its threads run when it returns. */
struct sbx_loads *sbx_loads_new(struct cf_error *err) CF_NODISCARD;
/* Stops all, at once: what is in flight counts as failed. Accepts NULL. */
void sbx_loads_free(struct sbx_loads *l);

struct sbx_load_options {
    const char *url;      /* http://127.0.0.1:PORT/path; numeric IPv4 address only */
    const char *host;     /* the Host header; NULL: that of the URL */
    const char *header;   /* one more "Name: value"; or NULL */
    bool writes;          /* POST with the request's number as the body, instead of GET; those that
                             were acknowledged (2xx) are kept */
    double rps;           /* 0 < rps <= SBX_LOAD_RPS_MAX */
    int64_t duration_ms;  /* 0: until it is stopped */
    int64_t timeout_ms;   /* of one request; 0: SBX_LOAD_TIMEOUT_MS */
    const char *log_path; /* NULL: no log. Replaced */
};
enum {
    SBX_LOADS_MAX = 32,            /* at once; ended ones are kept until they are taken away */
    SBX_LOAD_RPS_MAX = 20000,      /* more than one core can serve */
    SBX_LOAD_TIMEOUT_MS = 5000,    /* as long as a patient client waits */
    SBX_LOAD_IN_FLIGHT = 512,      /* beyond it a request fails unsent: something hangs */
    SBX_LOAD_WRITES_MAX = 1000000, /* of one load that writes; it ends there */
    SBX_LOAD_SAMPLES = 200000,     /* latencies kept for the percentiles: the newest of them */
};

/* Starts one. INVALID for a wrong URL or rate, LIMIT for too many, UNAVAILABLE when the log cannot
 * be written. */
bool sbx_load_start(struct sbx_loads *l, const struct sbx_load_options *options, int *out_id,
                    struct cf_error *err) CF_NODISCARD;
/* {id, url, host, rps, running, sent, failed, first_failure, last_failure, begin, end, p50_us,
 * p99_us, max_us, by_cluster, errors}; the times of failures are starts of requests in Unix ns, 0
 * for none. New reference; NULL when there is no such load. */
json_t *sbx_load_summary(struct sbx_loads *l, int id);
/* The numbers of acknowledged writes, as the bodies had them: {"acknowledged": [0, 1, 3 …], "prefix":
 * what stands before each in a body}. New reference; NULL when there is no such load, or it does
 * not write. */
json_t *sbx_load_acknowledged(struct sbx_loads *l, int id);
/* No more requests; waits for those in flight (each has a limit of its own). False when there is no
 * such load. */
bool sbx_load_stop(struct sbx_loads *l, int id);
/* Stops it and forgets it. */
bool sbx_load_drop(struct sbx_loads *l, int id);
/* Waits until it has ended by itself, at most `ms`; true when it has. */
bool sbx_load_wait(struct sbx_loads *l, int id, int64_t ms);
json_t *sbx_loads_list(struct sbx_loads *l); /* all summaries; new array */

/* `crossfade sandbox load`: until the duration's end, SIGTERM or SIGINT, then the summary on standard
 * output (options: load/command.c). argv[0] is the command's name. Exit status 0, 1 when it cannot start, 2 for a
 * wrong option. */
int cf_sandbox_load_main(int argc, char **argv);

#endif
