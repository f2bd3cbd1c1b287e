/* SPDX-License-Identifier: Apache-2.0 */
/* Every limit of the HTTP server, with its reason. Those in cf_http_limits and
 * cf_http_server_options are defaults. */
#ifndef ORCHESTRATOR_HTTP_LIMITS_H
#define ORCHESTRATOR_HTTP_LIMITS_H

enum {
    /* Server */
    CF_HTTP_HANDLERS_DEFAULT = 4, /* blocking handlers wait for PostgreSQL, not for a processor */
    CF_HTTP_HANDLERS_MAX = 64,
    CF_HTTP_QUEUE_MAX = 256, /* at 1 ms a request a quarter of a second of waiting: then say so */

    /* Time, ms */
    CF_HTTP_HANDSHAKE_MS = 5000, /* two round trips over a bad satellite link are 1.5 s */
    CF_HTTP_HEADER_MS = 10000,   /* a head is one or two packets */
    CF_HTTP_BODY_MS = 30000,     /* 1 MiB at 35 kB/s */
    CF_HTTP_IDLE_MS = 60000,     /* what proxies and browsers expect of a kept-alive connection */
    CF_HTTP_WRITE_STALL_MS = 30000,
    CF_HTTP_LINGER_MS = 1000, /* before we close, the client may take in an early answer */
    CF_HTTP_LINGER_BYTES_MAX = 4 * 1024 * 1024, /* and so much it may send meanwhile */
    CF_HTTP_GOAWAY_MS = 200,       /* from the notice to the final GOAWAY: a round trip */
    CF_HTTP_ACCEPT_PAUSE_MS = 100, /* out of descriptors: try again then, instead of spinning */

    /* Connections of one listener */
    CF_HTTP_CONNECTIONS = 1024,            /* at up to about 40 kB each */
    CF_HTTP_CONNECTIONS_PER_ADDRESS = 256, /* a proxy in front is one address */
    CF_HTTP_STREAMS = 100,                 /* RFC 9113 recommends not less */
    CF_HTTP_BODIES_FACTOR = 4, /* request bytes held for one connection: times the body limit */

    /* Requests */
    CF_HTTP_BODY_MAX = 1024 * 1024,         /* a plan document's own limit */
    CF_HTTP_HEAD_MAX = 16 * 1024,           /* request line and header lines of HTTP/1.1 */
    CF_HTTP_LINE_MAX = 8 * 1024,            /* one line of it; RFC 9112 asks for 8000 at least */
    CF_HTTP_HEADER_LIST_MAX = 32 * 1024,    /* HTTP/2, counted as in RFC 9113 6.5.2 */
    CF_HTTP_HEADERS_MAX = 100,              /* header lines */
    CF_HTTP_METHOD_MAX = 24,                /* longer than any registered method */
    CF_HTTP_QUERY_MAX = 64,                 /* query parameters */
    CF_HTTP_PARAMS_MAX = 8,                 /* path parameters of one template */
    CF_HTTP_CHUNK_LINE_MAX = 256,           /* size and extensions of one chunk */
    CF_HTTP_TRAILERS_MAX = 4 * 1024,        /* trailers are read and dropped */
    CF_HTTP_CHUNK_OVERHEAD_MAX = 64 * 1024, /* a body's chunk lines: tiny chunks cost more */

    /* HTTP/2 (nghttp2's own counters; what exceeds them ends the connection) */
    CF_HTTP_H2_SETTINGS_MAX = 32,
    CF_HTTP_H2_OUTBOUND_ACK_MAX = 256,
    CF_HTTP_H2_CONTINUATIONS_MAX = 8,
    CF_HTTP_H2_RESET_BURST = 200, /* resets by the client: then CF_HTTP_H2_RESET_RATE a second */
    CF_HTTP_H2_RESET_RATE = 20,
    CF_HTTP_H2_GLITCH_BURST = 1000,
    CF_HTTP_H2_GLITCH_RATE = 33,

    /* Buffers */
    CF_HTTP_READ_BYTES = 16 * 1024,         /* one TLS record */
    CF_HTTP_OUT_BYTES = 64 * 1024,          /* output prepared ahead of the kernel */
    CF_HTTP_STREAM_QUEUE_MAX = 1024 * 1024, /* of one streaming client: some thousand events */
    /* One write into an empty queue: the largest object of a cluster, with room. */
    CF_HTTP_STREAM_WRITE_MAX = 16 * 1024 * 1024,
};

#endif
