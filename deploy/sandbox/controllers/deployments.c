/* SPDX-License-Identifier: Apache-2.0 */
/* Deployments: a ReplicaSet per pod template, rolled from the old ones to the newest without
 * falling below what is promised. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "federation/objects/kinds.h"

#include <inttypes.h>
#include <string.h>

#define HASH_LABEL "pod-template-hash"
#define REVISION   "deployment.kubernetes.io/revision"

/* A Deployment and its ReplicaSets. */
struct rollout {
    const json_t *d;
    json_t *sets;          /* all of them */
    const json_t *new_set; /* of the present template, or NULL */
    char hash[SBX_HASH_LEN + 1];
    int64_t want, surge, unavailable;
    bool recreate;
};

static int64_t asked(const json_t *rs)
{
    return rs ? cf_json_int(rs, 1, "spec", "replicas", NULL) : 0;
}

static int64_t counted(const json_t *rs, const char *field)
{
    return rs ? cf_json_int(rs, 0, "status", field, NULL) : 0;
}

static int64_t revision_of(const json_t *o)
{
    return strtoll(cf_json_str(o, "0", "metadata", "annotations", REVISION, NULL), NULL, 10);
}

static int64_t sum(const struct rollout *r, const char *status_field)
{
    int64_t n = 0;
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        n += status_field ? counted(rs, status_field) : asked(rs);
    }
    return n;
}

static void read_rollout(struct sbx_pass *p, const json_t *d, struct rollout *r)
{
    *r = (struct rollout){ .d = d, .want = cf_json_int(d, 1, "spec", "replicas", NULL) };
    r->sets = sbx_pass_owned(p, "apps", "replicasets", d);
    sbx_template_hash(cf_json_at(d, "spec", "template", NULL), r->hash);
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        if (strcmp(sbx_label(rs, HASH_LABEL), r->hash) == 0)
            r->new_set = rs;
    }
    const json_t *rolling = cf_json_at(d, "spec", "strategy", "rollingUpdate", NULL);
    r->recreate = strcmp(cf_json_str(d, "", "spec", "strategy", "type", NULL), "Recreate") == 0;
    r->surge = sbx_int_or_percent(json_object_get(rolling, "maxSurge"), r->want, true, 1);
    r->unavailable =
        sbx_int_or_percent(json_object_get(rolling, "maxUnavailable"), r->want, false, 0);
    if (r->surge <= 0 && r->unavailable <= 0)
        r->unavailable = 1;
}

/* ---- The newest ReplicaSet ---- */

static void create_new_set(struct sbx_pass *p, const struct rollout *r, int64_t replicas)
{
    int64_t revision = 1;
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        revision = CF_MAX(revision, revision_of(rs) + 1);
    }
    cf_autofree char *name = cf_xasprintf("%s-%s", sbx_name(r->d), r->hash);
    cf_autofree char *rev = cf_xasprintf("%" PRId64, revision);
    const json_t *template = cf_json_at(r->d, "spec", "template", NULL),
                 *labels = cf_json_at(template, "metadata", "labels", NULL);
    json_t *body = json_pack("{s:{s:s,s:s,s:{s:s}},s:{s:I,s:o,s:o}}", "metadata", "namespace",
                             sbx_ns(r->d), "name", name, "annotations", REVISION, rev, "spec",
                             "replicas", (json_int_t)replicas, "selector",
                             cf_json_copy(cf_json_at(r->d, "spec", "selector", NULL)), "template",
                             cf_json_copy(template));
    cf_json_put_take(body, labels ? cf_json_copy(labels) : json_object(), "metadata", "labels",
                     NULL);
    cf_json_put_take(body, json_string(r->hash), "metadata", "labels", HASH_LABEL, NULL);
    cf_json_put_take(body, json_string(r->hash), "spec", "selector", "matchLabels", HASH_LABEL,
                     NULL);
    cf_json_put_take(body, json_string(r->hash), "spec", "template", "metadata", "labels",
                     HASH_LABEL, NULL);
    cf_json_put_take(body, sbx_owned_by("apps/v1", "Deployment", r->d), "metadata",
                     "ownerReferences", NULL);
    int64_t min_ready = cf_json_int(r->d, 0, "spec", "minReadySeconds", NULL);
    if (min_ready > 0)
        cf_json_put_take(body, json_integer(min_ready), "spec", "minReadySeconds", NULL);
    sbx_pass_create(p, SBX_MANAGER, "apps", "replicasets", body);
}

