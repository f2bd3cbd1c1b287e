/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON line per event on stderr (readable text when stderr is a terminal).
 *
 * `event` is a stable machine name ("run.step.done"); fields are key/value pairs. A thread's
 * context (run, step, cluster) is added to each of its lines. Secrets have no formatter
 * (base/secret.h). Any thread; a line is one write. */
#ifndef CF_BASE_LOG_H
#define CF_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum cf_log_level { CF_LOG_DEBUG, CF_LOG_INFO, CF_LOG_WARN, CF_LOG_ERROR };
enum cf_log_format { CF_LOG_AUTO, CF_LOG_JSON, CF_LOG_TEXT };

void cf_log_setup(enum cf_log_level min_level, enum cf_log_format format);
bool cf_log_enabled(enum cf_log_level level);
bool cf_log_level_parse(const char *name, enum cf_log_level *out_level) CF_NODISCARD;

/* cf_log(CF_LOG_INFO, "serve.ready", "listening", CF_S("addr", addr), CF_I("port", port)); values
 * are borrowed. */
struct cf_log_field {
    const char *key;
    const char *str; /* NULL: the number */
    int64_t num;
};
static inline const char *cf_log_text(const char *s)
{
    return s ? s : "";
}
#define CF_S(k, v) ((struct cf_log_field){ .key = (k), .str = cf_log_text(v) })
#define CF_I(k, v) ((struct cf_log_field){ .key = (k), .num = (int64_t)(v) })
#define cf_log(level, event, message, ...)                                                         \
    cf_log_write((level), (event), (message), NULL,                                                \
                 (struct cf_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ .key = NULL } })
/* The same with an error: adds err.kind, err.reason, err.upstream and err.message. */
#define cf_log_err(level, event, message, err, ...)                                                \
    cf_log_write((level), (event), (message), (err),                                               \
                 (struct cf_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ .key = NULL } })
void cf_log_write(enum cf_log_level level, const char *event, const char *message,
                  const struct cf_error *err, const struct cf_log_field *fields);

/* The calling thread's context; values are copied (cut at 63 characters), NULL removes the key.
 * Known keys only: "run", "step", "cluster", "attempt", "request". */
void cf_log_context(const char *key, const char *value);

#endif
