/* SPDX-License-Identifier: Apache-2.0 */
/* Opening one connection within a deadline and setting up its session. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "store/column.h"
#include "store/pool.h"
#include "store/sqlstate.h"

bool cf_socket_wait(PGconn *pg, bool for_write, int64_t until_ms)
{
    for (;;) {
        int64_t left = until_ms - cf_mono_now_ms();
        if (left <= 0)
            return false;
        struct pollfd p = { .fd = PQsocket(pg), .events = for_write ? POLLOUT : POLLIN };
        if (p.fd < 0)
            return true; /* libpq will say what is wrong */
        int n = poll(&p, 1, (int)CF_MIN(left, 60000));
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

/* The last line of libpq's message without its line end. */
static void message_of(PGconn *pg, char *buf, size_t size)
{
    const char *m = PQerrorMessage(pg);
    snprintf(buf, size, "%s", m && *m ? m : "no answer");
    size_t len = strlen(buf);
    while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == ' '))
        buf[--len] = '\0';
    for (char *p = buf; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
}

static bool handshake(PGconn *pg, int64_t until_ms, struct cf_error *err)
{
    char text[256];
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step != PGRES_POLLING_OK) {
        if (step == PGRES_POLLING_FAILED || PQstatus(pg) == CONNECTION_BAD) {
            message_of(pg, text, sizeof text);
            return cf_error_set(err,
                                PQconnectionNeedsPassword(pg) ? CF_ERR_DENIED : CF_ERR_UNAVAILABLE,
                                "connect to PostgreSQL: %s", text);
        }
        if (!cf_socket_wait(pg, step == PGRES_POLLING_WRITING, until_ms))
            return cf_error_set(err, CF_ERR_UNAVAILABLE,
                                "connect to PostgreSQL: no answer in time");
        step = PQconnectPoll(pg);
    }
    return true;
}

/* One round trip. SET commands rather than start-up options: they also work through connection
 * proxies. */
static bool set_up(PGconn *pg, const struct cf_store_config *config, struct cf_error *err)
{
    char sql[768];
    snprintf(sql, sizeof sql,
             "SET search_path = crossfade; SET timezone = 'UTC'; SET client_min_messages = warning;"
             "SELECT set_config('synchronous_commit', 'on', false)"
             " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
             "SET default_transaction_isolation = 'read committed'; SET jit = off;"
             "SET statement_timeout = %lld; SET idle_in_transaction_session_timeout = %lld;"
             "SET application_name = 'crossfade'",
             (long long)config->statement_ms, (long long)config->idle_in_transaction_ms);
    cf_autores PGresult *res = PQexec(pg, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        cf_sqlstate_error(err, res);
        return cf_error_wrap(err, "set up a connection to PostgreSQL");
    }
    return true;
}

/* libpq's own would write to stderr. What matters arrives as an error. */
static void drop_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

PGconn *cf_connect(const struct cf_store_config *config, struct cf_error *err)
{
    /* Later entries override what conninfo says: a link that died silently must be noticed before a
     * lease ends. */
    static const char *const keys[] = { "dbname",
                                        "client_encoding",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        NULL };
    const char *const values[] = { config->conninfo, "UTF8", "5", "2", "3", "8000", NULL };
    int64_t until = cf_mono_now_ms() + config->connect_ms;
    PGconn *pg = PQconnectStartParams(keys, values, 1);
    cf_assert(pg);
    PQsetNoticeProcessor(pg, drop_notice, NULL);
    if (!handshake(pg, until, err) || !set_up(pg, config, err)) {
        PQfinish(pg);
        return NULL;
    }
    return pg;
}
