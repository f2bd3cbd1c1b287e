/* SPDX-License-Identifier: Apache-2.0 */
/* StatefulSets: pods with ordinals and claims of their own, made, replaced and removed in order. */
#include "deploy/sandbox/controllers/meta.h"
#include "deploy/sandbox/controllers/pass.h"
#include "deploy/sandbox/controllers/pod_needs.h"

#include <inttypes.h>
#include <string.h>

#define REVISION_LABEL "controller-revision-hash"

struct set {
    const json_t *o;
    json_t *pods; /* all that it owns */
    char *update; /* name of the newest revision */
    int64_t start, want;
    bool parallel;
};

static char *pod_name(const struct set *s, int64_t ordinal)
{
    return cf_xasprintf("%s-%" PRId64, sbx_name(s->o), ordinal);
}

static const json_t *pod_at(const struct set *s, int64_t ordinal)
{
    cf_autofree char *name = pod_name(s, ordinal);
    size_t i;
    json_t *pod;
    json_array_foreach(s->pods, i, pod)
    {
        if (strcmp(sbx_name(pod), name) == 0)
            return pod;
    }
    return NULL;
}

static int64_t ordinal_of(const struct set *s, const json_t *pod)
{
    const char *name = sbx_name(pod);
    size_t n = strlen(sbx_name(s->o));
    return strlen(name) > n + 1 ? strtoll(name + n + 1, NULL, 10) : 0;
}

static bool is_new(const struct set *s, const json_t *pod)
{
    return strcmp(sbx_label(pod, REVISION_LABEL), s->update) == 0;
}

/* ---- Pods and their claims ---- */

static void make_claim(struct sbx_pass *p, const struct set *s, const json_t *template,
                       const char *claim)
{
    if (sbx_pass_one(p, "", "persistentvolumeclaims", sbx_ns(s->o), claim))
        return;
    const json_t *labels = cf_json_at(s->o, "spec", "selector", "matchLabels", NULL);
    json_t *body = json_pack("{s:{s:s,s:s},s:o}", "metadata", "namespace", sbx_ns(s->o), "name",
                             claim, "spec", cf_json_copy(json_object_get(template, "spec")));
    cf_json_put_take(body, labels ? cf_json_copy(labels) : json_object(), "metadata", "labels",
                     NULL);
    const json_t *notes = cf_json_at(template, "metadata", "annotations", NULL);
    if (notes)
        cf_json_put_take(body, cf_json_copy(notes), "metadata", "annotations", NULL);
    sbx_pass_create(p, SBX_MANAGER, "", "persistentvolumeclaims", body);
}

/* Makes the pod's claims and mounts them as volumes of the templates' names. */
static void add_claims(struct sbx_pass *p, const struct set *s, json_t *pod, const char *name)
{
    json_t *volumes = json_array();
    size_t i;
    json_t *template, *volume;
    json_array_foreach(cf_json_at(s->o, "spec", "volumeClaimTemplates", NULL), i, template)
    {
        cf_autofree char *claim = cf_xasprintf("%s-%s", sbx_name(template), name);
        make_claim(p, s, template, claim);
        json_array_append_new(volumes, json_pack("{s:s,s:{s:s}}", "name", sbx_name(template),
                                                 "persistentVolumeClaim", "claimName", claim));
    }
    json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), i, volume)
    {
        json_array_append(volumes, volume);
    }
    cf_json_put_take(pod, volumes, "spec", "volumes", NULL);
}

static void make_pod(struct sbx_pass *p, const struct set *s, int64_t ordinal)
{
    cf_autofree char *name = pod_name(s, ordinal);
    cf_autofree char *index = cf_xasprintf("%" PRId64, ordinal);
    json_t *pod = sbx_pod_from(cf_json_at(s->o, "spec", "template", NULL), sbx_ns(s->o));
    cf_json_put_take(pod, json_string(name), "metadata", "name", NULL);
    cf_json_put_take(pod, json_string(s->update), "metadata", "labels", REVISION_LABEL, NULL);
    cf_json_put_take(pod, json_string(name), "metadata", "labels",
                     "statefulset.kubernetes.io/pod-name", NULL);
    cf_json_put_take(pod, json_string(index), "metadata", "labels", "apps.kubernetes.io/pod-index",
                     NULL);
    cf_json_put_take(pod, sbx_owned_by("apps/v1", "StatefulSet", s->o), "metadata",
                     "ownerReferences", NULL);
    cf_json_put_take(pod, json_string(name), "spec", "hostname", NULL);
    const char *subdomain = cf_json_str(s->o, "", "spec", "serviceName", NULL);
    if (*subdomain)
        cf_json_put_take(pod, json_string(subdomain), "spec", "subdomain", NULL);
    add_claims(p, s, pod, name);
    sbx_pod_create(p, pod);
}

