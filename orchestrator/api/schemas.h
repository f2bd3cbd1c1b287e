/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of bodies and answers: one table of fields per shape.
 *
 * Requests are decoded strictly by these tables (body.c); /openapi.json and docs/api.md are made
 * from them. Static data; any thread. */
#ifndef CF_API_SCHEMAS_H
#define CF_API_SCHEMAS_H

#include "base/json.h"
#include "base/mem.h"

enum cf_field_type {
    CF_FIELD_STRING,
    CF_FIELD_NOTE, /* a string for people: at most CF_FIELD_NOTE_MAX bytes */
    CF_FIELD_INT,
    CF_FIELD_NUMBER,
    CF_FIELD_BOOL,
    CF_FIELD_TIME,           /* RFC 3339 in UTC */
    CF_FIELD_OBJECT,         /* of the shape `ref`; any members when there is none */
    CF_FIELD_LIST,           /* of objects of the shape `ref`; of anything when there is none */
    CF_FIELD_STRINGS,        /* list of strings */
    CF_FIELD_TEXT_OR_OBJECT, /* a text that holds YAML or JSON, or the object itself */
};

enum cf_field_flags {
    CF_FIELD_REQUIRED = 1, /* in a body: must be there; in an answer: always is */
    CF_FIELD_NULL = 2,     /* may be null */
};

struct cf_field {
    const char *name;
    enum cf_field_type type;
    unsigned flags;
    const char *ref;   /* name of the shape of an object or of a list's rows */
    const char *words; /* the only values of a string, separated by '|' */
    const char *help;
};

struct cf_schema {
    const char *name;
    const char *help;
    const struct cf_field *fields; /* end with a row without a name */
};

enum {
    CF_FIELD_TEXT_MAX = 512 * 1024, /* one string of a body: a kubeconfig's own limit */
    CF_FIELD_NOTE_MAX = 1000,       /* it is shown in holds, lists and events */
    CF_FIELD_ROWS_MAX = 64,         /* of one list in a body */
};

extern const struct cf_schema cf_request_schemas[];  /* end with a row without a name */
extern const struct cf_schema cf_response_schemas[]; /* the same */

/* NULL for the plan document, which has a schema of its own, and for unknown names. */
const struct cf_schema *cf_schema_find(const char *name);

/* As JSON Schema (draft 2020-12) for components.schemas; new reference. */
json_t *cf_schema_json(const struct cf_schema *s) CF_NODISCARD;

#endif
