/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP proxy that makes a server far away: every byte arrives half a round trip later, in both
 * directions; the first one, for the handshake of TCP, a whole one. Bandwidth is not limited.
 *
 *   bench_base_delay LISTEN_PORT TARGET_IP TARGET_PORT ROUND_TRIP_MS
 *
 * One thread; ends with SIGTERM. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

enum { PAIRS_MAX = 512, CHUNK_BYTES = 64 * 1024 };

struct chunk {
    int64_t due_ms;
    size_t len, sent;
    struct chunk *next;
    char data[];
};

/* One direction. */
struct way {
    int from, to;
    struct chunk *first, *last;
    bool ended; /* nothing more comes from `from` */
};

static struct way ways[2 * PAIRS_MAX];
static int n_ways;
static int64_t half_ms;

static void tune(int fd)
{
    int one = 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void pair_up(int a, int b)
{
    if (b < 0 || n_ways + 2 > 2 * PAIRS_MAX) {
        close(a);
        return;
    }
    tune(a);
    tune(b);
    ways[n_ways++] = (struct way){ .from = a, .to = b };
    ways[n_ways++] = (struct way){ .from = b, .to = a };
}

static int dial(const struct sockaddr_in *target)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)target, sizeof *target) == 0)
        return fd;
    close(fd);
    return -1;
}

static void take(struct way *w)
{
    struct chunk *c = cf_xmalloc(sizeof *c + CHUNK_BYTES);
    ssize_t n = read(w->from, c->data, CHUNK_BYTES);
    if (n <= 0) {
        w->ended = true;
        free(c);
        return;
    }
    *c = (struct chunk){ .due_ms = cf_mono_now_ms() + half_ms, .len = (size_t)n };
    if (w->last)
        w->last->next = c;
    else
        w->first = c;
    w->last = c;
}

static void give(struct way *w, int64_t now_ms)
{
    while (w->first && w->first->due_ms <= now_ms) {
        struct chunk *c = w->first;
        ssize_t n = write(w->to, c->data + c->sent, c->len - c->sent);
        if (n < 0)
            return;
        c->sent += (size_t)n;
        if (c->sent < c->len)
            return;
        w->first = c->next;
        if (!w->first)
            w->last = NULL;
        free(c);
    }
    if (!w->first && w->ended)
        shutdown(w->to, SHUT_WR);
}

static void turn(int listener, const struct sockaddr_in *target)
{
    struct pollfd fds[2 * PAIRS_MAX + 1] = { { .fd = listener, .events = POLLIN } };
    for (int i = 0; i < n_ways; i++)
        fds[i + 1] = (struct pollfd){ .fd = ways[i].ended ? -1 : ways[i].from, .events = POLLIN };
    int before = n_ways;
    if (poll(fds, (nfds_t)before + 1, 1) > 0) {
        for (int i = 0; i < before; i++)
            if (fds[i + 1].revents)
                take(&ways[i]);
        if (fds[0].revents)
            pair_up(accept(listener, NULL, NULL), dial(target));
    }
    int64_t now_ms = cf_mono_now_ms();
    for (int i = 0; i < n_ways; i++)
        give(&ways[i], now_ms);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 64;
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])) };
    struct sockaddr_in target = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[3])) };
    inet_pton(AF_INET, "127.0.0.1", &here.sin_addr);
    inet_pton(AF_INET, argv[2], &target.sin_addr);
    half_ms = atoi(argv[4]) / 2;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 64) < 0) {
        perror("bind");
        return 1;
    }
    for (;;)
        turn(listener, &target);
}
