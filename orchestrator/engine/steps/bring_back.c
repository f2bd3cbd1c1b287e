/* SPDX-License-Identifier: Apache-2.0 */
/* The way back with the data (bring_back.h). */
#include "orchestrator/engine/steps/bring_back.h"

#include <stdio.h>

enum { PASS = 1, GIVEN_UP_LOOK_MS = 500 };

static bool backup(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_backup(v, PASS, CF_PASS_FROZEN, out, err);
}

static bool hand_over(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_hand_over(v, PASS, out, err);
}

static bool verify(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_verify(v, PASS, out, err);
}

static bool restore(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err)
{
    return cf_volumes_restore(v, PASS, false, out, err);
}

/* The parts, in order. The source's claims go only when all of the target's data is in the source's
 * reach. */
static const struct {
    const char *what;
    bool (*call)(const struct cf_volumes *v, struct cf_moving *out, struct cf_error *err);
} parts[] = {
    { "the pass back", backup },
    { "its hand over", hand_over },
    { "the source's claims are set aside", cf_volumes_set_aside },
    { "the restore in the source", restore },
    { "the proof of its files", verify },
};

static bool do_part(struct cf_pass *p, size_t part, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_open(p, true, &m, err))
        return false;
    bool ok = parts[part].call(&m.v, &moving, err);
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "%s", parts[part].what);
    return cf_moves_progress(&moving, parts[part].what, NULL, out);
}

/* A person has let it be lost: what is under way ends, and the source's claims are as they were. */
static bool give_up(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    CF_CLEANUP(cf_moves_close) struct cf_moves m = { 0 };
    struct cf_moving moving = { 0 };
    if (!cf_moves_open(p, true, &m, err))
        return false;
    bool ok = cf_volumes_cancel(&m.v, &moving, err);
    if (ok && moving.done) {
        moving = (struct cf_moving){ 0 };
        ok = cf_volumes_put_back(&m.v, &moving, err);
    }
    cf_moves_keep(&m);
    if (!ok)
        return cf_error_wrap(err, "put the source's claims back");
    return cf_moves_progress(&moving, "the source's claims are put back", NULL, out);
}

/* The undo of a step cannot fail for good here: without the data nothing of the source may start. */
static bool hold_instead(struct cf_outcome *out)
{
    char why[CF_HOLD_TEXT_MAX];
    if (out->kind != CF_OUT_FAILED)
        return true;
    (void)snprintf(why, sizeof why, "%.800s", out->message);
    return cf_out_hold(out, CF_HOLD_DATA_LOSS, GIVEN_UP_LOOK_MS * 4,
                       "the target's data cannot be brought back: %s", why);
}

bool cf_bring_back(struct cf_pass *p, struct cf_outcome *out, struct cf_error *err)
{
    const json_t *at = cf_moves_note(p->run, "backPart");
    size_t part = at ? (size_t)json_integer_value(at) : 0;
    bool lost = !p->run->plan->reverse_data || cf_memo(p->run, "dataLossAgreed");
    if (json_array_size(cf_moves_claims(p->run)) == 0)
        return cf_out_done(out);
    if (lost)
        return !p->run->plan->reverse_data ? cf_out_done(out) : give_up(p, out, err);
    if (part >= CF_ARRAY_LEN(parts))
        return cf_out_done(out);
    if (!do_part(p, part, out, err))
        return false;
    if (out->kind != CF_OUT_DONE)
        return hold_instead(out);
    cf_moves_note_set_take(p->run, "backPart", json_integer((json_int_t)part + 1));
    return cf_out_more(out);
}
