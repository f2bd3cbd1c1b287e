/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and the machine-readable forms. */
#include "orchestrator/cli/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"

enum { CELL_MAX = 4096, COLUMNS_MAX = 24 };

enum cf_format cf_format_of(const struct cf_cli *cli)
{
    static const struct {
        const char *name;
        enum cf_format format;
    } rows[] = {
        { "wide", CF_FORMAT_WIDE }, { "json", CF_FORMAT_JSON }, { "yaml", CF_FORMAT_YAML },
        { "name", CF_FORMAT_NAME }, { "tree", CF_FORMAT_TREE },
    };
    const char *given = cf_arg(cli, "output");
    for (size_t i = 0; given && i < CF_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, given) == 0)
            return rows[i].format;
    return CF_FORMAT_TABLE;
}

bool cf_use_color(const struct cf_cli *cli)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0) &&
           !cf_arg_given(cli, "no-color");
}

void cf_cell(const json_t *value, struct cf_buf *out)
{
    size_t i;
    json_t *item;
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        cf_buf_puts(out, json_string_length(value) ? json_string_value(value) : "-");
        break;
    case JSON_TRUE:
        cf_buf_puts(out, "yes");
        break;
    case JSON_FALSE:
        cf_buf_puts(out, "no");
        break;
    case JSON_NULL:
        cf_buf_puts(out, "-");
        break;
    case JSON_ARRAY:
        json_array_foreach(value, i, item)
        {
            cf_buf_puts(out, i ? "," : "");
            cf_cell(item, out);
        }
        if (json_array_size(value) == 0)
            cf_buf_puts(out, "-");
        break;
    default: {
        cf_autofree char *text = cf_json_dump(value);
        cf_buf_puts(out, text);
    }
    }
}

/* The first of the alternatives that is there. */
static const json_t *find(const json_t *item, const char *pointers)
{
    while (*pointers) {
        size_t len = strcspn(pointers, " ");
        cf_autofree char *one = cf_xstrndup(pointers, len);
        const json_t *value = cf_json_pointer(item, one);
        if (value && !json_is_null(value))
            return value;
        pointers += len + (pointers[len] == ' ');
    }
    return NULL;
}

static char *cell_text(const json_t *item, const struct cf_column *column)
{
    struct cf_buf b = CF_BUF_INIT(CELL_MAX);
    cf_cell(find(item, column->pointer), &b);
    return cf_buf_take(&b);
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void put_padded(struct cf_buf *out, const char *text, size_t width, bool is_last)
{
    cf_buf_puts(out, text);
    if (is_last)
        return;
    for (size_t n = width_of(text); n < width + 2; n++)
        cf_buf_putc(out, ' ');
}

void cf_table(const json_t *items, const struct cf_column *columns, bool wide, bool headers,
              struct cf_buf *out)
{
    const struct cf_column *shown[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX], n = 0;
    for (const struct cf_column *c = columns; c->title; c++) {
        if (c->wide && !wide)
            continue;
        cf_assert(n < COLUMNS_MAX);
        widths[n] = headers ? width_of(c->title) : 0;
        shown[n++] = c;
    }
    size_t rows = json_array_size(items);
    char **cells = cf_xcalloc(rows * n + 1, sizeof *cells);
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < n; k++) {
            cells[r * n + k] = cell_text(json_array_get(items, r), shown[k]);
            widths[k] = CF_MAX(widths[k], width_of(cells[r * n + k]));
        }
    for (size_t k = 0; headers && k < n; k++)
        put_padded(out, shown[k]->title, widths[k], k + 1 == n);
    if (headers)
        cf_buf_putc(out, '\n');
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < n; k++) {
            put_padded(out, cells[r * n + k], widths[k], k + 1 == n);
            free(cells[r * n + k]);
        }
        cf_buf_putc(out, '\n');
    }
    free(cells);
}

void cf_fields(const json_t *object, const struct cf_column *columns, struct cf_buf *out)
{
    size_t width = 0;
    for (const struct cf_column *c = columns; c->title; c++)
        width = CF_MAX(width, width_of(c->title));
    for (const struct cf_column *c = columns; c->title; c++) {
        if (!find(object, c->pointer))
            continue;
        cf_autofree char *text = cell_text(object, c);
        put_padded(out, c->title, width, false);
        cf_buf_printf(out, "%s\n", text);
    }
}

bool cf_print_data(const struct cf_cli *cli, const json_t *data)
{
    enum cf_format format = cf_format_of(cli);
    if (format != CF_FORMAT_JSON && format != CF_FORMAT_YAML)
        return false;
    cf_autofree char *text =
        format == CF_FORMAT_JSON ? cf_json_dump_pretty(data) : cf_yaml_dump(data);
    size_t len = strlen(text);
    fputs(text, stdout);
    if (len == 0 || text[len - 1] != '\n')
        putchar('\n');
    return true;
}

int cf_print_list(const struct cf_cli *cli, const json_t *items, const struct cf_column *columns,
                  const char *name)
{
    cf_autojson json_t *list = json_pack("{s:O}", "items", items);
    if (cf_print_data(cli, list))
        return CF_EXIT_OK;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
    enum cf_format format = cf_format_of(cli);
    if (format == CF_FORMAT_NAME) {
        const struct cf_column names[] = { { "NAME", name, false }, { .title = NULL } };
        cf_table(items, names, false, false, &out);
    } else {
        cf_table(items, columns, format == CF_FORMAT_WIDE, !cf_arg_given(cli, "no-headers"), &out);
    }
    if (json_array_size(items) == 0 && format != CF_FORMAT_NAME)
        cf_note(cli, "There are none.");
    else
        fputs(cf_buf_str(&out), stdout);
    return CF_EXIT_OK;
}

int cf_print_one(const struct cf_cli *cli, const json_t *object, const struct cf_column *columns,
                 const char *name)
{
    if (cf_print_data(cli, object))
        return CF_EXIT_OK;
    CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_OUTPUT_MAX);
    if (cf_format_of(cli) == CF_FORMAT_NAME) {
        cf_cell(find(object, name), &out);
        cf_buf_putc(&out, '\n');
    } else {
        cf_fields(object, columns, &out);
    }
    fputs(cf_buf_str(&out), stdout);
    return CF_EXIT_OK;
}
