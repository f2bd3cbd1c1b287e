/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the checks of a plan that moves data: a plan in order passes, each thing that stands in the way is found by the right
 * check with words that name it and say what to change, and what cannot be looked at is not called ok. And that the page of
 * what is refused (docs/volumes-refused.md) says what the tables say: CROSSFADE_UPDATE=1 writes it. */
#include "tests/unit/orchestrator-preflight/volumes_world.h"

#include <stdio.h>

#include "base/json_patch.h"
#include "tests/support/file.h"
#include "tests/support/velero_rules.h"
#include "tests/support/wrong_plans.h"
#include "velero/check.h"
#include "velero/room.h"

/* ---- changes ---- */

static void none(struct sides *s)
{
    (void)s;
}
static void target_away(struct sides *s)
{
    struct cf_fake_fault fault = { .times = 100000, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(s->dc2, &fault);
}
static void source_away(struct sides *s)
{
    struct cf_fake_fault fault = { .times = 100000, .kind = CF_ERR_UNAVAILABLE };
    cf_fake_kube_fail(s->dc1, &fault);
}
static void pods_unreadable(struct sides *s)
{
    struct cf_fake_fault fault = { .path_part = "/namespaces/velero/pods",
                                   .times = 100,
                                   .status = 500,
                                   .reason = "InternalError" };
    cf_fake_kube_fail(s->dc2, &fault);
}
static void until_denied(struct sides *s)
{
    struct cf_fake_fault fault = {
        .path_part = "/configmaps/replication", .times = 100, .status = 403, .reason = "Forbidden"
    };
    cf_fake_kube_fail(s->dc2, &fault);
}
static void until_says_nothing(struct sides *s)
{
    put(s->dc2,
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'replication','namespace':'web'},'data':{}}");
}
static void no_workload(struct sides *s)
{
    cf_fake_kube_remove(s->dc1, "apps/v1", "Deployment", "web", "echo");
}
static void no_claim(struct sides *s)
{
    cf_fake_kube_remove(s->dc1, "v1", "PersistentVolumeClaim", "web", "data-db-0");
}
static void front_mounts(struct sides *s)
{
    put(s->dc1,
        APP_OBJECT("Deployment", "echo", "", "'replicas':1," POD_OF("echo", MOUNTING("uploads"))));
    put(s->dc1, CLAIM_OBJECT("uploads"));
}
static void no_velero(struct sides *s)
{
    cf_fake_kube_forget_group(s->dc2, "velero.io");
}
static void claim_in_target(struct sides *s)
{
    put(s->dc2, CLAIM_OBJECT("data-db-0"));
}
static void written_by_others(struct sides *s)
{
    put(s->dc1, APP_OBJECT("Deployment", "import", "",
                           "'replicas':1," POD_OF("import", MOUNTING("data-db-0"))));
}
static void written_everywhere(struct sides *s)
{
    put(s->dc1, APP_OBJECT("DaemonSet", "agent", "", POD_OF("agent", MOUNTING("data-db-0"))));
}

/* clang-format off */
#define BY_ARGO  ",'annotations':{'argocd.argoproj.io/tracking-id':'shop:apps/StatefulSet:web/db'}"
#define BY_FLUX  ",'labels':{'kustomize.toolkit.fluxcd.io/name':'shop','kustomize.toolkit.fluxcd.io/namespace':'flux-system'}"
#define FLUX(metadata, spec) "{'apiVersion':'" FLUX_API "','kind':'Kustomization','metadata':{'name':'shop','namespace':'flux-system'" metadata "},'spec':" spec "}"
#define ARGO(name, metadata, spec) "{'apiVersion':'" ARGO_API "','kind':'Application','metadata':{'name':'" name "','namespace':'argocd'" metadata "},'spec':" spec "}"
#define HEALS "{'syncPolicy':{'automated':{'selfHeal':true}}}"
/* clang-format on */

