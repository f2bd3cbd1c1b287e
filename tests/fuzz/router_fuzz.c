/* SPDX-License-Identifier: Apache-2.0 */
/* Any object as a router: the first line is "<type letter> <route>", the rest is JSON. Inspection
 * never trips; what it calls steerable can be adopted, moved to any weight that it can express,
 * judged, sent back, and given back to the letter. */
/* libs: cf_lb */
#include <stdio.h>
#include <string.h>

#include "base/json_patch.h"
#include "lb/router.h"
#include "tests/fuzz/fuzz.h"

static enum cf_router_type type_of(char letter)
{
    return letter == 'v'   ? CF_ROUTER_VIRTUAL_SERVICE
           : letter == 'h' ? CF_ROUTER_HTTP_ROUTE
                           : CF_ROUTER_INGRESS;
}

/* A server gives every object a name, a uid, a version and annotations that are texts. */
static void as_a_server_has_it(json_t *object)
{
    json_t *annotations = json_object_get(json_object_get(object, "metadata"), "annotations");
    const char *key;
    json_t *value;
    bool sound = json_is_object(annotations);
    if (sound)
        json_object_foreach(annotations, key, value) sound &= json_is_string(value);
    if (!json_is_object(json_object_get(object, "metadata")))
        json_object_set_new(object, "metadata", json_object());
    if (!sound)
        cf_json_del(object, "metadata", "annotations", NULL);
    cf_json_put_take(object, json_string("shop"), "metadata", "namespace", NULL);
    cf_json_put_take(object, json_string("web"), "metadata", "name", NULL);
    cf_json_put_take(object, json_string("u"), "metadata", "uid", NULL);
    cf_json_put_take(object, json_string("1"), "metadata", "resourceVersion", NULL);
}

static json_t *applied(const json_t *object, const json_t *patch)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_assert(patch);
    json_t *after = cf_json_patch_apply(object, patch, &err);
    cf_assert(after);
    return after;
}

static void expect(const json_t *baseline, const json_t *object, const struct cf_router_grip *grip,
                   int weight)
{
    struct cf_router_reading r;
    cf_router_judge(baseline, object, grip, weight, &r);
    cf_assert(r.state == CF_ROUTER_OURS && r.weight == weight);
}

/* The object as the run's first write leaves it. */
static json_t *adopted(const json_t *baseline, const json_t *object,
                       const struct cf_router_grip *grip)
{
    struct cf_error err = CF_ERROR_INIT;
    if (cf_baseline_type(baseline) == CF_ROUTER_INGRESS)
        return cf_router_render_canary(baseline, grip);
    cf_autojson json_t *patch = cf_router_render_adopt(baseline, object, grip, &err);
    return applied(object, patch);
}

static void steer(const json_t *baseline, const json_t *object, int weight)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_router_grip grip = {
        .run = "r", .incarnation = "i", .epoch = 1, .arm = "a", .seq = "s"
    };
    cf_autojson json_t *now = adopted(baseline, object, &grip);
    cf_autojson json_t *forward = cf_router_render_forward(baseline, now, &grip, weight, "t", &err);
    if (!forward) {
        cf_assert(err.kind == CF_ERR_INVALID);
        return;
    }
    cf_autojson json_t *raised = applied(now, forward);
    snprintf(grip.seq, sizeof grip.seq, "t");
    expect(baseline, raised, &grip, weight);
    cf_autojson json_t *document = cf_router_render_rollback(baseline, raised, &grip, "fuzz", &err);
    cf_autojson json_t *home = applied(raised, json_object_get(document, "patch"));
    snprintf(grip.seq, sizeof grip.seq, "%s", cf_json_str(document, "", "seq", NULL));
    expect(baseline, home, &grip, cf_baseline_weight(baseline));
    if (cf_baseline_type(baseline) == CF_ROUTER_INGRESS)
        return;
    cf_autojson json_t *restore = cf_router_render_restore(baseline, home, &grip, &err);
    cf_autojson json_t *restored = applied(home, restore);
    cf_assert(json_equal(json_object_get(restored, "spec"), json_object_get(object, "spec")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *text = (const char *)data, *end = size ? memchr(text, '\n', size) : NULL;
    if (!end || end - text < 2 || memchr(text, '\0', (size_t)(end - text)))
        return 0;
    struct cf_router_target t = {
        .type = type_of(text[0]), .cluster = "c", .ns = "shop", .object = "web", .has_target = true
    };
    cf_autojson json_t *target = json_string("web-crossfade");
    snprintf(t.route, sizeof t.route, "%.*s", (int)CF_MIN(end - text - 2, 200), text + 2);
    cf_assert(cf_destination_parse(t.type, "shop", target, &t.target, &err));
    cf_autojson json_t *object = cf_json_parse(end + 1, size - (size_t)(end + 1 - text), 0, &err);
    if (!json_is_object(object))
        return 0;
    as_a_server_has_it(object);
    struct cf_router_objects o = { .object = object, .delegate = object };
    CF_CLEANUP(cf_router_view_free) struct cf_router_view v;
    cf_error_clear(&err);
    cf_router_inspect(&t, &o, &v);
    cf_autojson json_t *baseline = cf_router_baseline(&t, &v, &err);
    cf_assert(!baseline == cf_problems_block(&v.problems));
    if (baseline)
        steer(baseline, object, (int)(size % 101));
    return 0;
}
