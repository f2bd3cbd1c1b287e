/* SPDX-License-Identifier: Apache-2.0 */
/* One listening socket, its site and its connections. The sockets' thread, but for what is constant
 * after cf_http_listen(). */
#ifndef ORCHESTRATOR_HTTP_LISTENER_H
#define ORCHESTRATOR_HTTP_LISTENER_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "orchestrator/http/router.h"
#include "orchestrator/http/server.h"
#include "orchestrator/http/tls.h"

struct cf_http_listener {
    struct cf_http_server *server; /* these are constant: */
    struct cf_http_site site;
    struct cf_http_limits limits; /* no zeros */
    struct http_router *router;
    int port;
    char url[80];
    struct sockaddr_storage addr; /* with the port */
    socklen_t addr_len;

    struct cf_http_listener *next;
    struct http_fd fd; /* fd.fd < 0: away, or draining */
    struct http_timer pause;
    struct cf_http_tls *tls;
    struct http_conn *conns;
    int conn_count;
};

const struct cf_http_site *http_listener_site(const struct cf_http_listener *l);
void http_listener_close(struct cf_http_listener *l); /* stops accepting */
void http_listener_cut_all(struct cf_http_listener *l);
void http_listener_free(
    struct cf_http_listener *l); /* has no connections any more; any thread after the loop's end */

#endif
