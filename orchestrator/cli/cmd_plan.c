/* SPDX-License-Identifier: Apache-2.0 */
/* Plans kept by the service. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "base/yaml.h"
#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/plan_file.h"
#include "orchestrator/plan/plan.h"

#define PLANS "/api/v1/plans/"

enum { PATH_MAX_BYTES = 8192, REPORT_MAX = 1024 * 1024 };

static const struct cf_column columns[] = {
    { "NAME", "/name", false },     { "REVISION", "/revision", false },
    { "RUNS", "/runs", false },     { "LAST RUN", "/lastRun/name /lastRun", false },
    { "AUTHOR", "/author", false }, { "CHANGED", "/updatedAt /createdAt", false },
    { "DIGEST", "/digest", true },  { .title = NULL },
};

/* metadata.name of the file; NULL after every mistake was printed. Caller frees. */
static char *name_of(const struct cf_plan_file *file)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *tree = cf_yaml_parse(file->text, file->len, 0, NULL, &err);
    const char *name = cf_json_str(tree, NULL, "metadata", "name", NULL);
    if (name)
        return cf_xstrdup(name);
    CF_CLEANUP(cf_plan_issues_free) struct cf_plan_issues issues = CF_PLAN_ISSUES_INIT;
    CF_CLEANUP(cf_plan_free_p) struct cf_plan *plan = NULL;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(REPORT_MAX);
    (void)!cf_plan_decode(file->text, file->len, file->is_json ? CF_PLAN_JSON : CF_PLAN_YAML, &plan,
                          NULL, &issues);
    cf_plan_issues_text(&issues, file->shown, &out);
    fputs(cf_buf_str(&out), stderr);
    return NULL;
}

/* The ETag to change: what --if-revision says, else what is there now; "" when there is no plan
 * yet. */
static int etag_of(const struct cf_cli *cli, struct cf_client *client, const char *path, char *etag,
                   size_t size)
{
    const char *wanted = cf_arg(cli, "if-revision");
    if (wanted) {
        snprintf(etag, size, strcmp(wanted, "0") == 0 ? "" : "\"%s\"", wanted);
        return CF_EXIT_OK;
    }
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    if (!cf_client_call(client, &(struct cf_ask){ .path = path }, &a, &err))
        return cf_fail(&err);
    if (a.status == 200 || a.status == 404) {
        snprintf(etag, size, "%s", a.status == 200 ? a.etag : "");
        return CF_EXIT_OK;
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(REPORT_MAX);
    cf_problem_text(a.json, a.status, NULL, &text);
    fputs(cf_buf_str(&text), stderr);
    return cf_exit_of_status(a.status);
}

static void print_warnings(const json_t *plan, const char *file)
{
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_at(plan, "warnings", NULL), i, w)
    {
        fprintf(stderr, "%s:%lld:%lld: warning: %s: %s\n", file,
                (long long)cf_json_int(w, 0, "line", NULL),
                (long long)cf_json_int(w, 0, "column", NULL), cf_json_str(w, "", "pointer", NULL),
                cf_json_str(w, "", "detail", NULL));
    }
}

static int apply(const struct cf_cli *cli, struct cf_client *client,
                 const struct cf_plan_file *file, const char *name)
{
    char etag[80] = "";
    bool dry_run = cf_arg_given(cli, "dry-run");
    cf_autofree char *path = cf_path(PLANS, name, NULL);
    cf_autofree char *target = cf_path(PLANS, name, dry_run ? "?dryRun=true" : "");
    int code = etag_of(cli, client, path, etag, sizeof etag);
    if (code)
        return code;
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    struct cf_ask ask = {
        .method = "PUT",
        .path = target,
        .text = file->text,
        .text_len = file->len,
        .content_type = cf_plan_file_media(file),
        .if_match = *etag ? etag : NULL,
        .if_none_match = *etag ? NULL : "*",
        .file = file->path,
    };
    code = cf_ask(client, &ask, &a);
    if (code)
        return code;
    print_warnings(a.json, file->shown);
    if (cf_print_data(cli, a.json))
        return CF_EXIT_OK;
    if (cf_format_of(cli) == CF_FORMAT_NAME)
        puts(name);
    else
        printf("plan %s revision %lld%s\n", name,
               (long long)cf_json_int(a.json, 0, "revision", NULL),
               dry_run           ? " (dry run: nothing was written)"
               : a.status == 201 ? " created"
                                 : "");
    if (!dry_run)
        cf_note(cli, "Next: crossfade preflight %s, or crossfade run start %s --watch", name, name);
    return CF_EXIT_OK;
}

int cf_cmd_plan_apply(struct cf_cli *cli)
{
    CF_CLEANUP(cf_plan_file_free) struct cf_plan_file file = { 0 };
    int code = cf_plan_file_read(cli, cf_operand(cli, 0), &file);
    if (code)
        return code;
    cf_autofree char *name = name_of(&file);
    if (!name)
        return CF_EXIT_INVALID;
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    code = cf_client_of(cli, &client);
    return code ? code : apply(cli, &client, &file, name);
}

/* Which resource of the plan is asked for. Caller frees. */
static char *plan_resource(const struct cf_cli *cli)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf rest = CF_BUF_INIT(PATH_MAX_BYTES);
    const char *revision = cf_arg(cli, "revision");
    if (cf_arg_given(cli, "effective")) {
        cf_buf_puts(&rest, "/effective");
        cf_path_query(&rest, "revision", revision);
    } else if (revision) {
        cf_autofree char *one = cf_path("/revisions/", revision, NULL);
        cf_buf_puts(&rest, one);
    } else if (cf_arg_given(cli, "document")) {
        cf_buf_puts(&rest, "?form=document");
    }
    return cf_path(PLANS, cli->operands[0], cf_buf_str(&rest));
}

