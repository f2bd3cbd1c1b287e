/* SPDX-License-Identifier: Apache-2.0 */
/* The table of hold reasons (holds.h). */
#include "orchestrator/engine/holds.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BY_ITSELF CF_HOLD_BY_ITSELF
#define BY_PERSON CF_HOLD_BY_PERSON

const struct cf_hold_row cf_hold_rows[CF_HOLD_REASONS] = {
    [CF_HOLD_NONE] = { "", BY_ITSELF, "", NULL },
    [CF_HOLD_PAUSED] = { "paused", BY_PERSON, "Resume it, or send the traffic back.",
                         "crossfade resume RUN --reason '…'" },
    [CF_HOLD_FROZEN] = { "frozen", BY_ITSELF,
                         "Nothing moves forward until an administrator unfreezes.",
                         "crossfade unfreeze" },
    [CF_HOLD_COMMIT] = { "commit", BY_PERSON,
                         "Look at the target, then commit. From then on the source may be touched.",
                         "crossfade commit RUN --reason '…'" },
    [CF_HOLD_PREFLIGHT] = { "preflight", BY_ITSELF,
                            "Remove the blockers; it is checked again by itself, or at once by "
                            "resume.",
                            "crossfade resume RUN --reason 'blockers removed'" },
    [CF_HOLD_NOT_READY] = { "not-ready", BY_ITSELF,
                            "Look at the pods in the target; it goes on by itself once they are "
                            "ready.",
                            NULL },
    [CF_HOLD_UNDECIDED] = { "undecided", BY_ITSELF,
                            "Wait for the missing requests, or go on without the proof.",
                            "crossfade advance RUN --reason '…'" },
    [CF_HOLD_NO_DATA] = { "no-data", BY_ITSELF,
                          "Look at the metrics source of the cluster; it goes on by itself with "
                          "fresh data.",
                          "crossfade cluster check SOURCE" },
    [CF_HOLD_BREACH] = { "breach", BY_PERSON,
                         "Send the traffic back, or resume, which forgets the alarm.",
                         "crossfade rollback RUN --reason '…'" },
    [CF_HOLD_DEADLINE] = { "deadline", BY_PERSON,
                           "Send the traffic back, or resume without a deadline.",
                           "crossfade rollback RUN --reason '…'" },
    [CF_HOLD_DRIFT] = { "drift", BY_PERSON,
                        "Agree with whoever changed the router; resume writes our weight again.",
                        "crossfade resume RUN --reason '…'" },
    [CF_HOLD_SOURCE_CHANGED] = { "source-changed", BY_PERSON,
                                 "Resume copies the changed objects again, then goes on.",
                                 "crossfade resume RUN --reason 'copy again'" },
    [CF_HOLD_PROBE_FAILED] = { "probe-failed", BY_ITSELF,
                               "See that the router's cluster can reach the target's pods.",
                               "crossfade resume RUN --reason 'network mended'" },
    [CF_HOLD_CONFLICT] = { "conflict", BY_ITSELF,
                           "Remove the object, or let the plan adopt or overwrite it.",
                           "crossfade resume RUN --reason '…'" },
    [CF_HOLD_FEDERATION] = { "federation", BY_ITSELF,
                             "Look at the control plane: the message names the object and what to "
                             "do with it. It goes on by itself once that is so.",
                             NULL },
    [CF_HOLD_NO_WAY_BACK] = { "no-way-back", BY_ITSELF,
                              "Bring the source's backends back; until then traffic stays where it "
                              "is.",
                              NULL },
    [CF_HOLD_SOURCE_BUSY] = { "source-busy", BY_ITSELF,
                              "Find who still calls the source, or go on anyway.",
                              "crossfade advance RUN --reason '…'" },
    [CF_HOLD_DATA] = { "data", BY_ITSELF,
                       "Look at Velero in both clusters: the message names the object. It goes on by "
                       "itself once that is so; nothing is switched without proof.",
                       "crossfade resume RUN --reason 'Velero mended'" },
    [CF_HOLD_PAUSE_TOO_LONG] = { "pause-too-long", BY_ITSELF,
                                 "Nothing is frozen. Freeze all the same (a freeze still ends at "
                                 "maxPause), or roll back and start a run with a longer "
                                 "volumes.finalSync.maxPause: this one keeps its plan.",
                                 "crossfade advance RUN --reason 'the pause is agreed'" },
    [CF_HOLD_DATA_LOSS] = { "data-loss", BY_PERSON,
                            "Stay in the target: resume forgets the alarm. Or go back and lose what "
                            "was written there since the switch. Where bringing it back has failed: "
                            "mend the cause, then resume.",
                            "crossfade rollback RUN --discard-target-data --reason '…'" },
    [CF_HOLD_CLUSTER_UNREACHABLE] = { "cluster-unreachable", BY_ITSELF,
                                      "See that the cluster's API server answers.",
                                      "crossfade cluster check SOURCE; crossfade cluster check "
                                      "TARGET" },
    [CF_HOLD_STORE_LOST] = { "store-lost", BY_ITSELF, "See that PostgreSQL answers.", NULL },
    [CF_HOLD_INCARNATION] = { "incarnation", BY_PERSON,
                              "This database may know less than the cluster shows: send the "
                              "traffic back with the kubectl line, take the crossfade.dev "
                              "annotations off the router, then roll back; start a new run after "
                              "that.",
                              "crossfade rollback RUN --reason 'database restored'" },
    [CF_HOLD_STEP_FAILED] = { "step-failed", BY_PERSON,
                              "Mend the cause, then resume, or roll back.",
                              "crossfade resume RUN --reason '…'" },
};

const char *cf_hold_name(enum cf_hold_reason r)
{
    cf_assert(r >= 0 && r < CF_HOLD_REASONS);
    return cf_hold_rows[r].name;
}

bool cf_hold_parse(const char *name, enum cf_hold_reason *out)
{
    for (int i = 0; name && i < CF_HOLD_REASONS; i++) {
        if (strcmp(cf_hold_rows[i].name, name) != 0)
            continue;
        *out = (enum cf_hold_reason)i;
        return true;
    }
    return false;
}

void cf_hold_set(struct cf_hold *h, enum cf_hold_reason reason, const char *fmt, ...)
{
    h->reason = reason;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(h->message, sizeof h->message, fmt, ap);
    va_end(ap);
    cf_utf8_mend(h->message);
}

/* The first word of ours in the text; NULL: none. */
static const char *next_word(const char *text, const struct cf_hold_names *names, size_t *out_len,
                             const char **out_name)
{
    const struct {
        const char *word, *name;
    } words[] = { { "RUN", names->run }, { "SOURCE", names->source }, { "TARGET", names->target } };
    const char *first = NULL;
    for (size_t i = 0; i < CF_ARRAY_LEN(words); i++) {
        const char *hit = strstr(text, words[i].word);
        if (!hit || (first && hit > first))
            continue;
        first = hit;
        *out_len = strlen(words[i].word);
        *out_name = words[i].name;
    }
    return first;
}

void cf_hold_command(enum cf_hold_reason r, const struct cf_hold_names *names, struct cf_buf *out)
{
    const char *p = cf_hold_rows[r].command, *name = "";
    size_t len = 0;
    if (!p)
        return;
    for (const char *hit; (hit = next_word(p, names, &len, &name)); p = hit + len) {
        cf_buf_append(out, p, (size_t)(hit - p));
        cf_buf_puts(out, name);
    }
    cf_buf_puts(out, p);
}
