/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of the plan document.
 *
 * A row is a place in the document; its path is a JSON pointer in which '*' stands for an element
 * of a list or a value of a map. Decoding, defaults, the JSON Schema and the reference page are all
 * produced from these rows; what a row cannot say (a rule between two fields) is in check.h. Rows
 * stand in the order in which the effective form and the reference show them, a parent before its
 * children. Read-only; any thread. Private to this room.
 *
 * A new field is a row here, its member in plan.h with a line in bind*.c, a rule in check*.c if it
 * depends on other fields, a case in tests/data/wrong_plans.json and a line in
 * docs/examples/complete-plan.yaml; then the tests, run once with CROSSFADE_UPDATE=1, write the
 * golden files and the reference page. */
#ifndef CF_PLAN_SCHEMA_H
#define CF_PLAN_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "orchestrator/plan/format.h"

enum cf_schema_type {
    CF_SCHEMA_OBJECT,
    CF_SCHEMA_LIST, /* min, max: number of elements */
    CF_SCHEMA_MAP,  /* of texts; max: number of members */
    CF_SCHEMA_TEXT, /* by `format` */
    CF_SCHEMA_WORD, /* one of `words` */
    CF_SCHEMA_INT,  /* min, max */
    CF_SCHEMA_BOOL,
    CF_SCHEMA_DURATION,      /* min, max in ms */
    CF_SCHEMA_PERCENT,       /* min, max as ratios */
    CF_SCHEMA_JSON,          /* any mapping, kept as it is */
    CF_SCHEMA_NAME_OR_INDEX, /* text by `format`, or a whole number from 0 */
};

enum {
    CF_SCHEMA_REQUIRED = 1,
    /* Planned: refused as "not supported yet"; has no children here. */
    CF_SCHEMA_LATER = 2,
    /* A short form: written out before decoding, absent from the effective form. */
    CF_SCHEMA_SHORT = 4,
    /* A name that people try: refused as unknown with `help` as the hint. "path=word" for a word.
     */
    CF_SCHEMA_NOTE = 8,
};

struct cf_schema_row {
    const char *path;
    enum cf_schema_type type;
    unsigned flags;
    /* As text; JSON for lists and objects ("{}": made even when left out). "= …": follows from
     * other fields (derive.h), the rest of the text says how. NULL: stays absent. */
    const char *dflt;
    double min, max;          /* both 0: no range */
    enum cf_format format;    /* TEXT, NAME_OR_INDEX, values of MAP */
    const char *const *words; /* WORD: ended by NULL; '!' before a word: not supported yet */
    const char *example;      /* how it is written, for hints; NULL: none */
    const char *help;         /* for people, Markdown, no dot at the end */
};

/* All rows in order; the one after the last is NULL. */
const struct cf_schema_row *cf_schema_next(const struct cf_schema_row *row); /* NULL: the first */

/* The row "" (the document). */
const struct cf_schema_row *cf_schema_root(void);

/* The child of an object or the element ("*") of a list; NULL if there is none. NOTE rows are found
 * by name too. */
const struct cf_schema_row *cf_schema_child(const struct cf_schema_row *parent, const char *key);

/* The children in order: pass NULL, then the last one. */
const struct cf_schema_row *cf_schema_next_child(const struct cf_schema_row *parent,
                                                 const struct cf_schema_row *last);

/* The note about a word that people try in a WORD field, or NULL. */
const char *cf_schema_word_note(const struct cf_schema_row *row, const char *word);

/* The last token of the path. */
const char *cf_schema_key(const struct cf_schema_row *row);

/* Whether the row's default follows from other fields. */
bool cf_schema_is_derived(const struct cf_schema_row *row);

/* The sections of the table, each ended by a row without a path. */
extern const struct cf_schema_row cf_schema_head[];
extern const struct cf_schema_row cf_schema_workloads[];
extern const struct cf_schema_row cf_schema_volumes[];
extern const struct cf_schema_row cf_schema_traffic[];
extern const struct cf_schema_row cf_schema_gates[];
extern const struct cf_schema_row cf_schema_tail[];

#endif
