/* SPDX-License-Identifier: Apache-2.0 */
/* A run as people see it: the tree of a watch, and the line of one event. Pure: objects of the API
 * in, text out. */
#ifndef CF_CLI_RUN_TREE_H
#define CF_CLI_RUN_TREE_H

#include "base/buf.h"
#include "base/json.h"

struct cf_tree_options {
    bool color;
    bool ascii;       /* no characters outside ASCII */
    int width;        /* columns; 0: as long as lines are */
    int64_t now_ms;   /* wall; 0: nothing counts up */
    const char *note; /* shown at the end of the first line: "live", "reconnecting" */
};

/* Several lines, each ended by '\n'. Only commands may be longer than the width. */
void cf_run_tree(const json_t *run, const struct cf_tree_options *options, struct cf_buf *out);

/* One line without '\n': "2026-11-21T10:00:00.123Z web/1 step.done propagate: 7 objects". False:
 * nothing that people want to read (progress, touches). */
bool cf_event_line(const json_t *event, struct cf_buf *out);

/* "back   kubectl …\n" for each router whose traffic a person can send back without us, or one line
 * that says why there is none. */
void cf_run_way_back(const json_t *run, struct cf_buf *out);

/* Whether a run in this state has ended. */
bool cf_run_has_ended(const json_t *run);

#endif
