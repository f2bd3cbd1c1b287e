/* SPDX-License-Identifier: Apache-2.0 */
/* API servers that know no more than who they are: enough to be registered, and for runs to be
 * started and held. */
#ifndef TESTS_UNIT_ORCHESTRATOR_API_STUB_CLUSTER_H
#define TESTS_UNIT_ORCHESTRATOR_API_STUB_CLUSTER_H

#include "orchestrator/http/http.h"
#include "tests/support/test.h"

struct stub {
    struct cf_http_server *server;
    struct cf_http_listener *listener;
    const char *uid;
};

static inline void stub_answer(struct cf_http_request *req, struct cf_http_response *res)
{
    const struct stub *s = cf_http_request_owner(req);
    const char *path = cf_http_request_path(req);
    const char *auth = cf_http_request_header(req, "Authorization");
    if (!auth || strcmp(auth, "Bearer right") != 0)
        cf_http_response_json_take(res, 401,
                                   json_pack("{s:s,s:s,s:s,s:i}", "kind", "Status", "message",
                                             "Unauthorized", "reason", "Unauthorized", "code",
                                             401));
    else if (strcmp(path, "/version") == 0)
        cf_http_response_json_take(
            res, 200,
            json_pack("{s:s,s:s,s:s}", "major", "1", "minor", "31", "gitVersion", "v1.31.2"));
    else if (strcmp(path, "/api/v1") == 0)
        cf_http_response_json_take(
            res, 200,
            json_pack("{s:s,s:s,s:[{s:s,s:s,s:b,s:s,s:[s]}]}", "kind", "APIResourceList",
                      "groupVersion", "v1", "resources", "name", "namespaces", "singularName",
                      "namespace", "namespaced", false, "kind", "Namespace", "verbs", "get"));
    else if (strcmp(path, "/api/v1/namespaces/kube-system") == 0)
        cf_http_response_json_take(res, 200,
                                   json_pack("{s:s,s:s,s:{s:s,s:s}}", "kind", "Namespace",
                                             "apiVersion", "v1", "metadata", "name", "kube-system",
                                             "uid", s->uid));
    else
        cf_http_response_json_take(res, 404,
                                   json_pack("{s:s,s:s,s:s,s:i}", "kind", "Status", "message",
                                             "not here", "reason", "NotFound", "code", 404));
}

static inline void stub_start(struct stub *s, const char *uid)
{
    struct cf_error err = CF_ERROR_INIT;
    *s = (struct stub){ .uid = uid };
    s->server = cf_http_server_start(NULL, &err);
    assert_non_null(s->server);
    struct cf_http_listen_options options = { .site = { .fallback = stub_answer, .owner = s } };
    s->listener = cf_http_listen(s->server, &options, &err);
    assert_non_null(s->listener);
}

/* A ClusterNew body; caller frees. */
static inline char *stub_body(const struct stub *s, const char *name, const char *token)
{
    return cf_xasprintf(
        "name: %s\nkubeconfig:\n  apiVersion: v1\n  kind: Config\n  current-context: c\n"
        "  clusters: [{name: c, cluster: {server: \"%s\"}}]\n  users: [{name: u, user: {token: "
        "%s}}]\n"
        "  contexts: [{name: c, context: {cluster: c, user: u}}]\n",
        name, cf_http_listener_url(s->listener), token);
}

#endif
