/* SPDX-License-Identifier: Apache-2.0 */
/* Whole command lines against a server that drops streams, refuses and is away: what is printed,
 * the exit codes, and that a watch goes on by Last-Event-ID without missing or repeating an event.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "orchestrator/cli/cli.h"
#include "orchestrator/cli/exit.h"
#include "tests/support/rude_server.h"
#include "tests/support/test.h"

enum { WORDS_MAX = 12, OUTPUT_MAX = 64 * 1024 };

struct world {
    atomic_int streams; /* opened so far */
    atomic_bool over;   /* the last event was sent */
    atomic_bool lost;   /* a stream did not ask to go on where the one before ended */
};

static struct world world;
static struct rude_server *server;

static bool answer_run(const struct rude_server_request *r)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"id\":\"id-1\",\"name\":\"web/1\",\"state\":\"%s\",\"phase\":\"Shifting\","
             "\"lastEvent\":\"0\",\"hold\":%s,\"weight\":{\"desired\":25,\"applied\":25,"
             "\"observed\":null},\"steps\":[]}",
             atomic_load(&world.over) ? "rolled-back" : "active",
             strstr(r->path, "held") ? "{\"reason\":\"commit\",\"message\":\"m\"}" : "null");
    return rude_server_answer(r, 200, "Content-Type: application/json\r\n", body);
}

#define EVENT(id, kind)                                                                            \
    "id: " id "\nevent: " kind "\ndata: {\"id\":\"" id "\",\"at\":\"T" id                          \
    "\",\"run\":\"web/1\",\"kind\":\"" kind "\",\"data\":{}}\n\n"

/* The first stream breaks after two events, the second one in the middle of one; the third tells
 * the end. */
static bool stream_events(const struct rude_server_request *r)
{
    static const char *const resumes[] = { "Last-Event-ID: 0\r\n", "Last-Event-ID: 11\r\n",
                                           "Last-Event-ID: 12\r\n" };
    static const char *const parts[] = { EVENT("10", "run.created") EVENT("11", "step.started"),
                                         EVENT("12", "step.done") "id: 13\ndata: {\"kin",
                                         EVENT("13", "run.rolled-back") };
    int n = atomic_fetch_add(&world.streams, 1);
    if (n > 2)
        return false;
    if (!strstr(r->head, resumes[n]))
        atomic_store(&world.lost, true);
    if (n == 2)
        atomic_store(&world.over, true);
    rude_server_send(
        r, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    rude_server_send(r, parts[n]);
    return false;
}

static bool serve(void *arg, const struct rude_server_request *r)
{
    (void)arg;
    static const char problem[] =
        "{\"title\":\"T\",\"detail\":\"no such\",\"code\":\"C\",\"hint\":\"look\"}";
    if (strstr(r->path, "/events"))
        return stream_events(r);
    if (strstr(r->path, "/none"))
        return rude_server_answer(r, 404, "Content-Type: application/problem+json\r\n", problem);
    if (strstr(r->path, "/secret"))
        return rude_server_answer(r, 401, "Content-Type: application/problem+json\r\n", problem);
    if (strcmp(r->method, "POST") == 0)
        return rude_server_answer(r, 202, "Content-Type: application/json\r\n",
                                  "{\"id\":\"5\",\"action\":\"pause\",\"run\":\"web/1\","
                                  "\"state\":\"refused\",\"message\":\"not now\"}");
    return answer_run(r);
}

/* Runs a command line (without the program's name) against the server; its standard output, which
 * the caller frees. */
static char *run(int *out_code, const char *const *words)
{
    char url[64];
    char *argv[WORDS_MAX + 4] = { (char *)(uintptr_t) "crossfade" };
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", rude_server_port(server));
    argv[argc++] = (char *)(uintptr_t) "--server";
    argv[argc++] = url;
    FILE *out = tmpfile();
    assert_non_null(out);
    fflush(stdout);
    int saved = dup(1);
    dup2(fileno(out), 1);
    *out_code = cf_cli_main(argc, argv, NULL);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    char *text = cf_xcalloc(1, OUTPUT_MAX);
    rewind(out);
    size_t n = fread(text, 1, OUTPUT_MAX - 1, out);
    text[n] = '\0';
    fclose(out);
    return text;
}

static void forget(void)
{
    atomic_store(&world.streams, 0);
    atomic_store(&world.over, false);
    atomic_store(&world.lost, false);
}

static void a_watch_outlives_its_connections(void **state)
{
    (void)state;
    int code;
    forget();
    cf_autofree char *out =
        run(&code, (const char *const[]){ "run", "watch", "web/1", "-q", NULL });
    assert_int_equal(code, CF_EXIT_RUN_ROLLED_BACK);
    assert_false(atomic_load(&world.lost));
    assert_string_equal(out, "T10 web/1 run.created\nT11 web/1 step.started\nT12 web/1 "
                             "step.done\nT13 web/1 run.rolled-back\n");
}

static void waiting_ends_where_it_should(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        int code;
    } rows[] = {
        { { "run", "wait", "web/1", "--for", "weight=25", "-q" }, CF_EXIT_OK },
        { { "run", "wait", "web/1", "--for", "phase=Shifting", "-q" }, CF_EXIT_OK },
        { { "run", "wait", "held", "--for", "hold", "-q" }, CF_EXIT_OK },
        { { "run", "wait", "none", "-q" }, CF_EXIT_NOT_FOUND },
        { { "run", "wait", "secret", "-q" }, CF_EXIT_DENIED },
        { { "run", "wait", "held", "--for", "weight=50", "-q" }, CF_EXIT_WAITING },
        { { "run", "wait", "web/1", "--for", "weight=101", "-q" }, CF_EXIT_USAGE },
        { { "run", "wait", "web/1", "--for", "christmas", "-q" }, CF_EXIT_USAGE },
        { { "pause", "web/1" }, CF_EXIT_CONFLICT },
        { { "run", "get", "none" }, CF_EXIT_NOT_FOUND },
        { { "run", "get", "web/1", "-o", "name" }, CF_EXIT_OK },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        int code;
        forget();
        cf_autofree char *out = run(&code, rows[i].words);
        if (code != rows[i].code)
            fail_msg("row %zu: exit code %d instead of %d", i, code, rows[i].code);
    }
}

static void time_runs_out(void **state)
{
    (void)state;
    int code;
    forget();
    atomic_store(&world.streams, 3); /* no stream holds: looks alone */
    cf_autofree char *out =
        run(&code, (const char *const[]){ "run", "wait", "web/1", "-q", "-t", "300ms", NULL });
    assert_int_equal(code, CF_EXIT_TIMED_OUT);
}

static int start(void **state)
{
    (void)state;
    static const char *const variables[] = { "CROSSFADE_SERVER", "CROSSFADE_TOKEN_FILE",
                                             "CROSSFADE_CONTEXT", "CROSSFADE_CA_FILE" };
    for (size_t i = 0; i < CF_ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    server = rude_server_start(serve, NULL, NULL, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rude_server_stop(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_outlives_its_connections),
        cmocka_unit_test(waiting_ends_where_it_should),
        cmocka_unit_test(time_runs_out),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
