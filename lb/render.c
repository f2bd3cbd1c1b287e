/* SPDX-License-Identifier: Apache-2.0 */
/* The patches of the write protocol, composed of fence tests, identity tests, the change, and the
 * marks. */
#include <stdio.h>
#include <string.h>

#include "lb/kinds.h"
#include "lb/render.h"

static bool find_place(const json_t *baseline, const json_t *object, bool needs_target,
                       struct cf_place *at, struct cf_error *err)
{
    char why[CF_PLACE_WHY_MAX] = "";
    struct cf_place found;
    bool ok = cf_kind_of_baseline(baseline)->locate(baseline, object, &found, why);
    if (ok && needs_target && found.target < 0) {
        snprintf(why, sizeof why, "the target destination is no longer in the route");
        ok = false;
    }
    if (!ok) {
        cf_error_set(err, CF_ERR_CONFLICT, "%s", why);
        return cf_error_reason(err, "drifted");
    }
    *at = found;
    return true;
}

static void mark(json_t *patch, const json_t *baseline, const char *op, enum cf_mark m,
                 const char *text)
{
    char key[CF_MARK_KEY_MAX];
    cf_patch_annotation(patch, op, cf_mark_key(m, cf_baseline_slot(baseline), key), text);
}

/* A canary Ingress is made by the run: its uid is the one just read, under the run's own mark. */
static void test_uid(json_t *patch, const json_t *baseline, const json_t *object)
{
    const char *uid = cf_json_str(baseline, "", "uid", NULL);
    if (!*uid)
        uid = cf_json_str(object, "", "metadata", "uid", NULL);
    if (*uid)
        cf_patch_add_take(patch, "test", "/metadata/uid", json_string(uid));
}

static void test_fence(json_t *patch, const json_t *baseline, const json_t *object,
                       const struct cf_router_grip *grip)
{
    test_uid(patch, baseline, object);
    mark(patch, baseline, "test", CF_MARK_RUN, grip->run);
    mark(patch, baseline, "test", CF_MARK_ARM, grip->arm);
}

static void test_forward(json_t *patch, const json_t *baseline, const json_t *object,
                         const struct cf_router_grip *grip)
{
    test_fence(patch, baseline, object, grip);
    mark(patch, baseline, "test", CF_MARK_SEQ, grip->seq);
}

static void set_want(json_t *patch, const json_t *baseline, int weight)
{
    char text[12];
    snprintf(text, sizeof text, "%d", weight);
    mark(patch, baseline, "add", CF_MARK_WANT, text);
}

/* Sends the traffic back under `arm`, whoever applies it. */
static void way_back(json_t *patch, const json_t *baseline, const json_t *object,
                     const struct cf_place *at, const struct cf_router_grip *grip, const char *seq,
                     const char *why)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    test_fence(patch, baseline, object, grip);
    kind->test_identity(baseline, object, at, patch);
    kind->set_weight(baseline, at, cf_baseline_weight(baseline), patch);
    set_want(patch, baseline, cf_baseline_weight(baseline));
    mark(patch, baseline, "add", CF_MARK_SEQ, seq);
    mark(patch, baseline, "add", CF_MARK_EMERGENCY, why);
}

char *cf_render_restore_text(const json_t *baseline, const json_t *object,
                             const struct cf_router_grip *grip)
{
    struct cf_error ignored = CF_ERROR_INIT;
    struct cf_place at;
    char nonce[CF_NONCE_TEXT], seq[CF_NONCE_TEXT];
    if (!*grip->arm || !find_place(baseline, object, true, &at, &ignored))
        return cf_xstrdup("");
    snprintf(seq, sizeof seq, "kubectl-%.24s", cf_nonce(nonce));
    cf_autojson json_t *patch = json_array();
    way_back(patch, baseline, object, &at, grip, seq, "kubectl");
    return cf_json_dump(patch);
}

static void set_restore(json_t *patch, const json_t *baseline, const json_t *object,
                        const struct cf_router_grip *grip)
{
    cf_autofree char *text = cf_render_restore_text(baseline, object, grip);
    mark(patch, baseline, "add", CF_MARK_RESTORE, text);
}

/* The object as it will be with the target added, so that what is rendered for it names the right
 * places. New reference. */
