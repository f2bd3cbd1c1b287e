/* SPDX-License-Identifier: Apache-2.0 */
/* Where the service is and who we are to it: flags > environment > context file. Pure but for
 * reading the files. */
#ifndef CF_CLI_CONNECTION_H
#define CF_CLI_CONNECTION_H

#include "base/error.h"

struct cf_connection {
    char *server;     /* URL */
    char *token_file; /* or NULL */
    char *ca_file;    /* or NULL */
    char *context;    /* the context that was used, or NULL */
};
void cf_connection_free(struct cf_connection *c); /* for CF_CLEANUP */

/* What was given; each may be NULL. */
struct cf_connection_given {
    const char *server, *token_file, *ca_file, *context; /* flags */
    const char *(*env)(const char *name);                /* getenv */
    const char *home;                                    /* for "~/" in the file */
    const char *file; /* the context file; need not be there unless a context is named */
};

#define CF_CONNECTION_DEFAULT "http://127.0.0.1:8700"

/* NOT_FOUND: the named context is not in the file (its names are listed). DENIED: the token would
 * cross a network in clear. INVALID: file or URL. A server that is given by flag or variable does
 * not take the token of a context for another server. */
bool cf_connection_resolve(const struct cf_connection_given *given, struct cf_connection *out,
                           struct cf_error *err) CF_NODISCARD;

#endif
