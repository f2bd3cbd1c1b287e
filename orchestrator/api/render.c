/* SPDX-License-Identifier: Apache-2.0 */
/* Plans, clusters, bridges, preflights, tokens and the freeze as the API shows them. */
#include "orchestrator/api/render.h"

#include <string.h>

static json_t *json_or_null(const json_t *j)
{
    return j ? json_incref(cf_json_unconst(j)) : json_null();
}

json_t *cf_render_plan_row(const struct cf_plan_row *row)
{
    json_t *j =
        json_pack("{s:s,s:i,s:i,s:s,s:s,s:s,s:i,s:b}", "name", row->name, "revision", row->revision,
                  "latest", row->latest, "digest", row->digest, "author", row->author, "mediaType",
                  row->media_type, "runs", row->runs, "deleted", row->deleted);
    json_object_set_new(j, "createdAt", cf_render_time(row->plan_created_ms));
    json_object_set_new(j, "updatedAt", cf_render_time(row->created_ms));
    json_object_set_new(j, "lastRun",
                        *row->last_run_id ? json_string(row->last_run_id) : json_null());
    return j;
}

json_t *cf_render_plan(const struct cf_plan_row *row)
{
    json_t *j = cf_render_plan_row(row);
    json_object_set_new(j, "document", json_or_null(row->spec));
    json_object_set_new(j, "effective", json_or_null(row->effective));
    return j;
}

json_t *cf_render_cluster(const struct cf_cluster_row *row)
{
    bool insecure = cf_json_bool(row->doc, false, "insecure", NULL);
    json_t *warnings = json_array();
    json_t *j = json_pack("{s:s,s:s,s:s,s:b,s:s,s:s,s:I}", "name", row->name, "uid", row->uid,
                          "server", row->server, "insecureSkipTlsVerify", insecure, "context",
                          cf_json_str(row->doc, "", "context", NULL), "author", row->author,
                          "revision", (json_int_t)row->rev);
    const json_t *metrics = cf_json_at(row->doc, "metrics", NULL);
    if (insecure)
        json_array_append_new(
            warnings, json_string("The API server's certificate is NOT verified: whoever stands "
                                  "between can take the credentials"));
    if (cf_json_bool(json_array_get(metrics, 0), false, "insecure", NULL))
        json_array_append_new(
            warnings, json_string("The metrics server's certificate is NOT verified: whoever "
                                  "stands between decides what the gates see"));
    json_object_set_new(j, "serverSide",
                        json_boolean(cf_json_bool(row->doc, false, "serverSide", NULL)));
    json_object_set_new(j, "metrics", metrics ? json_or_null(metrics) : json_array());
    json_object_set_new(j, "warnings", warnings);
    json_object_set_new(j, "checked", json_or_null(row->checked));
    json_object_set_new(j, "createdAt", cf_render_time(row->created_ms));
    json_object_set_new(j, "updatedAt", cf_render_time(row->updated_ms));
    json_object_set_new(j, "checkedAt", cf_render_time(row->checked_ms));
    return j;
}

/* What its lane last saw, with the weight that the run last told it: the spec's is the one that is
 * written before each raise. */
static json_t *bridge_status(const struct cf_bridge_row *row)
{
    if (!row->status)
        return json_null();
    json_t *status = cf_json_copy(row->status);
    if (cf_json_bool(row->spec, false, "byName", NULL))
        return status;
    json_object_set_new(status, "weight",
                        json_integer((json_int_t)cf_json_int(row->spec, 0, "weight", NULL)));
    return status;
}

json_t *cf_render_bridge(const struct cf_bridge_row *row, const json_t *status)
{
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id", row->id, "cluster", row->cluster, "namespace",
                  row->ns, "service", row->service, "run", row->run_name, "state", row->state);
    json_object_set_new(j, "byName", json_boolean(cf_json_bool(row->spec, false, "byName", NULL)));
    json_object_set_new(j, "target",
                        json_pack("{s:s,s:s,s:s}", "cluster", row->target_cluster, "namespace",
                                  row->target_ns, "service", row->target_service));
    json_object_set_new(j, "runId", json_string(row->run_id));
    json_object_set_new(j, "spec", json_or_null(row->spec));
    json_object_set_new(j, "status", bridge_status(row));
    json_object_set_new(j, "live", json_or_null(status));
    json_object_set_new(j, "createdAt", cf_render_time(row->created_ms));
    json_object_set_new(j, "updatedAt", cf_render_time(row->updated_ms));
    return j;
}

json_t *cf_render_preflight(const struct cf_preflight_row *row)
{
    json_t *j = json_pack("{s:s,s:o,s:o,s:s,s:s,s:s}", "id", row->id, "plan",
                          *row->plan ? json_string(row->plan) : json_null(), "revision",
                          row->revision > 0 ? json_integer(row->revision) : json_null(), "state",
                          row->state, "message", row->message, "author", row->author);
    json_object_set_new(j, "result", json_or_null(row->result));
    json_object_set_new(j, "createdAt", cf_render_time(row->created_ms));
    json_object_set_new(j, "startedAt", cf_render_time(row->started_ms));
    json_object_set_new(j, "finishedAt", cf_render_time(row->finished_ms));
    return j;
}

json_t *cf_render_token(const struct cf_token_row *row)
{
    json_t *j = json_pack("{s:s,s:s,s:s,s:s}", "id", row->id, "name", row->name, "role", row->role,
                          "createdBy", row->created_by);
    json_object_set_new(j, "createdAt", cf_render_time(row->created_ms));
    json_object_set_new(j, "expiresAt", cf_render_time(row->expires_ms));
    json_object_set_new(j, "lastUsedAt", cf_render_time(row->last_used_ms));
    json_object_set_new(j, "revokedAt", cf_render_time(row->revoked_ms));
    return j;
}

json_t *cf_render_freeze(const struct cf_setting *s)
{
    bool frozen = cf_json_bool(s->value, false, "frozen", NULL);
    json_t *j = json_pack("{s:b,s:s}", "frozen", frozen, "reason",
                          cf_json_str(s->value, "", "reason", NULL));
    json_object_set_new(j, "by", s->author && *s->author ? json_string(s->author) : json_null());
    json_object_set_new(j, "at", cf_render_time(s->at_ms));
    return j;
}
