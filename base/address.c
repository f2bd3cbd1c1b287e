/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as text (address.h). */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/mem.h"

const char *cf_address_type(const char *text)
{
    unsigned char raw[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, text, raw) == 1)
        return "IPv4";
    return inet_pton(AF_INET6, text, raw) == 1 ? "IPv6" : NULL;
}

static const char *refused_v4(uint32_t a)
{
    static const struct {
        uint32_t prefix;
        int shift;
        const char *kind;
    } table[] = {
        { 0, 0, "an unspecified" },
        { 127, 24, "a loopback" },
        { 0xa9fe, 16, "a link-local" },
        { 0xe, 28, "a multicast" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++)
        if (a >> table[i].shift == table[i].prefix)
            return table[i].kind;
    return NULL;
}

const char *cf_address_refused(const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return refused_v4(ntohl(v4.s_addr));
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return NULL;
    return IN6_IS_ADDR_UNSPECIFIED(&v6) ? "an unspecified"
           : IN6_IS_ADDR_LOOPBACK(&v6)  ? "a loopback"
           : IN6_IS_ADDR_LINKLOCAL(&v6) ? "a link-local"
           : IN6_IS_ADDR_MULTICAST(&v6) ? "a multicast"
           : IN6_IS_ADDR_V4MAPPED(&v6)  ? "an IPv4-mapped"
                                        : NULL;
}
