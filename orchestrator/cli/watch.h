/* SPDX-License-Identifier: Apache-2.0 */
/* Following a run until it ends or comes to a wanted place. */
#ifndef CF_CLI_WATCH_H
#define CF_CLI_WATCH_H

#include "base/json.h"
#include "orchestrator/cli/client.h"

/* When the watching is over besides the run's end. False to go on; true with the exit code. */
typedef bool cf_watch_until(void *arg, const json_t *run, int *out_code);

struct cf_watch {
    const char *run;       /* its name */
    cf_watch_until *until; /* NULL: its end only */
    void *arg;
    int64_t limit_ms; /* give up after this; 0: never */
    bool tree;        /* on a terminal: a live tree; else lines */
    bool follow;      /* stay when it has ended */
};

/* Blocks. Ctrl-C detaches (130) and says that the run goes on. The exit code tells how the run
 * ended. */
int cf_watch_run(struct cf_cli *cli, struct cf_client *client, const struct cf_watch *watch);

#endif