static void flux_absent(struct sides *s)
{
    put(s->dc1, DB(BY_FLUX));
}
static void flux_on(struct sides *s)
{
    flux_absent(s);
    put(s->dc1, FLUX("", "{}"));
}
static void flux_paused(struct sides *s)
{
    flux_absent(s);
    put(s->dc1, FLUX("", "{'suspend':true}"));
}
static void flux_denied(struct sides *s)
{
    struct cf_fake_fault fault = {
        .path_part = "/kustomizations/", .times = 100, .status = 403, .reason = "Forbidden"
    };
    flux_on(s);
    cf_fake_kube_fail(s->dc1, &fault);
}
static void flux_read_only(struct sides *s)
{
    flux_on(s);
    cf_fake_kube_deny(s->dc1, "patch kustomize.toolkit.fluxcd.io/kustomizations");
}
static void flux_broken(struct sides *s)
{
    struct cf_fake_fault fault = {
        .path_part = "/kustomizations/", .times = 100, .status = 500, .reason = "InternalError"
    };
    flux_on(s);
    cf_fake_kube_fail(s->dc1, &fault);
}
static void flux_said_in_git(struct sides *s)
{
    put(s->dc1, DB(BY_FLUX));
    put(s->dc1,
        FLUX(
            ",'labels':{'argocd.argoproj.io/instance':'root'},'managedFields':[{'manager':'argocd-controller','fieldsV1':{'f:spec':{'f:suspend':{}}}}]",
            "{'suspend':false}"));
    put(s->dc1, ARGO("root", "", HEALS));
}
static void argo_on(struct sides *s)
{
    put(s->dc1, DB(BY_ARGO));
    put(s->dc1, ARGO("shop", "", HEALS));
}
static void argo_of_a_set(struct sides *s)
{
    put(s->dc1, DB(BY_ARGO));
    put(s->dc1, ARGO("shop", ",'ownerReferences':[{'kind':'ApplicationSet','name':'all'}]", HEALS));
    put(s->dc1,
        "{'apiVersion':'" ARGO_API
        "','kind':'ApplicationSet','metadata':{'name':'all','namespace':'argocd'},'spec':{}}");
}
static void argo_of_an_application(struct sides *s)
{
    put(s->dc1, DB(BY_ARGO));
    put(s->dc1,
        ARGO(
            "shop",
            ",'annotations':{'argocd.argoproj.io/tracking-id':'root:argoproj.io/Application:argocd/shop'}",
            HEALS));
    put(s->dc1, ARGO("root", "", HEALS));
}
static void argo_of_flux(struct sides *s)
{
    put(s->dc1, DB(BY_ARGO));
    put(s->dc1, ARGO("shop", BY_FLUX, HEALS));
    put(s->dc1, FLUX("", "{}"));
}
static void argo_elsewhere(struct sides *s)
{
    put(s->dc1, DB(BY_ARGO));
    put(s->dc1,
        "{'apiVersion':'" ARGO_API
        "','kind':'Application','metadata':{'name':'shop','namespace':'argocd'},'spec':" HEALS
        ",'status':{'resources':[{'kind':'StatefulSet','namespace':'other','name':'db'}]}}");
}
static void helm_label(struct sides *s)
{
    put(s->dc1, DB(",'labels':{'app.kubernetes.io/instance':'db'}"));
}
static void front_by_flux(struct sides *s)
{
    put(s->dc1, APP_OBJECT("Deployment", "echo", BY_FLUX, "'replicas':1," POD_OF("echo", "")));
}

/* ---- cases ---- */

/* clang-format off */
#define WEB      PLAN_HEAD PLAN_SPLIT PLAN_BOTH
#define FREEZE(f) PLAN_DATA(", finalSync: {" f "}")
#define ROWS(r)   PLAN_DATA(", claims: [" r "]")
#define UNTIL    "{name: data-db-0, strategy: external, until: {kind: ConfigMap, name: replication, pointer: /data/state, equals: in-sync}}, {name: 'x-*'}"
#define ADDRESS(workloads) PLAN_HEAD PLAN_SPLIT "    reach: {mode: address, addresses: [10.9.0.1], ports: [{port: 30080}]}\n" workloads PLAN_DATA("")

