/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfigs: what each form resolves to, and what is refused, where and with which hint; above
 * all what text from the network must not be able to ask for. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "federation/kube/credentials.h"
#include "tests/support/rude_server.h"

/* A kubeconfig with one context whose cluster and user have these lines (JSON members). */
static char *config(const char *cluster, const char *user)
{
    return cf_xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Config\",\"current-context\":\"c\","
                        "\"contexts\":[{\"name\":\"c\","
                        "\"context\":{\"cluster\":\"k\",\"user\":\"u\",\"namespace\":\"web\"}}],"
                        "\"clusters\":[{\"name\":\"k\","
                        "\"cluster\":{%s}}],\"users\":[{\"name\":\"u\",\"user\":{%s}}]}",
                        cluster, user);
}

static struct cf_kube_credentials *parse(const char *cluster, const char *user,
                                         const struct cf_kubeconfig_options *o,
                                         struct cf_error *err)
{
    cf_autofree char *text = config(cluster, user);
    return cf_kubeconfig_parse(text, strlen(text), o, err);
}

#define SERVER "\"server\":\"https://10.0.0.1:6443\""

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *cluster, *user, *field, *text;
    } cases[] = {
        { "\"x\":1", "", "/clusters/0/cluster/server", "no server" },
        { "\"server\":7", "", "/clusters/0/cluster/server", "must be text" },
        { "\"server\":\"ftp://x\"", "", "/clusters/0/cluster/server", "" },
        { "\"server\":\"http://10.0.0.1:80\"", "", "/clusters/0/cluster/server", "use https" },
        { "\"server\":\"http://127.0.0.1.evil.io\"", "", "/clusters/0/cluster/server",
          "use https" },
        { SERVER ",\"certificate-authority\":\"/etc/passwd\"", "",
          "/clusters/0/cluster/certificate-authority", "certificate-authority-data" },
        { SERVER ",\"certificate-authority-data\":\"%%%\"", "",
          "/clusters/0/cluster/certificate-authority-data", "" },
        { SERVER ",\"certificate-authority-data\":\"eHg=\"", "", "/clusters/0/cluster",
          "CA certificate" },
        { SERVER ",\"insecure-skip-tls-verify\":true", "",
          "/clusters/0/cluster/insecure-skip-tls-verify", "refused" },
        { SERVER ",\"proxy-url\":\"ftp://x\"", "", "/clusters/0/cluster", "proxy" },
        { SERVER, "\"client-certificate\":\"/a\",\"client-key\":\"/b\"",
          "/users/0/user/client-certificate", "client-certificate-data" },
        { SERVER, "\"client-key\":\"/b\"", "/users/0/user/client-key", "client-key-data" },
        { SERVER, "\"client-certificate-data\":\"eHg=\"", "/users/0/user/client-key-data",
          "go together" },
        { SERVER, "\"client-certificate-data\":\"eHg=\",\"client-key-data\":\"eHg=\"",
          "/clusters/0/cluster", "certificate" },
        { SERVER, "\"tokenFile\":\"/var/run/secrets/token\"", "/users/0/user/tokenFile",
          "`token`" },
        { SERVER, "\"token\":\"a b\"", "/users/0/user/token", "white space" },
        { SERVER, "\"token\":\"a\\nX-Evil: 1\"", "/users/0/user/token", "control characters" },
        { SERVER, "\"exec\":{\"command\":\"sh\"}", "/users/0/user/exec", "not run" },
        { SERVER, "\"auth-provider\":{\"name\":\"gcp\"}", "/users/0/user/auth-provider",
          "removed" },
        { SERVER, "\"as-groups\":[\"system:masters\"]", "/users/0/user/as", "missing" },
        { SERVER, "\"as\":\"a\\r\\nX: b\"", "/users/0/user/as", "control" },
        { SERVER, "\"as\":\"a\",\"as-user-extra\":{\"x\":[\"y\"]}", "/users/0/user/as-user-extra",
          "not supported" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_kube_credentials *c = parse(cases[i].cluster, cases[i].user, NULL, &err);
        if (c || err.kind != CF_ERR_INVALID || strcmp(err.field, cases[i].field) != 0 ||
            !strstr(err.message, cases[i].text))
            fail_msg("case %zu: %s %s: %s", i, cf_err_kind_name(err.kind), err.field, err.message);
    }
}

