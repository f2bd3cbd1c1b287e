/* SPDX-License-Identifier: Apache-2.0 */
/* One child process, its output, its deadline. Promises that nothing of it is left when this
 * returns. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "federation/kube/exec_plugin.h"

enum { WAIT_SLICE_MS = 5 };

struct child {
    pid_t pid;
    int out, err; /* our ends of its pipes; -1 when closed */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Signals back to what a program expects, a group of its own, no descriptors of ours. */
static void set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attr);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
}

static bool spawn(char *const *argv, char *const *environment, struct child *c,
                  struct cf_error *err)
{
    int out[2] = { -1, -1 }, diag[2] = { -1, -1 };
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(diag, O_CLOEXEC) != 0) {
        int problem = errno;
        close_fd(&out[0]);
        close_fd(&out[1]);
        return cf_error_errno(err, problem, "make a pipe");
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, diag[1], 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    set_attributes(&attr);
    int rc = posix_spawnp(&c->pid, argv[0], &actions, &attr, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    close_fd(&out[1]);
    close_fd(&diag[1]);
    c->out = out[0];
    c->err = diag[0];
    if (rc == 0)
        return true;
    close_fd(&c->out);
    close_fd(&c->err);
    if (rc == ENOENT)
        return cf_error_set(err, CF_ERR_NOT_FOUND, "run %s: there is no such program", argv[0]);
    cf_autofree char *what = cf_xasprintf("run %s", argv[0]);
    cf_error_errno(err, rc, what);
    err->kind = CF_ERR_UNAVAILABLE;
    return false;
}

/* Reads what is there; closes the descriptor at its end. */
static void drain(int *fd, struct cf_buf *into)
{
    char page[4096];
    ssize_t n = read(*fd, page, sizeof page);
    if (n > 0)
        cf_buf_append(into, page, (size_t)n);
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        close_fd(fd);
}

/* Until both pipes are closed; false at the deadline or when there is too much. */
static bool collect(struct child *c, int64_t deadline_ms, struct cf_buf *out, struct cf_buf *diag)
{
    while (c->out >= 0 || c->err >= 0) {
        int64_t left_ms = deadline_ms - cf_mono_now_ms();
        if (left_ms <= 0 || out->overflow)
            return false;
        struct pollfd fds[2] = { { .fd = c->out, .events = POLLIN },
                                 { .fd = c->err, .events = POLLIN } };
        if (poll(fds, 2, (int)CF_MIN(left_ms, 1000)) <= 0)
            continue;
        if (c->out >= 0 && fds[0].revents)
            drain(&c->out, out);
        if (c->err >= 0 && fds[1].revents)
            drain(&c->err, diag);
    }
    return true;
}

/* Its exit status; kills it (and what it started) at the deadline. */
static int reap(struct child *c, int64_t deadline_ms, bool *out_killed)
{
    int status = 0;
    *out_killed = false;
    for (;;) {
        pid_t done = waitpid(c->pid, &status, *out_killed ? 0 : WNOHANG);
        if (done == c->pid || (done < 0 && errno != EINTR))
            return status;
        if (done == 0 && cf_mono_now_ms() >= deadline_ms) {
            kill(-c->pid, SIGKILL);
            *out_killed = true;
        } else if (done == 0) {
            cf_sleep_ms(&cf_clock_real, WAIT_SLICE_MS);
        }
    }
}

bool kube_run(char *const *argv, char *const *environment, int64_t deadline_ms, struct cf_buf *out,
              struct cf_error *err)
{
    struct child c = { .out = -1, .err = -1 };
    CF_CLEANUP(cf_buf_free) struct cf_buf diag = CF_BUF_INIT(KUBE_EXEC_STDERR_MAX);
    if (!spawn(argv, environment, &c, err))
        return false;
    bool complete = collect(&c, deadline_ms, out, &diag);
    bool killed = false;
    int status = reap(&c, complete ? deadline_ms : 0, &killed);
    close_fd(&c.out);
    close_fd(&c.err);
    if (out->overflow)
        return cf_error_set(err, CF_ERR_LIMIT, "%s wrote more than %zu bytes", argv[0], out->max);
    if (killed)
        return cf_error_set(err, CF_ERR_UNAVAILABLE, "%s did not finish in time and was killed",
                            argv[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    const char *words = cf_buf_str(&diag);
    return cf_error_set(err, CF_ERR_UNAVAILABLE, "%s %s %d%s%.*s", argv[0],
                        WIFEXITED(status) ? "exited with" : "was ended by signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
                        words[0] ? ": " : "", (int)strcspn(words, "\r\n"), words);
}