static const struct {
    const char *name;
    void (*change)(struct sides *s);
    const char *plan, *id, *level, *says;
} cases[] = {
    { "in order", none, WEB PLAN_DATA(""), "volumes", "info", "the data of 1 claims will move" },
    { "in order: nobody keeps the writer", none, WEB PLAN_DATA(""), "gitops", "ok", "" },
    /* what cannot be looked at */
    { "target away", target_away, WEB PLAN_DATA(""), "volumes", "skipped", "dc2 does not answer" },
    { "source away", source_away, WEB PLAN_DATA(""), "volumes", "skipped", "dc1 does not answer" },
    { "source away: who keeps", source_away, WEB PLAN_DATA(""), "gitops", "skipped", "dc1 does not answer" },
    { "nothing to copy", no_workload, WEB PLAN_DATA(""), "volumes", "skipped", "the source's objects could not be read" },
    { "nothing to copy: who keeps", no_workload, WEB PLAN_DATA(""), "gitops", "skipped", "who writes in the source is not known" },
    { "a Velero that cannot be looked at", pods_unreadable, WEB PLAN_DATA(""), "volumes", "blocker", "what the volumes need cannot be read" },
    { "an owner that cannot be looked at", flux_broken, WEB PLAN_DATA(""), "gitops", "skipped", "who keeps the writers could not be read" },
    /* what the plan says of the source */
    { "no claim is meant", no_claim, WEB PLAN_DATA(""), "volumes", "warning", "no claim among what is copied" },
    { "what is split has a claim", front_mounts, WEB PLAN_DATA(""), "volumes", "blocker", "its traffic cannot be split" },
    { "all at once", front_mounts, PLAN_HEAD PLAN_WHOLE PLAN_BOTH PLAN_DATA(""), "volumes", "info", "the data of 2 claims" },
    { "no name across", none, ADDRESS(PLAN_BOTH), "volumes", "blocker", "Deployment echo and the writer behind Service db run in different clusters" },
    { "nobody calls by name", none, ADDRESS("  workloads: {include: [{kind: StatefulSet, name: db}], start: now}\n"), "volumes", "info", "the data of 1 claims" },
    { "a row for no claim", none, WEB ROWS("{name: data-bd-0, strategy: veleroSnapshot}"), "volumes", "blocker", "no claim of web fits the row data-bd-0" },
    { "a pattern for no claim", none, WEB ROWS("{name: 'bd-*', strategy: veleroSnapshot}"), "volumes", "warning", "no claim of web fits the row bd-*" },
    { "a row behind another", none, WEB ROWS("{name: 'data-*'}, {name: data-db-0, strategy: none}"), "volumes", "blocker", "the row data-db-0 of volumes.claims never counts" },
    { "a row before another", none, WEB ROWS("{name: data-db-0}, {name: '*', strategy: none}"), "volumes", "blocker", "the row * of volumes.claims never counts" },
    { "the freeze of nobody", none, WEB FREEZE("quiesce: [{kind: Deployment, name: api}]"), "volumes", "blocker", "quiesce names Deployment api, which is not in the source" },
    { "external: nothing says so yet", none, WEB ROWS(UNTIL), "volumes", "warning", "until ConfigMap replication says so, which is not there now" },
    { "external: it says nothing", until_says_nothing, WEB ROWS(UNTIL), "volumes", "warning", "which has nothing at /data/state" },
    { "external: not to be read", until_denied, WEB ROWS(UNTIL), "volumes", "blocker", "until ConfigMap replication says so, which cannot be read" },
    /* rules of velero/check.h come through; each has a case of its own there */
    { "no Velero", no_velero, WEB PLAN_DATA(""), "volumes", "blocker", "dc2 has no Velero" },
    { "a claim in the target", claim_in_target, WEB PLAN_DATA(""), "volumes", "blocker", "claim data-db-0: claim data-db-0 exists in the target already" },
    /* who writes */
    { "written by others", written_by_others, WEB PLAN_DATA(""), "copies", "blocker", "Deployment/import mounts the claim data-db-0, whose data moves, and is not copied" },
    { "written by what cannot stop", written_everywhere,
      PLAN_HEAD PLAN_SPLIT "  workloads: {include: [{kind: StatefulSet, name: db}, {kind: DaemonSet, name: agent}], start: now}\n" PLAN_DATA(""),
      "copies", "blocker", "a DaemonSet cannot stand still" },
    { "written on both sides", none,
      PLAN_HEAD PLAN_SPLIT "  workloads: {include: [{kind: StatefulSet, name: db, start: now}]}\n" PLAN_DATA(""), "copies", "blocker", "it cannot run in the target before" },
    /* who keeps the writers */
    { "Flux keeps it", flux_on, WEB PLAN_DATA(""), "gitops", "info", "Kustomization flux-system/shop keeps StatefulSet db: it is paused in the freeze" },
    { "Argo CD keeps it", argo_on, WEB PLAN_DATA(""), "gitops", "info", "Application argocd/shop keeps StatefulSet db: it is paused in the freeze" },
    { "who is paused", flux_paused, WEB PLAN_DATA(""), "gitops", "info", "and is paused already" },
    { "a label of Helm's", helm_label, WEB PLAN_DATA(""), "gitops", "ok", "" },
    { "an owner elsewhere", flux_absent, WEB PLAN_DATA(""), "gitops", "blocker", "and is not in dc1: what the freeze stops would be started again" },
    { "an owner of that name", argo_elsewhere, WEB PLAN_DATA(""), "gitops", "blocker", "Application shop keeps StatefulSet db, and is not in dc1" },
    { "an owner that we may not read", flux_denied, WEB PLAN_DATA(""), "gitops", "blocker", "and may not be read" },
    { "an owner that we may not patch", flux_read_only, WEB PLAN_DATA(""), "gitops", "blocker", "and may not be patched" },
    { "an owner of a set", argo_of_a_set, WEB PLAN_DATA(""), "gitops", "blocker", "ApplicationSet argocd/all would undo its pause" },
    { "an owner of an Application", argo_of_an_application, WEB PLAN_DATA(""), "gitops", "blocker", "Application argocd/root would undo its pause" },
    { "an owner of a Kustomization", argo_of_flux, WEB PLAN_DATA(""), "gitops", "blocker", "Kustomization flux-system/shop would undo its pause" },
    { "an owner with the field in its repository", flux_said_in_git, WEB PLAN_DATA(""), "gitops", "blocker", "Application argocd/root would undo its pause" },
    { "by hand, and on", flux_on, WEB FREEZE("gitops: byHand"), "gitops", "warning", "the plan says that a person pauses it" },
    { "by hand, and elsewhere", flux_absent, WEB FREEZE("gitops: byHand"), "gitops", "warning", "the plan says that a person pauses it" },
    { "by hand, and paused", flux_paused, WEB FREEZE("gitops: byHand"), "gitops", "info", "and is paused already" },
    { "beside the writers", front_by_flux, WEB PLAN_DATA(""), "gitops", "warning", "Flux tracks Deployment echo" },
    { "frozen beside the writers", front_by_flux, WEB FREEZE("quiesce: [{kind: Deployment, name: echo}]"), "gitops", "blocker",
      "Kustomization flux-system/shop keeps Deployment echo, and is not in dc1" },
};
/* clang-format on */

