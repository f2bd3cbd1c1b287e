/* SPDX-License-Identifier: Apache-2.0 */
/* The watch: events tell that something changed, the run itself tells what it is now.
 *
 * On a terminal the run is drawn as a tree, at most every REDRAW_MS, and once a second for what
 * counts up; without one each transition is a line. One thread polls the stream and the signals;
 * the stream's bytes come from the transport's thread. */
#include "orchestrator/cli/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "orchestrator/cli/event_stream.h"
#include "orchestrator/cli/output.h"
#include "orchestrator/cli/run_tree.h"
#include "orchestrator/cli/terminal.h"

enum {
    REDRAW_MS = 200,  /* two frames are never nearer */
    LOOK_MS = 1000,   /* gates and clocks move without events */
    AWAY_LOOKS = 300, /* failed looks in a row before we give up on the service: five minutes */
    PAGE_MAX = 1024 * 1024,
    HOLD_NAME_MAX = 64,
};

struct watcher {
    struct cf_cli *cli;
    struct cf_client *client;
    const struct cf_watch *watch;
    char *name; /* PLAN/3, once it is known: @latest may mean another one later */
    char *path; /* of the run */
    struct cf_event_stream *stream;
    int signals;
    bool live; /* draws a tree */
    struct cf_tree_options tree;
    struct cf_terminal terminal;
    json_t *run;              /* as last read */
    char held[HOLD_NAME_MAX]; /* the hold that was last told */
    bool changed;
    int failed_looks;
    int64_t looked_ms, give_up_ms;
};

/* Reads the run. 0; -1 when the service is away for the moment; else the exit code of an answer
 * that will not change. */
static int look(struct watcher *w)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_answer_free) struct cf_answer a = { 0 };
    w->looked_ms = cf_mono_now_ms();
    w->changed = false;
    bool answered = cf_client_call(w->client, &(struct cf_ask){ .path = w->path }, &a, &err);
    if (answered && a.status == 200 && a.json) {
        json_decref(w->run);
        w->run = cf_steal(&a.json);
        w->failed_looks = 0;
        return 0;
    }
    bool final = answered && a.status < 500 && a.status != 429;
    if (!final && w->run && ++w->failed_looks < AWAY_LOOKS)
        return -1;
    if (!answered)
        return cf_fail(&err);
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(PAGE_MAX);
    cf_problem_text(a.json, a.status, NULL, &text);
    fputs(cf_buf_str(&text), stderr);
    return cf_exit_of_status(a.status);
}

static void draw(struct watcher *w, const char *note)
{
    if (!w->live)
        return;
    int rows;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(PAGE_MAX);
    cf_terminal_size(w->terminal.fd, &rows, &w->tree.width);
    w->tree.now_ms = cf_wall_ms(&cf_clock_real);
    w->tree.note = w->failed_looks || cf_event_stream_is_away(w->stream) ? "reconnecting" : note;
    cf_run_tree(w->run, &w->tree, &text);
    cf_terminal_draw(&w->terminal, cf_buf_str(&text));
}

static void on_event(void *arg, const char *id, const char *event, const char *data, size_t len)
{
    struct watcher *w = arg;
    struct cf_error ignored = CF_ERROR_INIT;
    (void)id;
    (void)event;
    w->changed = true;
    if (w->live)
        return;
    cf_autojson json_t *j = cf_json_parse(data, len, 0, &ignored);
    CF_CLEANUP(cf_buf_free) struct cf_buf line = CF_BUF_INIT(PAGE_MAX);
    if (!json_is_object(j) || !cf_event_line(j, &line))
        return;
    puts(cf_buf_str(&line));
    fflush(stdout);
}

/* Whether the watching is over. */
static bool is_over(struct watcher *w, int *out_code)
{
    if (w->watch->until && w->watch->until(w->watch->arg, w->run, out_code))
        return true;
    *out_code = cf_exit_of_run(cf_json_str(w->run, "", "state", NULL));
    return cf_run_has_ended(w->run) && !w->watch->follow;
}

/* Without a terminal: once for each hold, the line that sends the traffic back. */
static void tell_way_back(struct watcher *w)
{
    const char *reason = cf_json_str(w->run, "", "hold", "reason", NULL);
    bool is_new = strcmp(reason, w->held) != 0;
    (void)snprintf(w->held, sizeof w->held, "%s", reason);
    if (w->live || !is_new || !*reason)
        return;
    CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(PAGE_MAX);
    cf_run_way_back(w->run, &text);
    fputs(cf_buf_str(&text), stdout);
    fflush(stdout);
}

static int detach(struct watcher *w)
{
    draw(w, NULL);
    cf_terminal_leave(&w->terminal);
    fprintf(stderr, "%sDetached; run %s goes on. Back: crossfade run watch %s\n",
            w->live ? "" : "\n", w->name, w->name);
    return CF_EXIT_INTERRUPTED;
}

