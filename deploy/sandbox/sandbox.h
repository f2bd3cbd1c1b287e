/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world behind `crossfade sandbox`: API servers, controllers, a data plane, load and
 * faults, all on loopback, in one process. Called by the command line only; README.md says what it
 * claims and what it does not. */
#ifndef DEPLOY_SANDBOX_SANDBOX_H
#define DEPLOY_SANDBOX_SANDBOX_H

/* Runs until SIGTERM or SIGINT, which it takes over. `argv[0]` is the command's name. Returns the
 * process' exit status: 0 after a signal, 1 when it cannot start, 2 for a wrong option. */
int cf_sandbox_main(int argc, char **argv);

#endif
