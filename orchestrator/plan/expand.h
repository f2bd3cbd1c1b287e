/* SPDX-License-Identifier: Apache-2.0 */
/* The three short forms of a plan, written out.
 *
 *   traffic.router: {…}     → traffic.routers: [{…, object: the name, unless given}]
 *   traffic.steps: [5]      → traffic.steps: [{weight: 5}]
 *   gates: [{successRate: ">= 99.5%"}]
 *                           → gates: [{name: success-rate, type: successRate, min: "99.5%"}]
 *
 * Nothing else is rewritten, and nothing is judged but the text of the last form. Private to this
 * room; pure. */
#ifndef CF_PLAN_EXPAND_H
#define CF_PLAN_EXPAND_H

#include "orchestrator/plan/report.h"

/* The name of a gate in the one-key form. */
#define CF_EXPAND_GATE_NAME "success-rate"

/* A copy of the document with the short forms written out. Reports a short form beside its long
 * one, and a one-key gate whose text cannot be read (the element becomes null, which later checks
 * skip). New reference. */
json_t *cf_expand(const json_t *document, struct cf_report *r) CF_NODISCARD;

/* The place in `written` that a place in its written-out copy came from, into buf of
 * CF_JSON_POINTER_MAX bytes. It need not exist: members that the expansion or a default added have
 * no place of their own. */
void cf_expand_origin(const json_t *written, const char *expanded, char *buf);

#endif