int cf_cmd_plan_get(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    bool whole = cf_arg_given(cli, "document") && !cf_arg_given(cli, "revision");
    bool effective = cf_arg_given(cli, "effective");
    cf_autofree char *path = plan_resource(cli);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(
            &client,
            &(struct cf_ask){ .path = path,
                              .accept = whole ? "application/yaml, application/json" : NULL },
            &a);
    if (code)
        return code;
    if (whole) {
        fputs(a.text, stdout);
        return CF_EXIT_OK;
    }
    if (effective && cf_format_of(cli) != CF_FORMAT_JSON) {
        cf_autofree char *text = cf_yaml_dump(a.json);
        fputs(text, stdout);
        return CF_EXIT_OK;
    }
    return cf_print_one(cli, a.json, columns, "/name");
}

/* --limit as a number, 0: all. */
static bool limit_of(const struct cf_cli *cli, size_t *out, struct cf_error *err)
{
    int64_t n = 0;
    const char *text = cf_arg(cli, "limit");
    if (text && !cf_int_parse(text, 1, 1000000, &n, err))
        return cf_error_wrap(err, "--limit");
    *out = (size_t)n;
    return true;
}

int cf_cmd_plan_list(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf path = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_autojson json_t *items = NULL;
    size_t limit;
    if (!limit_of(cli, &limit, &err))
        return cf_usage_error(cli, "%s", err.message);
    cf_buf_puts(&path, "/api/v1/plans");
    cf_path_query(&path, "q", cf_arg(cli, "query"));
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask_list(&client, cf_buf_str(&path), limit, &items);
    return code ? code : cf_print_list(cli, items, columns, "/name");
}

int cf_cmd_plan_delete(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    cf_autofree char *path = cf_path(PLANS, cli->operands[0], NULL);
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client,
                      &(struct cf_ask){ .method = "DELETE", .path = path, .if_match = "*" }, &a);
    if (!code)
        cf_note(cli, "plan %s deleted", cli->operands[0]);
    return code;
}

/* One write of a preview: "east: patch VirtualService web/web", and the patch below it. */
static void print_write(const json_t *w)
{
    const json_t *ref = cf_json_at(w, "ref", NULL);
    const json_t *what = cf_json_at(w, "patch", NULL);
    if (!what)
        what = cf_json_at(w, "body", NULL);
    CF_CLEANUP(cf_buf_free) struct cf_buf name = CF_BUF_INIT(PATH_MAX_BYTES);
    if (json_is_object(ref))
        cf_buf_printf(&name, "%s %s/%s", cf_json_str(ref, "", "kind", NULL),
                      cf_json_str(ref, "", "namespace", NULL), cf_json_str(ref, "", "name", NULL));
    else
        cf_cell(ref, &name);
    printf("%s: %s %s", cf_json_str(w, "", "cluster", NULL), cf_json_str(w, "", "verb", NULL),
           cf_buf_str(&name));
    const char *note = cf_json_str(w, "", "note", NULL);
    int64_t wave = cf_json_int(w, 0, "wave", NULL);
    if (wave > 0)
        printf("  # wave %lld%s%s\n", (long long)wave, *note ? ": " : "", note);
    else
        printf("%s%s\n", *note ? "  # " : "", note);
    if (!what)
        return;
    cf_autofree char *text = cf_yaml_dump(what);
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        printf("    %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static void print_change(const json_t *c)
{
    const json_t *from = cf_json_at(c, "from", NULL), *to = cf_json_at(c, "to", NULL);
    CF_CLEANUP(cf_buf_free)
    struct cf_buf old = CF_BUF_INIT(PATH_MAX_BYTES), new = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_cell(from, &old);
    cf_cell(to, &new);
    printf("%s\n", cf_json_str(c, "", "pointer", NULL));
    if (from)
        printf("  - %s\n", cf_buf_str(&old));
    if (to)
        printf("  + %s\n", cf_buf_str(&new));
}

int cf_cmd_plan_diff(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    CF_CLEANUP(cf_buf_free) struct cf_buf rest = CF_BUF_INIT(PATH_MAX_BYTES);
    cf_buf_puts(&rest, "/diff");
    cf_path_query(&rest, "against", cf_arg(cli, "against"));
    cf_path_query(&rest, "revision", cf_arg(cli, "revision"));
    cf_autofree char *path = cf_path(PLANS, cli->operands[0], cf_buf_str(&rest));
    int code = cf_client_of(cli, &client);
    if (!code)
        code = cf_ask(&client, &(struct cf_ask){ .path = path }, &a);
    if (code)
        return code;
    const json_t *writes = cf_json_at(a.json, "writes", NULL),
                 *changes = cf_json_at(a.json, "changes", NULL);
    const char *digest = cf_json_str(a.json, NULL, "digest", NULL);
    bool differs = json_array_size(writes) > 0 || json_array_size(changes) > 0;
    size_t i;
    json_t *item;
    if (!cf_print_data(cli, a.json)) {
        json_array_foreach(writes, i, item) print_write(item);
        json_array_foreach(changes, i, item) print_change(item);
        json_array_foreach(cf_json_at(a.json, "notes", NULL), i, item)
            cf_note(cli, "note: %s", json_string_value(item) ? json_string_value(item) : "");
        if (!differs)
            cf_note(cli, "No differences.");
        if (digest)
            cf_note(cli, "Digest %s\nNext: crossfade run start %s --diff %s", digest,
                    cli->operands[0], digest);
    }
    return differs ? CF_EXIT_FAILURE : CF_EXIT_OK;
}
