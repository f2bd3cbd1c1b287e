/* SPDX-License-Identifier: Apache-2.0 */
/* The pods that read a claim for `verify: checksum`: one at each end, bare and never restarted, with a
 * name of run, claim, way, pass and attempt. A Job would read everything again by itself, under
 * names of its own.
 *
 * Who reads: every file must be readable, whoever owns it. fsGroup would do that by changing the
 * owners of the very files that are compared, so it is never set. The pod is root without any
 * capability but the one to pass over permissions (CAP_DAC_OVERRIDE, which the pod security level
 * `baseline` admits), with the claim mounted read-only. Where that is not admitted (`restricted`),
 * it is what the workload is: its runAsUser and groups; what those cannot read is said by name and
 * is no proof.
 *
 * The label crossfade.dev/stage makes it pass a fence of the workloads, and go with the stage pods in
 * cf_volumes_cancel and cf_volumes_clean. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "federation/objects/kinds.h"
#include "velero/verify.h"

enum {
    READ_S_MAX = 24 * 60 * 60, /* of one pod; then its kubelet ends it */
    NOBODY = 65534,
    CLAIM_TEXT_MAX = 32,
    HEX = 10,
    EVENTS_MAX = 20,
};

struct cf_kube *cf_verify_kube(const struct cf_verify_end *e)
{
    return e->at_from ? e->v->from : e->v->to;
}

const char *cf_verify_namespace(const struct cf_verify_end *e)
{
    return e->at_from ? e->v->from_namespace : e->v->to_namespace;
}

static const char *claim_name(const struct cf_verify_end *e)
{
    return cf_json_str(e->claim, "", "name", NULL);
}

char *cf_verify_pod_name(const struct cf_verify_end *e, char *buf)
{
    char text[CLAIM_TEXT_MAX + 1], hex[CF_SHA256_HEX];
    size_t n = 0;
    for (const char *c = claim_name(e); *c && n < CLAIM_TEXT_MAX; c++)
        text[n++] = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ? *c : '-';
    text[n] = '\0';
    cf_autofree char *whole = cf_xasprintf("%s/%s/%s/%d/%d/%s", e->v->run_id, claim_name(e),
                                           e->v->way, e->n, cf_pass_attempt(e->row), e->buckets);
    cf_sha256_hex(whole, strlen(whole), hex);
    hex[HEX] = '\0';
    int len = snprintf(buf, CF_VELERO_NAME_MAX, "crossfade-%s-read-%s", text, hex);
    cf_assert(len > 0 && len < CF_VELERO_NAME_MAX);
    return buf;
}

/* --- who reads --- */

static void take_number(json_t *to, const char *key, const json_t *from)
{
    const json_t *value = json_object_get(from, key);
    if (json_is_integer(value))
        json_object_set(to, key, cf_json_unconst(value));
}

/* What the workload's pods are: of the container that mounts something, else of the pod. */
static json_t *identity(const json_t *spec)
{
    const json_t *of_pod = json_object_get(spec, "securityContext");
    const json_t *of_container =
        cf_json_at(json_array_get(json_object_get(spec, "containers"), 0), "securityContext", NULL);
    json_t *who = json_pack("{s:b, s:i, s:{s:s}}", "runAsNonRoot", 1, "runAsUser", NOBODY,
                            "seccompProfile", "type", "RuntimeDefault");
    json_t *groups = json_array();
    const json_t *fs_group = json_object_get(of_pod, "fsGroup");
    take_number(who, "runAsUser", of_pod);
    take_number(who, "runAsGroup", of_pod);
    take_number(who, "runAsUser", of_container);
    take_number(who, "runAsGroup", of_container);
    if (cf_json_int(who, 0, "runAsUser", NULL) == 0)
        json_object_set_new(who, "runAsUser", json_integer(NOBODY));
    json_array_extend(groups, cf_json_unconst(json_object_get(of_pod, "supplementalGroups")));
    if (json_is_integer(fs_group))
        json_array_append(groups, cf_json_unconst(fs_group));
    json_object_set_new(who, "supplementalGroups", groups);
    return who;
}

/* The workload at the data's origin, else at its destination; *out NULL when nobody knows one. */
static bool read_workload(const struct cf_verify_end *e, json_t **out, struct cf_error *err)
{
    const char *api_version = cf_json_str(e->claim, "", "workload", "apiVersion", NULL);
    const char *kind = cf_json_str(e->claim, "", "workload", "kind", NULL);
    const char *name = cf_json_str(e->claim, "", "workload", "name", NULL);
    bool found = false;
    *out = NULL;
    if (!*api_version || !*kind || !*name)
        return true;
    struct cf_object_ref here = cf_ref(api_version, kind, e->v->from_namespace, name);
    struct cf_object_ref there = cf_ref(api_version, kind, e->v->to_namespace, name);
    if (!cf_kube_find(e->v->from, NULL, &here, &found, out, err))
        return false;
    return found || cf_kube_find(e->v->to, NULL, &there, &found, out, err);
}

/* --- the pod --- */