static void test_refused_documents(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cf_err_kind kind;
        const char *words;
    } cases[] = {
        { "", CF_ERR_INVALID, "kubeconfig" },
        { "a: [", CF_ERR_INVALID, "kubeconfig" },
        { "[]", CF_ERR_INVALID, "not a kubeconfig" },
        { "kind: Deployment", CF_ERR_INVALID, "not a kubeconfig" },
        { "kind: Config", CF_ERR_INVALID, "current-context" },
        { "{kind: Config, contexts: [{name: a}, {name: b}]}", CF_ERR_INVALID, "a, b" },
        { "{kind: Config, current-context: z, contexts: [{name: a}, {name: b}]}", CF_ERR_NOT_FOUND,
          "a, b" },
        { "{kind: Config, contexts: [{name: a}]}", CF_ERR_INVALID, "mapping" },
        { "{kind: Config, contexts: [{name: a, context: {user: u}}]}", CF_ERR_INVALID, "cluster" },
        { "{kind: Config, contexts: [{name: a, context: {cluster: k}}]}", CF_ERR_NOT_FOUND,
          "no cluster \"k\"" },
        { "{kind: Config, contexts: 7, clusters: x}", CF_ERR_INVALID, "current-context" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        assert_fails(cf_kubeconfig_parse(cases[i].text, strlen(cases[i].text), NULL, &err), &err,
                     cases[i].kind, cases[i].words);
    }
}

static void test_inline_forms(void **state)
{
    (void)state;
    cf_autofree char *cert = NULL, *key = NULL;
    rude_server_make_cert("a", true, &cert, &key);
    cf_autofree char *cert64 = cf_base64_encode(cert, strlen(cert));
    cf_autofree char *key64 = cf_base64_encode(key, strlen(key));
    cf_autofree char *pair = cf_xasprintf(
        "\"client-certificate-data\":\"%s\",\"client-key-data\":\"%s\"", cert64, key64);
    cf_autofree char *ca = cf_xasprintf(
        SERVER ",\"certificate-authority-data\":\"%s\",\"tls-server-name\":\"api.k\"", cert64);
    const struct {
        const char *cluster, *user, *kind, *authorization;
    } cases[] = {
        { SERVER, "", "none", NULL },
        { "\"server\":\"http://127.0.0.1:8001\"", "", "none", NULL },
        { "\"server\":\"http://localhost:8001/base\"", "", "none", NULL },
        { SERVER, "\"token\":\"abc\\n\"", "token", "Bearer abc" },
        { SERVER, "\"username\":\"a\",\"password\":\"b\"", "basic", "Basic YTpi" },
        { ca, pair, "certificate", NULL },
        { SERVER, "\"as\":\"jane\",\"as-groups\":[\"x\",\"y\"],\"token\":\"t\"", "token",
          "Bearer t" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        struct cf_kube_credentials *c = parse(cases[i].cluster, cases[i].user, NULL, &err);
        if (!c)
            fail_msg("case %zu: %s", i, err.message);
        assert_string_equal(cf_kube_credentials_kind(c), cases[i].kind);
        assert_string_equal(cf_kube_credentials_namespace(c), "web");
        assert_string_equal(cf_kube_credentials_context(c), "c");
        assert_int_equal(c->authorization != NULL, cases[i].authorization != NULL);
        if (c->authorization)
            assert_string_equal(c->authorization, cases[i].authorization);
        if (i == 6)
            assert_string_equal(c->impersonate[2], "Impersonate-Group: y");
        cf_kube_credentials_unref(c);
    }
}

static void test_insecure_only_when_allowed(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kubeconfig_options allowed = { .allow_insecure = true };
    struct cf_kube_credentials *c =
        parse(SERVER ",\"insecure-skip-tls-verify\":true", "", &allowed, &err);
    assert_non_null(c);
    assert_true(cf_kube_credentials_insecure(c));
    cf_kube_credentials_unref(c);
    c = parse(SERVER, "", &allowed, &err);
    assert_false(cf_kube_credentials_insecure(c)); /* allowing is not asking */
    cf_kube_credentials_unref(c);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    cf_autofree char *path = cf_xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_server_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/kubeconfig-XXXXXX";
    assert_non_null(mkdtemp(folder));
    cf_autofree char *cert = NULL, *key = NULL;
    rude_server_make_cert("a", true, &cert, &key);
    write_file(folder, "ca.crt", cert);
    write_file(folder, "client.crt", cert);
    write_file(folder, "client.key", key);
    cf_autofree char *text = config(SERVER ",\"certificate-authority\":\"ca.crt\"",
                                    "\"client-certificate\":\"client.crt\","
                                    "\"client-key\":\"client.key\",\"tokenFile\":\"token\"");
    write_file(folder, "config", text);
    cf_autofree char *path = cf_xasprintf("%s/config", folder);
    cf_autofree char *token_path = cf_xasprintf("%s/token", folder);
    struct cf_error err = CF_ERROR_INIT;
    struct cf_kube_credentials *c = cf_kubeconfig_load(path, NULL, &err);
    if (!c)
        fail_msg("%s", err.message);
    assert_string_equal(c->ca_pem, cert);
    assert_string_equal(c->token_file, token_path);
    assert_string_equal(cf_kube_credentials_kind(c), "token file");
    cf_kube_credentials_unref(c);

    cf_autofree char *missing = config(SERVER ",\"certificate-authority\":\"nothing.crt\"", "");
    write_file(folder, "config", missing);
    assert_fails(cf_kubeconfig_load(path, NULL, &err), &err, CF_ERR_INVALID, "nothing.crt");

    /* a pod's folder */
    write_file(folder, "namespace", "shop\n");
    write_file(folder, "token", "t\n");
    c = kube_in_cluster("fd00::1", "443", folder, &err);
    assert_non_null(c);
    assert_string_equal(cf_kube_credentials_server(c), "https://[fd00::1]:443");
    assert_string_equal(cf_kube_credentials_namespace(c), "shop");
    cf_kube_credentials_unref(c);
    assert_fails(kube_in_cluster(NULL, NULL, folder, &err), &err, CF_ERR_NOT_FOUND, "not in a pod");
    static const char *const names[] = { "ca.crt", "client.crt", "client.key",
                                         "config", "namespace",  "token" };
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        cf_autofree char *file = cf_xasprintf("%s/%s", folder, names[i]);
        unlink(file);
    }
    rmdir(folder);
}

