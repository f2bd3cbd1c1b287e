/* SPDX-License-Identifier: Apache-2.0 */
/* `crossfade serve`: the life of the process around the service. The main thread owns the signals:
 * SIGTERM and SIGINT drain, SIGHUP reads the certificate again. A drain that takes longer than
 * DRAIN_MS ends by exit: every state is in PostgreSQL. */
#include "orchestrator/cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/cli/config_table.h"
#include "orchestrator/cli/handlers.h"

enum { DRAIN_S = 10 };

static void setup_log(const struct cf_config *config)
{
    enum cf_log_level level = CF_LOG_INFO;
    const char *format = cf_config_str(config, "log.format");
    (void)!cf_log_level_parse(cf_config_str(config, "log.level"), &level);
    cf_log_setup(level, strcmp(format, "json") == 0   ? CF_LOG_JSON
                        : strcmp(format, "text") == 0 ? CF_LOG_TEXT
                                                      : CF_LOG_AUTO);
}

/* Blocks them for this thread and all later ones; the descriptor tells of them. */
static int signals_open(struct cf_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        cf_error_errno(err, errno, "signalfd");
    return fd;
}

/* Appears whole or not at all. */
static bool write_ready_file(const char *path, const char *url, struct cf_error *err)
{
    if (!path)
        return true;
    cf_autofree char *temporary = cf_xasprintf("%s.new", path);
    FILE *f = fopen(temporary, "we");
    if (!f)
        return cf_error_errno(err, errno, temporary);
    bool ok = fprintf(f, "%s\n", url) > 0;
    ok = fclose(f) == 0 && ok && rename(temporary, path) == 0;
    return ok || cf_error_errno(err, errno, path);
}

static void reload(const struct cf_cli *cli, void *service)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_notify("RELOADING=1");
    if (cli->parts->service_reload(service, &err))
        cf_log(CF_LOG_INFO, "serve.reloaded", "the certificate was read again");
    else
        cf_log_err(CF_LOG_ERROR, "serve.reload-failed", "the old certificate stays", &err);
    cf_notify("READY=1");
}

/* Until a signal says stop; its number. */
static int wait_for_end(const struct cf_cli *cli, void *service, int fd)
{
    for (;;) {
        struct signalfd_siginfo info;
        ssize_t n = read(fd, &info, sizeof info);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof info)
            return SIGTERM;
        if (info.ssi_signo != SIGHUP)
            return (int)info.ssi_signo;
        reload(cli, service);
    }
}

static void drain(const struct cf_cli *cli, void *service, int signo)
{
    int64_t began_ms = cf_mono_now_ms();
    cf_log(CF_LOG_INFO, "serve.stopping", "draining",
           CF_S("signal", signo == SIGINT ? "SIGINT" : "SIGTERM"));
    cf_notify("STOPPING=1");
    alarm(DRAIN_S); /* its default action ends the process; a second SIGTERM need not wait for it */
    cli->parts->service_stop(service);
    alarm(0);
    cf_log(CF_LOG_INFO, "serve.stopped", "stopped", CF_I("ms", cf_mono_now_ms() - began_ms));
}

static bool serve(const struct cf_cli *cli, const struct cf_config *config, struct cf_error *err)
{
    int64_t began_ms = cf_mono_now_ms();
    int fd = signals_open(err);
    if (fd < 0)
        return false;
    cf_autofree char *url = NULL;
    void *service = cli->parts->service_start(config, &url, err);
    const char *ready_file = cf_config_str(config, "ready-file");
    bool ok = service != NULL && write_ready_file(ready_file, url, err);
    if (ok) {
        cf_log(CF_LOG_INFO, "serve.ready", "ready", CF_S("url", url), CF_S("version", CF_VERSION),
               CF_I("ms", cf_mono_now_ms() - began_ms));
        cf_notify("READY=1");
        drain(cli, service, wait_for_end(cli, service, fd));
        if (ready_file)
            unlink(ready_file);
    } else if (service) {
        cli->parts->service_stop(service);
    }
    close(fd);
    return ok;
}

int cf_cmd_serve(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_config *config = cf_config_of_cli(cli, &err);
    bool ok = config && cf_config_judge(config, &err);
    if (ok && !cf_config_str(config, "key-file"))
        ok = cf_error_set(&err, CF_ERR_INVALID,
                          "key-file is not set: clusters' credentials are sealed with it. "
                          "crossfade key generate FILE makes one");
    if (!ok) {
        cf_config_free(config);
        return cf_fail(&err);
    }
    setup_log(config);
    ok = serve(cli, config, &err);
    if (!ok)
        cf_log_err(CF_LOG_ERROR, "serve.failed", "the service did not start", &err);
    cf_config_free(config);
    return ok ? CF_EXIT_OK : cf_exit_of_error(&err);
}