static json_t *container(const struct cf_verify_end *e, bool restricted)
{
    const char *images[] = { e->v->verify_image, e->v->stage_image, CF_VELERO_VERIFY_IMAGE };
    const char *image = NULL;
    for (size_t i = 0; i < CF_ARRAY_LEN(images) && (!image || !*image); i++)
        image = images[i];
    char log_max[24];
    snprintf(log_max, sizeof log_max, "%d", CF_VERIFY_LOG_MAX);
    json_t *security = json_pack("{s:b, s:b, s:{s:[s]}}", "allowPrivilegeEscalation", 0,
                                 "readOnlyRootFilesystem", 1, "capabilities", "drop", "ALL");
    if (!restricted)
        cf_json_put_take(security, json_pack("[s]", "DAC_OVERRIDE"), "capabilities", "add", NULL);
    json_t *c = json_pack(
        "{s:s, s:s, s:[s,s,s], s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}], "
        "s:{s:{s:s, s:s},"
        " s:{s:s, s:s}}, s:o, s:[{s:s, s:s, s:b}, {s:s, s:s}]}",
        "name", "read", "image", image, "command", "sh", "-c", cf_verify_script[0].data, "env",
        "name", "CF_ROOT", "value", "/data", "name", "CF_WORK", "value", "/work", "name", "TMPDIR",
        "value", "/work", "name", "CF_LOG_MAX", "value", log_max, "name", "CF_BUCKETS", "value",
        e->buckets, "resources", "requests", "cpu", "50m", "memory", "64Mi", "limits", "cpu", "2",
        "memory", "512Mi", "securityContext", security, "volumeMounts", "name",
        CF_VELERO_STAGE_VOLUME, "mountPath", "/data", "readOnly", 1, "name", "work", "mountPath",
        "/work");
    cf_assert(c);
    return c;
}

/* Where the volume can be mounted: at the origin where the workload had it, which takes no scheduler
 * and so no taint stands in its way; at the destination where the workload's pods may run. */
static void place(const struct cf_verify_end *e, json_t *spec)
{
    static const char *const fields[] = { "nodeSelector", "affinity", "tolerations" };
    const json_t *way = cf_json_at(e->v->state, "ways", e->v->way, NULL);
    const char *node = cf_json_str(way, "", "nodes", claim_name(e), NULL);
    if (!e->at_from) {
        for (size_t i = 0; i < CF_ARRAY_LEN(fields); i++) {
            const json_t *value = cf_json_at(e->claim, "placement", fields[i], NULL);
            if (value)
                json_object_set(spec, fields[i], cf_json_unconst(value));
        }
        return;
    }
    json_object_set_new(spec, "tolerations", cf_velero_tolerations(e->claim));
    if (*node && !cf_json_bool(way, false, "shared", claim_name(e), NULL) &&
        !cf_json_bool(e->row, false, "anywhere", NULL))
        json_object_set_new(spec, "nodeName", json_string(node));
}

static json_t *pod_of(const struct cf_verify_end *e, json_t *who_take, bool restricted)
{
    char name[CF_VELERO_NAME_MAX];
    json_t *labels = cf_velero_labels(e->v, e->n, cf_pass_attempt(e->row));
    json_object_set_new(labels, CF_VELERO_LABEL_STAGE, json_string(CF_VERIFY_STAGE));
    json_t *spec = json_pack(
        "{s:s, s:i, s:i, s:b, s:b, s:o, s:[o], s:[{s:s, s:{s:s}}, {s:s, s:{s:s}}]}",
        "restartPolicy", "Never", "terminationGracePeriodSeconds", 1, "activeDeadlineSeconds",
        READ_S_MAX, "automountServiceAccountToken", 0, "enableServiceLinks", 0, "securityContext",
        who_take, "containers", container(e, restricted), "volumes", "name", CF_VELERO_STAGE_VOLUME,
        "persistentVolumeClaim", "claimName", claim_name(e), "name", "work", "emptyDir",
        "sizeLimit", "4Gi");
    cf_assert(spec);
    place(e, spec);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:o, s:{s:s, s:s, s:s}}, s:o}", "apiVersion", "v1",
                     "kind", "Pod", "metadata", "name", cf_verify_pod_name(e, name), "namespace",
                     cf_verify_namespace(e), "labels", labels, "annotations", CF_VELERO_NOTE_CLAIM,
                     claim_name(e), "sidecar.istio.io/inject", "false", "linkerd.io/inject",
                     "disabled", "spec", spec);
}

static bool make_restricted(const struct cf_verify_end *e, struct cf_error *err)
{
    cf_autojson json_t *workload = NULL;
    if (!read_workload(e, &workload, err))
        return cf_error_wrap(err, "who may read claim %s", claim_name(e));
    cf_autojson json_t *pod =
        pod_of(e, identity(workload ? cf_object_pod_spec(workload) : NULL), true);
    return cf_velero_make(cf_verify_kube(e), pod, NULL, err);
}

