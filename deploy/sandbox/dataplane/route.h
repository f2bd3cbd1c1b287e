/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway knows: hosts, their rules, the backends behind them and the backends' endpoints.
 *
 * Built from API objects (route_build.c and one file per kind of router), never changed afterwards,
 * shared by reference between the gateway's threads. The order of a host's rules is the order in
 * which they are tried. Pure but for the counters of round robin. */
#ifndef DEPLOY_SANDBOX_DATAPLANE_ROUTE_H
#define DEPLOY_SANDBOX_DATAPLANE_ROUTE_H

#include <regex.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/json.h"
#include "deploy/sandbox/dataplane/wire.h"

enum sbx_router { SBX_VIRTUAL_SERVICE, SBX_HTTP_ROUTE, SBX_INGRESS };

struct sbx_endpoint {
    char address[SBX_WIRE_ADDRESS];
    int port;
};

struct sbx_backend {
    enum sbx_router router;
    const char
        *name; /* "echo.web.svc.cluster.local", with "/v1" for a subset: as the split shows it */
    const char *metric; /* Envoy's cluster name, "outbound|80||echo.web.svc.cluster.local" */
    const char *ns, *ingress, *service,
        *canary; /* ingress-nginx' labels; a canary carries the main Service's name */
    bool exists; /* there is such a Service and port */
    const struct sbx_endpoint *endpoints; /* ready ones */
    int n;
    atomic_uint turn;
};

struct sbx_target {
    struct sbx_backend *backend;
    int weight;
};

enum sbx_text_match { SBX_ANY, SBX_EXACT, SBX_PREFIX, SBX_PATH_PREFIX, SBX_REGEX };

struct sbx_text_rule {
    enum sbx_text_match how;
    const char *text;
    regex_t *regex;
};

struct sbx_header_rule {
    const char *name;
    struct sbx_text_rule value;
    bool negate;
};

struct sbx_rule {
    enum sbx_router router;
    const char *object; /* "VirtualService web/echo" */
    struct sbx_text_rule path;
    const char *method; /* NULL: any */
    const struct sbx_header_rule *headers;
    int n_headers;
    struct sbx_target *targets;
    int n;
    int total; /* of the weights */
    struct sbx_backend
        *needs;            /* ingress-nginx: the main backend, without which the path answers 503 */
    long rank;             /* tried in falling order, else in order of appearance */
    atomic_bool *orphaned; /* an old worker has one more request (sbx_table_succeed) */
    struct sbx_rule *next;
};

struct sbx_host {
    const char *name; /* lower case; "*" and "*.example.com" too */
    struct sbx_rule *rules;
    struct sbx_host *next;
};

struct sbx_table {
    atomic_int refs;
    struct cf_arena *arena;
    struct sbx_host *hosts;
    struct sbx_kept {
        const struct sbx_backend *backend; /* named by a canary Ingress alone, for no known host */
        struct sbx_kept *next;
    } * kept;
    struct sbx_regexes {
        regex_t regex;
        struct sbx_regexes *next;
    } * regexes;
};

/* Arrays of API objects of one cluster; any may be NULL. Borrowed. */
struct sbx_objects {
    const json_t *virtual_services, *destination_rules, *http_routes, *ingresses, *services,
        *slices, *pods;
};

struct sbx_table *sbx_table_build(const struct sbx_objects *objects) CF_NODISCARD;
struct sbx_table *sbx_table_ref(struct sbx_table *t);
void sbx_table_unref(struct sbx_table *t); /* accepts NULL */

/* What ingress-nginx' old workers do when `next` takes over from `old`: they still serve what they
 * have read by the old main backend's name, and when no Ingress names that one any more, its
 * endpoints are gone. One request per path whose main backend changed so is answered 503. */
void sbx_table_succeed(struct sbx_table *next, const struct sbx_table *old);

/* What is known of a request. */
struct sbx_ask {
    const char *host; /* with or without a port */
    const char *method;
    const char *path;                                          /* without the query */
    const char *(*header)(const void *user, const char *name); /* NULL when absent */
    const void *user;
};
struct sbx_choice {
    int status;                  /* 0: forward to `backend`; else the gateway's own answer */
    const char *body;            /* of it */
    const struct sbx_rule *rule; /* NULL: no such host or path */
    struct sbx_backend *backend; /* what was chosen, also for a 503; may be NULL */
};
/* `dice` is uniform in [0, 1): which of the weighted targets. */
struct sbx_choice sbx_table_choose(const struct sbx_table *t, const struct sbx_ask *ask,
                                   double dice);
/* The next endpoint in turn. The backend must have one. */
struct sbx_endpoint sbx_backend_next(struct sbx_backend *b);
/* {host: {object, backends: {name: weight}, ready: {name: endpoints}}} of the rule that GET /
 * without headers meets. New reference. */
json_t *sbx_table_split(const struct sbx_table *t);

/* ---- Between the files of the builder ---- */

struct sbx_builder {
    struct sbx_table *table;
    const struct sbx_objects *objects;
};

/* The rule at its place among the host's. `rank` decides, see above. */
void sbx_build_rule(struct sbx_builder *b, const char *host, const struct sbx_rule *rule);
/* A text rule; a regular expression that does not compile matches nothing. */
struct sbx_text_rule sbx_build_text(struct sbx_builder *b, enum sbx_text_match how,
                                    const char *text);
/* The backend of a Service's port: `port` > 0, or by `port_name`, or the only one. `labels` (may be
 * NULL) choose among its pods. */
struct sbx_backend *sbx_build_backend(struct sbx_builder *b, enum sbx_router router, const char *ns,
                                      const char *service, int port, const char *port_name,
                                      const char *subset, const json_t *labels);
void sbx_build_virtual_service(struct sbx_builder *b, const json_t *object);
void sbx_build_http_route(struct sbx_builder *b, const json_t *object);
/* All at once: canaries belong to main ones. */
void sbx_build_ingresses(struct sbx_builder *b);
/* "VirtualService web/echo" in the arena. */
const char *sbx_build_name(struct sbx_builder *b, const char *kind, const json_t *object);

#endif
