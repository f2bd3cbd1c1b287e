/* SPDX-License-Identifier: Apache-2.0 */
/* LISTEN on a connection of its own, which comes back by itself. */
#include "store/listen.h"

#include <string.h>

#include "base/thread.h"
#include "store/private.h"
#include "store/sqlstate.h"

struct cf_listener {
    struct cf_store *store;
    PGconn *pg; /* NULL: not connected */
};

struct cf_listener *cf_listener_new(struct cf_store *store)
{
    struct cf_listener *l = cf_xcalloc(1, sizeof *l);
    l->store = store;
    return l;
}

void cf_listener_free(struct cf_listener *l)
{
    if (!l)
        return;
    PQfinish(l->pg);
    free(l);
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
        if (!cf_socket_wait(l->pg, false, until))
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
