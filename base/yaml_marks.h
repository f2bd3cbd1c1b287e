/* SPDX-License-Identifier: Apache-2.0 */
/* Filling the marks of base/yaml.h while a document is read. Nodes are opened and closed like
 * brackets. */
#ifndef CF_BASE_YAML_MARKS_H
#define CF_BASE_YAML_MARKS_H

#include "base/yaml.h"

struct cf_marks *cf_marks_new(void) CF_NODISCARD;
/* A node begins; `key` (copied) is NULL for the root and for items of a sequence. Returns what to
 * close. `m` may be NULL. */
size_t cf_marks_open(struct cf_marks *m, const char *key, int line, int column);
void cf_marks_close(struct cf_marks *m, size_t node);

#endif