static json_t *reports[CF_ARRAY_LEN(cases)]; /* of the cases so far: a preflight is not cheap */

/* The result that the case is about; NULL: there is none. Both borrowed; `out_report` may be NULL. */
static const json_t *tell(size_t i, const json_t **out_report)
{
    if (!reports[i]) {
        struct sides s;
        sides_up(&s);
        cases[i].change(&s);
        reports[i] = preflight(&s, cases[i].plan);
        sides_down(&s);
    }
    if (out_report)
        *out_report = reports[i];
    return result_of(reports[i], cases[i].id, cases[i].level, cases[i].says);
}

static int forget(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++)
        json_decref(reports[i]);
    return 0;
}

static void each_case_is_found_with_what_to_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        const json_t *report;
        const json_t *row = tell(i, &report);
        if (!row) {
            cf_autofree char *text = cf_json_dump_pretty(json_object_get(report, "results"));
            fail_msg("%s: no %s of %s with \"%s\" in %s", cases[i].name, cases[i].level,
                     cases[i].id, cases[i].says, text);
        }
        bool to_do =
            strcmp(cases[i].level, "blocker") == 0 || strcmp(cases[i].level, "warning") == 0;
        if (to_do && strlen(cf_json_str(row, "", "hint", NULL)) < 10)
            fail_msg("%s: nobody says what to change", cases[i].name);
    }
}

