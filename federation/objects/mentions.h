/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in texts: which Services a configuration talks to. Pure; any thread. */
#ifndef CF_FEDERATION_OBJECTS_MENTIONS_H
#define CF_FEDERATION_OBJECTS_MENTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { CF_MENTION_TEXT_MAX = 256 * 1024 }; /* of one text; the rest is not looked at */

/* One host name in the text: `host` as it stands there. */
typedef void cf_mention_fn(void *user, const char *host);

/* Calls `fn` for each word that is a host by where it stands: after "://" or "@", or before a port.
 * So is a name with "svc" in it, and with `whole` also the whole text. */
void cf_mentions(const char *text, bool whole, cf_mention_fn *fn, void *user);

/* Whether a variable's name says that its value is a host ("REDIS_HOST", "DATABASE_URL"). */
bool cf_is_host_variable(const char *name);

#endif
