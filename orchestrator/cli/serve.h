/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told. */
#ifndef CF_CLI_SERVE_H
#define CF_CLI_SERVE_H

/* One sd_notify(3) message ("READY=1") to NOTIFY_SOCKET; nothing when that is not set. */
void cf_notify(const char *message);

#endif
