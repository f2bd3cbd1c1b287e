/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that owns all sockets: epoll, timers, and a mailbox through which other threads hand
 * things over.
 *
 * Everything here is for the loop's own thread unless it says "any thread". */
#ifndef ORCHESTRATOR_HTTP_LOOP_H
#define ORCHESTRATOR_HTTP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "orchestrator/http/timers.h"

#define HTTP_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A piece of work for the loop; lives inside its owner, who keeps it alive until it ran and posts
 * it once at a time. */
struct http_mail {
    struct http_mail *next;
    void (*run)(struct http_mail *m);
};

/* A descriptor that is watched. */
struct http_fd {
    int fd;
    uint32_t mask; /* what epoll was told */
    bool watched;
    void (*ready)(struct http_fd *f, uint32_t events);
};

/* Memory that is freed when the present round is over: pointers to it may still be in the round's
 * events. */
struct http_dead {
    struct http_dead *next;
    void (*bury)(struct http_dead *d);
};

struct http_loop;

/* Starts the thread. */
struct http_loop *http_loop_start(const char *name, struct cf_error *err) CF_NODISCARD;
/* Ends the thread after this round and all mail; then http_loop_join() and http_loop_free() from
 * another thread. */
void http_loop_quit(struct http_loop *l);
void http_loop_join(
    struct http_loop *l); /* another thread: waits for the end; posting stays harmless */
void http_loop_free(struct http_loop *l); /* another thread: nobody posts any more */

void http_loop_post(struct http_loop *l, struct http_mail *m); /* any thread */
/* Runs fn(arg) on the loop's thread and waits for it; at once when called there. Any thread. */
void http_loop_call(struct http_loop *l, void (*fn)(void *arg), void *arg);

int64_t http_loop_now(const struct http_loop *l); /* of the present round */
void http_loop_timer(struct http_loop *l, struct http_timer *t, int64_t in_ms); /* < 0: disarms */
bool http_loop_watch(struct http_loop *l, struct http_fd *f,
                     uint32_t mask); /* false: no memory in the kernel */
void http_loop_unwatch(struct http_loop *l, struct http_fd *f);
void http_loop_bury(struct http_loop *l, struct http_dead *d);
char *http_loop_scratch(struct http_loop *l); /* CF_HTTP_READ_BYTES, for one read */

#endif
