/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors, in both forms that Kubernetes has: text ("app=web,tier in (a,b),!canary") and
 * object (matchLabels, matchExpressions). Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_SELECTOR_H
#define CF_FEDERATION_OBJECTS_SELECTOR_H

#include "base/json.h"

/* Whether labels (an object of strings, NULL: none) satisfy the text. Malformed text selects
 * nothing: plans are checked before. */
bool cf_selector_text_matches(const char *text, const json_t *labels);

/* A LabelSelector object; {} selects everything, NULL selects nothing (as Kubernetes reads
 * them). */
bool cf_selector_object_matches(const json_t *selector, const json_t *labels);

/* A plain map as Services have it: all pairs must be there; NULL or {} selects nothing. */
bool cf_selector_map_matches(const json_t *map, const json_t *labels);

/* Shell-like name pattern in which '*' stands for any characters. */
bool cf_name_matches(const char *pattern, const char *name);

/* Whether an object is one that a row of the plan means: each of apiVersion, kind, name (a pattern)
 * and selector that the row has must hold; a NULL or empty row means every object. */
bool cf_match_holds(const json_t *row, const json_t *object);

#endif
