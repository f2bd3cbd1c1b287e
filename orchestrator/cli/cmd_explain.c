/* SPDX-License-Identifier: Apache-2.0 */
/* Why each object is copied: as tables, or as the tree of what brought what. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/cli/client.h"
#include "orchestrator/cli/handlers.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/plan_file.h"
#include "orchestrator/cli/terminal.h"

enum { TEXT_MAX_BYTES = 8 * 1024 * 1024, DEPTH_MAX = 16, CODE_BLOCKED = CF_EXIT_INVALID };

static const struct cf_column of_objects[] = {
    { "OBJECT", "/object", false },      { "WHY", "/why", false },
    { "START", "/start", true },         { "WAVE", "/wave", true },
    { "ORDER", "/order", true },         { "FROM", "/from", true },
    { "IF THERE", "/onConflict", true }, { "API", "/apiVersion", true },
    { "NAMESPACE", "/namespace", true }, { .title = NULL },
};
/* Where a plan has several waves. */
static const struct cf_column of_waves[] = {
    { "WAVE", "/wave", false },
    { "OBJECT", "/object", false },
    { "WHY", "/why", false },
    { "START", "/start", true },
    { "ORDER", "/order", true },
    { "FROM", "/from", true },
    { "IF THERE", "/onConflict", true },
    { "API", "/apiVersion", true },
    { "NAMESPACE", "/namespace", true },
    { .title = NULL },
};
static const struct cf_column of_required[] = {
    { "THE TARGET MUST HAVE", "/object", false },
    { "WHY", "/why", false },
    { "IF MISSING", "/level", true },
    { "NAMESPACE", "/namespace", true },
    { .title = NULL },
};
static const struct cf_column of_skipped[] = {
    { "NOT COPIED", "/object", false },
    { "WHY", "/why", false },
    { .title = NULL },
};
static const struct cf_column of_notes[] = {
    { "LEVEL", "/level", false },     { "CODE", "/code", true }, { "FINDING", "/message", false },
    { "WHAT TO DO", "/hint", false }, { .title = NULL },
};

/* --- the tree --- */

struct drawing {
    const json_t *objects;
    struct cf_buf *out;
    bool ascii;
    bool waves; /* the plan has several */
};

/* Whether the object that brought this one is copied too. */
static bool has_parent(const struct drawing *d, const json_t *object)
{
    const char *from = cf_json_str(object, "", "from", NULL);
    size_t i;
    json_t *o;
    json_array_foreach(d->objects, i, o)
    {
        if (*from && strcmp(cf_json_str(o, "", "object", NULL), from) == 0)
            return true;
    }
    return false;
}

static bool is_child(const struct drawing *d, const json_t *object, const char *parent)
{
    if (!*parent)
        return !has_parent(d, object);
    return strcmp(cf_json_str(object, "", "from", NULL), parent) == 0;
}

static void draw(const struct drawing *d, const char *parent, const char *indent, int depth)
{
    size_t i, left = 0;
    json_t *o;
    json_array_foreach(d->objects, i, o)
    {
        left += is_child(d, o, parent);
    }
    json_array_foreach(d->objects, i, o)
    {
        if (depth > DEPTH_MAX || !is_child(d, o, parent))
            continue;
        bool last = --left == 0, root = !*parent;
        const char *name = cf_json_str(o, "", "object", NULL);
        const char *branch = root ? "" : d->ascii ? (last ? "`- " : "|- ") : last ? "└─ " : "├─ ";
        const char *bar = root ? "" : last ? "   " : d->ascii ? "|  " : "│  ";
        cf_buf_printf(d->out, "%s%s%s  (%s)", indent, branch, name,
                      cf_json_str(o, "", "why", NULL));
        if (d->waves)
            cf_buf_printf(d->out, "  wave %lld", (long long)cf_json_int(o, 1, "wave", NULL));
        cf_buf_putc(d->out, '\n');
        cf_autofree char *deeper = cf_xasprintf("%s%s", indent, bar);
        draw(d, name, deeper, depth + 1);
    }
}

/* --- all of it --- */