static void nothing_blocks_data_that_can_move(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const json_t *report;
        (void)tell(i, &report);
        assert_null(result_of(report, "volumes", "blocker", ""));
        assert_null(result_of(report, "volumes", "warning", ""));
        assert_null(result_of(report, "gitops", "blocker", ""));
        assert_null(result_of(report, "copies", "blocker", ""));
    }
}

static void an_owner_that_needs_rights_says_which(void **state)
{
    (void)state;
    struct sides s;
    sides_up(&s);
    flux_read_only(&s);
    cf_autojson json_t *report = preflight(&s, WEB PLAN_DATA(""));
    const json_t *row = result_of(report, "gitops", "blocker", "patched");
    assert_string_equal(cf_json_str(row, "", "command", NULL),
                        "crossfade cluster rbac --side volumes");
    assert_string_equal(cf_json_str(row, "", "evidence", "of", NULL), "StatefulSet db");
    sides_down(&s);
}

/* ---- the page ---- */

#define PAGE "docs/volumes-refused.md"

enum { PAGE_MAX = 256 * 1024, REFUSED_AT_LEAST = 60 };

/* What a server of a test says at the end of a message is nobody's words. */
static void cell(const char *text, struct cf_buf *out)
{
    const char *end = strstr(text, ": as the test asked");
    for (const char *p = text; *p && p != end; p++)
        cf_buf_printf(out, *p == '|' ? "\\|" : "%c", *p);
}

static void row_of(const char *what, const char *level, const char *says, const char *hint,
                   struct cf_buf *out, size_t *io_refused)
{
    assert_true(strlen(says) > 5 && strlen(hint) > 5);
    *io_refused += strcmp(level, "blocker") == 0;
    cf_buf_printf(out, "| `%s` | %s | ", what,
                  strcmp(level, "blocker") == 0 ? "refused" : "warning");
    cell(says, out);
    cf_buf_puts(out, " | ");
    cell(hint, out);
    cf_buf_puts(out, " |\n");
}

static void head_of(const char *title, struct cf_buf *out)
{
    cf_buf_printf(out, "\n## %s\n\n| | | for example | what to change |\n|---|---|---|---|\n",
                  title);
}

/* Of the plan alone: combinations, not words and figures that no field takes. */
static bool is_about_data(const json_t *issue)
{
    static const char *const codes[] = { "CONFLICTING_FIELDS", "REQUIRED", "DANGLING_NAME" };
    static const char *const parts[] = { "/spec/volumes", "/spec/traffic/writers",
                                         "/spec/rollback/targetData" };
    const char *code = cf_json_str(issue, "", "code", NULL);
    const char *pointer = cf_json_str(issue, "", "pointer", NULL);
    bool combination = false, data = false;
    for (size_t i = 0; i < CF_ARRAY_LEN(codes); i++)
        combination |= strcmp(codes[i], code) == 0;
    for (size_t i = 0; i < CF_ARRAY_LEN(parts); i++)
        data |= strncmp(parts[i], pointer, strlen(parts[i])) == 0;
    return combination && (data || strstr(cf_json_str(issue, "", "detail", NULL), "freeze"));
}

static void put_plan_rows(struct cf_buf *out, size_t *io_refused)
{
    cf_autojson json_t *data = cf_test_read_json(CF_TEST_WRONG_PLANS);
    cf_autojson json_t *seen = json_object();
    size_t i, k;
    json_t *c, *issue;
    head_of("In the plan", out);
    json_array_foreach(json_object_get(data, "cases"), i, c)
    {
        json_array_foreach(json_object_get(c, "issues"), k, issue)
        {
            const char *detail = cf_json_str(issue, "", "detail", NULL);
            if (!is_about_data(issue) || json_object_get(seen, detail))
                continue;
            json_object_set_new(seen, detail, json_true());
            row_of(cf_json_str(issue, "", "pointer", NULL) + 1, "blocker", detail,
                   cf_json_str(issue, "", "hint", NULL), out, io_refused);
        }
    }
}

