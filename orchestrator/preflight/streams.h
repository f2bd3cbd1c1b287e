/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan's gate and a router's destination to the stream that a metrics source is asked for.
 * Pure; shared by preflight and the run's gates. */
#ifndef CF_PREFLIGHT_STREAMS_H
#define CF_PREFLIGHT_STREAMS_H

#include "lb/destination.h"
#include "orchestrator/gate/source.h"
#include "orchestrator/gate/verdict.h"
#include "orchestrator/plan/plan.h"

enum cf_side { CF_SIDE_TARGET, CF_SIDE_SOURCE };

/* A stream with the memory behind its texts. Not copied or moved once made: `stream` points into
 * it. */
struct cf_named_stream {
    struct cf_stream stream;
    struct cf_destination destination;
    char canary_ingress[CF_DEST_NAME_MAX];
    char main_service[CF_DEST_NAME_MAX];
    char host[CF_DEST_NAME_MAX];
};

/* `destination`: the side's own, `source`: the source's (an Ingress names canary traffic by the
 * main backend). `preset` is static. A port of "" is not known: see
 * cf_survey_source and the reach step's record. */
void cf_stream_of(const struct cf_plan_gate *gate, const struct cf_plan_router *router,
                  enum cf_side side, const struct cf_destination *destination,
                  const struct cf_destination *source, const char *preset,
                  struct cf_named_stream *out);

/* The cluster whose metrics a gate reads for a router. */
const char *cf_stream_cluster(const struct cf_plan_gate *gate, const struct cf_plan_router *router);

struct cf_gate_config cf_gate_config_of(const struct cf_plan_gate *gate);

#endif
