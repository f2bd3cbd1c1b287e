/* SPDX-License-Identifier: Apache-2.0 */
/* The wire: as whom requests go out and how that changes (token files, plugins, 401),
 * impersonation, and a watch over a real connection that breaks. The other side is a server of the
 * test's own. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "federation/kube/exec_plugin.h"
#include "federation/kube/watch.h"
#include "federation/kube/wire.h"
#include "tests/support/rude_server.h"

struct world {
    struct rude_server *server;
    struct cf_kube_net *net;
    pthread_mutex_t lock;
    char good_token[64]; /* what the server accepts; "": anything */
    char head[4096];     /* of the last request */
    int requests, watches;
    char folder[64];
};

static const char RESOURCES[] = "{\"kind\":\"APIResourceList\",\"resources\":[{\"name\":\"pods\","
                                "\"kind\":\"Pod\",\"namespaced\":true,"
                                "\"verbs\":[]}]}";

static bool accepts(struct world *w, const struct rude_server_request *r)
{
    char want[96];
    CF_LOCKED(&w->lock);
    w->requests++;
    snprintf(w->head, sizeof w->head, "%s", r->head);
    snprintf(want, sizeof want, "Authorization: Bearer %s\r\n", w->good_token);
    return !w->good_token[0] || strstr(r->head, want);
}