static void put_case_rows(const char *title, const char *id, struct cf_buf *out, size_t *io_refused)
{
    head_of(title, out);
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        bool blocks = strcmp(cases[i].level, "blocker") == 0;
        if (strcmp(cases[i].id, id) != 0 || (!blocks && strcmp(cases[i].level, "warning") != 0) ||
            cases[i].change == no_velero || cases[i].change == claim_in_target) /* rules, below */
            continue;
        const json_t *row = tell(i, NULL);
        row_of(cases[i].name, cases[i].level, cf_json_str(row, "", "message", NULL),
               cf_json_str(row, "", "hint", NULL), out, io_refused);
    }
}

/* A request that breaks the rule; new reference. */
static json_t *broken(const struct cf_check_rule *rule)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *base = cf_test_json(cf_test_velero_good);
    json_t *claims = json_object_get(base, "claims");
    for (size_t i = 0; i < CF_ARRAY_LEN(cf_test_velero_broken); i++) {
        if (strcmp(cf_test_velero_broken[i].rule, rule->id) != 0)
            continue;
        cf_autofree char *text = cf_xasprintf("[%s]", cf_test_velero_broken[i].patch);
        cf_autojson json_t *operations = cf_test_json(text);
        return cf_json_patch_apply(base, operations, &err);
    }
    /* One rule is about their number. */
    while (json_array_size(claims) <= CF_VELERO_CLAIMS_MAX)
        json_array_append(claims, json_array_get(claims, 0));
    return json_incref(base);
}

/* What a rule says of its first case. */
static void put_rule(const struct cf_check_rule *rule, struct cf_buf *out, size_t *io_refused)
{
    cf_autojson json_t *request = broken(rule);
    cf_autojson json_t *findings = json_array();
    cf_velero_check(request, findings);
    const json_t *finding = cf_json_named(findings, "rule", rule->id);
    if (!finding)
        fail_msg("nothing breaks the rule %s", rule->id);
    row_of(rule->id, rule->level, cf_json_str(finding, "", "message", NULL), rule->hint, out,
           io_refused);
}

static void the_page_says_what_the_tables_say(void **state)
{
    (void)state;
    CF_CLEANUP(cf_buf_free) struct cf_buf rows = CF_BUF_INIT(PAGE_MAX);
    size_t refused = 0;
    put_plan_rows(&rows, &refused);
    put_case_rows("In the source, against the plan (check `volumes`)", "volumes", &rows, &refused);
    put_case_rows("Who writes (check `copies`)", "copies", &rows, &refused);
    put_case_rows("Who keeps the writers (check `gitops`)", "gitops", &rows, &refused);
    head_of("Velero, storage and claims of both clusters (check `volumes`)", &rows);
    for (const struct cf_check_rule *r = cf_check_side_rules; r->id; r++)
        put_rule(r, &rows, &refused);
    for (const struct cf_check_rule *r = cf_check_claim_rules; r->id; r++)
        put_rule(r, &rows, &refused);
    assert_true(refused >= REFUSED_AT_LEAST);
    cf_autofree char *page = cf_xasprintf(
        "<!-- Produced from the tables of the rules; do not edit. CROSSFADE_UPDATE=1 unit_preflight_checks_volumes writes it. -->\n"
        "# What is refused of plans that move data\n\n"
        "%zu combinations that cannot work are refused before anything is written, by the plan's validation or by "
        "`crossfade preflight`. See [volumes](volumes.md).\n%s",
        refused, cf_buf_str(&rows));
    assert_false(rows.overflow);
    if (getenv("CROSSFADE_UPDATE")) {
        FILE *f = fopen(CF_SOURCE_DIR "/" PAGE, "wb");
        assert_non_null(f);
        fputs(page, f);
        fclose(f);
    }
    cf_autofree char *is = cf_test_read_file(PAGE, NULL);
    if (strcmp(is, page) != 0)
        fail_msg("%s is not what the tables say; run this test with CROSSFADE_UPDATE=1", PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_blocks_data_that_can_move),
        cmocka_unit_test(each_case_is_found_with_what_to_change),
        cmocka_unit_test(an_owner_that_needs_rights_says_which),
        cmocka_unit_test(the_page_says_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
