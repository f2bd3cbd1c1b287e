/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol's writes on a router in use: touch, forward, arm, rollback. */
#include "lb/write.h"

#include <stdio.h>
#include <string.h>

#include "lb/change.h"
#include "lb/render.h"

struct cf_object_ref cf_router_ref(const json_t *baseline)
{
    return cf_ref(cf_json_str(baseline, "", "api_version", NULL), cf_baseline_kind(baseline),
                  cf_baseline_ns(baseline), cf_baseline_object(baseline));
}

bool cf_router_get(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                   bool after_unknown, json_t **out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_router_ref(baseline);
    char text[CF_ROUTER_LINE_MAX];
    bool found;
    json_t *object = NULL;
    if (!cf_kube_find(kube, how, &ref, &found, &object, err)) {
        if (after_unknown)
            err->kind = CF_ERR_UNKNOWN;
        return cf_error_wrap(err, "read %s", cf_baseline_text(baseline, text));
    }
    *out = found ? object : NULL;
    return true;
}

static void set_nonce(char dst[CF_NONCE_TEXT], const char *src)
{
    cf_assert(strlen(src) < CF_NONCE_TEXT);
    snprintf(dst, CF_NONCE_TEXT, "%s", src);
}

/* ---- fenced changes ---- */

/* Not one that was deleted and made again; a canary Ingress has no recorded uid, its marks speak
 * for it. */
static bool is_same_object(const json_t *baseline, const json_t *object)
{
    const char *uid = cf_json_str(baseline, "", "uid", NULL);
    return object && (!*uid || strcmp(uid, cf_json_str(object, "", "metadata", "uid", NULL)) == 0);
}

/* Whether the object carries this very write. */
static bool is_done(const struct cf_change *c, const json_t *object)
{
    struct cf_marks m;
    cf_marks_read(object, cf_baseline_slot(c->baseline), &m);
    if (!c->removes_marks)
        return strcmp(m.run, c->grip.run) == 0 && strcmp(m.seq, c->after.seq) == 0;
    const struct cf_kind_ops *kind = cf_kind_of_baseline(c->baseline);
    return !m.present && (!c->must_be_given_back || kind->is_given_back(c->baseline, object));
}

/* Judges an object that carries our write. */
static void judge_after(const struct cf_change *c, const json_t *object,
                        struct cf_router_reading *out)
{
    cf_router_judge(c->baseline, object, &c->after, c->weight, out);
    if (c->removes_marks && is_done(c, object)) {
        out->state = CF_ROUTER_OURS;
        out->what[0] = out->who[0] = '\0';
    }
}

enum verdict { SETTLED, GO_ON, FAILED };

/* Looks at the object: settled by what is there (*out says), or a patch to send. */
static enum verdict look(const struct cf_change *c, const json_t *object, json_t **out_patch,
                         struct cf_router_reading *out, struct cf_error *err)
{
    if (object && is_done(c, object)) {
        judge_after(c, object, out);
        return SETTLED;
    }
    cf_router_judge(c->baseline, object, &c->grip, c->from_weight, out);
    if (out->state == CF_ROUTER_OURS && out->emergency && !c->allows_emergency) {
        out->state = CF_ROUTER_OVERTAKEN;
        snprintf(out->what, sizeof out->what, "the traffic was sent back (%s)", out->emergency_why);
    }
    if (out->state == CF_ROUTER_DRIFTED && c->ignores_drift &&
        is_same_object(c->baseline, object) && strcmp(out->run, c->grip.run) == 0)
        out->state = CF_ROUTER_OURS;
    if (out->state != CF_ROUTER_OURS)
        return SETTLED;
    *out_patch = c->render(c, object, err);
    if (*out_patch)
        return GO_ON;
    if (err->kind != CF_ERR_CONFLICT)
        return FAILED;
    out->state = CF_ROUTER_DRIFTED;
    snprintf(out->what, sizeof out->what, "%.380s", err->message);
    cf_error_clear(err);
    return SETTLED;
}

/* Whether a failed write may have happened, or may go through after another look. */
static bool is_worth_a_look(const struct cf_error *e)
{
    return e->kind == CF_ERR_INVALID || e->kind == CF_ERR_CONFLICT || e->kind == CF_ERR_UNKNOWN ||
           e->kind == CF_ERR_NOT_FOUND || e->kind == CF_ERR_TRANSIENT;
}