/* The first watch stream breaks after one event, the second stays. */
static bool serve_watch(struct world *w, const struct rude_server_request *r)
{
    int n;
    {
        CF_LOCKED(&w->lock);
        n = ++w->watches;
    }
    rude_server_send(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    cf_autofree char *line = cf_xasprintf("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":"
                                          "\"p%d\",\"resourceVersion\":\"%d\"}}}\n",
                                          n, 10 + n);
    cf_autofree char *chunk = cf_xasprintf("%zx\r\n%s\r\n", strlen(line), line);
    rude_server_send(r, chunk);
    if (n > 1)
        rude_server_sleep(r, 20000);
    return false;
}

static bool handle(void *arg, const struct rude_server_request *r)
{
    struct world *w = arg;
    if (!accepts(w, r))
        return rude_server_answer(
            r, 401, "",
            "{\"kind\":\"Status\",\"reason\":\"Unauthorized\",\"message\":\"who?\",\"code\":401}");
    if (strcmp(r->path, "/api/v1") == 0)
        return rude_server_answer(r, 200, "", RESOURCES);
    if (strstr(r->path, "watch=true"))
        return serve_watch(w, r);
    if (strstr(r->path, "/pods?"))
        return rude_server_answer(r, 200, "",
                                  "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[]}");
    return rude_server_answer(r, 200, "",
                              "{\"gitVersion\":\"v1.30.0\",\"major\":\"1\",\"minor\":\"30\"}");
}

static int set_up(void **state)
{
    struct cf_error err = CF_ERROR_INIT;
    struct world *w = cf_xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    w->server = rude_server_start(handle, w, NULL, NULL);
    w->net = cf_kube_net_new(&err);
    snprintf(w->folder, sizeof w->folder, "/tmp/wire-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    cf_kube_net_free(w->net);
    rude_server_stop(w->server);
    pthread_mutex_destroy(&w->lock);
    rmdir(w->folder);
    free(w);
    return 0;
}

static void accept_token(struct world *w, const char *token)
{
    CF_LOCKED(&w->lock);
    snprintf(w->good_token, sizeof w->good_token, "%s", token);
}

static int requests(struct world *w)
{
    CF_LOCKED(&w->lock);
    return w->requests;
}

static char *file(struct world *w, const char *name, const char *text)
{
    char *path = cf_xasprintf("%s/%s", w->folder, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    chmod(path, 0755);
    return path;
}

/* A client whose kubeconfig's user has these members. */
static struct cf_kube *client(struct world *w, const char *user)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *text = cf_xasprintf(
        "{\"kind\":\"Config\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\","
        "\"user\":\"u\"}}],"
        "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"http://127.0.0.1:%d\"}}],"
        "\"users\":[{\"name\":\"u\",\"user\":{%s}}]}",
        rude_server_port(w->server), user);
    struct cf_kubeconfig_options o = { .trust = CF_KUBECONFIG_SERVER };
    struct cf_kube_credentials *c = cf_kubeconfig_parse(text, strlen(text), &o, &err);
    if (!c)
        fail_msg("%s", err.message);
    struct cf_kube *k = cf_kube_open(w->net, c, NULL, &err);
    cf_kube_credentials_unref(c);
    assert_non_null(k);
    return k;
}

static bool ask(struct cf_kube *k, struct cf_error *err)
{
    struct cf_kube_version v;
    return cf_kube_version(k, NULL, &v, err);
}

static void test_token_file_is_read_again(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *path = file(w, "token", "one\n");
    cf_autofree char *user = cf_xasprintf("\"tokenFile\":\"%s\"", path);
    struct cf_kube *k = client(w, user);
    accept_token(w, "one");
    assert_ok(ask(k, &err), &err);
    assert_int_equal(requests(w), 1);
    free(file(w, "token", "two\n"));
    accept_token(w, "two");
    assert_ok(ask(k, &err), &err); /* 401, read again, once more */
    assert_int_equal(requests(w), 3);
    accept_token(w, "three");
    assert_false(ask(k, &err));
    assert_int_equal(err.kind, CF_ERR_DENIED);
    cf_error_clear(&err);
    unlink(path);
    assert_false(ask(k, &err)); /* still the old token: still 401, not a crash */
    assert_int_equal(err.kind, CF_ERR_DENIED);
    cf_kube_unref(k);
}

static void test_fixed_token_is_not_tried_again(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube *k = client(w, "\"token\":\"old\"");
    accept_token(w, "new");
    assert_false(ask(k, &err));
    assert_int_equal(err.kind, CF_ERR_DENIED);
    assert_int_equal(requests(w), 1);
    cf_kube_unref(k);
}

static void test_impersonation(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube *k = client(w, "\"as\":\"jane\",\"as-groups\":[\"dev\"]");
    assert_ok(ask(k, &err), &err);
    assert_non_null(strstr(w->head, "Impersonate-User: jane\r\nImpersonate-Group: dev\r\n"));
    cf_kube_unref(k);
}

/* A plugin that counts its calls in a file and gives token N. */
static const char PLUGIN[] =
    "#!/bin/sh\n"
    "echo x >> %s/calls\n"
    "n=$(wc -l < %s/calls)\n"
    "case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":false'*) ;; *) exit 3;; esac\n"
    "printf "
    "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":"
    "{\"token\":\"%%s-%%s\"}}' \"$NAME\" $n\n";

static void test_plugin(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *script = cf_xasprintf(PLUGIN, w->folder, w->folder);
    cf_autofree char *path = file(w, "plugin", script);
    cf_autofree char *calls = cf_xasprintf("%s/calls", w->folder);
    cf_autofree char *user = cf_xasprintf(
        "\"exec\":{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"command\":\"%s\","
        "\"env\":[{\"name\":\"NAME\",\"value\":\"tok\"}]}",
        path);
    struct cf_kube *k = client(w, user);
    accept_token(w, "tok-1");
    assert_ok(ask(k, &err), &err);
    assert_ok(ask(k, &err), &err);
    accept_token(w, "tok-2");
    assert_ok(ask(k, &err), &err); /* 401: asked again */
    accept_token(w, "tok-3");
    assert_ok(ask(k, &err), &err);
    cf_kube_unref(k);
    unlink(path);
    unlink(calls);
}

static void test_plugin_refreshed_ahead(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    char when[CF_TIME_TEXT_MAX];
    cf_time_rfc3339(cf_wall_ms(&cf_clock_real) + 1500, when);
    cf_autofree char *script = cf_xasprintf(
        "#!/bin/sh\necho x >> %s/calls\n"
        "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
        "\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"%s\"}}'\n",
        w->folder, when);
    cf_autofree char *path = file(w, "plugin", script);
    cf_autofree char *calls = cf_xasprintf("%s/calls", w->folder);
    cf_autofree char *user = cf_xasprintf(
        "\"exec\":{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"command\":\"%s\"}", path);
    struct cf_kube *k = client(w, user);
    assert_ok(ask(k, &err), &err);
    struct stat info = { 0 };
    for (int i = 0; i < 100 && info.st_size < 4; i++) {
        usleep(50 * 1000);
        stat(calls, &info);
    }
    assert_true(info.st_size >= 4); /* two calls, though only one request was made */
    assert_int_equal(requests(w), 1);
    cf_kube_unref(k);
    unlink(path);
    unlink(calls);
}

static void test_plugin_failures(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *script; /* NULL: no such program */
        enum cf_err_kind kind;
        const char *text;
    } cases[] = {
        { "#!/bin/sh\necho not today >&2\nexit 7\n", CF_ERR_UNAVAILABLE,
          "exited with 7: not today" },
        { "#!/bin/sh\nkill -TERM $$\n", CF_ERR_UNAVAILABLE, "signal 15" },
        { "#!/bin/sh\necho '{}'\n", CF_ERR_INVALID, "not an ExecCredential" },
        { "#!/bin/sh\necho nonsense\n", CF_ERR_INVALID, "plugin" },
        { "#!/bin/sh\n"
          "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
          "\"status\":{}}'\n",
          CF_ERR_INVALID, "neither a token" },
        { "#!/bin/sh\nyes | head -c 2000000\n", CF_ERR_LIMIT, "wrote more than" },
        { "#!/bin/sh\nsleep 30 & sleep 30\n", CF_ERR_UNAVAILABLE, "killed" },
        { NULL, CF_ERR_NOT_FOUND, "install it from there" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct kube_exec_result r;
        cf_autofree char *path = file(w, "plugin", cases[i].script ? cases[i].script : "");
        struct cf_kube_credentials *c = kube_credentials_new();
        c->server = cf_xstrdup("https://x");
        c->exec.api_version = cf_xstrdup("client.authentication.k8s.io/v1");
        c->exec.command = cases[i].script ? cf_xstrdup(path) : cf_xstrdup("/nonexistent/plugin");
        c->exec.install_hint = cf_xstrdup("install it from there");
        int64_t begun_ms = cf_mono_now_ms();
        assert_fails(kube_exec_run(c, begun_ms + 2000, &r, &err), &err, cases[i].kind,
                     cases[i].text);
        assert_true(cf_mono_now_ms() - begun_ms < 6000);
        cf_kube_credentials_unref(c);
        unlink(path);
    }
}

static void test_plugin_result_forms(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        bool ok;
    } cases[] = {
        { "{\"token\":\"a\"}", true },
        { "{\"token\":\"a\",\"expirationTimestamp\":\"2030-01-01T00:00:00Z\"}", true },
        { "{\"token\":\"a\",\"expirationTimestamp\":\"soon\"}", false },
        { "{\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}", true },
        { "{\"clientCertificateData\":\"c\"}", false },
        { "{\"token\":\"\"}", false },
        { "{\"token\":7}", false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct kube_exec_result r = { 0 };
        cf_autofree char *text = cf_xasprintf(
            "{\"kind\":\"ExecCredential\",\"apiVersion\":\"v\",\"status\":%s}", cases[i].status);
        assert_int_equal(kube_exec_parse(text, strlen(text), "v", &r, &err), cases[i].ok);
        kube_exec_result_free(&r);
    }
}

struct heard {
    pthread_mutex_t lock;
    struct cf_buf text;
};

static void hear(void *arg, const struct cf_watch_event *e)
{
    struct heard *h = arg;
    CF_LOCKED(&h->lock);
    cf_buf_printf(&h->text, "%d%s ", (int)e->type,
                  cf_json_str(e->object, "", "metadata", "name", NULL));
}

static void test_watch_over_a_broken_connection(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct heard h = { .text = CF_BUF_INIT(4096) };
    pthread_mutex_init(&h.lock, NULL);
    struct cf_kube *k = client(w, "\"token\":\"t\"");
    struct cf_watch_options o = { .api_version = "v1", .kind = "Pod", .ns = "web" };
    struct cf_kube_watch *watch = cf_kube_watch_start(k, NULL, &o, hear, &h, &err);
    assert_non_null(watch);
    bool done = false;
    for (int i = 0; i < 200 && !done; i++) {
        usleep(20 * 1000);
        CF_LOCKED(&h.lock);
        done = strstr(cf_buf_str(&h.text), "p2") != NULL;
    }
    cf_kube_watch_stop(watch);
    /* RELIST SYNCED PUT:p1 TROUBLE PUT:p2 */
    assert_string_equal(cf_buf_str(&h.text), "0 2 3p1 6 3p2 ");
    assert_non_null(strstr(w->head, "resourceVersion=11"));
    cf_kube_unref(k);
    cf_buf_free(&h.text);
    pthread_mutex_destroy(&h.lock);
}

static void test_watches_stopped_at_any_time(void **state)
{
    struct world *w = *state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube *k = client(w, "\"token\":\"t\"");
    for (int i = 0; i < 20; i++) {
        struct heard h = { .text = CF_BUF_INIT(4096) };
        pthread_mutex_init(&h.lock, NULL);
        struct cf_watch_options o = { .api_version = "v1", .kind = "Pod", .ns = "web" };
        struct cf_kube_watch *watch = cf_kube_watch_start(k, NULL, &o, hear, &h, &err);
        assert_non_null(watch);
        usleep((useconds_t)(i * 700));
        cf_kube_watch_stop(watch);
        cf_buf_free(&h.text);
        pthread_mutex_destroy(&h.lock);
    }
    cf_kube_unref(k);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_token_file_is_read_again),
        CASE(test_fixed_token_is_not_tried_again),
        CASE(test_impersonation),
        CASE(test_plugin),
        CASE(test_plugin_refreshed_ahead),
        CASE(test_plugin_failures),
        CASE(test_plugin_result_forms),
        CASE(test_watch_over_a_broken_connection),
        CASE(test_watches_stopped_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
