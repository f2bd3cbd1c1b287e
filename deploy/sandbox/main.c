/* SPDX-License-Identifier: Apache-2.0 */
/* `crossfade sandbox`: options, signals, what is printed. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/units.h"
#include "deploy/sandbox/sandbox.h"
#include "deploy/sandbox/world.h"

static void usage(FILE *to)
{
    fputs("Usage: crossfade sandbox [options]\n"
          "\n"
          "Simulated clusters on loopback: API servers, controllers, a gateway with real HTTP traffic, load, faults.\n"
          "\n"
          "  --clusters A,B     their names (default: east,west)\n"
          "  --port-base N      ports from N on: control, then API, gateway and metrics of each cluster (default: any)\n"
          "  --ports 0          any free ports\n"
          "  --state-dir DIR    writes DIR/sandbox.json and DIR/NAME.kubeconfig\n"
          "  --demo             puts the demo application into the first cluster\n"
          "  --die-with-parent  ends when the process that started it does\n"
          "  -h, --help\n",
          to);
}

/* 0: go on; else the exit status plus one. */
static int read_options(int argc, char **argv, struct sbx_options *o)
{
    static const struct option table[] = {
        { "clusters", required_argument, NULL, 'c' },   { "port-base", required_argument, NULL, 'p' },
        { "ports", required_argument, NULL, 'p' },      { "state-dir", required_argument, NULL, 's' },
        { "demo", no_argument, NULL, 'd' },             { "die-with-parent", no_argument, NULL, 'x' },
        { "help", no_argument, NULL, 'h' },             { NULL, 0, NULL, 0 },
    };
    *o = (struct sbx_options){ .clusters = "east,west" };
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "h", table, NULL)) != -1;) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t port = 0;
        switch (c) {
        case 'c': o->clusters = optarg; break;
        case 'p':
            if (!cf_int_parse(optarg, 0, 65000, &port, &err)) {
                fprintf(stderr, "crossfade sandbox: port: %s\n", err.message);
                return 3;
            }
            o->port_base = (int)port;
            break;
        case 's': o->state_dir = optarg; break;
        case 'd': o->demo = true; break;
        case 'x': o->die_with_parent = true; break;
        case 'h': usage(stdout); return 1;
        default: usage(stderr); return 3;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "crossfade sandbox: unexpected argument: %s\n", argv[optind]);
        return 3;
    }
    return 0;
}

static void print_world(const struct sbx_world *w)
{
    cf_autojson json_t *all = sbx_world_describe(w);
    cf_autofree char *text = cf_json_dump_pretty(all);
    puts(text);
    fflush(stdout);
}

int cf_sandbox_main(int argc, char **argv)
{
    struct sbx_options options;
    int stop = read_options(argc, argv, &options);
    if (stop)
        return stop - 1;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* the only thread so far; those to come inherit it */
    signal(SIGPIPE, SIG_IGN);
    pid_t parent = getppid();
    if (options.die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        return 1;
    struct sbx_world world;
    struct cf_error err = CF_ERROR_INIT;
    if (!sbx_world_start(&world, &options, &err)) {
        fprintf(stderr, "crossfade sandbox: %s\n", err.message);
        sbx_world_stop(&world);
        return 1;
    }
    print_world(&world);
    int got;
    while (sigwait(&signals, &got) != 0 && errno == EINTR)
        continue;
    sbx_world_stop(&world);
    return 0;
}