/* An older template that is asked for again is the newest revision now; the Deployment says which
 * one is served. */
static void number_revisions(struct sbx_pass *p, const struct rollout *r)
{
    if (!r->new_set)
        return;
    int64_t newest = 0, mine = revision_of(r->new_set);
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        if (rs != r->new_set)
            newest = CF_MAX(newest, revision_of(rs));
    }
    if (mine <= newest) {
        mine = newest + 1;
        cf_autofree char *text = cf_xasprintf("%" PRId64, mine);
        sbx_pass_merge(p, SBX_MANAGER, "apps", "replicasets", r->new_set,
                       json_pack("{s:{s:{s:s}}}", "metadata", "annotations", REVISION, text));
    }
    cf_autofree char *text = cf_xasprintf("%" PRId64, mine);
    if (strcmp(cf_json_str(r->d, "", "metadata", "annotations", REVISION, NULL), text) != 0)
        sbx_pass_merge_status(
            p, SBX_MANAGER, "apps", "deployments", r->d,
            json_pack("{s:{s:{s:s}}}", "metadata", "annotations", REVISION, text));
}

static void scale(struct sbx_pass *p, const json_t *rs, int64_t replicas)
{
    if (asked(rs) != replicas)
        sbx_pass_merge(p, SBX_MANAGER, "apps", "replicasets", rs,
                       json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)replicas));
}

/* ---- The roll ---- */

static int64_t new_size(const struct rollout *r)
{
    int64_t have = asked(r->new_set), old = sum(r, NULL) - have;
    if (r->recreate)
        return sum(r, "replicas") - counted(r->new_set, "replicas") > 0 ? have : r->want;
    if (have >= r->want || old == 0)
        return r->want;
    int64_t room = r->want + r->surge - old - have;
    return have + CF_MAX(0, CF_MIN(room, r->want - have));
}

/* Old sets give up what is not available first, then what the promise leaves room for. */
static void shrink_old(struct sbx_pass *p, const struct rollout *r)
{
    int64_t least = r->recreate ? 0 : r->want - r->unavailable;
    int64_t new_missing =
        r->new_set ? asked(r->new_set) - counted(r->new_set, "availableReplicas") : 0;
    int64_t spare = r->recreate ? INT64_MAX : sum(r, NULL) - least - CF_MAX(0, new_missing);
    int64_t spare_available = r->recreate ? INT64_MAX : sum(r, "availableReplicas") - least;
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        int64_t size = asked(rs);
        if (rs == r->new_set || size == 0 || spare <= 0)
            continue;
        int64_t unhealthy = CF_MIN(spare, CF_MAX(0, size - counted(rs, "availableReplicas")));
        int64_t healthy =
            CF_MAX(0, CF_MIN(CF_MIN(spare - unhealthy, spare_available), size - unhealthy));
        spare -= unhealthy + healthy;
        spare_available -= healthy;
        scale(p, rs, size - unhealthy - healthy);
    }
}

/* Empty sets of the past beyond the history's limit. */
static void forget_old(struct sbx_pass *p, const struct rollout *r)
{
    int64_t keep = cf_json_int(r->d, 10, "spec", "revisionHistoryLimit", NULL), empty = 0;
    const json_t *oldest = NULL;
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        if (rs == r->new_set || asked(rs) > 0 || counted(rs, "replicas") > 0 || sbx_is_going(rs))
            continue;
        empty++;
        if (!oldest || revision_of(rs) < revision_of(oldest))
            oldest = rs;
    }
    if (empty > keep)
        sbx_pass_delete(p, "apps", "replicasets", oldest, -1);
}

static void roll(struct sbx_pass *p, const struct rollout *r)
{
    bool is_paused = cf_json_bool(r->d, false, "spec", "paused", NULL);
    if (!r->new_set && !is_paused)
        create_new_set(p, r, new_size(r));
    else if (r->new_set)
        scale(p, r->new_set, new_size(r));
    if (!is_paused)
        shrink_old(p, r);
    number_revisions(p, r);
    forget_old(p, r);
}

/* ---- Status ---- */

static bool is_complete(const struct rollout *r)
{
    return r->new_set && counted(r->new_set, "replicas") == r->want &&
           counted(r->new_set, "availableReplicas") == r->want && sum(r, "replicas") == r->want;
}

/* Whether there has been no progress for longer than the deadline; each step of progress is another
 * timer. */
