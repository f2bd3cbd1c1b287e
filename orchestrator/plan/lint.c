/* SPDX-License-Identifier: Apache-2.0 */
/* Lint: what a plan may say, but probably does not mean. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "orchestrator/plan/check.h"

enum {
    LARGE_FIRST_WEIGHT = 50, /* a first step beyond it tries the fault on most of the users */
    LOOKS_PER_HOLD = 3,      /* a total failure needs two or three looks to be seen */
};

static bool starts_with(const char *text, const char *prefix)
{
    return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

static void lint_namespaces(const json_t *spec, struct cf_report *r)
{
    static const char *const sides[] = { "source", "target" };
    for (size_t i = 0; i < CF_ARRAY_LEN(sides); i++) {
        const char *name = cf_json_str(spec, NULL, sides[i], "namespace", NULL);
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/spec/%s/namespace", sides[i]);
        if (starts_with(name, "kube-"))
            cf_report_warning(r, pointer, NULL, "%s belongs to the cluster itself", name);
    }
}

static void lint_safety_net(const json_t *spec, struct cf_report *r)
{
    bool is_auto = strcmp(cf_json_str(spec, "", "commit", NULL), "auto") == 0;
    bool has_gates = json_array_size(json_object_get(spec, "gates")) > 0;
    if (!has_gates)
        cf_report_warning(
            r, "/spec/gates", "add `- successRate: \">= 99.5%\"` to spec.gates",
            is_auto ? "no gate: the run commits by itself, whatever happens to the requests"
                    : "no gate: nothing but you will notice when requests fail");
    bool goes_back = false;
    size_t i;
    json_t *word;
    json_array_foreach(cf_json_pointer(spec, "/rollback/on"), i, word) goes_back |=
        strcmp(json_string_value(word) ?: "", "gate") == 0;
    if (has_gates && !goes_back)
        cf_report_warning(r, "/spec/rollback/on", "add gate to spec.rollback.on",
                          "a gate's breach only holds the run; the traffic stays where it fails");
}

static void lint_deadline(const json_t *traffic, struct cf_report *r)
{
    int64_t deadline = cf_check_ms(traffic, "deadline", 0), sum = 0;
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(traffic, "steps"), i, step) sum +=
        cf_check_ms(step, "hold", 0);
    char text[CF_UNIT_TEXT_MAX];
    if (deadline > 0 && sum >= deadline)
        cf_report_warning(
            r, "/spec/traffic/deadline", "take a longer deadline or shorter holds",
            "the holds alone take %s: the deadline comes before the last step is over",
            cf_duration_format(sum, text));
}

static void lint_steps(const json_t *spec, struct cf_report *r)
{
    const json_t *steps = cf_json_pointer(spec, "/traffic/steps");
    int64_t first = cf_json_int(json_array_get(steps, 0), 0, "weight", NULL);
    /* Data with one writer moves all at once. */
    bool whole = json_array_size(steps) == 1 && cf_json_pointer(spec, "/traffic/writers");
    if (first > LARGE_FIRST_WEIGHT && !whole)
        cf_report_warning(r, "/spec/traffic/steps/0/weight", "begin with a small weight, such as 5",
                          "the first step already sends %d%% of the traffic", (int)first);
    int64_t longest = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(spec, "gates"), i, row) longest =
        CF_MAX(longest, cf_check_ms(row, "interval", 0));
    json_array_foreach(steps, i, row)
    {
        int64_t hold = cf_check_ms(row, "hold", 0);
        if (longest == 0 || hold >= LOOKS_PER_HOLD * longest)
            continue;
        char pointer[64], text[CF_UNIT_TEXT_MAX];
        snprintf(pointer, sizeof pointer, "/spec/traffic/steps/%zu/hold", i);
        cf_report_warning(r, pointer, "hold longer, or look more often",
                          "the hold is shorter than %d looks of %s", LOOKS_PER_HOLD,
                          cf_duration_format(longest, text));
        return;
    }
}

/* Edges in ms of the request duration histograms of Envoy and Istio; other sources have others. */
static bool is_common_edge(int64_t ms)
{
    static const int64_t edges[] = { 1,    5,    10,   25,    50,    100,   250,    500,
                                     1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000 };
    for (size_t i = 0; i < CF_ARRAY_LEN(edges); i++)
        if (edges[i] == ms)
            return true;
    return false;
}

static void lint_query(const json_t *gate, const char *key, size_t index, struct cf_report *r)
{
    static const char *const functions[] = { "rate(", "irate(", "increase(" };
    const char *query = cf_json_str(gate, NULL, key, NULL);
    for (size_t i = 0; query && i < CF_ARRAY_LEN(functions); i++) {
        if (!strstr(query, functions[i]))
            continue;
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/spec/gates/%zu/%s", index, key);
        cf_report_warning(r, pointer, "give the counter itself, such as sum(http_requests_total)",
                          "the gate takes differences of counters by itself; a rate hides how many "
                          "requests there were");
        return;
    }
}

static void lint_gates(const json_t *spec, struct cf_report *r)
{
    size_t i;
    json_t *gate;
    json_array_foreach(json_object_get(spec, "gates"), i, gate)
    {
        int64_t max = cf_check_ms(gate, "max", 0);
        char pointer[64], text[CF_UNIT_TEXT_MAX];
        snprintf(pointer, sizeof pointer, "/spec/gates/%zu/max", i);
        if (max > 0 && !is_common_edge(max))
            cf_report_warning(r, pointer, "usual edges are 100ms, 250ms, 500ms, 1s, 2s500ms and 5s",
                              "%s is not an edge of the usual histograms; preflight refuses it if "
                              "the source has no such edge",
                              cf_duration_format(max, text));
        lint_query(gate, "total", i, r);
        lint_query(gate, "failed", i, r);
    }
}

static void lint_volumes(const json_t *spec, struct cf_report *r)
{
    const json_t *final = cf_json_pointer(spec, "/volumes/finalSync");
    const json_t *reach = cf_json_pointer(spec, "/traffic/steps");
    const char *when = cf_json_str(spec, "", "traffic", "writers", "switch", NULL);
    if (final && !cf_json_bool(final, true, "rehearse", NULL))
        cf_report_warning(
            r, "/spec/volumes/finalSync/rehearse", "take it away, if the target has room",
            "without a rehearsal nobody knows before the freeze how long a restore takes");
    if (cf_json_pointer(spec, "/volumes") && strcmp(when, "beforeTraffic") == 0 &&
        json_array_size(reach) > 1)
        cf_report_warning(r, "/spec/traffic/writers/switch", "weight=100 moves the writer last",
                          "the writer moves before the target has served a single request");
}

void cf_lint(const json_t *effective, struct cf_report *r)
{
    const json_t *spec = json_object_get(effective, "spec");
    lint_namespaces(spec, r);
    lint_safety_net(spec, r);
    lint_deadline(json_object_get(spec, "traffic"), r);
    lint_steps(spec, r);
    lint_gates(spec, r);
    lint_volumes(spec, r);
}
