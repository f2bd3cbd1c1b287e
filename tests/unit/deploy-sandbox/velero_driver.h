/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes' driver between two clusters of the sandbox, each with its Velero: an application with
 * claims of both strategies in the one, and what must hold whatever happens. The
 * Veleros are fast, and the driver's time goes by its calls. */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_VELERO_DRIVER_H
#define TESTS_UNIT_DEPLOY_SANDBOX_VELERO_DRIVER_H

#include "tests/unit/deploy-sandbox/controllers_world.h"
#include "tests/unit/deploy-sandbox/driver_line.h"

#include "deploy/sandbox/velero/velero.h"
#include "deploy/sandbox/volumes/volumes.h"
#include "velero/volumes.h"

#define RUN  "01920000-0000-7000-8000-000000000001"
#define MINE "crossfade.dev/run=" RUN

enum {
    WAIT_PERCENT = 1,
    CALL_MS = 50,         /* of the driver's time, for each call */
    ROUND_MS = 4,         /* of this machine, between two looks */
    PART_MS = 100 * 1000, /* of this machine, for any one part */
    SIZE = 3000000,
};

static const char *const claim_names[] = { "data-db-0", "data-db-1", "pictures" };

struct driver {
    struct sbx_api *east, *west;
    struct sbx_controllers *controllers;
    struct sbx_volumes *contents;
    struct sbx_velero *velero;
    struct knife knife;
    struct line lines[2];
    struct cf_volumes v;
    json_t *stored;
    bool forgets;   /* each call is made twice: whoever makes it first dies before it is recorded */
    int64_t now_ms; /* as the driver is told: so much more with each call, however slow all is */
};

/* --- the application --- */

static inline char *key_of(struct sbx_api *api, const char *cluster, const char *ns,
                           const char *claim)
{
    const char *volume = field(api, "", "persistentvolumeclaims", ns, claim, "/spec/volumeName");
    return *volume ? sbx_volume_key(cluster, volume) : NULL;
}

