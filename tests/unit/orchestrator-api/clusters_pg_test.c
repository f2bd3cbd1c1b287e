/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters over HTTP: only what answers is registered, an identity is registered once, secrets go
 * in and never come out, paths and programs of the server are refused with their place in the body.
 */
#include "store/clusters.h"
#include "tests/unit/orchestrator-api/fixture.h"
#include "tests/unit/orchestrator-api/stub_cluster.h"

static struct stub one, two, three;

static struct answer post_yaml(struct fixture *f, const char *body)
{
    return ask(f, ADMIN, "POST", "/api/v1/clusters", "application/yaml", body, NULL);
}

static void a_cluster_is_asked_who_it_is(void **state)
{
    struct fixture *f = *state;
    cf_autofree char *body = stub_body(&one, "dc1", "right");
    cf_autofree char *again = stub_body(&one, "dc1", "right");
    cf_autofree char *alias = stub_body(&one, "dc1-alias", "right");
    cf_autofree char *wrong = stub_body(&two, "dc2", "wrong");
    AUTO_ANSWER a = post_yaml(f, body);
    expect(a, 201, NULL);
    assert_string_equal(cf_json_str(a.json, "", "uid", NULL), one.uid);
    assert_null(strstr(cf_buf_str(&a.reply.body), "right"));
    AUTO_ANSWER b = post_yaml(f, again);
    expect(b, 409, "EXISTS");
    AUTO_ANSWER c = post_yaml(f, alias);
    expect(c, 409, "EXISTS");
    assert_non_null(strstr(cf_json_str(c.json, "", "detail", NULL), "dc1"));
    AUTO_ANSWER d = post_yaml(f, wrong);
    expect(d, 502, "CLUSTER_FAILED");
    AUTO_ANSWER e = post_yaml(
        f, "name: dead\nkubeconfig: |\n  clusters: [{name: c, cluster: {server: "
           "\"http://127.0.0.1:1\"}}]\n"
           "  users: [{name: u, user: {token: t}}]\n"
           "  contexts: [{name: c, context: {cluster: c, user: u}}]\n  current-context: c\n");
    expect(e, 502, "CLUSTER_FAILED");
    const char *key[] = { "Idempotency-Key: add-once", NULL };
    AUTO_ANSWER g = ask(f, ADMIN, "POST", "/api/v1/clusters", "application/yaml", body, key);
    expect(g, 409, "EXISTS"); /* a refusal takes no key */
    AUTO_ANSWER list = get(f, VIEWER, "/api/v1/clusters");
    assert_int_equal(json_array_size(cf_json_at(list.json, "items", NULL)), 1);
}

static void only_a_control_plane_has_members(void **state)
{
    struct fixture *f = *state;
    AUTO_ANSWER a = get(f, VIEWER, "/api/v1/clusters/dc1/members");
    expect(a, 404, NULL);
    assert_non_null(strstr(cf_json_str(a.json, "", "detail", NULL), "no control plane"));
    AUTO_ANSWER b = get(f, VIEWER, "/api/v1/clusters/nowhere/members");
    expect(b, 404, NULL);
    AUTO_ANSWER c = ask(f, VIEWER, "POST", "/api/v1/clusters/dc1/check", NULL, NULL, NULL);
    expect(c, 200, NULL);
    assert_null(cf_json_at(c.json, "federation", NULL));
}

static void secrets_are_sealed_apart(void **state)
{
    struct fixture *f = *state;
    cf_autofree char *cluster = stub_body(&two, "dc2", "right");
    cf_autofree char *body = cf_xasprintf("%smetrics: [{type: prometheus, url: "
                                          "\"http://127.0.0.1:9\", bearerToken: hush, ca: PEM}]\n",
                                          cluster);
    const char *key[] = { "Idempotency-Key: add-once", NULL };
    AUTO_ANSWER a = ask(f, ADMIN, "POST", "/api/v1/clusters", "application/yaml", body, key);
    expect(a, 201, NULL);
    AUTO_ANSWER again = ask(f, ADMIN, "POST", "/api/v1/clusters", "application/yaml", body, key);
    expect(again, 201, NULL);
    AUTO_ANSWER b = get(f, ADMIN, "/api/v1/clusters/dc2");
    expect(b, 200, NULL);
    assert_null(strstr(cf_buf_str(&b.reply.body), "hush"));
    assert_null(strstr(cf_buf_str(&b.reply.body), "PEM"));
    assert_string_equal(json_string_value(cf_json_pointer(b.json, "/metrics/0/preset")), "auto");
    const char *any[] = { "If-Match: *", NULL };
    AUTO_ANSWER c = ask(f, ADMIN, "PUT", "/api/v1/clusters/dc2", "application/json",
                        "{\"metrics\":[{\"type\":\"scrape\",\"urls\":[\"http://a:1\","
                        "\"http://b:1\"],\"preset\":\"envoy\"}]}",
                        any);
    expect(c, 200, NULL); /* the kubeconfig stays */
    assert_int_equal(json_array_size(cf_json_pointer(c.json, "/metrics/0/urls")), 2);
    AUTO_ANSWER d = ask(f, VIEWER, "POST", "/api/v1/clusters/dc2/check", NULL, NULL, NULL);
    expect(d, 200, NULL);
    assert_true(cf_json_bool(d.json, false, "reachable", NULL));
    AUTO_ANSWER rbac = get(f, VIEWER, "/api/v1/clusters/dc2/rbac?side=target&namespace=web");
    expect(rbac, 200, NULL);
    assert_non_null(strstr(cf_buf_str(&rbac.reply.body), "kind: Role"));
    AUTO_ANSWER side = get(f, VIEWER, "/api/v1/clusters/dc2/rbac?side=left");
    expect(side, 400, "INVALID_PARAMETER");
    const char *old[] = { "If-Match: \"1\"", NULL };
    AUTO_ANSWER stale = ask(f, ADMIN, "DELETE", "/api/v1/clusters/dc2", NULL, NULL, old);
    expect(stale, 412, "PRECONDITION_FAILED");
    AUTO_ANSWER gone = ask(f, ADMIN, "DELETE", "/api/v1/clusters/dc2", NULL, NULL, any);
    expect(gone, 204, NULL);
}