bool cf_change_run(struct cf_kube *kube, const struct cf_kube_how *how, const struct cf_change *c,
                   struct cf_router_reading *out, struct cf_error *err)
{
    struct cf_object_ref ref = cf_router_ref(c->baseline);
    char text[CF_ROUTER_LINE_MAX];
    struct cf_error last = CF_ERROR_INIT;
    int tries = 0;
    cf_autojson json_t *refused = NULL; /* the patch that the server refused with 422 */
    while (tries < CF_ROUTER_TRIES_MAX) {
        cf_autojson json_t *object = NULL, *patch = NULL, *answer = NULL;
        bool unsure = last.kind == CF_ERR_UNKNOWN || last.kind == CF_ERR_TRANSIENT;
        if (!cf_router_get(kube, how, c->baseline, unsure, &object, err))
            return false;
        enum verdict v = look(c, object, &patch, out, err);
        if (v == SETTLED)
            return true;
        if (v == FAILED)
            return false;
        /* Expected state, and yet the very same patch was refused (not by a test of ours), or the
         * server is ill. */
        if (last.kind == CF_ERR_TRANSIENT || (refused && cf_json_same_but_nonces(refused, patch)))
            break;
        cf_error_clear(&last);
        if (cf_kube_json_patch(kube, how, &ref, patch, NULL, &answer, &last)) {
            judge_after(c, answer, out);
            return true;
        }
        json_decref(refused);
        refused = last.kind == CF_ERR_INVALID ? cf_steal(&patch) : NULL;
        if (!is_worth_a_look(&last))
            break;
        tries++;
    }
    if (last.kind == CF_ERR_INVALID && tries == CF_ROUTER_TRIES_MAX) {
        out->state = CF_ROUTER_MOVED;
        snprintf(out->what, sizeof out->what, "the route moved again and again while we wrote");
        return true;
    }
    cf_error_move(err, &last);
    return cf_error_wrap(err, "write %s", cf_baseline_text(c->baseline, text));
}

/* ---- forward, arm ---- */

static json_t *render_forward(const struct cf_change *c, const json_t *object, struct cf_error *err)
{
    return cf_router_render_forward(c->baseline, object, &c->grip, c->weight, c->after.seq, err);
}

bool cf_router_forward(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       struct cf_router_grip *grip, int from_weight, int weight,
                       const char *new_seq, struct cf_router_reading *out, struct cf_error *err)
{
    struct cf_change c = { .baseline = baseline,
                           .grip = *grip,
                           .after = *grip,
                           .from_weight = from_weight,
                           .weight = weight,
                           .render = render_forward };
    set_nonce(c.after.seq, new_seq);
    if (!cf_change_run(kube, how, &c, out, err))
        return false;
    if (out->state == CF_ROUTER_OURS)
        *grip = c.after;
    return true;
}

static json_t *render_arm(const struct cf_change *c, const json_t *object, struct cf_error *err)
{
    return cf_router_render_arm(c->baseline, object, &c->grip, c->after.arm, c->after.seq, err);
}

bool cf_router_set_arm(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                       struct cf_router_grip *grip, const char *new_arm, const char *new_seq,
                       struct cf_router_reading *out, struct cf_error *err)
{
    struct cf_change c = { .baseline = baseline,
                           .grip = *grip,
                           .after = *grip,
                           .from_weight = -1,
                           .weight = -1,
                           .render = render_arm };
    set_nonce(c.after.arm, new_arm);
    set_nonce(c.after.seq, new_seq);
    if (!cf_change_run(kube, how, &c, out, err))
        return false;
    if (out->state == CF_ROUTER_OURS)
        *grip = c.after;
    return true;
}

/* ---- touch ---- */

/* Whether a touch may go on; otherwise *out says why not. Weights and destinations do not matter to
 * it. */
static bool may_touch(const json_t *baseline, const json_t *object,
                      const struct cf_router_grip *grip, struct cf_router_reading *out)
{
    struct cf_router_grip unknown = *grip;
    unknown.arm[0] = unknown.seq[0] = '\0';
    cf_router_judge(baseline, object, &unknown, -1, out);
    if (out->state == CF_ROUTER_DRIFTED && is_same_object(baseline, object) && *out->run &&
        strcmp(out->run, grip->run) == 0) {
        out->state = CF_ROUTER_OURS;
        out->what[0] = out->who[0] = '\0';
    }
    return out->state == CF_ROUTER_OURS;
}

bool cf_router_touch(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                     struct cf_router_grip *grip, struct cf_router_reading *out,
                     struct cf_error *err)
{
    struct cf_object_ref ref = cf_router_ref(baseline);
    struct cf_router_grip next = *grip;
    char text[CF_ROUTER_LINE_MAX], arm[CF_NONCE_TEXT];
    struct cf_error last = CF_ERROR_INIT;
    cf_nonce(next.seq);
    cf_nonce(arm);
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        cf_autojson json_t *object = NULL, *patch = NULL, *answer = NULL;
        if (!cf_router_get(kube, how, baseline, last.kind == CF_ERR_UNKNOWN, &object, err))
            return false;
        if (!may_touch(baseline, object, grip, out))
            return true;
        if (strcmp(out->seq, next.seq) == 0) {
            *grip = next;
            return true;
        }
        set_nonce(next.arm, *out->arm ? arm : "");
        patch = cf_router_render_touch(baseline, object, &next, err);
        if (!patch)
            return false;
        cf_error_clear(&last);
        if (cf_kube_merge_patch(kube, how, &ref, patch, NULL, &answer, &last)) {
            may_touch(baseline, answer, &next, out);
            *grip = next;
            return true;
        }
        if (last.kind != CF_ERR_CONFLICT && last.kind != CF_ERR_UNKNOWN &&
            last.kind != CF_ERR_NOT_FOUND)
            break;
    }
    cf_error_move(err, &last);
    return cf_error_wrap(err, "touch %s", cf_baseline_text(baseline, text));
}

