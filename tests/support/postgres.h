/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL for tests.
 *
 * cf_test_pg_database() gives an empty database of its own to whoever asks: in the server that
 * CROSSFADE_TEST_PG points to (libpq keywords, not a URI; a role that may create databases), or
 * else in a private one, started at the first call and shared by the process. cf_test_pg_start()
 * always makes a private one, which may be stopped and started. Private servers listen on a socket
 * in a temporary folder only; a guardian process ends them and removes the folder when the test
 * process ends, however it ends. As root they run as `postgres`, or else `nobody`. Call these from
 * the main thread, before other threads are started. Failures print why and abort. */
#ifndef TESTS_SUPPORT_POSTGRES_H
#define TESTS_SUPPORT_POSTGRES_H

/* Connection string of a new database; malloc'd, caller frees. */
char *cf_test_pg_database(void);

struct cf_test_pg;

struct cf_test_pg *cf_test_pg_start(void);
/* Ends the server, if it runs, and forgets it. Otherwise the end of the process does. */
void cf_test_pg_free(struct cf_test_pg *pg);
/* Connection string of a new database in this server; malloc'd. */
char *cf_test_pg_new_database(struct cf_test_pg *pg);

enum cf_test_pg_stop {
    CF_TEST_PG_FAST,  /* connections get an error, transactions are rolled back */
    CF_TEST_PG_CRASH, /* everything ends at once; recovery at the next start */
};
void cf_test_pg_stop(struct cf_test_pg *pg, enum cf_test_pg_stop how);
/* Starts it again and waits until it takes connections. */
void cf_test_pg_continue(struct cf_test_pg *pg);

#endif
