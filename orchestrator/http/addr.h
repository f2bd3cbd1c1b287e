/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric socket addresses. Any thread. */
#ifndef ORCHESTRATOR_HTTP_ADDR_H
#define ORCHESTRATOR_HTTP_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* IPv4 or IPv6 without brackets; false if it is neither. */
bool http_addr_parse(const char *text, int port, struct sockaddr_storage *out, socklen_t *out_len);
int http_addr_port(const struct sockaddr_storage *a);

#endif
