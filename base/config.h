/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration from one typed table: file < environment < flag.
 *
 * A program passes its table (orchestrator/cli/config_table.c has ours); loading fills the values,
 * remembers where each came from, and refuses unknown keys with a suggestion. Values are immutable
 * after loading and may be read by any thread. Environment: CROSSFADE_ + the key in upper case with
 * '.' and '-' as '_'; variables that Kubernetes makes for a Service named crossfade… are passed
 * over. Secrets are given as paths of files, never as values, except where `secret` is set. */
#ifndef CF_BASE_CONFIG_H
#define CF_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum cf_config_type {
    CF_CFG_STRING,
    CF_CFG_INT,
    CF_CFG_BOOL,
    CF_CFG_DURATION,
    CF_CFG_BYTES,
    CF_CFG_PATH
};

struct cf_config_key {
    const char *name; /* "http.listen"; in the YAML file nested as http: {listen: …} */
    enum cf_config_type type;
    const char *dflt; /* as text; NULL: unset */
    int64_t min, max; /* for numbers; ms for durations; both 0: no range */
    const char *help; /* one sentence */
    bool secret;      /* `config show` prints "(set)" */
};

struct cf_config;

/* `table` ends with a row without a name and must outlive the result. `file` may be NULL. `flags`
 * are "key=value" pairs ended by NULL, or NULL. `environ_list` as in environ(7). INVALID names file
 * and line, variable or flag. */
struct cf_config *cf_config_load(const struct cf_config_key *table, const char *file,
                                 char *const *environ_list, const char *const *flags,
                                 struct cf_error *err) CF_NODISCARD;
void cf_config_free(struct cf_config *c);

/* By name; asking for a name that is not in the table, or by the wrong type, is a bug (assert). */
const char *cf_config_str(const struct cf_config *c, const char *name); /* NULL if unset */
int64_t cf_config_int(const struct cf_config *c, const char *name); /* INT, BYTES, DURATION in ms */
bool cf_config_bool(const struct cf_config *c, const char *name);
/* "default", "file /etc/…:12", "env CROSSFADE_…", "flag --…". */
const char *cf_config_origin(const struct cf_config *c, const char *name);

/* One line per key: name, value, origin (aligned), for `crossfade config show`; and the same as
 * Markdown for docs. */
void cf_config_show(const struct cf_config *c, struct cf_buf *out);
void cf_config_markdown(const struct cf_config_key *table, struct cf_buf *out);

#endif
