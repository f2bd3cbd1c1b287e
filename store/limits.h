/* SPDX-License-Identifier: Apache-2.0 */
/* The store's limits and default times, with their reasons. */
#ifndef CF_STORE_LIMITS_H
#define CF_STORE_LIMITS_H

enum {
    /* 16 workers and 4 handlers rarely wait at once; PostgreSQL's default allows 100. */
    CF_POOL_SIZE = 16,
    CF_POOL_SIZE_MAX = 100,
    CF_ACQUIRE_MS = 5000,    /* below a handler's patience of 10 s */
    CF_CONNECT_MS = 3000,    /* a local server answers within 20 ms */
    CF_STATEMENT_MS = 10000, /* our longest statement takes below 100 ms on an idle server */
    /* Well below a lease: a stopped process frees its rows before a takeover. */
    CF_IDLE_IN_TRANSACTION_MS = 5000,
    CF_ANSWER_GRACE_MS = 2000, /* past statement_timeout the server is stopped or gone, not slow */
    CF_BACKOFF_MS_MIN = 100,   /* between attempts to connect, doubling */
    CF_BACKOFF_MS_MAX = 5000,  /* so that a server that is back is used within a few seconds */
    /* Distinct prepared statements of one connection: all that store/ has. */
    CF_STATEMENTS_MAX = 160,
    CF_ARGS_MAX = 24, /* parameters of one statement */
    /* Of a run: they are indexed by nobody and copied into each page of a list. */
    CF_LABEL_BYTES_MAX = 4096,
    CF_MEMO_BYTES_MAX = 256 * 1024, /* the hot row is rewritten at each record */
    /* One statement; intents hold rendered patches, not inventories. */
    CF_RECORD_BYTES_MAX = 16 * 1024 * 1024,
    CF_IDEMPOTENCY_MS = 24 * 3600 * 1000, /* how long a client may repeat itself */
};

#endif
