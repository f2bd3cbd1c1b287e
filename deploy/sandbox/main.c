/* SPDX-License-Identifier: Apache-2.0 */
/* `crossfade sandbox`: options, signals, what is printed. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "deploy/sandbox/load/load.h"
#include "deploy/sandbox/sandbox.h"
#include "deploy/sandbox/world.h"

enum {
    KARMADA_WAIT = 10, /* percent: a member that is away is seen as such after 3 s */
    KARMADA_WAIT_MAX = 1000,
    VELERO_WAIT_MAX = 1000,
    VELERO_MOVERS_MAX = 1000,
};

static void usage(FILE *to)
{
    fputs("Usage: crossfade sandbox [options]\n"
          "\n"
          "Simulated clusters on loopback: API servers, controllers, a gateway with real HTTP "
          "traffic, load, faults.\n"
          "\n"
          "  --clusters A,B     their names (default: east,west)\n"
          "  --port-base N      ports from N on: control, then API, gateway and metrics of each "
          "cluster (default: any)\n"
          "  --ports 0          any free ports\n"
          "  --state-dir DIR    writes DIR/sandbox.json and DIR/NAME.kubeconfig\n"
          "  --karmada NAME     a Karmada control plane over all clusters\n"
          "  --karmada-wait N   how long it waits, in percent of a real one (default: 10)\n"
          "  --clusternet NAME  a hub of Clusternet over all clusters, instead of Karmada\n"
          "  --velero           a Velero in each cluster, over one bucket\n"
          "  --velero-version V its version: 1.18.3, or east=1.16.2,west=1.18.3\n"
          "  --velero-wait N    how long it takes, in percent of a real one (default: 2)\n"
          "  --velero-sync T    between two looks at the bucket, of a real one (default: 1m)\n"
          "  --velero-rates U,D bytes a second up and down, of a real one (default: 30Mi,60Mi)\n"
          "  --velero-movers N  volumes of a kind at a time on a node (default: 1)\n"
          "  --demo             puts the demo application into the first cluster\n"
          "  --die-with-parent  ends when the process that started it does\n"
          "  -h, --help\n"
          "\n"
          "crossfade sandbox load --help tells about the load generator.\n",
          to);
}

/* "30Mi,60Mi". */
static bool read_rates(const char *text, struct sandbox_options *o, struct cf_error *err)
{
    const char *comma = strchr(text, ',');
    if (!comma)
        return cf_error_set(err, CF_ERR_INVALID, "two rates with a comma between them are wanted");
    cf_autofree char *up = cf_xstrndup(text, (size_t)(comma - text));
    return cf_bytes_parse(up, &o->velero_upload, err) &&
           cf_bytes_parse(comma + 1, &o->velero_download, err);
}

/* One of the options of Velero; what is wrong is printed. */
static bool read_velero(int option, const char *text, struct sandbox_options *o)
{
    struct cf_error err = CF_ERROR_INIT;
    int64_t number = 0;
    bool fine = true;
    if (option == 'v')
        o->velero = true;
    else if (option == 'V')
        o->velero_version = text;
    else if (option == 'W')
        fine = cf_int_parse(text, 1, VELERO_WAIT_MAX, &number, &err);
    else if (option == 'M')
        fine = cf_int_parse(text, 1, VELERO_MOVERS_MAX, &number, &err);
    else if (option == 'S')
        fine = cf_duration_parse(text, &o->velero_sync_ms, &err);
    else
        fine = read_rates(text, o, &err);
    if (option == 'W')
        o->velero_wait = (int)number;
    else if (option == 'M')
        o->velero_movers = (int)number;
    if (!fine)
        fprintf(stderr, "crossfade sandbox: velero: %s\n", err.message);
    return fine;
}

