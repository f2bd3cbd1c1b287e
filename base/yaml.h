/* SPDX-License-Identifier: Apache-2.0 */
/* Strict YAML (JSON is a part of it) to JSON trees, remembering where every node stood.
 *
 * Reads libyaml's events. YAML 1.2 core scalars: true/false/null are themselves, yes/no/on/off are
 * strings. Refused, each with line and column: duplicate keys, numbers with leading zeros (octal to
 * some readers), tags, anchors and aliases, non-string keys, merge keys, NUL, NaN and infinities,
 * several documents (unless asked for), more than the limits below. Comments are dropped. Any
 * thread. */
#ifndef CF_BASE_YAML_H
#define CF_BASE_YAML_H

#include "base/json.h"

enum {
    CF_YAML_TEXT_MAX = 1024 * 1024, /* a plan document; objects of clusters never pass here */
    CF_YAML_NODES_MAX = 200000,
    CF_YAML_DOCUMENTS_MAX = 200,
};

/* Where nodes stood: JSON pointer → line and column, from 1. */
struct cf_marks;
void cf_marks_free(struct cf_marks *m);
void cf_marks_free_p(struct cf_marks **m);
/* Of the value at `pointer`, or of the nearest ancestor that is known; false only if nothing is.
 * For a mapping's member the mark is that of its key. */
bool cf_marks_find(const struct cf_marks *m, const char *pointer, int *out_line, int *out_column);

/* One document of at most `max` bytes (0: CF_YAML_TEXT_MAX). *out_marks may be NULL when not
 * wanted. INVALID's message names line and column; its field is the JSON pointer of the place if
 * known; its reason is "Empty" for a text without a document. New reference. */
json_t *cf_yaml_parse(const char *text, size_t len, size_t max, struct cf_marks **out_marks,
                      struct cf_error *err) CF_NODISCARD;

/* All documents of a stream as a JSON array (empty documents are left out). New reference. */
json_t *cf_yaml_parse_all(const char *text, size_t len, size_t max,
                          struct cf_error *err) CF_NODISCARD;

/* Block-style YAML for people; strings that would read as another type are quoted. Caller frees. */
char *cf_yaml_dump(const json_t *j) CF_NODISCARD;

#endif
