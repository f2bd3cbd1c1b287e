/* SPDX-License-Identifier: Apache-2.0 */
/* What all metrics sources share. */
#include "orchestrator/gate/source.h"

#include <stdlib.h>

#include "orchestrator/gate/limits.h"

void cf_readings_free(struct cf_reading *readings, size_t count)
{
    for (size_t i = 0; readings && i < count; i++)
        free(readings[i].points);
    free(readings);
}

bool cf_source_read(struct cf_source *s, const struct cf_stream *streams, size_t count,
                    int64_t deadline_mono_ms, struct cf_reading **out, struct cf_error *err)
{
    if (count > CF_GATE_STREAMS_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "more than %d streams for one metrics source",
                            CF_GATE_STREAMS_MAX);
    return s->ops->read(s->self, streams, count, deadline_mono_ms, out, err);
}

void cf_source_free(struct cf_source *s)
{
    if (!s)
        return;
    s->ops->destroy(s->self);
    free(s);
}