/* ---- rollback ---- */

static void grip_of_document(const json_t *document, struct cf_router_grip *out)
{
    const json_t *g = json_object_get(document, "grip");
    *out = (struct cf_router_grip){ .epoch = cf_json_int(g, 0, "epoch", NULL) };
    snprintf(out->run, sizeof out->run, "%s", cf_json_str(g, "", "run", NULL));
    snprintf(out->incarnation, sizeof out->incarnation, "%s",
             cf_json_str(g, "", "incarnation", NULL));
    snprintf(out->arm, sizeof out->arm, "%s", cf_json_str(g, "", "arm", NULL));
    snprintf(out->seq, sizeof out->seq, "%s", cf_json_str(document, "", "seq", NULL));
}

/* Judges what the object is, seen from a rollback: its seq before does not matter, its arm does. */
static void judge_rollback(const json_t *baseline, const json_t *object,
                           const struct cf_router_grip *after, struct cf_router_reading *out)
{
    struct cf_router_grip any_seq = *after;
    cf_router_judge(baseline, object, after, -1, out);
    if (out->state != CF_ROUTER_OVERTAKEN || !*out->seq || strlen(out->seq) >= sizeof any_seq.seq)
        return;
    set_nonce(any_seq.seq, out->seq);
    cf_router_judge(baseline, object, &any_seq, -1, out);
}

bool cf_router_rollback(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *document,
                        struct cf_router_reading *out, struct cf_error *err)
{
    const json_t *baseline = json_object_get(document, "baseline");
    const char *why = cf_json_str(document, "", "why", NULL);
    struct cf_object_ref ref = cf_router_ref(baseline);
    struct cf_router_grip after;
    char text[CF_ROUTER_LINE_MAX];
    grip_of_document(document, &after);
    cf_autojson json_t *patch = json_incref(json_object_get(document, "patch"));
    for (int i = 0; i < CF_ROUTER_TRIES_MAX; i++) {
        cf_autojson json_t *object = NULL, *answer = NULL;
        struct cf_error refused = CF_ERROR_INIT;
        if (cf_kube_json_patch(kube, how, &ref, patch, NULL, &answer, &refused)) {
            cf_router_judge(baseline, answer, &after, cf_baseline_weight(baseline), out);
            return true;
        }
        bool look_again = refused.kind == CF_ERR_INVALID || refused.kind == CF_ERR_CONFLICT ||
                          refused.kind == CF_ERR_NOT_FOUND;
        if (!look_again) {
            cf_error_move(err, &refused);
            return cf_error_wrap(err, "send traffic back on %s", cf_baseline_text(baseline, text));
        }
        if (!cf_router_get(kube, how, baseline, false, &object, err))
            return false;
        judge_rollback(baseline, object, &after, out);
        if (out->state != CF_ROUTER_OURS)
            return true;
        json_t *again = cf_render_rollback_patch(baseline, object, &after, after.seq, why, err);
        if (!again)
            return false;
        if (refused.kind == CF_ERR_INVALID && json_equal(again, patch)) {
            json_decref(again);
            cf_error_move(err, &refused);
            return cf_error_wrap(err, "send traffic back on %s", cf_baseline_text(baseline, text));
        }
        json_decref(patch);
        patch = again;
    }
    out->state = CF_ROUTER_MOVED;
    snprintf(out->what, sizeof out->what, "the route moved again and again while we wrote");
    return true;
}

/* ---- reading ---- */

bool cf_router_read(struct cf_kube *kube, const struct cf_kube_how *how, const json_t *baseline,
                    const struct cf_router_grip *grip, int expect_weight,
                    struct cf_router_reading *out, json_t **out_object, struct cf_error *err)
{
    json_t *object = NULL;
    if (!cf_router_get(kube, how, baseline, false, &object, err))
        return false;
    cf_router_judge(baseline, object, grip, expect_weight, out);
    if (out_object)
        *out_object = object;
    else
        json_decref(object);
    return true;
}

bool cf_router_prepare_rollback(struct cf_kube *kube, const struct cf_kube_how *how,
                                const json_t *baseline, const struct cf_router_grip *grip,
                                const char *why, json_t **out_document, struct cf_error *err)
{
    struct cf_router_reading now;
    cf_autojson json_t *object = NULL;
    char text[CF_ROUTER_LINE_MAX];
    if (!cf_router_read(kube, how, baseline, grip, -1, &now, &object, err))
        return false;
    if (now.state != CF_ROUTER_OURS) {
        cf_error_set(err, CF_ERR_CONFLICT, "%s: %s", cf_baseline_text(baseline, text), now.what);
        return cf_error_reason(err, cf_router_state_name(now.state));
    }
    json_t *document = cf_router_render_rollback(baseline, object, grip, why, err);
    if (!document)
        return cf_error_wrap(err, "%s", cf_baseline_text(baseline, text));
    *out_document = document;
    return true;
}
