/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of label selectors as Kubernetes reads them in a query string: requirements joined by
 * ','.
 *
 * Forms: key · !key · key=value · key==value · key!=value · key in (a,b) · key notin (a,b). Syntax
 * only; objects are selected by the room that reads them. Pure. */
#ifndef CF_PLAN_SELECTOR_H
#define CF_PLAN_SELECTOR_H

#include <stdbool.h>

/* Whether the text is at least one requirement and nothing else. */
bool cf_selector_ok(const char *text);

#endif
