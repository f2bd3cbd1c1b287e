/* SPDX-License-Identifier: Apache-2.0 */
/* Step `preflight`: every check of orchestrator/preflight now, against both ends. Reads only.
 *
 *   observe  no blocker → done, with the findings kept; a blocker → hold, checked again by itself
 *
 * Nothing to undo. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/engine/pass.h"
#include "orchestrator/preflight/checks.h"

enum { RECHECK_MS = 15000 };

/* The first blocker's words, and how many more there are. */
static void first_blocker(const json_t *report, char *text, size_t size)
{
    int blockers = (int)cf_json_int(report, 0, "blockers", NULL);
    size_t i;
    json_t *row;
    json_array_foreach(cf_json_at(report, "results", NULL), i, row)
    {
        if (strcmp(cf_json_str(row, "", "level", NULL), "blocker") != 0)
            continue;
        int n = snprintf(text, size, "%s", cf_json_str(row, "", "message", NULL));
        if (blockers > 1 && n > 0 && (size_t)n < size)
            (void)snprintf(text + n, size - (size_t)n, " (and %d more)", blockers - 1);
        return;
    }
    (void)snprintf(text, size, "%d checks block", blockers);
}

static bool observe(struct cf_pass *p, struct cf_step *s, struct cf_outcome *out,
                    struct cf_error *err)
{
    json_t *report = NULL;
    struct cf_preflight_request request = {
        .plan = p->run->plan,
        .run_id = p->run->id,
        .world = p->ports->preflight,
        .clock = p->ports->clock,
        .propagator = p->ports->propagator,
    };
    if (!cf_preflight_run(&request, &report, err))
        return cf_error_wrap(err, "preflight");
    int blockers = (int)cf_json_int(report, 0, "blockers", NULL);
    int warnings = (int)cf_json_int(report, 0, "warnings", NULL);
    char text[CF_HOLD_TEXT_MAX];
    first_blocker(report, text, sizeof text);
    cf_step_set_observation_take(s, report);
    if (blockers > 0)
        return cf_out_hold(out, CF_HOLD_PREFLIGHT, RECHECK_MS, "%s", text);
    cf_step_say(s, "no blockers, %d warnings", warnings);
    return cf_out_done(out);
}

const struct cf_step_kind cf_step_preflight = {
    .name = "preflight",
    .phase = "Preflight",
    .says = "checks both ends: rights, routers, copies by dry-run, gates with their present values",
    .observe = observe,
};
