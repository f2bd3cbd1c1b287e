/* SPDX-License-Identifier: Apache-2.0 */
/* Plans without the service: a first one, judging a file, what the document may hold. */
#include <string.h>

#include "base/yaml.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/plan_file.h"
#include "orchestrator/plan/plan.h"

enum { REPORT_MAX = 1024 * 1024 };

int cf_cmd_plan_init(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *from = cf_arg(cli, "from"), *to = cf_arg(cli, "to"),
               *router = cf_arg(cli, "router");
    if (!from || !to)
        return cf_usage_error(cli, "--from CLUSTER/NAMESPACE and --to CLUSTER are needed");
    const char *slash = router ? strchr(router, '/') : NULL;
    if (router && !slash)
        return cf_usage_error(cli, "--router takes TYPE/NAME, as in virtualService/web");
    cf_autofree char *type = router ? cf_xstrndup(router, (size_t)(slash - router)) : NULL;
    cf_autofree char *text = cf_plan_init_text(from, to, type, slash ? slash + 1 : NULL, &err);
    if (!text)
        return cf_fail(&err);
    fputs(text, stdout);
    return CF_EXIT_OK;
}

int cf_cmd_plan_lint(struct cf_cli *cli)
{
    CF_CLEANUP(cf_plan_file_free) struct cf_plan_file file = { 0 };
    int code = cf_plan_file_read(cli, cf_operand(cli, 0), &file);
    if (code)
        return code;
    CF_CLEANUP(cf_plan_issues_free) struct cf_plan_issues issues = CF_PLAN_ISSUES_INIT;
    CF_CLEANUP(cf_plan_free_p) struct cf_plan *plan = NULL;
    bool ok = cf_plan_decode(file.text, file.len, file.is_json ? CF_PLAN_JSON : CF_PLAN_YAML, &plan,
                             NULL, &issues);
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(REPORT_MAX);
    cf_plan_issues_text(&issues, file.shown, &out);
    fputs(cf_buf_str(&out), stderr);
    if (!ok)
        return CF_EXIT_INVALID;
    if (cf_arg_given(cli, "effective")) {
        cf_autofree char *text = cf_yaml_dump(plan->effective);
        fputs(text, stdout);
    } else {
        fprintf(stderr, "%s: %s is in order (digest %.12s). Next: crossfade plan apply -f %s\n",
                file.shown, plan->name, plan->digest, file.path);
    }
    return CF_EXIT_OK;
}

int cf_cmd_plan_schema(struct cf_cli *cli)
{
    (void)cli;
    cf_autojson json_t *schema = cf_plan_json_schema();
    cf_autofree char *text = cf_json_dump_pretty(schema);
    puts(text);
    return CF_EXIT_OK;
}

int cf_cmd_plan_reference(struct cf_cli *cli)
{
    (void)cli;
    cf_autofree char *text = cf_plan_reference_markdown();
    fputs(text, stdout);
    return CF_EXIT_OK;
}
