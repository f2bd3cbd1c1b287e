/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric addresses only: a name can mean anything tomorrow. */
#include "orchestrator/http/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "orchestrator/http/http.h"

bool http_addr_parse(const char *text, int port, struct sockaddr_storage *out, socklen_t *out_len)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(out, &in, sizeof in);
        *out_len = sizeof in;
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        memcpy(out, &in6, sizeof in6);
        *out_len = sizeof in6;
        return true;
    }
    return false;
}

int http_addr_port(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)a)->sin6_port)
                                    : ntohs(((const struct sockaddr_in *)a)->sin_port);
}

bool cf_http_addr_is_loopback(const char *address)
{
    struct sockaddr_storage a;
    socklen_t len;
    if (!address || !http_addr_parse(address, 0, &a, &len))
        return false;
    if (a.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&a)->sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)&a)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}
