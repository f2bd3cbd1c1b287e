/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters, bridges and the freeze, as the API asks for them (engine.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "orchestrator/engine/engine_internal.h"
#include "orchestrator/preflight/rights.h"
#include "store/bridges.h"
#include "store/clusters.h"
#include "store/settings.h"

bool cf_engine_kube(struct cf_engine *e, const char *cluster, struct cf_kube **out,
                    struct cf_error *err)
{
    return e->world.kube(e->world.self, cluster, out, err);
}

void cf_engine_cluster_changed(struct cf_engine *e, const char *cluster)
{
    cf_clusters_changed(e->clusters, cluster);
}

bool cf_engine_cluster_probe(struct cf_engine *e, const char *name, const json_t *doc,
                             const char *credentials, size_t len, char uid[CF_ENGINE_UID_TEXT],
                             char **out_server, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_kube_version found;
    char id[CF_KUBE_UID_TEXT];
    struct cf_kube_credentials *c =
        cf_clusters_credentials(&e->config.clusters, name, doc, credentials, len, err);
    if (!c)
        return cf_error_wrap(err, "credentials of cluster %s", name);
    cf_autofree char *server = cf_xstrdup(cf_kube_credentials_server(c));
    struct cf_kube_options options = { .name = name };
    kube = cf_kube_open(e->config.net, c, &options, err);
    cf_kube_credentials_unref(c);
    if (!kube || !cf_kube_version(kube, NULL, &found, err) || !cf_kube_uid(kube, NULL, id, err))
        return cf_error_wrap(err, "cluster %s", name);
    (void)snprintf(uid, CF_ENGINE_UID_TEXT, "%s", id);
    *out_server = cf_steal(&server);
    return true;
}

/* ---- check ---- */

static void note(json_t *report, const char *fmt, ...) CF_PRINTF(2, 3);
static void note(json_t *report, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cf_autofree char *text = cf_xvasprintf(fmt, ap);
    va_end(ap);
    json_array_append_new(json_object_get(report, "problems"), json_string(text));
}

static void check_api(struct cf_kube *kube, json_t *report)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_version version;
    char uid[CF_KUBE_UID_TEXT];
    int64_t skew = 0, begun = cf_mono_now_ms();
    bool reachable = cf_kube_version(kube, NULL, &version, &err);
    json_object_set_new(report, "reachable", json_boolean(reachable));
    if (!reachable) {
        note(report, "the API server does not answer: %s", err.message);
        return;
    }
    json_object_set_new(report, "latencyMs", json_integer(cf_mono_now_ms() - begun));
    json_object_set_new(report, "version", json_string(version.git));
    if (cf_kube_uid(kube, NULL, uid, &err))
        json_object_set_new(report, "uid", json_string(uid));
    else
        note(report, "its identity (namespace kube-system) cannot be read: %s", err.message);
    cf_error_clear(&err);
    if (cf_kube_clock_skew(kube, NULL, &skew, &err))
        json_object_set_new(report, "skewMs", json_integer(skew));
}

/* What a control plane says of its members; an ordinary cluster has no "federation". */
static void check_members(struct cf_engine *e, struct cf_kube *kube, json_t *report)
{
    struct cf_error err = CF_ERROR_INIT;
    json_t *federation = NULL;
    size_t i;
    json_t *row;
    if (!cf_engine_members_of(e, kube, &federation, &err)) {
        if (err.kind != CF_ERR_NOT_FOUND)
            note(report, "its members cannot be read: %s", err.message);
        return;
    }
    json_object_set_new(report, "federation", federation);
    json_array_foreach(json_object_get(federation, "items"), i, row)
    {
        const char *name = cf_json_str(row, "", "name", NULL);
        if (!cf_json_bool(row, false, "ready", NULL))
            note(report, "member %s is not ready: %s", name, cf_json_str(row, "", "why", NULL));
        else if (!cf_json_bool(row, true, "kindsComplete", NULL))
            note(report, "member %s: the control plane does not know all kinds that it serves",
                 name);
        if (json_array_size(json_object_get(row, "taints")) > 0)
            note(report, "member %s has the taint %s: nothing new is placed there", name,
                 json_string_value(json_array_get(json_object_get(row, "taints"), 0)));
    }
}

