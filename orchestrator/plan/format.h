/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that a text in a plan may have: one table row each, with the pattern that the JSON
 * Schema shows too. Any thread. */
#ifndef CF_PLAN_FORMAT_H
#define CF_PLAN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

enum cf_format {
    CF_FORMAT_ANY,          /* not empty, at most CF_PLAN_TEXT_FIELD_MAX bytes */
    CF_FORMAT_NAME,         /* DNS label */
    CF_FORMAT_OBJECT_NAME,  /* DNS subdomain */
    CF_FORMAT_NAME_PATTERN, /* the same, with '*' */
    CF_FORMAT_KIND,         /* "Deployment" */
    CF_FORMAT_API_VERSION,  /* "v1", "apps/v1" */
    CF_FORMAT_ROW,          /* what a row of include is called: "StatefulSet/db", "Deployment" */
    CF_FORMAT_SELECTOR,     /* label selector */
    CF_FORMAT_LABEL_KEY,
    CF_FORMAT_LABEL_VALUE, /* may be empty */
    CF_FORMAT_HOST,        /* DNS name, or a wildcard "*.example.org" */
    CF_FORMAT_PATH,        /* "/checkout" */
    CF_FORMAT_PORT_NAME,
    CF_FORMAT_ADDRESS,      /* IPv4 or IPv6 */
    CF_FORMAT_IMAGE_PREFIX, /* "registry.dc1:5000/team" */
    CF_FORMAT_QUERY,        /* PromQL */
    CF_FORMAT_ROUTE_NAME,   /* of a VirtualService route or an HTTPRoute rule */
    CF_FORMAT_QUANTITY,     /* "200Gi" */
    CF_FORMAT_SWITCH,       /* "beforeTraffic", "weight=50" */
    CF_FORMAT_POINTER,      /* JSON pointer */
    CF_FORMAT_IMAGE,        /* "busybox:stable" */
    CF_FORMATS
};

struct cf_format_row {
    const char *what;    /* "a DNS label (…)": follows "must be " */
    const char *pattern; /* extended regular expression without look-around, valid for ECMAScript
                            too; NULL: none */
    size_t max;          /* bytes */
    const char *example;
};

const struct cf_format_row *cf_format_row(enum cf_format f);

/* Whether the text has the form. A text that is too long has not. */
bool cf_format_ok(enum cf_format f, const char *text);

#endif
