/* SPDX-License-Identifier: Apache-2.0 */
/* What an unquoted YAML scalar means, for base/yaml.c and base/yaml_dump.c. Pure. */
#ifndef CF_BASE_YAML_SCALAR_H
#define CF_BASE_YAML_SCALAR_H

#include "base/json.h"

/* The value of a plain scalar by the core schema of YAML 1.2, or NULL with *out_problem = why it is
 * refused (static text). `text` is UTF-8, NUL-terminated, without NUL inside. New reference. */
json_t *cf_yaml_plain_value(const char *text, const char **out_problem) CF_NODISCARD;

/* Whether a string must be quoted so that readers of YAML 1.1 and 1.2 alike take it for a
 * string. */
bool cf_yaml_needs_quotes(const char *text);

#endif
