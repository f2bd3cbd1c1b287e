/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of Prometheus' text exposition format 0.0.4 (and OpenMetrics' samples), line by line, bounded, strict.
 *
 * A callback gets each sample of the wanted metrics; comments are skipped; label values are unescaped. A malformed line is an
 * error with its number: a source that lies in one line is not trusted in the next. Any thread. */
#ifndef CF_GATE_PROMTEXT_H
#define CF_GATE_PROMTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { CF_PROMTEXT_LABELS_MAX = 64 };

struct cf_promtext_sample {
    const char *name;
    struct {
        const char *name;
        const char *value;
    } labels[CF_PROMTEXT_LABELS_MAX];
    size_t label_count;
    double value; /* may be NaN or infinite: the format allows it */
};

/* A label's value, or NULL; has the shape of cf_label_fn (`sample` is a struct cf_promtext_sample). */
const char *cf_promtext_label(const void *sample, const char *name);
/* Hash of name and labels but for the label `without` (or NULL): the same series, the same number. */
unsigned long long cf_promtext_series(const struct cf_promtext_sample *sample, const char *without);

typedef bool cf_promtext_want_fn(void *user, const char *metric_name);
typedef void cf_promtext_sample_fn(void *user, const struct cf_promtext_sample *sample);

/* `text` is changed in place. `want` is asked once per line with the metric's name, before its labels are parsed. */
bool cf_promtext_parse(char *text, size_t len, cf_promtext_want_fn *want,
                       cf_promtext_sample_fn *take, void *user, struct cf_error *err) CF_NODISCARD;

#endif