static json_t *with_target(const json_t *baseline, const json_t *object, const struct cf_place *at)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    struct cf_error ignored = CF_ERROR_INIT;
    cf_autojson json_t *patch = json_array();
    if (kind->add_target)
        kind->add_target(baseline, object, at, patch);
    json_t *after = cf_json_patch_apply(object, patch, &ignored);
    return after ? after : cf_json_copy(object);
}

json_t *cf_router_render_preview(const json_t *baseline, const json_t *object, int weight,
                                 struct cf_error *err)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    struct cf_place at;
    int source, target;
    if (!cf_share_split(cf_baseline_share(baseline), weight, &source, &target)) {
        cf_error_set(err, CF_ERR_INVALID, "%d%% of a weight of %d is no whole number", weight,
                     cf_baseline_share(baseline));
        return NULL;
    }
    if (!find_place(baseline, object, false, &at, err))
        return NULL;
    cf_autojson json_t *patch = json_array();
    cf_autojson json_t *after = with_target(baseline, object, &at);
    kind->test_identity(baseline, object, &at, patch);
    if (kind->add_target)
        kind->add_target(baseline, object, &at, patch);
    if (!find_place(baseline, after, true, &at, err))
        return NULL;
    kind->set_weight(baseline, &at, weight, patch);
    return cf_steal(&patch);
}

json_t *cf_router_render_adopt(const json_t *baseline, const json_t *object,
                               const struct cf_router_grip *grip, struct cf_error *err)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    struct cf_place at;
    char epoch[24];
    if (!find_place(baseline, object, false, &at, err))
        return NULL;
    cf_autojson json_t *patch = json_array();
    cf_autojson json_t *after = with_target(baseline, object, &at);
    snprintf(epoch, sizeof epoch, "%lld", (long long)grip->epoch);
    test_uid(patch, baseline, object);
    cf_patch_add_take(patch, "test", "/metadata/resourceVersion",
                      json_string(cf_json_str(object, "", "metadata", "resourceVersion", NULL)));
    kind->test_identity(baseline, object, &at, patch);
    if (!cf_json_at(object, "metadata", "annotations", NULL))
        cf_patch_add_take(patch, "add", "/metadata/annotations", json_object());
    mark(patch, baseline, "add", CF_MARK_RUN, grip->run);
    mark(patch, baseline, "add", CF_MARK_EPOCH, epoch);
    mark(patch, baseline, "add", CF_MARK_INCARNATION, grip->incarnation);
    mark(patch, baseline, "add", CF_MARK_ARM, grip->arm);
    mark(patch, baseline, "add", CF_MARK_SEQ, grip->seq);
    int percent = at.target < 0 ? 0
                                : cf_share_percent(at.source_weight + at.target_weight,
                                                   at.source_weight, at.target_weight);
    set_want(patch, baseline, CF_MAX(percent, 0));
    mark(patch, baseline, "add", CF_MARK_EMERGENCY, "");
    set_restore(patch, baseline, after, grip);
    if (kind->add_target)
        kind->add_target(baseline, object, &at, patch);
    return cf_steal(&patch);
}

json_t *cf_router_render_touch(const json_t *baseline, const json_t *object,
                               const struct cf_router_grip *next, struct cf_error *err)
{
    const char *rv = cf_json_str(object, "", "metadata", "resourceVersion", NULL);
    const char *uid = cf_json_str(object, "", "metadata", "uid", NULL);
    char key[CF_MARK_KEY_MAX], epoch[24];
    const char *slot = cf_baseline_slot(baseline);
    if (!*rv) {
        cf_error_set(err, CF_ERR_INVALID, "the object has no resourceVersion");
        return NULL;
    }
    cf_autofree char *restore = cf_render_restore_text(baseline, object, next);
    json_t *marks = json_object();
    snprintf(epoch, sizeof epoch, "%lld", (long long)next->epoch);
    json_object_set_new(marks, cf_mark_key(CF_MARK_EPOCH, slot, key), json_string(epoch));
    json_object_set_new(marks, cf_mark_key(CF_MARK_ARM, slot, key), json_string(next->arm));
    json_object_set_new(marks, cf_mark_key(CF_MARK_SEQ, slot, key), json_string(next->seq));
    json_object_set_new(marks, cf_mark_key(CF_MARK_RESTORE, slot, key), json_string(restore));
    return json_pack("{s{ss ss so}}", "metadata", "uid", uid, "resourceVersion", rv, "annotations",
                     marks);
}

