/* SPDX-License-Identifier: Apache-2.0 */
/* `crossfade sandbox load`: one load from the command line. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "deploy/sandbox/load/load.h"

enum { LOOK_MS = 50, RPS_DEFAULT = 100 };

static volatile sig_atomic_t is_asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    is_asked_to_stop = 1;
}

static const char usage[] =
    "usage: %s --url URL [--host NAME] [--header 'Name: value'] [--rps N] [--duration 30s]\n"
    "       [--timeout 5s] [--log FILE] [--summary FILE]\n"
    "Sends GET requests at a fixed rate whatever the answers do, logs each one as a line of JSON, "
    "and\n"
    "prints a summary at the end: after the duration, SIGTERM or SIGINT.\n";

struct command {
    struct sbx_load_options load;
    const char *summary;
};

static bool duration(const char *option, const char *text, int64_t *out)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cf_duration_parse(text, out, &err))
        return true;
    fprintf(stderr, "--%s: %s\n", option, err.message);
    return false;
}

static bool number(const char *text, double *out)
{
    char *rest;
    *out = strtod(text, &rest);
    return rest != text && !*rest;
}

/* 0: go on; else the exit status and one more. */
static int parse(int argc, char **argv, struct command *c)
{
    enum { URL = 1, HOST, HEADER, RPS, DURATION, TIMEOUT, LOG, SUMMARY, HELP };
    static const struct option options[] = {
        { "url", required_argument, NULL, URL },
        { "host", required_argument, NULL, HOST },
        { "header", required_argument, NULL, HEADER },
        { "rps", required_argument, NULL, RPS },
        { "duration", required_argument, NULL, DURATION },
        { "timeout", required_argument, NULL, TIMEOUT },
        { "log", required_argument, NULL, LOG },
        { "summary", required_argument, NULL, SUMMARY },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    optind = 0;
    bool fine = true;
    for (int o; fine && (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case URL:
            c->load.url = optarg;
            break;
        case HOST:
            c->load.host = optarg;
            break;
        case HEADER:
            c->load.header = optarg;
            break;
        case RPS:
            fine = number(optarg, &c->load.rps);
            break;
        case DURATION:
            fine = duration("duration", optarg, &c->load.duration_ms);
            break;
        case TIMEOUT:
            fine = duration("timeout", optarg, &c->load.timeout_ms);
            break;
        case LOG:
            c->load.log_path = optarg;
            break;
        case SUMMARY:
            c->summary = optarg;
            break;
        case HELP:
            printf(usage, argv[0]);
            return 1;
        default:
            fine = false;
        }
    }
    if (fine && optind == argc && c->load.url)
        return 0;
    fprintf(stderr, usage, argv[0]);
    return 3;
}

/* Whole or not at all: somebody may wait for the file. */
static bool write_summary(const char *path, const char *text)
{
    cf_autofree char *part = cf_xasprintf("%s.part", path);
    FILE *f = fopen(part, "we");
    bool fine = f && fprintf(f, "%s\n", text) > 0;
    if (f && fclose(f) != 0)
        fine = false;
    if (fine && rename(part, path) == 0)
        return true;
    fprintf(stderr, "write %s: %s\n", path, strerrordesc_np(errno));
    return false;
}

static int run(struct sbx_loads *loads, const struct command *c)
{
    struct cf_error err = CF_ERROR_INIT;
    int id;
    if (!sbx_load_start(loads, &c->load, &id, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return err.kind == CF_ERR_INVALID ? 2 : 1;
    }
    while (!is_asked_to_stop && !sbx_load_wait(loads, id, LOOK_MS))
        continue;
    sbx_load_stop(loads, id);
    cf_autojson json_t *summary = sbx_load_summary(loads, id);
    cf_autofree char *text = cf_json_dump(summary);
    printf("%s\n", text);
    return !c->summary || write_summary(c->summary, text) ? 0 : 1;
}

int cf_sandbox_load_main(int argc, char **argv)
{
    struct command c = { .load = { .rps = RPS_DEFAULT } };
    int wrong = parse(argc, argv, &c);
    if (wrong)
        return wrong - 1;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct cf_error err = CF_ERROR_INIT;
    struct sbx_loads *loads = sbx_loads_new(&err);
    if (!loads) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int status = run(loads, &c);
    sbx_loads_free(loads);
    return status;
}
