/* SPDX-License-Identifier: Apache-2.0 */
/* The pods through which a pass sees the claims: one per claim, ours, with a name that is the same in
 * every pass of the run.
 *
 * A Backup of ours selects these pods by label and nothing else; the claims come with them, as what
 * Velero finds a pod to need. So nothing of anybody else's is labelled or annotated, and a claim that
 * the plan does not name is never copied. For fs-backup the pod runs beside the workload's (on its
 * node, where the volume may be mounted by one node only) and mounts the claim; kopia knows a volume's
 * last copy by namespace, pod and claim, so the same name in live and frozen passes is what makes the
 * frozen one short. For snapshots it is never scheduled and only names the claim.
 *
 * They stand only as long as a pass. A pod of the workload that has been moved to another node would
 * wait for a volume that a stage pod holds: cf_stage_is_in_the_way finds that, and the pass gives
 * way. */
#include <stdio.h>
#include <string.h>

#include "velero/room.h"

enum {
    STAGE_UP_MS = 3 * 60 * 1000, /* image pull and mount; longer is stuck */
    STAGE_MOVE_MS = 60 * 1000,   /* on the node of the last pass, before any other may do */
};

/* No scheduler has this name: the pod stays Pending, costs nothing and mounts nothing. */
#define NO_SCHEDULER "crossfade-never"

/* Seconds; 68 years. Not every `sleep` knows "infinity". */
#define FOR_EVER "2147483647"

/* --- the pod --- */

static json_t *container(const struct cf_volumes *v, bool files)
{
    const char *image = v->stage_image && *v->stage_image ? v->stage_image : CF_VELERO_STAGE_IMAGE;
    json_t *c = json_pack("{s:s, s:s, s:[s, s], s:{s:{s:s, s:s}, s:{s:s, s:s}}, "
                          "s:{s:b, s:b, s:{s:[s]}}}",
                          "name", "stage", "image", image, "command", "sleep", FOR_EVER,
                          "resources", "requests", "cpu", "1m", "memory", "8Mi", "limits", "cpu",
                          "50m", "memory", "32Mi", "securityContext", "allowPrivilegeEscalation", 0,
                          "readOnlyRootFilesystem", 1, "capabilities", "drop", "ALL");
    if (files)
        json_object_set_new(c, "volumeMounts",
                            json_pack("[{s:s, s:s, s:b}]", "name", CF_VELERO_STAGE_VOLUME,
                                      "mountPath", "/data", "readOnly", 1));
    return c;
}

/* Admitted by the strictest pod security level; without fsGroup, which would make the kubelet change
 * the owner of every file. Sidecars would only delay it. */
static json_t *pod_spec(const struct cf_volumes *v, const json_t *claim, bool files)
{
    return json_pack("{s:s, s:i, s:b, s:b, s:{s:b, s:i, s:{s:s}}, s:o, s:[o], "
                     "s:[{s:s, s:{s:s}}]}",
                     "restartPolicy", "Always", "terminationGracePeriodSeconds", 1,
                     "automountServiceAccountToken", 0, "enableServiceLinks", 0, "securityContext",
                     "runAsNonRoot", 1, "runAsUser", 65534, "seccompProfile", "type",
                     "RuntimeDefault", "tolerations", cf_velero_tolerations(claim), "containers",
                     container(v, files), "volumes", "name", CF_VELERO_STAGE_VOLUME,
                     "persistentVolumeClaim", "claimName", cf_json_str(claim, "", "name", NULL));
}

static json_t *stage_pod(const struct cf_volumes *v, const json_t *claim, const char *node)
{
    char name[CF_VELERO_NAME_MAX];
    const char *of = cf_json_str(claim, "", "name", NULL);
    bool files = cf_velero_is_files(claim);
    json_t *pod = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}, s:o}",
                            "apiVersion", "v1", "kind", "Pod", "metadata", "name",
                            cf_velero_stage_name(v, of, name), "namespace", v->from_namespace,
                            "labels", CF_VELERO_LABEL_RUN, v->run_id, CF_VELERO_LABEL_WAY, v->way,
                            CF_VELERO_LABEL_STAGE, files ? "files" : "pointer", "annotations",
                            CF_VELERO_NOTE_CLAIM, of, "sidecar.istio.io/inject", "false",
                            "linkerd.io/inject", "disabled", "spec", pod_spec(v, claim, files));
    cf_assert(pod);
    if (files)
        cf_json_put_take(pod, json_string(CF_VELERO_STAGE_VOLUME), "metadata", "annotations",
                         CF_VELERO_VOLUMES_TO_BACK, NULL);
    else
        cf_json_put_take(pod, json_string(NO_SCHEDULER), "spec", "schedulerName", NULL);
    if (files && *node)
        cf_json_put_take(pod, json_string(node), "spec", "nodeName", NULL);
    return pod;
}