json_t *cf_router_render_forward(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip, int weight, const char *new_seq,
                                 struct cf_error *err)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    struct cf_place at;
    int source, target;
    if (!cf_share_split(cf_baseline_share(baseline), weight, &source, &target)) {
        cf_error_set(err, CF_ERR_INVALID, "%d%% of a weight of %d is no whole number", weight,
                     cf_baseline_share(baseline));
        return NULL;
    }
    if (!find_place(baseline, object, true, &at, err))
        return NULL;
    cf_autojson json_t *patch = json_array();
    test_forward(patch, baseline, object, grip);
    mark(patch, baseline, "test", CF_MARK_EMERGENCY, "");
    kind->test_identity(baseline, object, &at, patch);
    kind->set_weight(baseline, &at, weight, patch);
    set_want(patch, baseline, weight);
    mark(patch, baseline, "add", CF_MARK_SEQ, new_seq);
    set_restore(patch, baseline, object, grip);
    return cf_steal(&patch);
}

json_t *cf_router_render_arm(const json_t *baseline, const json_t *object,
                             const struct cf_router_grip *grip, const char *new_arm,
                             const char *new_seq, struct cf_error *err)
{
    struct cf_router_grip next = *grip;
    if (*new_arm && *grip->arm) {
        cf_error_set(err, CF_ERR_INVALID, "the router is armed already");
        return NULL;
    }
    cf_autojson json_t *patch = json_array();
    test_forward(patch, baseline, object, grip);
    mark(patch, baseline, "test", CF_MARK_EMERGENCY, "");
    snprintf(next.arm, sizeof next.arm, "%s", new_arm);
    mark(patch, baseline, "add", CF_MARK_ARM, new_arm);
    mark(patch, baseline, "add", CF_MARK_SEQ, new_seq);
    set_restore(patch, baseline, object, &next);
    return cf_steal(&patch);
}

json_t *cf_render_rollback_patch(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip, const char *seq,
                                 const char *why, struct cf_error *err)
{
    struct cf_place at;
    if (!*grip->arm) {
        cf_error_set(err, CF_ERR_INVALID, "the router is not armed: going back is not safe now");
        cf_error_reason(err, "not-armed");
        return NULL;
    }
    if (!find_place(baseline, object, true, &at, err))
        return NULL;
    json_t *patch = json_array();
    way_back(patch, baseline, object, &at, grip, seq, why);
    return patch;
}

json_t *cf_router_render_rollback(const json_t *baseline, const json_t *object,
                                  const struct cf_router_grip *grip, const char *why,
                                  struct cf_error *err)
{
    char seq[CF_NONCE_TEXT];
    json_t *patch = cf_render_rollback_patch(baseline, object, grip, cf_nonce(seq), why, err);
    if (!patch)
        return NULL;
    return json_pack("{sO s{ss ss sI ss ss} ss ss so}", "baseline", cf_json_unconst(baseline),
                     "grip", "run", grip->run, "incarnation", grip->incarnation, "epoch",
                     (json_int_t)grip->epoch, "arm", grip->arm, "seq", grip->seq, "seq", seq, "why",
                     why, "patch", patch);
}

/* Removes every mark of the slot that is there. */
static void remove_marks(json_t *patch, const json_t *baseline, const json_t *object)
{
    char key[CF_MARK_KEY_MAX];
    for (int m = 0; m < CF_MARKS; m++) {
        cf_mark_key((enum cf_mark)m, cf_baseline_slot(baseline), key);
        if (cf_json_at(object, "metadata", "annotations", key, NULL))
            cf_patch_annotation(patch, "remove", key, NULL);
    }
}

json_t *cf_router_render_restore(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip, struct cf_error *err)
{
    const struct cf_kind_ops *kind = cf_kind_of_baseline(baseline);
    struct cf_place at;
    cf_assert(kind->give_back);
    if (!find_place(baseline, object, false, &at, err))
        return NULL;
    json_t *patch = json_array();
    test_forward(patch, baseline, object, grip);
    kind->test_identity(baseline, object, &at, patch);
    kind->give_back(baseline, object, &at, patch);
    remove_marks(patch, baseline, object);
    return patch;
}

json_t *cf_router_render_release(const json_t *baseline, const json_t *object,
                                 const struct cf_router_grip *grip, struct cf_error *err)
{
    (void)err;
    json_t *patch = json_array();
    test_forward(patch, baseline, object, grip);
    remove_marks(patch, baseline, object);
    return patch;
}
