/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: who gets a connection, who waits, who opens one, and when nobody may try. */
#include "store/pool.h"

#include <poll.h>
#include <stdio.h>

#include "base/thread.h"

void cf_pool_init(struct cf_pool *pool, const struct cf_store_config *config, int size)
{
    *pool = (struct cf_pool){ .config = config, .size = size };
    pthread_mutex_init(&pool->mutex, NULL);
    cf_cond_init(&pool->changed);
}

static void conn_free(struct cf_conn *conn)
{
    PQfinish(conn->pg);
    free(conn);
}

void cf_pool_destroy(struct cf_pool *pool)
{
    cf_assert(pool->open == pool->n_idle);
    while (pool->idle) {
        struct cf_conn *conn = pool->idle;
        pool->idle = conn->next;
        conn_free(conn);
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
}

/* An idle connection has nothing to say: if its socket is readable, the server has ended it (or
 * sent a notice; then a new connection costs little). No round trip. */
static bool is_alive(const struct cf_conn *conn)
{
    struct pollfd p = { .fd = PQsocket(conn->pg), .events = POLLIN };
    return PQstatus(conn->pg) == CONNECTION_OK && p.fd >= 0 && poll(&p, 1, 0) == 0;
}

static void note_connect(struct cf_pool *pool, bool ok, const struct cf_error *err)
{
    if (ok) {
        pool->connects++;
        pool->backoff_ms = 0;
        pool->not_before_ms = 0;
        return;
    }
    pool->failures++;
    pool->backoff_ms =
        pool->backoff_ms ? CF_MIN(pool->backoff_ms * 2, CF_BACKOFF_MS_MAX) : CF_BACKOFF_MS_MIN;
    pool->not_before_ms = cf_mono_now_ms() + pool->backoff_ms;
    snprintf(pool->last_error, sizeof pool->last_error, "%.250s", err->message);
}

/* Fills a slot that the caller has counted in `open`. The mutex is not held. */
static struct cf_conn *open_slot(struct cf_pool *pool, struct cf_error *err)
{
    PGconn *pg = cf_connect(pool->config, err);
    CF_LOCKED(&pool->mutex);
    note_connect(pool, pg != NULL, err);
    if (!pg) {
        pool->open--;
        pthread_cond_broadcast(&pool->changed);
        return NULL;
    }
    struct cf_conn *conn = cf_xcalloc(1, sizeof *conn);
    conn->pg = pg;
    return conn;
}

/* A dead connection's slot is used for its successor; the others are as dead, most likely. */
static struct cf_conn *replace(struct cf_pool *pool, struct cf_conn *dead, struct cf_error *err)
{
    conn_free(dead);
    {
        CF_LOCKED(&pool->mutex);
        pool->failures++;
    }
    return open_slot(pool, err);
}

/* What a caller may do now; the mutex is held. */
enum turn { TURN_WAIT, TURN_IDLE, TURN_OPEN, TURN_DOWN };

static enum turn turn_of(const struct cf_pool *pool, int64_t now)
{
    if (pool->idle)
        return TURN_IDLE;
    if (pool->not_before_ms > now)
        return TURN_DOWN;
    return pool->open < pool->size ? TURN_OPEN : TURN_WAIT;
}

static bool refuse_down(struct cf_pool *pool, int64_t now, struct cf_error *err)
{
    cf_error_set(err, CF_ERR_UNAVAILABLE, "%s", pool->last_error);
    err->retry_after_ms = pool->not_before_ms - now;
    return false;
}

struct cf_conn *cf_pool_acquire(struct cf_pool *pool, struct cf_error *err)
{
    int64_t until = cf_mono_now_ms() + pool->config->acquire_ms;
    struct cf_conn *conn = NULL;
    {
        CF_LOCKED(&pool->mutex);
        for (enum turn turn = TURN_WAIT; turn == TURN_WAIT;) {
            int64_t now = cf_mono_now_ms();
            turn = turn_of(pool, now);
            if (turn == TURN_DOWN) {
                refuse_down(pool, now, err);
                return NULL;
            }
            if (turn == TURN_IDLE) {
                conn = pool->idle;
                pool->idle = conn->next;
                pool->n_idle--;
            } else if (turn == TURN_OPEN) {
                pool->open++;
            } else {
                pool->waiting++;
                bool signalled = cf_cond_wait_until(&pool->changed, &pool->mutex, until);
                pool->waiting--;
                if (!signalled && cf_mono_now_ms() >= until && !pool->idle) {
                    cf_error_set(err, CF_ERR_TRANSIENT,
                                 "no free connection to PostgreSQL within %lld ms (%d in use)",
                                 (long long)pool->config->acquire_ms, pool->open);
                    cf_error_reason(err, CF_STORE_POOL);
                    return NULL;
                }
            }
        }
    }
    if (!conn)
        return open_slot(pool, err);
    return is_alive(conn) ? conn : replace(pool, conn, err);
}

void cf_pool_release(struct cf_pool *pool, struct cf_conn *conn)
{
    bool good =
        PQstatus(conn->pg) == CONNECTION_OK && PQtransactionStatus(conn->pg) == PQTRANS_IDLE;
    if (!good)
        conn_free(conn);
    CF_LOCKED(&pool->mutex);
    if (good) {
        conn->next = pool->idle;
        pool->idle = conn;
        pool->n_idle++;
    } else {
        pool->open--;
        pool->failures++;
    }
    pthread_cond_signal(&pool->changed);
}