/* --- where --- */

static bool is_shared(const json_t *pvc)
{
    size_t i;
    json_t *mode;
    json_array_foreach(cf_json_at(pvc, "spec", "accessModes", NULL), i, mode)
    {
        if (strcmp(json_string_value(mode), "ReadWriteMany") == 0 ||
            strcmp(json_string_value(mode), "ReadOnlyMany") == 0)
            return true;
    }
    return false;
}

/* Notes which claims may be mounted anywhere, and of which class they are; false in *out_so when one is missing or not Bound. */
static bool read_claims(const struct cf_stage *s, bool *out_so, struct cf_moving *out,
                        struct cf_error *err)
{
    cf_autojson json_t *items = NULL;
    json_t *shared = cf_velero_object_in(cf_way_open(s->v), "shared");
    json_t *classes = cf_velero_object_in(cf_way_open(s->v), "classes");
    size_t i;
    json_t *one;
    if (!cf_velero_list(s->v->from, "v1", "PersistentVolumeClaim", s->v->from_namespace, NULL, NULL,
                        &items, err))
        return false;
    cf_autojson json_t *names = cf_json_index(items, "metadata", "name", NULL);
    *out_so = true;
    json_array_foreach(s->v->claims, i, one)
    {
        const char *name = cf_json_str(one, "", "name", NULL);
        const json_t *pvc = json_object_get(names, name);
        const char *phase = cf_json_str(pvc, "missing", "status", "phase", NULL);
        json_object_set_new(shared, name, json_boolean(is_shared(pvc)));
        json_object_set_new(classes, name,
                            json_string(cf_json_str(pvc, "", "spec", "storageClassName", NULL)));
        if (*out_so && strcmp(phase, "Bound") != 0) {
            *out_so = false;
            cf_moving_stuck(out, "claim %s/%s on %s is %s: there is nothing to copy",
                            s->v->from_namespace, name, cf_kube_name(s->v->from), phase);
        }
    }
    json_object_set_new(s->row, "claimsRead", json_boolean(*out_so));
    return true;
}

static bool is_stage(const json_t *pod)
{
    return cf_json_at(pod, "metadata", "labels", CF_VELERO_LABEL_STAGE, NULL) != NULL;
}

/* Where the workload's pod has the volume mounted now, for the passes to come too. */
static void note_nodes(const struct cf_stage *s, const json_t *pods)
{
    json_t *nodes = cf_velero_object_in(cf_way_open(s->v), "nodes");
    const json_t *wanted = json_object_get(cf_way_open(s->v), "shared");
    size_t i, j;
    json_t *pod, *volume;
    json_array_foreach(pods, i, pod)
    {
        const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
        if (is_stage(pod) || !*node || cf_velero_pod_is_over(pod) ||
            cf_json_at(pod, "metadata", "deletionTimestamp", NULL))
            continue;
        json_array_foreach(cf_json_at(pod, "spec", "volumes", NULL), j, volume)
        {
            const char *claim = cf_json_str(volume, "", "persistentVolumeClaim", "claimName", NULL);
            if (json_object_get(wanted, claim))
                json_object_set_new(nodes, claim, json_string(node));
        }
    }
}

/* "" : anywhere. */
static const char *node_of(const struct cf_stage *s, const char *claim)
{
    json_t *way = cf_way_open(s->v);
    if (cf_json_bool(way, false, "shared", claim, NULL) ||
        cf_json_bool(s->row, false, "anywhere", NULL))
        return "";
    return cf_json_str(way, "", "nodes", claim, NULL);
}

/* --- up --- */

static bool list_pods(const struct cf_stage *s, json_t **out_all, json_t **out_ours,
                      struct cf_error *err)
{
    cf_autofree char *ours = cf_velero_selector(s->v, CF_VELERO_LABEL_WAY, s->v->way);
    cf_autojson json_t *all = NULL;
    json_t *map = json_object();
    size_t i;
    json_t *pod;
    bool live = s->source == CF_PASS_LIVE;
    if (!cf_velero_list(s->v->from, "v1", "Pod", s->v->from_namespace, live ? NULL : ours,
                        cf_velero_trim_pod, &all, err)) {
        json_decref(map);
        return false;
    }
    json_array_foreach(all, i, pod)
    {
        if (is_stage(pod) && cf_velero_is_ours(s->v, pod))
            json_object_set(map, cf_json_str(pod, "", "metadata", "name", NULL), pod);
    }
    *out_ours = map;
    *out_all = cf_steal(&all);
    return true;
}

