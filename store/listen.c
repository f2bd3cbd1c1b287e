/* SPDX-License-Identifier: Apache-2.0 */
/* LISTEN on a connection of its own, which comes back by itself. */
#include "store/listen.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "store/private.h"
#include "store/sqlstate.h"

struct cf_listener {
    struct cf_store *store;
    PGconn *pg; /* NULL: not connected */
    int wake_fd;
};

struct cf_listener *cf_listener_new(struct cf_store *store)
{
    struct cf_listener *l = cf_xcalloc(1, sizeof *l);
    l->store = store;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    cf_assert(l->wake_fd >= 0);
    return l;
}

void cf_listener_free(struct cf_listener *l)
{
    if (!l)
        return;
    PQfinish(l->pg);
    close(l->wake_fd);
    free(l);
}

void cf_listener_wake(struct cf_listener *l)
{
    uint64_t one = 1;
    (void)!write(l->wake_fd, &one, sizeof one);
}

static bool connect_and_listen(struct cf_listener *l, struct cf_error *err)
{
    PGconn *pg = cf_connect(&l->store->config, err);
    if (!pg)
        return cf_error_wrap(err, "listen");
    cf_autores PGresult *res = PQexec(pg, "LISTEN crossfade");
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        cf_sqlstate_error(err, res);
        PQfinish(pg);
        return cf_error_wrap(err, "listen");
    }
    l->pg = pg;
    return true;
}

static bool deliver(struct cf_listener *l, cf_listen_fn fn, void *ctx)
{
    bool any = false;
    for (PGnotify *n; (n = PQnotifies(l->pg)); PQfreemem(n)) {
        char *colon = strchr(n->extra, ':');
        if (!colon)
            continue;
        *colon = '\0';
        fn(ctx, n->extra, colon + 1);
        any = true;
    }
    return any;
}

enum wait_end { WAIT_OVER, WAIT_WOKEN, WAIT_INPUT };

static enum wait_end wait_for_input(struct cf_listener *l, int64_t until_ms)
{
    for (;;) {
        struct pollfd p[] = { { .fd = l->wake_fd, .events = POLLIN },
                              { .fd = PQsocket(l->pg), .events = POLLIN } };
        int64_t left = until_ms - cf_mono_now_ms();
        int n = left > 0 ? poll(p, CF_ARRAY_LEN(p), (int)left) : 0;
        uint64_t count;
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0 && p[0].revents)
            return read(l->wake_fd, &count, sizeof count) > 0 ? WAIT_WOKEN : WAIT_OVER;
        return n == 0 ? WAIT_OVER : WAIT_INPUT; /* libpq says what is wrong with its socket */
    }
}

bool cf_listener_wait(struct cf_listener *l, int timeout_ms, cf_listen_fn fn, void *ctx,
                      struct cf_error *err)
{
    int64_t until = cf_mono_now_ms() + timeout_ms;
    if (!l->pg) {
        if (!connect_and_listen(l, err))
            return false;
        fn(ctx, "resync", "");
        return true;
    }
    while (!deliver(l, fn, ctx)) {
        if (wait_for_input(l, until) != WAIT_INPUT)
            return true;
        if (!PQconsumeInput(l->pg) || PQstatus(l->pg) != CONNECTION_OK) {
            PQfinish(l->pg);
            l->pg = NULL;
            return cf_error_set(err, CF_ERR_TRANSIENT,
                                "listen: the connection to PostgreSQL was lost");
        }
    }
    return true;
}