/* 0: go on; else the exit status plus one. */
static int read_options(int argc, char **argv, struct sandbox_options *o, bool *die_with_parent)
{
    static const struct option table[] = {
        { "clusters", required_argument, NULL, 'c' },
        { "port-base", required_argument, NULL, 'p' },
        { "ports", required_argument, NULL, 'p' },
        { "state-dir", required_argument, NULL, 's' },
        { "karmada", required_argument, NULL, 'k' },
        { "karmada-wait", required_argument, NULL, 'w' },
        { "clusternet", required_argument, NULL, 'n' },
        { "velero", no_argument, NULL, 'v' },
        { "velero-version", required_argument, NULL, 'V' },
        { "velero-wait", required_argument, NULL, 'W' },
        { "velero-sync", required_argument, NULL, 'S' },
        { "velero-rates", required_argument, NULL, 'R' },
        { "velero-movers", required_argument, NULL, 'M' },
        { "demo", no_argument, NULL, 'd' },
        { "die-with-parent", no_argument, NULL, 'x' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    *o = (struct sandbox_options){ .clusters = "east,west", .karmada_wait = KARMADA_WAIT };
    optind = 0;
    for (int c; (c = getopt_long(argc, argv, "h", table, NULL)) != -1;) {
        struct cf_error err = CF_ERROR_INIT;
        int64_t number = 0;
        switch (c) {
        case 'c':
            o->clusters = optarg;
            break;
        case 'p':
            if (!cf_int_parse(optarg, 0, 65000, &number, &err)) {
                fprintf(stderr, "crossfade sandbox: port: %s\n", err.message);
                return 3;
            }
            o->port_base = (int)number;
            break;
        case 's':
            o->state_dir = optarg;
            break;
        case 'k':
            o->karmada = optarg;
            break;
        case 'n':
            o->clusternet = optarg;
            break;
        case 'w':
            if (!cf_int_parse(optarg, 1, KARMADA_WAIT_MAX, &number, &err)) {
                fprintf(stderr, "crossfade sandbox: karmada-wait: %s\n", err.message);
                return 3;
            }
            o->karmada_wait = (int)number;
            break;
        case 'v':
        case 'V':
        case 'W':
        case 'S':
        case 'R':
        case 'M':
            if (!read_velero(c, optarg, o))
                return 3;
            break;
        case 'd':
            o->demo = true;
            break;
        case 'x':
            *die_with_parent = true;
            break;
        case 'h':
            usage(stdout);
            return 1;
        default:
            usage(stderr);
            return 3;
        }
    }
    if (o->karmada && o->clusternet) {
        fputs("crossfade sandbox: --karmada and --clusternet exclude each other\n", stderr);
        return 3;
    }
    if (optind < argc) {
        fprintf(stderr, "crossfade sandbox: unexpected argument: %s\n", argv[optind]);
        return 3;
    }
    return 0;
}

static void print_world(const struct sandbox_world *w)
{
    cf_autojson json_t *all = sandbox_world_describe(w);
    cf_autofree char *text = cf_json_dump_pretty(all);
    puts(text);
    fflush(stdout);
}

/* Until a signal says so. */
static void wait_for_end(struct sandbox_world *w, const sigset_t *signals)
{
    const struct timespec tick = { .tv_sec = SANDBOX_TICK_MS / 1000,
                                   .tv_nsec = SANDBOX_TICK_MS % 1000 * 1000000L };
    for (;;) {
        if (sigtimedwait(signals, NULL, &tick) > 0)
            return;
        if (errno == EAGAIN)
            sandbox_world_tick(w);
    }
}

int cf_sandbox_main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "load") == 0)
        return cf_sandbox_load_main(argc - 1, argv + 1);
    struct sandbox_options options;
    bool die_with_parent = false;
    pid_t parent = getppid();
    int stop = read_options(argc, argv, &options, &die_with_parent);
    if (stop)
        return stop - 1;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* the only thread so far; those to come inherit it */
    signal(SIGPIPE, SIG_IGN);
    if (die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        return 1;
    struct cf_error err = CF_ERROR_INIT;
    struct sandbox_world *world = sandbox_world_start(&options, &err);
    if (!world) {
        fprintf(stderr, "crossfade sandbox: %s\n", err.message);
        return 1;
    }
    print_world(world);
    wait_for_end(world, &signals);
    sandbox_world_stop(world);
    return 0;
}
