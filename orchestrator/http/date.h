/* SPDX-License-Identifier: Apache-2.0 */
/* The Date header. Any thread. */
#ifndef ORCHESTRATOR_HTTP_DATE_H
#define ORCHESTRATOR_HTTP_DATE_H

/* "Sat, 21 Nov 2026 10:00:00 GMT" of now; this thread's until the next call. */
const char *http_date(void);

#endif
