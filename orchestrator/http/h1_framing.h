/* SPDX-License-Identifier: Apache-2.0 */
/* What the header lines of an HTTP/1.x request say about its host, its body and its connection.
 * Pure. */
#ifndef ORCHESTRATOR_HTTP_H1_FRAMING_H
#define ORCHESTRATOR_HTTP_H1_FRAMING_H

#include "orchestrator/http/h1_parse.h"

/* Fills host, keep_alive, expects_continue, chunked and content_length, and brings an absolute
 * target into origin form. False: refused with status and detail. */
bool http_h1_framing(struct http_h1_head *h, const char *buf);

#endif
