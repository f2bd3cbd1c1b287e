/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own state. The sockets' thread, but for what is constant after start. */
#ifndef ORCHESTRATOR_HTTP_SERVER_H
#define ORCHESTRATOR_HTTP_SERVER_H

#include "orchestrator/http/exchange.h"
#include "orchestrator/http/pool.h"

struct cf_http_server {
    struct http_loop *loop; /* constant */
    struct http_pool *pool; /* constant */

    struct cf_http_listener *listeners;
    struct http_exchange *exchanges;
    int connections; /* of all listeners */
    bool draining;
    bool stopped; /* the loop was told to quit */
    struct http_timer deadline;
};

/* When draining and nothing is left: ends the loop. */
void http_server_check_drained(struct cf_http_server *s);

#endif
