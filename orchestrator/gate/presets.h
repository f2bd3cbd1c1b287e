/* SPDX-License-Identifier: Apache-2.0 */
/* How the gateways that people run name their metrics: one table row per naming.
 *
 * A row says which counters hold requests, which label holds the backend and how the backend's name is spelt in it, which label
 * holds the result, and where the latency histogram is. From a row come both the batched PromQL selector and the matching
 * of exposition text, so that both sources count the same. Pure functions. */
#ifndef CF_GATE_PRESETS_H
#define CF_GATE_PRESETS_H

#include "base/buf.h"
#include "orchestrator/gate/source.h"

enum { CF_PRESET_MATCHES = 4, CF_PRESET_VALUE_MAX = 512 };

struct cf_preset_match {
    const char *label;
    /* with {host} {port} {subset} {namespace} {service} {ingress} {main}; "" = label absent or empty */
    const char *value;
    bool prefix; /* the label's value begins with it */
};

/* Which routers' traffic a naming counts. */
enum cf_preset_routers {
    CF_PRESET_OF_MESHES = 1,    /* VirtualService, HTTPRoute */
    CF_PRESET_OF_INGRESSES = 2, /* Ingress */
    CF_PRESET_OF_ALL = 3
};

struct cf_preset {
    const char *name;
    enum cf_preset_routers routers;
    const char *requests[3]; /* names of the request counter, ended by NULL */
    const char *code_label;  /* "200", "2" or "2xx" */
    const char *latency;     /* "..._bucket" */
    double latency_unit_ms;  /* 1 for ms, 1000 for s */
    bool has_subsets;        /* the backend's subset is part of its name */
    /* of an ordinary backend; the first is the batch's key */
    struct cf_preset_match match[CF_PRESET_MATCHES];
    /* of a canary backend; label NULL: as `match` */
    struct cf_preset_match canary_match[CF_PRESET_MATCHES];
};

extern const struct cf_preset cf_presets[]; /* ends with a row without a name */

/* NULL for "auto" and unknown names. */
const struct cf_preset *cf_preset_find(const char *name);
/* "auto" and the table's names, ended by NULL, for messages and validation. */
const char *const *cf_preset_names(void);

/* The rows that match a backend under a preset; NULL with an error when the preset cannot tell it apart. */
const struct cf_preset_match *cf_preset_matches(const struct cf_preset *p,
                                                const struct cf_stream_backend *backend,
                                                struct cf_error *err);
/* The value of one match row for a backend, into buf of CF_PRESET_VALUE_MAX bytes; LIMIT when longer; INVALID when the row needs
 * the backend's port and that is not known. A port without a number is spelt by its name, as ingress-nginx and Traefik do. */
bool cf_preset_value(const struct cf_preset_match *m, const struct cf_stream_backend *backend,
                     char *buf, struct cf_error *err) CF_NODISCARD;

/* Labels of one series, however they are kept; returns NULL for an absent label. */
typedef const char *cf_label_fn(const void *labels, const char *name);
/* Whether the series is the backend's. */
bool cf_preset_series_matches(const struct cf_preset_match *m,
                              const struct cf_stream_backend *backend, cf_label_fn *label,
                              const void *labels);
/* Whether this result counts: false for the code-per-status twins of class counters, which would count twice. *out_bad: it is a
 * failure (5xx, or no answer at all). */
bool cf_preset_result(const struct cf_preset *p, cf_label_fn *label, const void *labels,
                      bool *out_bad);

#endif