static void print_rows(const struct cf_cli *cli, const json_t *rows,
                       const struct cf_column *columns, struct cf_buf *out)
{
    if (json_array_size(rows) == 0)
        return;
    if (out->len)
        cf_buf_putc(out, '\n');
    cf_table(rows, columns, cf_format_of(cli) == CF_FORMAT_WIDE, !cf_arg_given(cli, "no-headers"),
             out);
}

/* "12 ConfigMap, 3 Secret": nothing that is copied asked for them. */
static void print_unrelated(const struct cf_cli *cli, const json_t *unrelated)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(4096);
    const char *kind;
    json_t *n;
    json_object_foreach(cf_json_unconst(unrelated), kind, n)
    {
        cf_buf_printf(&text, "%s%lld %s", text.len ? ", " : "", (long long)json_integer_value(n),
                      kind);
    }
    if (text.len)
        cf_note(cli, "Nothing that is copied asks for: %s.", cf_buf_str(&text));
}

static bool has_waves(const json_t *objects)
{
    size_t n = json_array_size(objects); /* they are in order */
    return n > 0 && cf_json_int(json_array_get(objects, n - 1), 1, "wave", NULL) > 1;
}

static bool is_blocked(const json_t *notes)
{
    size_t i;
    json_t *note;
    json_array_foreach(notes, i, note)
    {
        if (strcmp(cf_json_str(note, "", "level", NULL), "blocker") == 0)
            return true;
    }
    return false;
}

static int print(const struct cf_cli *cli, const json_t *e)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(TEXT_MAX_BYTES);
    const json_t *objects = cf_json_at(e, "objects", NULL), *notes = cf_json_at(e, "notes", NULL);
    struct drawing d = { objects, &out, !cf_terminal_is_utf8(), has_waves(objects) };
    int code = is_blocked(notes) ? CODE_BLOCKED : CF_EXIT_OK;
    if (cf_print_data(cli, e))
        return code;
    if (cf_format_of(cli) == CF_FORMAT_NAME) {
        cf_print_list(cli, objects, of_objects, "/object");
        return code;
    }
    if (cf_format_of(cli) == CF_FORMAT_TREE)
        draw(&d, "", "", 0);
    else
        print_rows(cli, objects, has_waves(objects) ? of_waves : of_objects, &out);
    print_rows(cli, cf_json_at(e, "required", NULL), of_required, &out);
    print_rows(cli, cf_json_at(e, "skipped", NULL), of_skipped, &out);
    print_rows(cli, notes, of_notes, &out);
    fputs(cf_buf_str(&out), stdout);
    print_unrelated(cli, cf_json_at(e, "unrelated", NULL));
    return code;
}

static int ask_stored(const struct cf_cli *cli, struct cf_client *client, struct cf_answer *out)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf rest = CF_BUF_INIT(256);
    cf_buf_puts(&rest, "/explain");
    cf_path_query(&rest, "revision", cf_arg(cli, "revision"));
    cf_autofree char *path = cf_path("/api/v1/plans/", cli->operands[0], cf_buf_str(&rest));
    int code = cf_client_of(cli, client);
    return code ? code : cf_ask(client, &(struct cf_ask){ .path = path }, out);
}

static int ask_file(const struct cf_cli *cli, struct cf_client *client, struct cf_answer *out)
{
    CF_CLEANUP(cf_plan_file_free) struct cf_plan_file file = { 0 };
    int code = cf_plan_file_read(cli, NULL, &file);
    if (!code)
        code = cf_client_of(cli, client);
    return code ? code
                : cf_ask(client,
                         &(struct cf_ask){ .method = "POST",
                                           .path = "/api/v1/explain",
                                           .text = file.text,
                                           .text_len = file.len,
                                           .content_type = cf_plan_file_media(&file),
                                           .file = file.path },
                         out);
}

int cf_cmd_plan_explain(struct cf_cli *cli)
{
    CF_CLEANUP(cf_client_close) struct cf_client client = { 0 };
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    bool stored = cf_operand(cli, 0) != NULL;
    if (stored && cf_arg_given(cli, "file"))
        return cf_usage_error(cli, "a stored plan or --file, not both");
    int code = stored ? ask_stored(cli, &client, &a) : ask_file(cli, &client, &a);
    return code ? code : print(cli, a.json);
}
