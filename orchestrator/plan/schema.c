/* SPDX-License-Identifier: Apache-2.0 */
/* Finding rows: paths are compared as texts, the table is small. See schema.h. */
#include "orchestrator/plan/schema.h"

#include <string.h>

#include "base/mem.h"

static const struct cf_schema_row *const sections[] = {
    cf_schema_head,    cf_schema_workloads, cf_schema_volumes,
    cf_schema_traffic, cf_schema_gates,     cf_schema_tail,
};

const struct cf_schema_row *cf_schema_root(void)
{
    return cf_schema_head;
}

const struct cf_schema_row *cf_schema_next(const struct cf_schema_row *row)
{
    if (!row)
        return cf_schema_root();
    if ((++row)->path)
        return row;
    /* The end of a section: pointers into different arrays cannot be ordered, so the section is
     * found by its end. */
    for (size_t i = 0; i + 1 < CF_ARRAY_LEN(sections); i++) {
        const struct cf_schema_row *end = sections[i];
        while (end->path)
            end++;
        if (end == row)
            return sections[i + 1];
    }
    return NULL;
}

static bool is_child(const struct cf_schema_row *parent, const struct cf_schema_row *row)
{
    size_t n = strlen(parent->path);
    return strncmp(row->path, parent->path, n) == 0 && row->path[n] == '/' &&
           !strchr(row->path + n + 1, '/') && !strchr(row->path + n + 1, '=');
}

const struct cf_schema_row *cf_schema_next_child(const struct cf_schema_row *parent,
                                                 const struct cf_schema_row *last)
{
    const struct cf_schema_row *row = last ? last : parent;
    while ((row = cf_schema_next(row)))
        if (is_child(parent, row))
            return row;
    return NULL;
}

const struct cf_schema_row *cf_schema_child(const struct cf_schema_row *parent, const char *key)
{
    const struct cf_schema_row *row = NULL;
    while ((row = cf_schema_next_child(parent, row)))
        if (strcmp(cf_schema_key(row), key) == 0)
            return row;
    return NULL;
}

const char *cf_schema_key(const struct cf_schema_row *row)
{
    const char *slash = strrchr(row->path, '/');
    return slash ? slash + 1 : "";
}

const char *cf_schema_word_note(const struct cf_schema_row *row, const char *word)
{
    size_t n = strlen(row->path);
    const struct cf_schema_row *note = row;
    while ((note = cf_schema_next(note)))
        if ((note->flags & CF_SCHEMA_NOTE) && strncmp(note->path, row->path, n) == 0 &&
            note->path[n] == '=' && strcmp(note->path + n + 1, word) == 0)
            return note->help;
    return NULL;
}

bool cf_schema_is_derived(const struct cf_schema_row *row)
{
    return row->dflt && row->dflt[0] == '=';
}
