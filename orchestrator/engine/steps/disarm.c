/* SPDX-License-Identifier: Apache-2.0 */
/* Arming and disarming all routers (disarm.h). */
#include "orchestrator/engine/steps/disarm.h"

#include <stdio.h>

json_t *cf_disarm_rows(const struct cf_live *run)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < run->n_routers; i++) {
        char next[CF_NONCE_TEXT];
        const struct cf_run_router *r = &run->routers[i];
        json_array_append_new(rows, json_pack("{s:s,s:s,s:s}", "name", r->name, "seq", r->seq,
                                              "next", cf_nonce(next)));
    }
    return rows;
}

static bool set_arm(struct cf_pass *p, struct cf_run_router *r, const char *seq, const char *arm,
                    const char *next, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_kube_unref_p) struct cf_kube *kube = NULL;
    struct cf_router_grip grip;
    struct cf_router_reading reading;
    cf_pass_grip(p, r, &grip);
    (void)snprintf(grip.seq, sizeof grip.seq, "%s", seq);
    if (!cf_pass_router_kube(p, r, &kube, err) ||
        !cf_router_set_arm(kube, NULL, r->baseline, &grip, arm, next, &reading, err))
        return cf_error_wrap(err, "%s router %s", *arm ? "arm" : "disarm", r->name);
    if (!cf_pass_heed(p, r, &reading, out, err) || out->kind != CF_OUT_DONE)
        return err->kind == CF_ERR_NONE;
    cf_pass_took(r, &grip, &reading);
    return true;
}

bool cf_disarm_all(struct cf_pass *p, const json_t *rows, struct cf_outcome *out,
                   struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        const json_t *row = json_array_get(rows, i);
        if (!r->adopted || !r->arm[0])
            continue;
        if (!set_arm(p, r, cf_json_str(row, "", "seq", NULL), "",
                     cf_json_str(row, "", "next", NULL), out, err))
            return false;
        if (out->kind != CF_OUT_DONE)
            return true;
    }
    return cf_out_done(out);
}

bool cf_disarm_arm_again(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    for (size_t i = 0; i < p->run->n_routers; i++) {
        struct cf_run_router *r = &p->run->routers[i];
        char arm[CF_NONCE_TEXT], next[CF_NONCE_TEXT], seq[CF_NONCE_TEXT];
        struct cf_router_reading reading;
        if (!r->adopted)
            continue;
        if (!cf_pass_read_router(p, r, -1, &reading, err))
            return false;
        (void)cf_pass_recall(p, r, &reading); /* disarmed, and not recorded as such */
        if (r->arm[0])
            continue;
        (void)snprintf(seq, sizeof seq, "%s", r->seq);
        if (!set_arm(p, r, seq, cf_nonce(arm), cf_nonce(next), out, err))
            return false;
        if (out->kind == CF_OUT_LOST)
            return true;
        *out = (struct cf_outcome){ .kind = CF_OUT_DONE };
    }
    return cf_out_done(out);
}