/* ---- Order ---- */

/* Makes what is missing, lowest first. False while an earlier pod must be waited for. */
static bool fill(struct sbx_pass *p, const struct set *s)
{
    bool full = true;
    for (int64_t n = s->start; n < s->start + s->want; n++) {
        const json_t *pod = pod_at(s, n);
        if (!pod)
            make_pod(p, s, n);
        else if (sbx_pod_is_done(pod) && !sbx_is_going(pod))
            sbx_pass_delete(p, "", "pods", pod, -1);
        if (!pod || sbx_is_going(pod) || !sbx_pod_is_ready(pod)) {
            full = false;
            if (!s->parallel)
                return false;
        }
    }
    return full;
}

/* Removes what is too much, highest first. False while there is any. */
static bool trim(struct sbx_pass *p, const struct set *s)
{
    const json_t *last = NULL;
    bool trimmed = true;
    size_t i;
    json_t *pod;
    json_array_foreach(s->pods, i, pod)
    {
        int64_t n = ordinal_of(s, pod);
        if (n >= s->start && n < s->start + s->want)
            continue;
        trimmed = false;
        if (s->parallel && !sbx_is_going(pod))
            sbx_pass_delete(p, "", "pods", pod, -1);
        if (!last || n > ordinal_of(s, last))
            last = pod;
    }
    if (!trimmed && !s->parallel && !sbx_is_going(last))
        sbx_pass_delete(p, "", "pods", last, -1);
    return trimmed;
}

/* Replaces one pod of an older revision, highest first, down to the partition. */
static void renew(struct sbx_pass *p, const struct set *s)
{
    if (strcmp(cf_json_str(s->o, "", "spec", "updateStrategy", "type", NULL), "OnDelete") == 0)
        return;
    int64_t partition =
        cf_json_int(s->o, 0, "spec", "updateStrategy", "rollingUpdate", "partition", NULL);
    for (int64_t n = s->start + s->want - 1; n >= CF_MAX(s->start, partition); n--) {
        const json_t *pod = pod_at(s, n);
        if (pod && !is_new(s, pod)) {
            if (!sbx_is_going(pod))
                sbx_pass_delete(p, "", "pods", pod, -1);
            return;
        }
        if (!pod || !sbx_pod_is_ready(pod))
            return;
    }
}

/* ---- Status ---- */

static void tell(struct sbx_pass *p, const struct set *s)
{
    int64_t all = 0, ready = 0, updated = 0;
    size_t i;
    json_t *pod;
    json_array_foreach(s->pods, i, pod)
    {
        all++;
        ready += sbx_pod_is_ready(pod) && sbx_pod_is_active(pod);
        updated += is_new(s, pod) && !sbx_is_going(pod);
    }
    const char *current = cf_json_str(s->o, s->update, "status", "currentRevision", NULL);
    if (updated == s->want && all == s->want && ready == s->want)
        current = s->update;
    bool same = strcmp(current, s->update) == 0;
    json_t *status =
        json_pack("{s:I,s:I,s:I,s:s,s:s,s:i}", "observedGeneration",
                  (json_int_t)cf_json_int(s->o, 0, "metadata", "generation", NULL), "replicas",
                  (json_int_t)all, "availableReplicas", (json_int_t)ready, "currentRevision",
                  current, "updateRevision", s->update, "collisionCount", 0);
    sbx_set_count(status, "readyReplicas", ready);
    sbx_set_count(status, "updatedReplicas", updated);
    sbx_set_count(status, "currentReplicas", same ? updated : all - updated);
    sbx_pass_status(p, SBX_MANAGER, "apps", "statefulsets", s->o, status);
}

static void look_at(struct sbx_pass *p, const json_t *o)
{
    char hash[SBX_HASH_LEN + 1];
    sbx_template_hash(cf_json_at(o, "spec", "template", NULL), hash);
    cf_autofree char *update = cf_xasprintf("%s-%s", sbx_name(o), hash);
    cf_autojson json_t *pods = sbx_pass_owned(p, "", "pods", o);
    struct set s = { o,
                     pods,
                     update,
                     cf_json_int(o, 0, "spec", "ordinals", "start", NULL),
                     cf_json_int(o, 1, "spec", "replicas", NULL),
                     strcmp(cf_json_str(o, "", "spec", "podManagementPolicy", NULL), "Parallel") ==
                         0 };
    if (fill(p, &s) && trim(p, &s))
        renew(p, &s);
    else if (s.parallel)
        trim(p, &s);
    tell(p, &s);
}

void sbx_ctl_stateful_sets(struct sbx_pass *p)
{
    sbx_pass_each_live(p, "apps", "statefulsets", look_at);
}