static inline char *east_key(struct driver *d, const char *claim)
{
    int64_t end = cf_mono_ms(&cf_clock_real) + PART_MS;
    for (;;) {
        char *key = key_of(d->east, "east", "shop", claim);
        if (key)
            return key;
        assert_true(cf_mono_ms(&cf_clock_real) < end);
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
}

static inline void write_text(struct driver *d, const char *claim, const char *path,
                              const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *key = east_key(d, claim);
    if (!sbx_volume_write(d->contents, key, path, text, strlen(text), &err))
        fail_msg("%s", err.message);
}

static inline void add_application(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    make(d->east, "", "namespaces", NULL, "{'metadata':{'name':'shop'}}");
    make(d->west, "", "namespaces", NULL, "{'metadata':{'name':'store'}}");
    make(
        d->east, "apps", "statefulsets", "shop",
        "{'metadata':{'name':'db'},'spec':{'replicas':2,'serviceName':'db','selector':{'matchLabels':{'app':'db'}},"
        "'template':{'metadata':{'labels':{'app':'db'}},'spec':{'containers':[{'name':'main','image':'echo:v1',"
        "'volumeMounts':[{'name':'data','mountPath':'/data'}]}]}},'volumeClaimTemplates':[{'metadata':{'name':'data'},"
        "'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}]}}");
    make(
        d->east, "", "persistentvolumeclaims", "shop",
        "{'metadata':{'name':'pictures'},'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}");
    make(
        d->east, "", "persistentvolumeclaims", "shop",
        "{'metadata':{'name':'not-ours'},'spec':{'accessModes':['ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}");
    assert_true(sbx_controllers_settle(d->controllers, SETTLE_MS));
    for (size_t i = 0; i < CF_ARRAY_LEN(claim_names); i++) {
        cf_autofree char *key = east_key(d, claim_names[i]);
        if (!sbx_volume_describe(d->contents, key, "big", SIZE, claim_names[i], &err))
            fail_msg("%s", err.message);
        write_text(d, claim_names[i], "log", "first");
    }
    assert_true(sbx_controllers_settle(d->controllers, SETTLE_MS));
}

static inline void scale(struct driver *d, const char *to)
{
    int64_t end = cf_mono_ms(&cf_clock_real) + PART_MS;
    assert_int_equal(merge(d->east, "apps", "statefulsets", "shop", "db", to), 200);
    while (strstr(to, ":0") && (is_there(d->east, "", "pods", "shop", "db-0") ||
                                is_there(d->east, "", "pods", "shop", "db-1"))) {
        assert_true(cf_mono_ms(&cf_clock_real) < end);
        cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
}

#define FREEZE(d)   scale(d, "{'spec':{'replicas':0}}")
#define UNFREEZE(d) scale(d, "{'spec':{'replicas':2}}")

/* --- up and down --- */

static inline void driver_up(struct driver *d)
{
    struct cf_error err = CF_ERROR_INIT;
    *d = (struct driver){ .knife = { .left = -1 }, .now_ms = 1000000 };
    d->contents = sbx_volumes_new();
    d->east = sbx_api_new("east");
    d->west = sbx_api_new("west");
    struct sbx_api *apis[] = { d->east, d->west };
    struct sbx_controllers_options kept = patient();
    kept.volumes = d->contents;
    kept.detach_ms = 10;
    d->controllers = sbx_controllers_start(apis, 2, &kept, &err);
    assert_non_null(d->controllers);
    const struct sbx_velero_options options = { .apis = apis,
                                                .count = 2,
                                                .volumes = d->contents,
                                                .listener_slot = 2,
                                                .wait_percent = WAIT_PERCENT };
    d->velero = sbx_velero_start(&options, &err);
    if (!d->velero)
        fail_msg("%s", err.message);
    assert_true(sbx_velero_settle(d->velero, SETTLE_MS));
    add_application(d);
    d->stored = json_object();
    d->v = (struct cf_volumes){
        .from = line_open(&d->lines[0], &d->knife, d->east, "east"),
        .to = line_open(&d->lines[1], &d->knife, d->west, "west"),
        .from_namespace = "shop",
        .to_namespace = "store",
        .velero_namespace = "velero",
        .from_location = "there",
        .to_location = "there",
        .run_id = RUN,
        .way = "there",
        .claims = read_json(
            "[{'name':'data-db-0','strategy':'veleroFsBackup','storageClass':'','size':''},"
            "{'name':'data-db-1','strategy':'veleroFsBackup','storageClass':'standard-wait','size':'2Gi'},"
            "{'name':'pictures','strategy':'veleroSnapshot','storageClass':'','size':''}]"),
        .state = json_object(),
    };
}

static inline void driver_down(struct driver *d)
{
    cf_kube_unref(d->v.from);
    cf_kube_unref(d->v.to);
    json_decref(cf_json_unconst(d->v.claims));
    json_decref(d->v.state);
    json_decref(d->stored);
    sbx_velero_stop(d->velero);
    sbx_controllers_stop(d->controllers);
    sbx_api_free(d->east);
    sbx_api_free(d->west);
    sbx_volumes_free(d->contents);
}

static inline void throw_fault(struct driver *d, const char *quoted)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *fault = read_json(quoted);
    if (!sbx_velero_fault(d->velero, fault, &err))
        fail_msg("%s: %s", quoted, err.message);
}

/* --- the caller --- */

enum what { LIVE, FROZEN, HAND_OVER, REHEARSE, RESTORE, CANCEL, TAKE_BACK, CLEAN };

static inline bool call(struct driver *d, enum what what, int n, struct cf_moving *out,
                        struct cf_error *err)
{
    switch (what) {
    case LIVE:
        return cf_volumes_backup(&d->v, n, CF_PASS_LIVE, out, err);
    case FROZEN:
        return cf_volumes_backup(&d->v, n, CF_PASS_FROZEN, out, err);
    case HAND_OVER:
        return cf_volumes_hand_over(&d->v, n, out, err);
    case REHEARSE:
        return cf_volumes_restore(&d->v, n, true, out, err);
    case RESTORE:
        return cf_volumes_restore(&d->v, n, false, out, err);
    case CANCEL:
        return cf_volumes_cancel(&d->v, out, err);
    case TAKE_BACK:
        return cf_volumes_take_back(&d->v, out, err);
    case CLEAN:
        return cf_volumes_clean(&d->v, n, out, err);
    }
    return false;
}

/* One call from the recorded state; an error of the line, or of a cluster that is away, is one to be
 * tried again. */
static inline bool once(struct driver *d, enum what what, int n, struct cf_moving *out)
{
    struct cf_error err = CF_ERROR_INIT;
    json_decref(d->v.state);
    d->v.state = cf_json_copy(d->stored);
    d->v.now_ms = d->now_ms += CALL_MS;
    *out = (struct cf_moving){ 0 };
    if (call(d, what, n, out, &err)) {
        if (strstr(out->why, "cut off")) /* the clean-up says it and goes on */
            d->knife.left = -1;
        if (cf_volumes_state_differs(d->stored, d->v.state)) { /* as the engine records it */
            json_decref(d->stored);
            d->stored = cf_json_copy(d->v.state);
        }
        return true;
    }
    d->knife.left = -1; /* the next life */
    if (!cf_error_is_retryable(&err) && err.kind != CF_ERR_CONFLICT)
        fail_msg("%s", err.message);
    return false;
}

/* Until it is done, failed, or stuck. */
static inline void drive(struct driver *d, enum what what, int n, struct cf_moving *out)
{
    int64_t end = cf_mono_ms(&cf_clock_real) + PART_MS;
    for (int i = 0; cf_mono_ms(&cf_clock_real) < end; i++) {
        cf_autojson json_t *before = json_incref(d->stored);
        bool dies = d->forgets && i % 2 == 0;
        bool ok = once(d, what, n, out);
        if (dies) {
            json_decref(d->stored);
            d->stored = json_incref(before);
        }
        if (ok && !dies && (out->done || out->failed || out->stuck))
            return;
        if (!ok || out->waits)
            cf_sleep_ms(&cf_clock_real, ROUND_MS);
    }
    fail_msg("no end of part %d: %s", (int)what, out->why);
}

static inline void drive_done(struct driver *d, enum what what, int n)
{
    struct cf_moving out;
    drive(d, what, n, &out);
    if (!out.done)
        fail_msg("part %d %s: %s", (int)what, out.failed ? "failed" : "is stuck", out.why);
}

/* --- what must hold --- */

/* Everything of a volume but the mark that an fs-restore leaves. */
static inline char *files_of(struct driver *d, const char *key)
{
    cf_autojson json_t *list = sbx_volume_list(d->contents, key);
    for (size_t i = json_array_size(list); i-- > 0;)
        if (strncmp(cf_json_str(json_array_get(list, i), "", "path", NULL), ".velero/", 8) == 0)
            json_array_remove(list, i);
    return cf_json_dump(list);
}

static inline void check_arrived(struct driver *d)
{
    for (size_t i = 0; i < CF_ARRAY_LEN(claim_names); i++) {
        cf_autofree char *here = key_of(d->east, "east", "shop", claim_names[i]);
        cf_autofree char *there = key_of(d->west, "west", "store", claim_names[i]);
        if (!here || !there)
            fail_msg("claim %s has no volume", claim_names[i]);
        cf_autofree char *a = files_of(d, here);
        cf_autofree char *b = files_of(d, there);
        assert_string_equal(b, a);
    }
}

static inline void check_none(struct sbx_api *api, const char *group, const char *plural,
                              const char *ns)
{
    cf_autojson json_t *all = sbx_api_all(api, group, plural, ns);
    size_t i;
    json_t *o;
    json_array_foreach(all, i, o)
    {
        if (strcmp(cf_json_str(o, "", "metadata", "labels", CF_VELERO_LABEL_RUN, NULL), RUN) == 0)
            fail_msg("%s %s is left", plural, cf_json_str(o, "", "metadata", "name", NULL));
    }
}

static inline void check_clean(struct driver *d)
{
    struct sbx_api *apis[] = { d->east, d->west };
    for (size_t i = 0; i < 2; i++) {
        check_none(apis[i], "velero.io", "backups", "velero");
        check_none(apis[i], "velero.io", "restores", "velero");
        check_none(apis[i], "velero.io", "deletebackuprequests", "velero");
        check_none(apis[i], "", "configmaps", "velero");
        check_none(apis[i], "", "pods", NULL);
        check_none(apis[i], "", "namespaces", NULL);
    }
}

static inline void the_whole_way(struct driver *d)
{
    drive_done(d, LIVE, 1);
    drive_done(d, HAND_OVER, 1);
    drive_done(d, REHEARSE, 1);
    FREEZE(d);
    write_text(d, "data-db-0", "log", "first, second");
    drive_done(d, FROZEN, 2);
    drive_done(d, HAND_OVER, 2);
    drive_done(d, RESTORE, 2);
}

#endif