static void another_cluster_under_an_old_name_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *any[] = { "If-Match: *", NULL };
    cf_autofree char *body = stub_body(&two, "dc1", "right");
    AUTO_ANSWER a = ask(f, ADMIN, "PUT", "/api/v1/clusters/dc1", "application/yaml", body, any);
    expect(a, 409, "EXISTS");
}

#define KUBECONFIG(cluster, user)                                                                  \
    "{\"name\":\"x\",\"kubeconfig\":{\"current-context\":\"c\",\"clusters\":[{\"name\":\"c\","     \
    "\"cluster\":{" cluster "}}],\"users\":[{\"name\":\"u\",\"user\":{" user                       \
    "}}],\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}]}"
#define FINE KUBECONFIG("\"server\":\"http://127.0.0.1:1\"", "\"token\":\"t\"")

static void write_file(const char *dir, const char *name, const char *text)
{
    cf_autofree char *path = cf_xasprintf("%s/%s", dir, name);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* Token files are read from there, and only names of clusters lead to a file. */
static void a_kubeconfig_may_stand_in_the_services_folder(void **state)
{
    struct fixture *f = *state;
    cf_autofree char *folder = cf_xasprintf("%s/clusters", f->dir);
    cf_autofree char *text =
        cf_xasprintf("current-context: c\nclusters: [{name: c, cluster: {server: \"%s\"}}]\n"
                     "users: [{name: u, user: {tokenFile: dc7.token}}]\n"
                     "contexts: [{name: c, context: {cluster: c, user: u}}]\n",
                     cf_http_listener_url(three.listener));
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file(folder, "dc7.kubeconfig", text);
    write_file(folder, "dc7.token", "right\n");
    write_file(f->dir, "outside.kubeconfig", text);
    static const struct {
        const char *body, *pointer, *says;
    } refused[] = {
        { "name: dc8\nserverSide: true\n", "/serverSide", "clusters.folder has no dc8.kubeconfig" },
        { "name: ../outside\nserverSide: true\n", "/name", "" },
        { "name: outside\nserverSide: true\n", "/serverSide", "clusters.folder" },
        { "name: dc7\nserverSide: true\nkubeconfig: x\n", "/serverSide", "not both" },
        { "name: dc7\nserverSide: true\ncontext: none\n", NULL, "none" },
        { "name: dc7\nserverSide: /etc/passwd\n", "/serverSide", "" },
        { "name: dc7\nkubeconfigFile: /etc/passwd\n", "/kubeconfigFile", "" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        AUTO_ANSWER a = post_yaml(f, refused[i].body);
        const char *pointer = json_string_value(cf_json_pointer(a.json, "/errors/0/pointer"));
        if (a.status < 400 ||
            (refused[i].pointer && (!pointer || strcmp(pointer, refused[i].pointer) != 0)) ||
            !strstr(cf_buf_str(&a.reply.body), refused[i].says))
            fail_msg("%s: %d %s", refused[i].body, a.status, cf_buf_str(&a.reply.body));
    }
    AUTO_ANSWER here = post_yaml(f, "name: here\nserverSide: true\n");
    assert_true(here.status >= 400); /* this is no pod */
    AUTO_ANSWER a = post_yaml(f, "name: dc7\nserverSide: true\n");
    expect(a, 201, NULL);
    assert_string_equal(cf_json_str(a.json, "", "uid", NULL), three.uid);
    assert_string_equal(cf_json_str(a.json, "", "server", NULL),
                        cf_http_listener_url(three.listener));
    assert_true(cf_json_bool(a.json, false, "serverSide", NULL));
    AUTO_ANSWER check = post_json(f, OPERATOR, "/api/v1/clusters/dc7/check", "");
    expect(check, 200, NULL);
    assert_true(cf_json_bool(check.json, false, "reachable", NULL));
    const char *match[] = { "If-Match: *", NULL };
    AUTO_ANSWER metrics =
        ask(f, ADMIN, "PUT", "/api/v1/clusters/dc7", "application/yaml",
            "metrics: [{type: prometheus, url: \"http://127.0.0.1:9\"}]\n", match);
    expect(metrics, 200, NULL);
    assert_true(cf_json_bool(metrics.json, false, "serverSide", NULL));
    cf_autofree char *inline_body = stub_body(&three, "dc7", "right");
    AUTO_ANSWER inlined =
        ask(f, ADMIN, "PUT", "/api/v1/clusters/dc7", "application/yaml", inline_body, match);
    expect(inlined, 200, NULL);
    assert_false(cf_json_bool(inlined.json, true, "serverSide", NULL));
    AUTO_ANSWER gone = ask(f, ADMIN, "DELETE", "/api/v1/clusters/dc7", NULL, NULL, match);
    expect(gone, 204, NULL);
}

static void wrong_bodies_say_where(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        { "{}", "/name" },
        { "{\"name\":\"UPPER\"}", "/name" },
        { "{\"name\":\"x\"}", "/kubeconfig" },
        { "{\"name\":\"x\",\"kubeconfig\":7}", "/kubeconfig" },
        { "{\"name\":\"x\",\"kubeconfg\":\"\"}", "/kubeconfg" },
        { KUBECONFIG("\"server\":\"https://a\",\"certificate-authority\":\"/etc/ca.pem\"",
                     "\"token\":\"t\"") "}",
          "/kubeconfig/clusters/0/cluster/certificate-authority" },
        { KUBECONFIG("\"server\":\"https://a\"", "\"exec\":{\"command\":\"sh\"}") "}",
          "/kubeconfig/users/0/user/exec" },
        { KUBECONFIG("\"server\":\"https://a\"", "\"tokenFile\":\"/etc/shadow\"") "}",
          "/kubeconfig/users/0/user/tokenFile" },
        { FINE ",\"context\":\"none\"}", "/context" },
        { FINE ",\"metrics\":[{\"type\":\"prometheus\"}]}", "/metrics/0" },
        { FINE ",\"metrics\":[{\"type\":\"graphite\",\"url\":\"http://a\"}]}", "/metrics/0/type" },
        { FINE ",\"metrics\":[{\"type\":\"prometheus\",\"url\":\"file:///etc\"}]}",
          "/metrics/0/url" },
        { FINE ",\"metrics\":[{\"type\":\"scrape\",\"urls\":[\"http://a\",7]}]}",
          "/metrics/0/urls" },
        { FINE ",\"metrics\":[{\"type\":\"scrape\",\"urls\":[\"http://a\",\"b\"]}]}",
          "/metrics/0/urls/1" },
        { FINE ",\"metrics\":[{\"type\":\"scrape\",\"url\":\"http://a\"},{\"type\":\"scrape\","
               "\"url\":\"http://b\"}]}",
          "/metrics/1" },
        { FINE ",\"metrics\":[{\"type\":\"scrape\",\"url\":\"http://a\",\"bearerToken\":\"t\","
               "\"basic\":{\"user\":\"u\",\"password\":\"p\"}}]}",
          "/metrics/0/basic" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        AUTO_ANSWER a = post_json(f, ADMIN, "/api/v1/clusters", rows[i].body);
        const char *pointer = json_string_value(cf_json_pointer(a.json, "/errors/0/pointer"));
        if (a.status != 422 || !pointer || strcmp(pointer, rows[i].pointer) != 0)
            fail_msg("%s: %d %s", rows[i].body, a.status, cf_buf_str(&a.reply.body));
        assert_true(json_is_integer(cf_json_pointer(a.json, "/errors/0/line")));
    }
    AUTO_ANSWER twice = post_json(f, ADMIN, "/api/v1/clusters", "{\"name\":\"a\",\"name\":\"b\"}");
    expect(twice, 400, "BAD_REQUEST");
    AUTO_ANSWER cut = post_json(f, ADMIN, "/api/v1/clusters", "{\"name\":");
    expect(cut, 400, "BAD_REQUEST");
}

static int start(void **state)
{
    *state = fixture_start();
    stub_start(&one, "11111111-1111-4111-8111-111111111111");
    stub_start(&two, "22222222-2222-4222-8222-222222222222");
    stub_start(&three, "33333333-3333-4333-8333-333333333333");
    return 0;
}

static int stop(void **state)
{
    fixture_stop(*state);
    cf_http_server_stop(one.server, 100);
    cf_http_server_stop(two.server, 100);
    cf_http_server_stop(three.server, 100);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cluster_is_asked_who_it_is),
        cmocka_unit_test(only_a_control_plane_has_members),
        cmocka_unit_test(secrets_are_sealed_apart),
        cmocka_unit_test(another_cluster_under_an_old_name_is_refused),
        cmocka_unit_test(a_kubeconfig_may_stand_in_the_services_folder),
        cmocka_unit_test(wrong_bodies_say_where),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