static void test_exec_of_server_files(void **state)
{
    (void)state;
    static const char *const versions[] = { "client.authentication.k8s.io/v1",
                                            "client.authentication.k8s.io/v1beta1" };
    static const struct {
        const char *exec, *field;
    } refused[] = {
        { "\"command\":\"x\"", "/users/0/user/exec/apiVersion" },
        { "\"command\":\"x\",\"apiVersion\":\"client.authentication.k8s.io/v1alpha1\"",
          "/users/0/user/exec/apiVersion" },
        { "\"apiVersion\":\"client.authentication.k8s.io/v1\"", "/users/0/user/exec/command" },
        { "\"command\":\"x\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
          "\"interactiveMode\":\"Always\"",
          "/users/0/user/exec/interactiveMode" },
        { "\"command\":\"x\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"args\":[1]",
          "/users/0/user/exec/args" },
        { "\"command\":\"x\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"env\":[{"
          "\"name\":\"A=B\",\"value\":\"c\"}]",
          "/users/0/user/exec/env" },
    };
    struct cf_kubeconfig_options server = { .trust = CF_KUBECONFIG_SERVER,
                                            .base_dir = "/etc/kube" };
    for (size_t i = 0; i < CF_ARRAY_LEN(versions); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *user =
            cf_xasprintf("\"exec\":{\"command\":\"bin/get\",\"apiVersion\":\"%s\",\"args\":[\"a\","
                         "\"b\"],\"env\":[{\"name\":\"A\",\"value\":\"1\"}]}",
                         versions[i]);
        struct cf_kube_credentials *c = parse(SERVER, user, &server, &err);
        assert_non_null(c);
        assert_string_equal(c->exec.command, "/etc/kube/bin/get");
        assert_string_equal(c->exec.args[1], "b");
        assert_string_equal(c->exec.env[0], "A=1");
        assert_string_equal(cf_kube_credentials_kind(c), "exec");
        cf_kube_credentials_unref(c);
    }
    for (size_t i = 0; i < CF_ARRAY_LEN(refused); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *user = cf_xasprintf("\"exec\":{%s}", refused[i].exec);
        assert_null(parse(SERVER, user, &server, &err));
        assert_string_equal(err.field, refused[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_refused_documents),
        cmocka_unit_test(test_inline_forms), cmocka_unit_test(test_insecure_only_when_allowed),
        cmocka_unit_test(test_server_files), cmocka_unit_test(test_exec_of_server_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