enum standing { STANDS, COMING, ABSENT, MISPLACED };

static enum standing standing_of(const struct cf_stage *s, const json_t *claim, const json_t *pod)
{
    if (!pod)
        return ABSENT;
    if (cf_json_at(pod, "metadata", "deletionTimestamp", NULL))
        return COMING;
    if (!cf_velero_is_files(claim))
        return STANDS;
    const char *want = node_of(s, cf_json_str(claim, "", "name", NULL));
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
    if (cf_velero_pod_is_over(pod) || (*want && *node && strcmp(want, node) != 0))
        return MISPLACED;
    return strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Running") == 0 ? STANDS : COMING;
}

static bool create_one(void *arg, const json_t *claim, struct cf_error *err)
{
    const struct cf_stage *s = arg;
    cf_autojson json_t *pod =
        stage_pod(s->v, claim, node_of(s, cf_json_str(claim, "", "name", NULL)));
    return cf_velero_make(s->v->from, pod, NULL, err);
}

struct dropping {
    const struct cf_volumes *v;
    struct cf_kube *k;
};

static bool delete_one(void *arg, const json_t *pod, struct cf_error *err)
{
    const struct dropping *d = arg;
    struct cf_object_ref ref;
    struct cf_error why = CF_ERROR_INIT;
    struct cf_kube_delete how = CF_KUBE_DELETE_INIT;
    char text[CF_REF_TEXT_MAX];
    how.uid = cf_json_str(pod, NULL, "metadata", "uid", NULL);
    if (!cf_ref_of(pod, &ref, err))
        return false;
    if (cf_kube_delete(d->k, NULL, &ref, &how, &why) || why.kind == CF_ERR_NOT_FOUND)
        return true;
    cf_error_move(err, &why);
    return cf_error_wrap(err, "delete %s on %s", cf_ref_text(&ref, text), cf_kube_name(d->k));
}

/* Why a pod does not run, in its kubelet's words. */
static void say_coming(const struct cf_stage *s, const json_t *pod, const char *claim, char *buf,
                       size_t size)
{
    const json_t *waiting =
        cf_json_at(json_array_get(cf_json_at(pod, "status", "containerStatuses", NULL), 0), "state",
                   "waiting", NULL);
    const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
    snprintf(buf, size, "stage pod %s/%s of claim %s on %s is %s%s%s%s%.80s%s%.120s",
             s->v->from_namespace, cf_json_str(pod, "", "metadata", "name", NULL), claim,
             cf_kube_name(s->v->from), cf_json_str(pod, "Pending", "status", "phase", NULL),
             *node ? " on node " : ", on no node yet", node, waiting ? ": " : "",
             cf_json_str(waiting, "", "reason", NULL), waiting ? " " : "",
             cf_json_str(waiting, "", "message", NULL));
}

/* Long enough on a node that may be gone: anywhere will do now, as nobody else has the volume. */
static bool give_up_place(const struct cf_stage *s, const json_t *coming, struct cf_moving *out,
                          struct cf_error *err)
{
    struct dropping d = { s->v, s->v->from };
    json_object_set_new(s->row, "anywhere", json_true());
    if (!cf_kube_each(s->v->from, coming, delete_one, &d, err))
        return false;
    return cf_moving_waits(out, CF_VELERO_LOOK_MS, "stage pods are placed anew, on any node");
}

static bool wait_for(const struct cf_stage *s, const json_t *coming, size_t n, const char *words,
                     struct cf_moving *out, struct cf_error *err)
{
    char seen[64];
    snprintf(seen, sizeof seen, "stage %zu", n);
    int64_t quiet = cf_pass_quiet_ms(s->row, seen, s->v->now_ms);
    if (s->source == CF_PASS_FROZEN && quiet > STAGE_MOVE_MS &&
        !cf_json_bool(s->row, false, "anywhere", NULL))
        return give_up_place(s, coming, out, err);
    if (quiet > STAGE_UP_MS)
        return cf_moving_stuck(out, "%s; can its image be pulled, its volume be attached there?",
                               words);
    return cf_moving_waits(out, CF_VELERO_LOOK_MS, "%zu stage pods are not there yet: %s", n,
                           words);
}

