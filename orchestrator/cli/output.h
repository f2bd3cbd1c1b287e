/* SPDX-License-Identifier: Apache-2.0 */
/* Printing what the service answered: tables, JSON, YAML, names. Rendering is pure; printing goes
 * to stdout. */
#ifndef CF_CLI_OUTPUT_H
#define CF_CLI_OUTPUT_H

#include "base/buf.h"
#include "base/json.h"
#include "orchestrator/cli/command.h"

enum cf_format {
    CF_FORMAT_TABLE,
    CF_FORMAT_WIDE,
    CF_FORMAT_JSON,
    CF_FORMAT_YAML,
    CF_FORMAT_NAME,
    CF_FORMAT_TREE
};
enum cf_format cf_format_of(const struct cf_cli *cli);

struct cf_column {
    const char *title;
    const char *pointer; /* RFC 6901 into an item; alternatives separated by a space */
    bool wide;           /* only with -o wide */
};

enum { CF_OUTPUT_MAX = 64 * 1024 * 1024 };

/* An array of objects as aligned columns; `columns` ends with a row without a title. */
void cf_table(const json_t *items, const struct cf_column *columns, bool wide, bool headers,
              struct cf_buf *out);
/* One object as "title: value" lines. */
void cf_fields(const json_t *object, const struct cf_column *columns, struct cf_buf *out);
/* A value as a cell: text, number, yes/no, lists with commas, "-" for nothing. */
void cf_cell(const json_t *value, struct cf_buf *out);

/* Prints in the asked form; `columns` for tables, `name` is the pointer of an item's name. Return
 * CF_EXIT_OK. */
int cf_print_list(const struct cf_cli *cli, const json_t *items, const struct cf_column *columns,
                  const char *name);
int cf_print_one(const struct cf_cli *cli, const json_t *object, const struct cf_column *columns,
                 const char *name);
/* As JSON or YAML only; false when another form was asked for. */
bool cf_print_data(const struct cf_cli *cli, const json_t *data);

/* Whether stdout is a terminal that may be coloured. */
bool cf_use_color(const struct cf_cli *cli);

/* Rows of MemberList (cmd_members.c). */
extern const struct cf_column cf_member_columns[];

#endif
