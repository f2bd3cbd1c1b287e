/* SPDX-License-Identifier: Apache-2.0 */
/* /clusters: registering, checking and forgetting clusters. */
#include "store/clusters.h"

#include <string.h>

#include "orchestrator/api/body.h"
#include "orchestrator/api/cluster_body.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/engine/engine.h"

enum { NAME_MAX_CHARS = 63 };

/* A DNS label, as plans name clusters. */
static bool is_fine_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MAX_CHARS &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && name[0] != '-' &&
           name[n - 1] != '-';
}

/* ---- writing ---- */

/* Asks the cluster who it is: a record that does not work is not kept. */
static bool probe(struct cf_http_request *req, struct cf_http_response *res, const char *name,
                  const struct cf_cluster_body *b, char uid[CF_ENGINE_UID_TEXT], char **out_server)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cf_engine_cluster_probe(cf_api_of(req)->engine, name, b->doc,
                                cf_secret_data(b->credentials), cf_secret_len(b->credentials), uid,
                                out_server, &err)) {
        json_object_set_new(b->doc, "server", json_string(*out_server));
        return true;
    }
    if (err.kind == CF_ERR_INVALID && cf_json_bool(b->doc, false, "serverSide", NULL)) {
        cf_body_refuse(req, res, "/serverSide", NULL, "%s", err.message);
        return false;
    }
    cf_problem_full(res, "CLUSTER_FAILED",
                    err.kind == CF_ERR_DENIED
                        ? "crossfade cluster rbac prints the rights that are needed"
                        : "Is its address reachable from here, and its certificate's authority in "
                          "the kubeconfig?",
                    NULL, "%s", err.message);
    return false;
}

