/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about a mistake: hints made from the table, and texts of a document made fit to be
 * shown. Private; pure. */
#ifndef CF_PLAN_HINT_H
#define CF_PLAN_HINT_H

#include "base/buf.h"
#include "base/json.h"
#include "orchestrator/plan/schema.h"

enum {
    CF_QUOTE_MAX = 96, /* a quoted piece of a document */
    CF_HINT_MAX = 512, /* one hint */
};

/* A text from a document, in quotes, cut and without control characters, into buf of CF_QUOTE_MAX
 * bytes; returns buf. */
const char *cf_quote(const char *text, char *buf);

/* "did you mean \"…\"?" for the nearest of the candidates (ended by NULL), else NULL; into buf of
 * CF_QUOTE_MAX bytes. */
const char *cf_did_you_mean(const char *word, const char *const *candidates, char *buf);

/* How a value of this row is written, into buf of CF_HINT_MAX bytes; returns buf. */
const char *cf_hint_shape(const struct cf_schema_row *row, char *buf);

/* The words that the row takes: "one of a, b", into buf of CF_HINT_MAX bytes; returns buf. */
const char *cf_hint_words(const struct cf_schema_row *row, char *buf);

/* The text as the format would take it (case, '_' and other strange characters), as "did you mean
 * …", or an example of the format; into buf of CF_HINT_MAX bytes; returns buf. */
const char *cf_hint_format(enum cf_format f, const char *text, char *buf);

/* The number with each unit that brings it into the row's range: "write 5s, 5m or 5h"; into buf of
 * CF_HINT_MAX bytes. */
const char *cf_hint_units(const struct cf_schema_row *row, const char *number, char *buf);

#endif