bool cf_verify_pod_make(const struct cf_verify_end *e, struct cf_error *err)
{
    struct cf_error why = CF_ERROR_INIT;
    if (cf_json_bool(e->row, false, "restricted", NULL))
        return make_restricted(e, err);
    cf_autojson json_t *pod = pod_of(
        e, json_pack("{s:i, s:{s:s}}", "runAsUser", 0, "seccompProfile", "type", "RuntimeDefault"),
        false);
    if (cf_velero_make(cf_verify_kube(e), pod, NULL, &why))
        return true;
    if (why.kind != CF_ERR_DENIED)
        return cf_error_move(err, &why);
    json_object_set_new(e->row, "restricted", json_true());
    return make_restricted(e, err);
}

bool cf_verify_pod_drop(const struct cf_verify_end *e, const json_t *pod, struct cf_error *err)
{
    struct cf_object_ref ref =
        cf_ref("v1", "Pod", cf_verify_namespace(e), cf_json_str(pod, "", "metadata", "name", NULL));
    bool gone;
    return cf_velero_drop(e->v, cf_verify_kube(e), &ref, &gone, err);
}

/* --- what its kubelet says --- */

static const json_t *state_of(const json_t *pod, const char *state)
{
    return cf_json_at(json_array_get(cf_json_at(pod, "status", "containerStatuses", NULL), 0),
                      "state", state, NULL);
}

static const char *why_unscheduled(const json_t *pod)
{
    return cf_object_condition_is(pod, "PodScheduled", "False")
               ? cf_json_str(cf_object_condition(pod, "PodScheduled"), "", "message", NULL)
               : "";
}

/* A mount that fails is told by events alone. Nobody who may not read them is told more. */
static void last_warning(const struct cf_verify_end *e, const char *pod, char *buf, size_t size)
{
    cf_autofree char *fields = cf_xasprintf("involvedObject.name=%s", pod);
    struct cf_kube_list list = { .api_version = "v1",
                                 .kind = "Event",
                                 .ns = cf_verify_namespace(e),
                                 .field_selector = fields,
                                 .max_items = EVENTS_MAX };
    cf_autojson json_t *items = NULL;
    struct cf_error err = CF_ERROR_INIT;
    size_t i;
    json_t *event;
    if (!cf_kube_list(cf_verify_kube(e), NULL, &list, &items, NULL, &err))
        return;
    json_array_foreach(items, i, event)
    {
        if (strcmp(cf_json_str(event, "", "type", NULL), "Warning") == 0)
            snprintf(buf, size, "%s: %.200s", cf_json_str(event, "", "reason", NULL),
                     cf_json_str(event, "", "message", NULL));
    }
}

void cf_verify_pod_say(const struct cf_verify_end *e, const json_t *pod, bool events, char *buf,
                       size_t size)
{
    const char *name = cf_json_str(pod, "", "metadata", "name", NULL);
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
    const json_t *ended = state_of(pod, "terminated"), *waits = state_of(pod, "waiting");
    const char *unscheduled = why_unscheduled(pod);
    char words[256] = "";
    if (*unscheduled)
        snprintf(words, sizeof words, "no node takes it: %.200s", unscheduled);
    else if (*cf_json_str(pod, "", "status", "reason", NULL))
        snprintf(words, sizeof words, "%s %.200s", cf_json_str(pod, "", "status", "reason", NULL),
                 cf_json_str(pod, "", "status", "message", NULL));
    else if (ended)
        snprintf(words, sizeof words, "%s, exit code %d %.180s",
                 cf_json_str(ended, "ended", "reason", NULL),
                 (int)cf_json_int(ended, -1, "exitCode", NULL),
                 cf_json_str(ended, "", "message", NULL));
    else if (waits)
        snprintf(words, sizeof words, "%s %.180s", cf_json_str(waits, "", "reason", NULL),
                 cf_json_str(waits, "", "message", NULL));
    if (events && !*unscheduled && !ended)
        last_warning(e, name, words, sizeof words);
    snprintf(buf, size, "pod %s/%s that reads claim %s on %s is %s%s%s%s%s", cf_verify_namespace(e),
             name, claim_name(e), cf_kube_name(cf_verify_kube(e)),
             cf_json_str(pod, "Pending", "status", "phase", NULL), *node ? " on node " : "", node,
             *words ? ": " : "", words);
    cf_utf8_mend(buf);
}

bool cf_verify_pod_log(const struct cf_verify_end *e, bool last_line, struct cf_buf *out,
                       struct cf_error *err)
{
    enum { LAST_LINE_MAX = 512 };
    char name[CF_VELERO_NAME_MAX];
    cf_autofree char *path = cf_xasprintf(
        "/api/v1/namespaces/%s/pods/%s/log?container=read&limitBytes=%d%s", cf_verify_namespace(e),
        cf_verify_pod_name(e, name), last_line ? LAST_LINE_MAX : CF_VERIFY_LOG_READ_MAX,
        last_line ? "&tailLines=1" : "");
    struct cf_kube_how how = { .timeout_ms = 60000 };
    return cf_kube_text(cf_verify_kube(e), &how, path, out, err) ||
           cf_error_wrap(err, "the log of pod %s/%s on %s", cf_verify_namespace(e), name,
                         cf_kube_name(cf_verify_kube(e)));
}
