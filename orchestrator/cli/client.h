/* SPDX-License-Identifier: Apache-2.0 */
/* The service's REST API as a client: one request, one answer; mistakes are printed as people want
 * to read them. */
#ifndef CF_CLI_CLIENT_H
#define CF_CLI_CLIENT_H

#include "base/json.h"
#include "base/transport.h"
#include "orchestrator/cli/command.h"

struct cf_client {
    struct cf_transport *transport;
    struct cf_endpoint *endpoint;
    char *server;
    int64_t timeout_ms;
};

/* The connection of this command line; not yet connected. */
bool cf_client_open(const struct cf_cli *cli, struct cf_client *out,
                    struct cf_error *err) CF_NODISCARD;
void cf_client_close(struct cf_client *c); /* for CF_CLEANUP; a zeroed one is fine */

struct cf_ask {
    const char *method; /* NULL: GET */
    const char *path;   /* "/api/v1/plans", escaped */
    const json_t *json; /* body as JSON, or */
    const char *text;   /* body as it is */
    size_t text_len;
    const char *content_type; /* of text */
    const char *accept;       /* NULL: JSON */
    const char *if_match;     /* header values, or NULL */
    const char *if_none_match;
    int wait_s;       /* Prefer: wait */
    const char *file; /* where the body came from, for the places of mistakes */
};

struct cf_answer {
    int status;
    json_t *json; /* NULL when it is no JSON */
    char *text;
    char etag[64];
    char location[256];
};
void cf_answer_free(struct cf_answer *a); /* for CF_CLEANUP */

/* POSTs get an Idempotency-Key of their own and are sent again once when their answer got lost.
 * False: there was no answer. */
bool cf_client_call(struct cf_client *c, const struct cf_ask *ask, struct cf_answer *out,
                    struct cf_error *err) CF_NODISCARD;

/* The same for commands: 0 and *out for an answer 2xx; else everything that is known was printed,
 * and the exit code. */
int cf_ask(struct cf_client *c, const struct cf_ask *ask, struct cf_answer *out) CF_NODISCARD;
/* GET of a list, following cursors, until `limit` items (0: all). *out: array, new reference. */
int cf_ask_list(struct cf_client *c, const char *path, size_t limit, json_t **out) CF_NODISCARD;

/* The lines that people read about a refused request: detail, places (FILE:LINE:COLUMN), hints.
 * Pure. */
void cf_problem_text(const json_t *problem, int status, const char *file, struct cf_buf *out);

/* "/api/v1/runs/" + one escaped segment + rest, caller frees. */
char *cf_path(const char *prefix, const char *segment, const char *rest) CF_NODISCARD;
/* Appends "?name=value" or "&name=value"; nothing when value is NULL. */
void cf_path_query(struct cf_buf *path, const char *name, const char *value);

/* Opens the client or prints why not. */
int cf_client_of(const struct cf_cli *cli, struct cf_client *out) CF_NODISCARD;

#endif