static bool is_overdue(struct sbx_pass *p, const struct rollout *r)
{
    int64_t ms = p->world->options.progress_deadline_ms;
    if (ms == 0)
        ms = cf_json_int(r->d, 600, "spec", "progressDeadlineSeconds", NULL) * 1000;
    return sbx_pass_after(p, ms, true, "progress %s %s %" PRId64 " %" PRId64 " %" PRId64,
                          sbx_uid(r->d), r->hash, counted(r->new_set, "replicas"),
                          sum(r, "replicas") - counted(r->new_set, "replicas"),
                          sum(r, "availableReplicas"));
}

static void add_progressing(struct sbx_pass *p, const struct rollout *r, json_t *list)
{
    const json_t *old = cf_object_condition(r->d, "Progressing");
    bool complete = is_complete(r);
    /* A pod that fails after the roll was complete does not start it again. */
    bool was_complete =
        strcmp(cf_json_str(old, "", "reason", NULL), "NewReplicaSetAvailable") == 0 &&
        counted(r->new_set, "replicas") == r->want &&
        strstr(cf_json_str(old, "", "message", NULL), r->hash);
    bool overdue = !complete && !was_complete && is_overdue(p, r);
    const char *reason = complete || was_complete ? "NewReplicaSetAvailable"
                         : overdue                ? "ProgressDeadlineExceeded"
                         : r->new_set             ? "ReplicaSetUpdated"
                                                  : "NewReplicaSetCreated";
    cf_autofree char *message = cf_xasprintf("ReplicaSet %s-%s: %s", sbx_name(r->d), r->hash,
                                             complete || was_complete ? "complete"
                                             : overdue ? "no progress within the deadline"
                                                       : "under way");
    json_t *c = sbx_condition_add(list, r->d, "Progressing", overdue ? "False" : "True", reason,
                                  message, -1, p->stamp);
    bool same = strcmp(cf_json_str(old, "", "reason", NULL), reason) == 0;
    json_object_set_new(
        c, "lastUpdateTime",
        json_string(same ? cf_json_str(old, p->stamp, "lastUpdateTime", NULL) : p->stamp));
}

static void add_available(struct sbx_pass *p, const struct rollout *r, json_t *list)
{
    bool enough = sum(r, "availableReplicas") >= r->want - (r->recreate ? 0 : r->unavailable);
    const json_t *old = cf_object_condition(r->d, "Available");
    bool same = cf_object_condition_is(r->d, "Available", "True") == enough;
    json_t *c =
        sbx_condition_add(list, r->d, "Available", enough ? "True" : "False",
                          enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                          enough ? "as many pods as promised are available"
                                 : "fewer pods than promised are available",
                          -1, p->stamp);
    json_object_set_new(
        c, "lastUpdateTime",
        json_string(same ? cf_json_str(old, p->stamp, "lastUpdateTime", NULL) : p->stamp));
}

static void tell(struct sbx_pass *p, const struct rollout *r)
{
    json_t *status = json_pack("{s:I}", "observedGeneration",
                               (json_int_t)cf_json_int(r->d, 0, "metadata", "generation", NULL));
    sbx_set_count(status, "replicas", sum(r, "replicas"));
    sbx_set_count(status, "updatedReplicas", counted(r->new_set, "replicas"));
    sbx_set_count(status, "readyReplicas", sum(r, "readyReplicas"));
    sbx_set_count(status, "availableReplicas", sum(r, "availableReplicas"));
    sbx_set_count(status, "unavailableReplicas",
                  CF_MAX(0, CF_MAX(r->want, sum(r, NULL)) - sum(r, "availableReplicas")));
    json_t *list = json_array();
    add_available(p, r, list);
    add_progressing(p, r, list);
    json_object_set_new(status, "conditions", list);
    sbx_pass_status(p, SBX_MANAGER, "apps", "deployments", r->d, status);
}

/* What a ReplicaSet counts is of its present size only once it has looked at it. */
static bool sets_are_current(const struct rollout *r)
{
    size_t i;
    json_t *rs;
    json_array_foreach(r->sets, i, rs)
    {
        if (counted(rs, "observedGeneration") < cf_json_int(rs, 0, "metadata", "generation", NULL))
            return false;
    }
    return true;
}

static void look_at(struct sbx_pass *p, const json_t *d)
{
    struct rollout r;
    read_rollout(p, d, &r);
    if (sets_are_current(&r)) {
        roll(p, &r);
        tell(p, &r);
    }
    json_decref(r.sets);
}

void sbx_ctl_deployments(struct sbx_pass *p)
{
    sbx_pass_each_live(p, "apps", "deployments", look_at);
}