bool cf_stage_up(const struct cf_stage *s, bool *out_ready, struct cf_moving *out,
                 struct cf_error *err)
{
    cf_autojson json_t *all = NULL;
    cf_autojson json_t *ours = NULL;
    cf_autojson json_t *absent = json_array();
    cf_autojson json_t *misplaced = json_array();
    cf_autojson json_t *coming = json_array();
    char words[CF_MOVING_WHY_MAX / 2] = "", name[CF_VELERO_NAME_MAX];
    struct dropping d = { s->v, s->v->from };
    bool so = true;
    size_t i;
    json_t *claim;
    *out_ready = false;
    if (!cf_json_bool(s->row, false, "claimsRead", NULL) && !read_claims(s, &so, out, err))
        return false;
    if (!so || !list_pods(s, &all, &ours, err))
        return !so;
    if (s->source == CF_PASS_LIVE)
        note_nodes(s, all);
    json_array_foreach(s->v->claims, i, claim)
    {
        const char *of = cf_json_str(claim, "", "name", NULL);
        json_t *pod = json_object_get(ours, cf_velero_stage_name(s->v, of, name));
        enum standing standing = standing_of(s, claim, pod);
        if (standing == ABSENT)
            json_array_append(absent, claim);
        else if (standing == MISPLACED)
            json_array_append(misplaced, pod);
        else if (standing == COMING && json_array_append(coming, pod) == 0 && !*words)
            say_coming(s, pod, of, words, sizeof words);
    }
    if (!cf_kube_each(s->v->from, misplaced, delete_one, &d, err) ||
        !cf_kube_each(s->v->from, absent, create_one, (void *)(uintptr_t)s, err))
        return false;
    size_t n = json_array_size(absent) + json_array_size(misplaced) + json_array_size(coming);
    if (n > 0)
        return wait_for(s, coming, n, *words ? words : "they have just been made", out, err);
    *out_ready = true;
    return true;
}

/* --- in the way --- */

bool cf_stage_is_in_the_way(const struct cf_stage *s, bool *out_so, char *why, size_t size,
                            struct cf_error *err)
{
    cf_autojson json_t *all = NULL;
    cf_autojson json_t *ours = NULL;
    char name[CF_VELERO_NAME_MAX];
    size_t i, j;
    json_t *pod, *claim;
    *out_so = false;
    if (!list_pods(s, &all, &ours, err))
        return false;
    json_array_foreach(all, i, pod)
    {
        const char *node = cf_json_str(pod, "", "spec", "nodeName", NULL);
        if (is_stage(pod) || !*node ||
            strcmp(cf_json_str(pod, "", "status", "phase", NULL), "Pending") != 0)
            continue;
        json_array_foreach(s->v->claims, j, claim)
        {
            const char *of = cf_json_str(claim, "", "name", NULL);
            const json_t *stage = json_object_get(ours, cf_velero_stage_name(s->v, of, name));
            const char *held = cf_json_str(stage, "", "spec", "nodeName", NULL);
            if (!*out_so && *held && *node_of(s, of) && strcmp(held, node) != 0 &&
                cf_velero_mounts(pod, of)) {
                *out_so = true;
                snprintf(why, size,
                         "pod %s has moved to node %s and waits for claim %s, which was "
                         "being read on node %s",
                         cf_json_str(pod, "", "metadata", "name", NULL), node, of, held);
            }
        }
    }
    return true;
}

/* --- down --- */

bool cf_stage_down(const struct cf_volumes *v, struct cf_kube *k, const char *ns, bool *out_gone,
                   struct cf_error *err)
{
    cf_autofree char *ours = cf_velero_selector(v, NULL, NULL);
    cf_autojson json_t *pods = NULL;
    cf_autojson json_t *standing = json_array();
    struct dropping d = { v, k };
    size_t i;
    json_t *pod;
    *out_gone = false;
    if (!cf_velero_list(k, "v1", "Pod", ns, ours, cf_velero_trim_pod, &pods, err))
        return false;
    *out_gone = true;
    json_array_foreach(pods, i, pod)
    {
        if (!is_stage(pod))
            continue;
        *out_gone = false;
        if (!cf_json_at(pod, "metadata", "deletionTimestamp", NULL))
            json_array_append(standing, pod);
    }
    return cf_kube_each(k, standing, delete_one, &d, err);
}