static void check_metrics(struct cf_engine *e, const char *cluster, const json_t *doc,
                          json_t *report)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_source *source = NULL;
    const char *preset = "auto";
    json_t *rows = json_array();
    json_object_set_new(report, "metrics", rows);
    if (!e->world.source(e->world.self, cluster, &source, &preset, &err)) {
        /* No router stands in a control plane: nothing there is measured. */
        if (err.kind == CF_ERR_NOT_FOUND && json_object_get(report, "federation"))
            return;
        note(report, "%s", err.message);
        return;
    }
    struct cf_stream stream = { .kind = CF_STREAM_SUCCESS, .preset = preset };
    struct cf_reading *readings = NULL;
    stream.backend.namespace_ = "default";
    stream.backend.service = "crossfade-check";
    stream.backend.host = "crossfade-check.default.svc.cluster.local";
    bool ok = cf_source_read(source, &stream, 1, cf_mono_now_ms() + CF_KUBE_TIMEOUT_MS_DEFAULT / 2,
                             &readings, &err);
    if (ok)
        cf_readings_free(readings, 1);
    const json_t *named = json_array_get(cf_json_at(doc, "metrics", NULL), 0);
    json_t *row = named ? cf_json_copy(named) : json_object();
    json_object_set_new(row, "ok", json_boolean(ok));
    json_object_set_new(row, "message", json_string(ok ? "answers" : err.message));
    json_array_append_new(rows, row);
    if (!ok)
        note(report, "the metrics source does not answer: %s", err.message);
    cf_source_free(source);
}

json_t *cf_engine_cluster_check(struct cf_engine *e, const char *cluster, const char *ns,
                                struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    cf_autojson json_t *doc = NULL;
    struct cf_error ignored = CF_ERROR_INIT, unasked = CF_ERROR_INIT;
    json_t *rights = NULL;
    if (!e->world.kube(e->world.self, cluster, &kube, err) ||
        !e->world.record(e->world.self, cluster, &doc, err))
        return NULL;
    json_t *report = json_pack("{s:s,s:[]}", "cluster", cluster, "problems");
    bool insecure = cf_json_bool(doc, false, "insecure", NULL);
    json_object_set_new(report, "insecure", json_boolean(insecure));
    if (insecure)
        note(report, "%s",
             "the API server's certificate is NOT verified: anybody in between can take the "
             "credentials");
    check_api(kube, report);
    if (cf_json_bool(report, false, "reachable", NULL))
        check_members(e, kube, report);
    check_metrics(e, cluster, doc, report);
    if (cf_json_bool(report, false, "reachable", NULL) &&
        !cf_rights_check(kube, CF_RIGHTS_BOTH, ns, &rights, &unasked))
        note(report, "the rights could not be asked: %s", unasked.message);
    json_object_set_new(report, "rights", rights ? rights : json_array());
    if (!cf_cluster_set_checked(e->config.store, cluster, report, &ignored))
        cf_error_clear(&ignored);
    return report;
}

char *cf_engine_rbac_yaml(const char *role, const char *ns, struct cf_error *err)
{
    enum cf_rights_role r;
    if (!cf_rights_role_parse(role, &r)) {
        cf_error_set(
            err, CF_ERR_INVALID,
            "side must be source, target, both, adopted, karmada or clusternet, not \"%s\"", role);
        return NULL;
    }
    return cf_rights_yaml(r, ns);
}

/* ---- bridges ---- */

bool cf_engine_bridge_remove(struct cf_engine *e, const char *bridge_id, const char *principal,
                             struct cf_error *err)
{
    CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
    if (!cf_bridge_get(e->config.store, bridge_id, &row, err))
        return cf_error_wrap(err, "bridge %s", bridge_id);
    if (!cf_bridge_ask_removal(e->config.store, bridge_id, principal, err))
        return cf_error_wrap(err, "remove bridge %s/%s", row.ns, row.service);
    cf_bridges_poke(e->bridges);
    return true;
}

json_t *cf_engine_bridge_status(struct cf_engine *e, const char *bridge_id)
{
    return cf_bridges_status(e->bridges, bridge_id);
}

/* ---- freeze ---- */

bool cf_engine_freeze(struct cf_engine *e, const char *reason, const char *principal,
                      struct cf_error *err)
{
    cf_autojson json_t *value =
        json_pack("{s:b,s:s}", "frozen", reason != NULL, "reason", reason ? reason : "");
    return cf_setting_put(e->config.store, CF_SETTING_FREEZE, value, principal, err);
}
