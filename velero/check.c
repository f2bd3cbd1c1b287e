/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the rules: those of the two sides once, the others for each claim of their strategies. */
#include "velero/check.h"

#include <string.h>

#include "base/text.h"
#include "velero/room.h"

enum { MESSAGE_MAX = 600 };

static void run(const struct cf_check_rule *rules, unsigned scope, const struct cf_check *c,
                json_t *findings)
{
    for (const struct cf_check_rule *r = rules; r->id; r++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf message = CF_BUF_INIT(MESSAGE_MAX);
        if (!(r->scope & scope) || !r->broken(c, &message))
            continue;
        cf_autofree char *text = cf_xstrdup(cf_buf_str(&message));
        cf_utf8_mend(text); /* what was cut, perhaps within a character */
        json_array_append_new(findings,
                              json_pack("{s:s, s:s, s:s, s:s, s:s}", "rule", r->id, "level",
                                        r->level, "claim", cf_json_str(c->claim, "", "name", NULL),
                                        "message", text, "hint", r->hint));
    }
}

static unsigned scope_of(const json_t *claim)
{
    const char *strategy = cf_json_str(claim, "", "strategy", NULL);
    if (strcmp(strategy, "veleroFsBackup") == 0)
        return CF_CHECK_FILES;
    return strcmp(strategy, "veleroSnapshot") == 0 ? CF_CHECK_SNAPSHOT : 0;
}

void cf_velero_check(const json_t *request, json_t *findings)
{
    struct cf_check c = {
        .request = request,
        .from = json_object_get(request, "from"),
        .to = json_object_get(request, "to"),
        .from_name = cf_json_str(request, "the source", "clusters", "from", NULL),
        .to_name = cf_json_str(request, "the target", "clusters", "to", NULL),
    };
    const char *back = cf_json_str(request, "", "backLocation", NULL);
    size_t i;
    json_t *claim;
    json_array_foreach(json_object_get(request, "claims"), i, claim)
    {
        c.any_files = c.any_files || scope_of(claim) == CF_CHECK_FILES;
        c.any_snapshots = c.any_snapshots || scope_of(claim) == CF_CHECK_SNAPSHOT;
    }
    if (!c.any_files && !c.any_snapshots)
        return; /* nothing of the plan goes through Velero */
    c.pair = cf_velero_pair(c.from, c.to, cf_json_str(request, "", "location", NULL), &c.location);
    if (*back)
        c.back_pair = cf_velero_pair(c.to, c.from, back, &c.back);
    run(cf_check_side_rules, CF_CHECK_SIDES, &c, findings);
    json_array_foreach(json_object_get(request, "claims"), i, claim)
    {
        c.claim = claim;
        if (scope_of(claim))
            run(cf_check_claim_rules, scope_of(claim), &c, findings);
    }
}
