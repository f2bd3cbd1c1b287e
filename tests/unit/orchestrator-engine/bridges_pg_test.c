/* SPDX-License-Identifier: Apache-2.0 */
/* The bridges' lane over a real PostgreSQL: a bridge that was asked to go while a router names it
 * stays, is fed on and says who; it goes by itself once nothing names it. */
#include "tests/unit/orchestrator-engine/bridges_world.h"

static int open_all(void **state)
{
    open_world(state);
    cf_fake_kube_put(T.dc1, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
                            "\"echo\",\"namespace\":\"web\"},\"spec\":{\"selector\":{\"app\":"
                            "\"echo\"},\"ports\":[{\"name\":\"http\",\"port\":80}]}}");
    cf_fake_kube_put(T.dc1,
                     "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":"
                     "{\"name\":\"entry\",\"namespace\":\"web\"},\"spec\":{\"rules\":[{\"http\":"
                     "{\"paths\":[{\"path\":\"/\",\"pathType\":\"Prefix\",\"backend\":{\"service\":"
                     "{\"name\":\"echo-crossfade\",\"port\":{\"number\":80}}}}]}}]}}");
    return 0;
}

static void add_bridge(char id[CF_UUID_TEXT])
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_fence fence;
    enum cf_record outcome;
    cf_autojson json_t *spec = json_pack("{s:[],s:i}", "addresses", "weight", 0);
    struct cf_bridge_new row = { .run_id = RUN,
                                 .cluster = "dc1",
                                 .ns = "web",
                                 .service = "echo",
                                 .target_cluster = "dc2",
                                 .target_ns = "web",
                                 .target_service = "echo",
                                 .spec = spec,
                                 .state = "active" };
    assert_true(fence_of(NULL, cf_shard_of(RUN), &fence));
    assert_ok(cf_bridge_put(T.store, &fence, &row, id, &outcome, &err), &err);
    assert_int_equal(outcome, CF_RECORDED);
}

/* Waits until its status says `why` (part of it), or, for NULL, until it is gone. */
static void wait_for(const char *id, const char *why)
{
    int64_t until = cf_mono_now_ms() + WAIT_MS;
    char seen[300] = "";
    while (cf_mono_now_ms() < until) {
        struct cf_error err = CF_ERROR_INIT;
        CF_CLEANUP(cf_bridge_row_free) struct cf_bridge_row row = { 0 };
        bool there = cf_bridge_get(T.store, id, &row, &err);
        const char *says = there ? cf_json_str(row.status, "", "why", NULL) : "";
        if (!there && !why)
            return;
        if (there && why && strcmp(row.state, "retiring") == 0 && strstr(says, why))
            return;
        snprintf(seen, sizeof seen, "%s: %s", there ? row.state : "gone", says);
        cf_sleep_ms(&cf_clock_real, LOOK_MS);
    }
    fail_msg("not \"%s\" but %s", why ? why : "gone", seen);
}

static bool has_bridge(void)
{
    cf_autojson json_t *service =
        cf_fake_kube_peek(T.dc1, "v1", "Service", "web", "echo-crossfade");
    return service != NULL;
}

static void one_that_is_named_stays_and_goes_by_itself(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char id[CF_UUID_TEXT];
    struct cf_bridges_config config = { .store = T.store,
                                        .clusters = { .kube = give_kube },
                                        .fence = fence_of,
                                        .shards = all_shards,
                                        .woken = nothing_woken };
    add_bridge(id);
    struct cf_bridges *b = cf_bridges_start(&config, &err);
    assert_non_null(b);
    assert_ok(cf_bridge_ask_removal(T.store, id, "ann", &err), &err);
    cf_bridges_poke(b);
    wait_for(id, "Ingress web/entry still leads to it");
    assert_true(has_bridge());
    cf_autojson json_t *status = cf_bridges_status(b, id);
    assert_true(cf_json_bool(status, false, "synced", NULL)); /* fed on */
    cf_fake_kube_remove(T.dc1, "networking.k8s.io/v1", "Ingress", "web", "entry");
    wait_for(id, NULL);
    assert_false(has_bridge());
    cf_bridges_stop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_named_stays_and_goes_by_itself),
    };
    return cmocka_run_group_tests(tests, open_all, close_world);
}
