/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: pods that end, until enough of them have succeeded or too many have failed. CronJobs never
 * fire here; what they own is listed as active. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/controllers/pod_needs.h"
#include "federation/objects/kinds.h"

#include <string.h>

struct counts {
    int64_t active, ready, succeeded, failed;
};

static void make_pod(struct sbx_pass *p, const json_t *job)
{
    json_t *pod = sbx_pod_from(cf_json_at(job, "spec", "template", NULL), sbx_ns(job));
    cf_autofree char *name = sbx_random_name(sbx_name(job));
    cf_json_put_take(pod, json_string(name), "metadata", "name", NULL);
    static const char *const prefixes[] = { "", "batch.kubernetes.io/" };
    for (size_t i = 0; i < CF_ARRAY_LEN(prefixes); i++) {
        cf_autofree char *by_name = cf_xasprintf("%sjob-name", prefixes[i]);
        cf_autofree char *by_uid = cf_xasprintf("%scontroller-uid", prefixes[i]);
        cf_json_put_take(pod, json_string(sbx_name(job)), "metadata", "labels", by_name, NULL);
        cf_json_put_take(pod, json_string(sbx_uid(job)), "metadata", "labels", by_uid, NULL);
    }
    cf_json_put_take(pod, sbx_owned_by("batch/v1", "Job", job), "metadata", "ownerReferences",
                     NULL);
    sbx_pod_create(p, pod);
}

static struct counts count(const json_t *pods)
{
    struct counts c = { 0 };
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        const char *phase = cf_json_str(pod, "", "status", "phase", NULL);
        c.succeeded += strcmp(phase, "Succeeded") == 0;
        c.failed += strcmp(phase, "Failed") == 0;
        c.active += sbx_pod_is_active(pod);
        c.ready += sbx_pod_is_active(pod) && sbx_pod_is_ready(pod);
    }
    return c;
}

static bool is_finished(const json_t *job)
{
    return cf_object_condition_is(job, "Complete", "True") ||
           cf_object_condition_is(job, "Failed", "True");
}

static void stop_pods(struct sbx_pass *p, const json_t *pods)
{
    size_t i;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        if (sbx_pod_is_active(pod))
            sbx_pass_delete(p, "", "pods", pod, -1);
    }
}

static void tell(struct sbx_pass *p, const json_t *job, const struct counts *c, bool is_suspended,
                 const char *end)
{
    json_t *list = json_array();
    json_t *status = json_pack("{s:o,s:{},s:I}", "conditions", list, "uncountedTerminatedPods",
                               "ready", (json_int_t)c->ready);
    sbx_set_count(status, "active", c->active);
    sbx_set_count(status, "succeeded", c->succeeded);
    sbx_set_count(status, "failed", c->failed);
    if (!is_suspended)
        json_object_set_new(status, "startTime",
                            json_string(cf_json_str(job, p->stamp, "status", "startTime", NULL)));
    bool complete = strcmp(end, "Complete") == 0;
    if (is_suspended || cf_object_condition(job, "Suspended"))
        sbx_condition_add(list, job, "Suspended", is_suspended ? "True" : "False",
                          is_suspended ? "JobSuspended" : "JobResumed",
                          is_suspended ? "its spec says suspend" : "it runs again", -1, p->stamp);
    if (complete) {
        sbx_condition_add(list, job, "SuccessCriteriaMet", "True", "CompletionsReached",
                          "enough pods have succeeded", -1, p->stamp);
        json_object_set_new(status, "completionTime", json_string(p->stamp));
    }
    if (*end)
        sbx_condition_add(
            list, job, end, "True", complete ? "CompletionsReached" : "BackoffLimitExceeded",
            complete ? "enough pods have succeeded" : "too many pods have failed", -1, p->stamp);
    size_t i;
    json_t *condition;
    json_array_foreach(list, i, condition)
    {
        json_object_set(condition, "lastProbeTime",
                        json_object_get(condition, "lastTransitionTime"));
    }
    sbx_pass_status(p, SBX_MANAGER, "batch", "jobs", job, status);
}

static void look_at(struct sbx_pass *p, const json_t *job)
{
    if (is_finished(job)) {
        const json_t *ttl = cf_json_at(job, "spec", "ttlSecondsAfterFinished", NULL);
        if (ttl && sbx_pass_after(p, json_integer_value(ttl) * 1000, true, "ttl %s", sbx_uid(job)))
            sbx_pass_delete(p, "batch", "jobs", job, -1);
        return;
    }
    cf_autojson json_t *pods = sbx_pass_owned(p, "", "pods", job);
    struct counts c = count(pods);
    int64_t parallelism = cf_json_int(job, 1, "spec", "parallelism", NULL);
    int64_t completions = cf_json_int(job, CF_MAX(c.succeeded, 1), "spec", "completions", NULL);
    bool is_suspended = cf_json_bool(job, false, "spec", "suspend", NULL);
    const char *end = c.failed > cf_json_int(job, 6, "spec", "backoffLimit", NULL) ? "Failed"
                      : c.succeeded >= completions && c.active == 0                ? "Complete"
                                                                                   : "";
    if (is_suspended || strcmp(end, "Failed") == 0)
        stop_pods(p, pods);
    for (int64_t n = CF_MIN(parallelism, completions - c.succeeded) - c.active;
         n > 0 && !is_suspended && !*end; n--)
        make_pod(p, job);
    tell(p, job, &c, is_suspended, end);
}

static void look_at_cron(struct sbx_pass *p, const json_t *cron)
{
    cf_autojson json_t *jobs = sbx_pass_owned(p, "batch", "jobs", cron);
    json_t *status = json_object(), *active = json_array();
    size_t i;
    json_t *job;
    json_array_foreach(jobs, i, job)
    {
        if (!is_finished(job))
            json_array_append_new(active,
                                  json_pack("{s:s,s:s,s:s,s:s,s:s}", "apiVersion", "batch/v1",
                                            "kind", "Job", "namespace", sbx_ns(job), "name",
                                            sbx_name(job), "uid", sbx_uid(job)));
    }
    if (json_array_size(active) > 0)
        json_object_set(status, "active", active);
    json_decref(active);
    static const char *const times[] = { "lastScheduleTime", "lastSuccessfulTime" };
    for (i = 0; i < CF_ARRAY_LEN(times); i++) {
        const char *t = cf_json_str(cron, "", "status", times[i], NULL);
        if (*t)
            json_object_set_new(status, times[i], json_string(t));
    }
    sbx_pass_status(p, SBX_MANAGER, "batch", "cronjobs", cron, status);
}

void sbx_ctl_jobs(struct sbx_pass *p)
{
    sbx_pass_each_live(p, "batch", "jobs", look_at);
    sbx_pass_each_live(p, "batch", "cronjobs", look_at_cron);
}