/* How long to sleep: to the next frame when something changed, else to the next look. */
static int pause_ms(const struct watcher *w)
{
    int64_t now = cf_mono_now_ms(), next = w->looked_ms + (w->changed ? REDRAW_MS : LOOK_MS);
    if (w->give_up_ms)
        next = CF_MIN(next, w->give_up_ms);
    return (int)CF_MAX(next - now, (int64_t)0);
}

/* True: interrupted. */
static bool take_signal(struct watcher *w)
{
    struct signalfd_siginfo info;
    if (read(w->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return false;
    if (info.ssi_signo != SIGWINCH)
        return true;
    cf_terminal_leave(
        &w->terminal); /* lines were wrapped anew: what stands there is no longer ours to replace */
    if (w->live)
        fputs("\033[H\033[2J", stdout);
    fflush(stdout);
    w->changed = true;
    return false;
}

static int loop(struct watcher *w)
{
    struct cf_error err = CF_ERROR_INIT;
    int code = 0;
    for (;;) {
        struct pollfd fds[] = { { cf_event_stream_fd(w->stream), POLLIN, 0 },
                                { w->signals, POLLIN, 0 } };
        if (poll(fds, 2, pause_ms(w)) < 0 && errno != EINTR)
            return CF_EXIT_FAILURE;
        if ((fds[1].revents & POLLIN) && take_signal(w))
            return detach(w);
        if ((fds[0].revents & POLLIN) && !cf_event_stream_take(w->stream, on_event, w, &err))
            return cf_fail(&err);
        if (w->give_up_ms && cf_mono_now_ms() >= w->give_up_ms) {
            fprintf(stderr, "crossfade: the time is over; run %s goes on\n", w->name);
            return CF_EXIT_TIMED_OUT;
        }
        if (pause_ms(w) > 0)
            continue;
        code = look(w);
        if (code > 0)
            return code;
        draw(w, "live");
        if (code == 0)
            tell_way_back(w);
        if (code == 0 && is_over(w, &code))
            return code;
    }
}

/* Signals come as readable bytes, on this thread only. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The events that are still on their way when the run has ended. */
static void last_lines(struct watcher *w)
{
    struct cf_error err = CF_ERROR_INIT;
    struct pollfd fd = { cf_event_stream_fd(w->stream), POLLIN, 0 };
    if (!w->live && cf_run_has_ended(w->run))
        while (poll(&fd, 1, REDRAW_MS * 2) > 0 &&
               cf_event_stream_take(w->stream, on_event, w, &err))
            continue;
}

static void end_words(const struct watcher *w)
{
    const json_t *hold = cf_json_at(w->run, "hold", NULL);
    if (w->live)
        return;
    if (cf_run_has_ended(w->run))
        cf_note(w->cli, "run %s: %s. Report: crossfade run report %s", w->name,
                cf_json_str(w->run, "", "state", NULL), w->name);
    else if (json_is_object(hold))
        cf_note(w->cli, "run %s holds: %s", w->name, cf_json_str(hold, "", "message", NULL));
}

/* From here on this very run is meant. */
static void settle_name(struct watcher *w)
{
    free(w->name);
    free(w->path);
    w->name = cf_xstrdup(cf_json_str(w->run, w->watch->run, "name", NULL));
    w->path = cf_path("/api/v1/runs/", cf_json_str(w->run, w->watch->run, "id", NULL), NULL);
}

static int follow(struct watcher *w)
{
    struct cf_error err = CF_ERROR_INIT;
    int code = look(w);
    if (code)
        return code > 0 ? code : CF_EXIT_UNREACHABLE;
    settle_name(w);
    const char *after = w->watch->until ? cf_json_str(w->run, "0", "lastEvent", NULL) : "0";
    cf_autofree char *events = cf_xasprintf("%s/events", w->path);
    w->stream = cf_event_stream_open(w->client, events, after, &err);
    if (!w->stream)
        return cf_fail(&err);
    draw(w, "live");
    if (!is_over(w, &code))
        code = loop(w);
    if (code == CF_EXIT_INTERRUPTED)
        return code;
    last_lines(w);
    tell_way_back(w);
    draw(w, NULL);
    end_words(w);
    return code;
}

int cf_watch_run(struct cf_cli *cli, struct cf_client *client, const struct cf_watch *watch)
{
    struct watcher w = {
        .cli = cli,
        .client = client,
        .watch = watch,
        .name = cf_xstrdup(watch->run),
        .path = cf_path("/api/v1/runs/", watch->run, NULL),
        .live = watch->tree && isatty(STDOUT_FILENO),
        .terminal = { .fd = STDOUT_FILENO },
        .give_up_ms = watch->limit_ms ? cf_mono_now_ms() + watch->limit_ms : 0,
    };
    w.tree =
        (struct cf_tree_options){ .color = cf_use_color(cli), .ascii = !cf_terminal_is_utf8() };
    w.signals = open_signals();
    int code = w.signals < 0 ? CF_EXIT_FAILURE : follow(&w);
    cf_event_stream_close(w.stream);
    cf_terminal_leave(&w.terminal);
    if (w.signals >= 0)
        close(w.signals);
    json_decref(w.run);
    free(w.path);
    free(w.name);
    return code;
}
