/* SPDX-License-Identifier: Apache-2.0 */
/* A bound socket is the mark of who is there: it goes with its process, whatever ends that. */
#include "deploy/sandbox/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    OCTETS = 256,
    /* 127.10.OCTET.255 is no pod's, and this port nobody's but a sandbox's. */
    MARK_PORT = 47474,
    NETWORK = 127 << 24 | 10 << 16,
    LAST = 255,
};

int sbx_addresses_take(int *out_third)
{
    *out_third = 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (int i = 0, first = (int)(getpid() % OCTETS); fd >= 0 && i < OCTETS; i++) {
        int third = (first + i) % OCTETS;
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(MARK_PORT) };
        at.sin_addr.s_addr = htonl((uint32_t)(NETWORK | third << 8 | LAST));
        if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0)
            continue;
        *out_third = third;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}
