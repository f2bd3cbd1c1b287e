/* SPDX-License-Identifier: Apache-2.0 */
/* Proves, in process: paged lists are snapshots; history is bounded and its end is 410; watches
 * hear each change once and in order; writes from many threads lose nothing; what our programs ask
 * for is counted. What single answers
 * look like is proved by tests/conformance against a real server. */
#include "deploy/sandbox/api/api.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/thread.h"
#include "tests/support/test.h"

enum { WRITERS = 4, WRITES = 50 };

static int call(struct sbx_api *api, const char *method, const char *target, json_t **out)
{
    struct sbx_call c = { .method = method, .target = target, .trusted = true, .body = "" };
    struct sbx_answer a;
    sbx_api_call(api, &c, NULL, NULL, NULL, &a);
    int status = a.status;
    if (out)
        *out = json_incref(a.body);
    sbx_answer_free(&a);
    return status;
}

static void put(struct sbx_api *api, const char *name)
{
    cf_autojson json_t *o = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
                                      "metadata", "name", name);
    assert_int_equal(
        sbx_api_do(api, "test", "POST", NULL, o, NULL, "/api/v1/namespaces/default/configmaps"),
        201);
}

static void test_pages(void **state)
{
    (void)state;
    struct sbx_api *api = sbx_api_new("east");
    put(api, "a");
    put(api, "b");
    put(api, "c");
    cf_autojson json_t *first = NULL, *second = NULL, *gone = NULL;
    assert_int_equal(call(api, "GET", "/api/v1/namespaces/default/configmaps?limit=2", &first),
                     200);
    put(api, "bb"); /* not in the list that was begun */
    cf_autofree char *next =
        cf_xasprintf("/api/v1/namespaces/default/configmaps?limit=2&continue=%s",
                     cf_json_str(first, "", "metadata", "continue", NULL));
    assert_int_equal(call(api, "GET", next, &second), 200);
    assert_int_equal(json_array_size(json_object_get(second, "items")), 1);
    assert_string_equal(cf_json_str(json_array_get(json_object_get(second, "items"), 0), "",
                                    "metadata", "name", NULL),
                        "c");
    sbx_api_compact(api);
    assert_int_equal(call(api, "GET", next, &gone), 410);
    assert_string_equal(cf_json_str(gone, "", "reason", NULL), "Expired");
    sbx_api_free(api);
}

static bool collect(void *user, const char *line, size_t len)
{
    cf_buf_append(user, line, len);
    return true;
}

static struct sbx_watch *watch(struct sbx_api *api, const char *target, struct cf_buf *to)
{
    struct sbx_call c = { .method = "GET", .target = target, .trusted = true, .body = "" };
    struct sbx_answer a;
    struct sbx_watch *w = NULL;
    sbx_api_call(api, &c, collect, to, &w, &a);
    assert_true(a.is_watch);
    sbx_answer_free(&a);
    return w;
}

static void test_watch(void **state)
{
    (void)state;
    struct sbx_api *api = sbx_api_new("east");
    CF_CLEANUP(cf_buf_free) struct cf_buf lines = CF_BUF_INIT(1 << 20);
    int64_t rv = sbx_api_version(api);
    put(api, "early");
    cf_autofree char *target = cf_xasprintf(
        "/api/v1/configmaps?watch=1&allowWatchBookmarks=true&resourceVersion=%lld", (long long)rv);
    struct sbx_watch *w = watch(api, target, &lines);
    put(api, "late");
    sbx_api_bookmarks(api);
    const char *early = strstr(cf_buf_str(&lines), "\"early\""),
               *late = strstr(cf_buf_str(&lines), "\"late\"");
    assert_non_null(early);
    assert_non_null(late);
    assert_true(early < late);
    assert_non_null(strstr(late, "BOOKMARK"));
    sbx_watch_close(api, w);
    size_t len = lines.len;
    put(api, "later");
    assert_int_equal(lines.len, len);
    sbx_api_compact(api);
    cf_buf_reset(&lines);
    w = watch(api, target, &lines);
    assert_non_null(strstr(cf_buf_str(&lines), "\"Expired\""));
    sbx_watch_close(api, w);
    sbx_api_free(api);
}

struct writer {
    pthread_t thread;
    struct sbx_api *api;
};

/* Counts up by read, change, write with a version; a conflict is tried again. */
static void *count_up(void *arg)
{
    struct sbx_api *api = ((struct writer *)arg)->api;
    for (int done = 0; done < WRITES;) {
        cf_autojson json_t *o = sbx_api_one(api, "", "configmaps", "default", "counter");
        cf_autojson json_t *next = cf_json_copy(o);
        char text[24];
        snprintf(text, sizeof(text), "%d", atoi(cf_json_str(o, "0", "data", "n", NULL)) + 1);
        cf_json_put_take(next, json_string(text), "data", "n", NULL);
        int status = sbx_api_do(api, "test", "PUT", NULL, next, NULL,
                                "/api/v1/namespaces/default/configmaps/counter");
        done += status == 200;
        if (status != 200 && status != 409)
            return "unexpected status";
    }
    return NULL;
}

static void test_writers(void **state)
{
    (void)state;
    struct sbx_api *api = sbx_api_new("east");
    put(api, "counter");
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        struct cf_error err = CF_ERROR_INIT;
        writers[i].api = api;
        assert_true(cf_thread_start(&writers[i].thread, "writer", count_up, &writers[i], &err));
    }
    for (int i = 0; i < WRITERS; i++) {
        void *why;
        pthread_join(writers[i].thread, &why);
        assert_null(why);
    }
    cf_autojson json_t *o = sbx_api_one(api, "", "configmaps", "default", "counter");
    assert_int_equal(atoi(cf_json_str(o, "", "data", "n", NULL)), WRITERS * WRITES);
    sbx_api_free(api);
}

static void as(struct sbx_api *api, const char *agent, const char *method, const char *target)
{
    struct sbx_call c = {
        .method = method, .target = target, .trusted = true, .body = "", .user_agent = agent
    };
    struct sbx_answer a;
    sbx_api_call(api, &c, NULL, NULL, NULL, &a);
    sbx_answer_free(&a);
}

static void test_asked(void **state)
{
    (void)state;
    struct sbx_api *api = sbx_api_new("east");
    as(api, "crossfade/1", "GET", "/api/v1/namespaces/default/configmaps?limit=2");
    as(api, "crossfade/1", "GET", "/api/v1/namespaces/default/configmaps");
    as(api, "crossfade/1", "GET",
       "/api/v1/namespaces/default/configmaps/a"); /* 404 is asked, too */
    as(api, "kubectl/1", "GET", "/api/v1/namespaces/default/configmaps/a");
    as(api, NULL, "DELETE", "/apis/apps/v1/namespaces/default/deployments/d");
    as(api, "crossfade/1", "GET", "/apis/apps/v1/namespaces/default/deployments/d/scale");
    cf_autojson json_t *asked = sbx_api_asked(api);
    cf_autojson json_t *want = json_pack("{s:i,s:i,s:i}", "list configmaps", 2, "get configmaps", 1,
                                         "get deployments/scale", 1);
    assert_true(json_equal(asked, want));
    sbx_api_asked_forget(api);
    cf_autojson json_t *none = sbx_api_asked(api);
    assert_int_equal(json_object_size(none), 0);
    sbx_api_free(api);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_writers),
        cmocka_unit_test(test_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
