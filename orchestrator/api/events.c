/* SPDX-License-Identifier: Apache-2.0 */
/* /events and /runs/{run}/events: as a stream or in pages. */
#include "store/events.h"

#include <string.h>

#include "base/units.h"
#include "orchestrator/api/hub.h"
#include "orchestrator/api/page.h"
#include "orchestrator/api/problem.h"
#include "orchestrator/api/render.h"
#include "orchestrator/api/routes.h"
#include "orchestrator/api/run_ref.h"
#include "store/runs.h"

enum { FROM_NOW = -1 };

/* Last-Event-ID or ?after=; `dflt` when neither is there. False: answered. */
static bool start_of(struct cf_http_request *req, struct cf_http_response *res, int64_t dflt,
                     int64_t *out)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = cf_http_request_header(req, "Last-Event-ID");
    if (!text || !*text)
        text = cf_http_request_query(req, "after");
    *out = dflt;
    if (!text || cf_event_id_parse(text, out, &err))
        return true;
    cf_problem(res, "INVALID_PARAMETER", "after and Last-Event-ID are ids of events: %s",
               err.message);
    return false;
}

/* A page: {"items", "next"}; without a start the newest events. */
static void send_page(struct cf_http_request *req, struct cf_http_response *res, int64_t after,
                      const struct cf_event_filter *filter)
{
    struct cf_error err = CF_ERROR_INIT;
    CF_CLEANUP(cf_event_list_free) struct cf_event_list list = { 0 };
    struct cf_store *store = cf_api_of(req)->store;
    struct cf_page page;
    char id[CF_EVENT_ID_TEXT];
    if (!cf_page_of(req, res, false, &page))
        return;
    bool ok = after == FROM_NOW ? cf_events_last(store, filter, page.limit, &list, &err)
                                : cf_events_after(store, after, filter, page.limit, &list, &err);
    if (!ok) {
        cf_problem_error(res, &err);
        return;
    }
    if (list.resync) {
        cf_problem(res, "EVENTS_EXPIRED", "Events after %lld are no longer kept; go on after %lld",
                   (long long)after, (long long)list.next);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.n; i++)
        json_array_append_new(items, cf_render_event(&list.rows[i]));
    cf_http_response_json_take(res, 200,
                               json_pack("{s:o,s:s,s:b}", "items", items, "next",
                                         cf_event_id_text(list.next, id), "more", list.more));
}

static void send(struct cf_http_request *req, struct cf_http_response *res, int64_t after,
                 const struct cf_event_filter *filter)
{
    const char *accepted = cf_http_request_accepted(req);
    if (accepted && strcmp(accepted, "text/event-stream") == 0)
        (void)cf_hub_stream(cf_api_of(req)->hub, res, after, filter, CF_HUB_SSE);
    else if (accepted && strcmp(accepted, "application/x-ndjson") == 0)
        (void)cf_hub_stream(cf_api_of(req)->hub, res, after, filter, CF_HUB_NDJSON);
    else
        send_page(req, res, after, filter);
}

void cf_get_events(struct cf_http_request *req, struct cf_http_response *res)
{
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT] = "";
    int64_t after;
    const char *run = cf_http_request_query(req, "run");
    struct cf_event_filter filter = { .kind_prefix = cf_http_request_query(req, "kind"),
                                      .subject = cf_http_request_query(req, "subject"),
                                      .plan = cf_http_request_query(req, "plan") };
    if (!start_of(req, res, FROM_NOW, &after))
        return;
    if (run && !cf_run_find(cf_api_of(req)->store, run, id, &err)) {
        cf_problem_error(res, &err);
        return;
    }
    filter.run_id = run ? id : NULL;
    send(req, res, after, &filter);
}

void cf_get_run_events(struct cf_http_request *req, struct cf_http_response *res)
{
    char id[CF_UUID_TEXT];
    int64_t after;
    struct cf_event_filter filter = { .run_id = id };
    if (start_of(req, res, 0, &after) && cf_run_of_path(req, res, id))
        send(req, res, after, &filter);
}