static void send_cluster(struct cf_http_request *req, struct cf_http_response *res,
                         const char *name, int status)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_cluster_row_free) struct cf_cluster_row row = { 0 };
    if (!cf_cluster_get(cf_api_of(req)->store, name, &row, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (status == 200 && strcmp(cf_http_request_method(req), "GET") == 0 &&
        cf_etag_not_modified(req, res, row.rev))
        return;
    cf_etag_set(res, row.rev);
    cf_http_response_json_take(res, status, cf_render_cluster(&row));
}

static void changed(struct cf_http_request *req, const char *name)
{
    cf_engine_cluster_changed(cf_api_of(req)->engine, name);
    cf_hub_nudge(cf_api_of(req)->hub);
}

static void send_created(struct cf_http_request *req, struct cf_http_response *res,
                         const char *name, const struct cf_idem *key)
{
    if (key)
        cf_idem_mark(res, key);
    cf_http_response_headerf(res, "Location", "/api/v1/clusters/%s", name);
    send_cluster(req, res, name, 201);
}

static void create(struct cf_http_request *req, struct cf_http_response *res, const char *name,
                   const json_t *body)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_idem idem;
    char uid[CF_ENGINE_UID_TEXT];
    cf_autofree char *server = NULL;
    CF_CLEANUP(cf_cluster_body_free) struct cf_cluster_body b = { 0 };
    struct cf_idem *key = cf_idem_of(req, &idem) ? &idem : NULL;
    if (key && !cf_idem_find(cf_api_of(req)->store, key, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (key && key->replayed) {
        send_created(req, res, name, key);
        return;
    }
    if (!cf_cluster_body_make(req, res, body, NULL, NULL, &b) ||
        !probe(req, res, name, &b, uid, &server))
        return;
    struct cf_cluster_new row = { .name = name,
                                  .uid = uid,
                                  .server = server,
                                  .doc = b.doc,
                                  .credentials = b.credentials,
                                  .author = cf_principal(req),
                                  .idem = key };
    if (!cf_cluster_add(cf_api_of(req)->store, &row, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    changed(req, name);
    send_created(req, res, name, key);
}

static void replace(struct cf_http_request *req, struct cf_http_response *res, const char *name,
                    const json_t *body, int64_t expect)
{
    struct cf_error err = CF_ERROR_INIT;
    char uid[CF_ENGINE_UID_TEXT];
    cf_autofree char *server = NULL;
    int64_t rev = 0;
    CF_CLEANUP(cf_cluster_row_free) struct cf_cluster_row old = { 0 };
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *credentials = NULL;
    CF_CLEANUP(cf_cluster_body_free) struct cf_cluster_body b = { 0 };
    struct cf_store *store = cf_api_of(req)->store;
    if (!cf_cluster_get(store, name, &old, &err) ||
        !cf_cluster_credentials(store, name, &credentials, &rev, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    if (!cf_cluster_body_make(req, res, body, old.doc, credentials, &b) ||
        !probe(req, res, name, &b, uid, &server))
        return;
    struct cf_cluster_new row = { .name = name,
                                  .uid = uid,
                                  .server = server,
                                  .doc = b.doc,
                                  .credentials = b.credentials,
                                  .author = cf_principal(req) };
    if (!cf_cluster_update(store, &row, expect < 0 ? 0 : expect, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    changed(req, name);
    send_cluster(req, res, name, 200);
}

static bool name_fits(struct cf_http_request *req, struct cf_http_response *res, const char *name)
{
    if (is_fine_name(name))
        return true;
    cf_body_refuse(req, res, "/name", "lower-case letters, digits and '-'",
                   "A cluster's name has 1 to %d lower-case letters, digits and '-'",
                   NAME_MAX_CHARS);
    return false;
}

void cf_post_cluster(struct cf_http_request *req, struct cf_http_response *res)
{
    cf_autojson json_t *body = cf_body_read(req, res);
    const char *name = cf_json_str(body, "", "name", NULL);
    if (body && name_fits(req, res, name))
        create(req, res, name, body);
}

void cf_put_cluster(struct cf_http_request *req, struct cf_http_response *res)
{
    int64_t expect;
    const char *name = cf_http_request_param(req, "name");
    if (!cf_etag_expect(req, res, &expect))
        return;
    cf_autojson json_t *body = cf_body_read(req, res);
    if (!body || !name_fits(req, res, name))
        return;
    if (strcmp(cf_json_str(body, name, "name", NULL), name) != 0)
        cf_body_refuse(req, res, "/name", NULL, "The path names the cluster \"%s\"", name);
    else if (expect == 0)
        create(req, res, name, body);
    else
        replace(req, res, name, body, expect);
}

void cf_delete_cluster(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t expect;
    const char *name = cf_http_request_param(req, "name");
    if (!cf_etag_expect(req, res, &expect))
        return;
    if (!cf_cluster_remove(cf_api_of(req)->store, name, expect < 0 ? 0 : expect, cf_principal(req),
                           &err)) {
        cf_problem_error(res, &err);
        return;
    }
    changed(req, name);
    cf_http_response_status(res, 204);
}

/* ---- reading ---- */

void cf_get_clusters(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_page page;
    CF_CLEANUP(cf_cluster_list_free) struct cf_cluster_list list = { 0 };
    if (!cf_page_of(req, res, false, &page))
        return;
    if (!cf_cluster_list_page(cf_api_of(req)->store, page.after, page.limit, &list, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_cluster(&list.rows[i]));
    cf_page_send(req, res, items, list.more, list.n ? list.rows[list.n - 1].name : "");
}

void cf_get_cluster(struct cf_http_request *req, struct cf_http_response *res)
{
    send_cluster(req, res, cf_http_request_param(req, "name"), 200);
}

void cf_post_cluster_check(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *report =
        cf_engine_cluster_check(cf_api_of(req)->engine, cf_http_request_param(req, "name"),
                                cf_http_request_query(req, "namespace"), &err);
    if (report)
        cf_http_response_json_take(res, 200, report);
    else if (err.kind == CF_ERR_NOT_FOUND)
        cf_problem_error(res, &err);
    else
        cf_problem_cluster(res, &err);
}

void cf_get_cluster_members(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *members =
        cf_engine_cluster_members(cf_api_of(req)->engine, cf_http_request_param(req, "name"), &err);
    if (members)
        cf_http_response_json_take(res, 200, members);
    else if (err.kind == CF_ERR_NOT_FOUND)
        cf_problem_error(res, &err);
    else
        cf_problem_cluster(res, &err);
}

/* Also for a cluster that is not registered yet: the rights come first. */
void cf_get_cluster_rbac(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *side = cf_http_request_query(req, "side");
    const char *ns = cf_http_request_query(req, "namespace");
    if (ns && !is_fine_name(ns)) {
        cf_problem(res, "INVALID_PARAMETER", "namespace is the name of a namespace");
        return;
    }
    char *text = cf_engine_rbac_yaml(side ? side : "both", ns, &err);
    if (text)
        cf_http_response_body_take(res, "application/yaml", text, strlen(text));
    else
        cf_problem(res, "INVALID_PARAMETER", "%s", err.message);
}
