/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig made self-contained: files become data, one context is left, programs are refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "orchestrator/cli/kubeconfig_inline.h"
#include "tests/support/test.h"

static char folder[] = "/tmp/crossfade-kubeconfig-XXXXXX";

static char *path_of(const char *name)
{
    return cf_xasprintf("%s/%s", folder, name);
}

static void write_file(const char *name, const char *text)
{
    cf_autofree char *path = path_of(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char *const names[] = { "config", "ca.crt", "tls.crt", "tls.key", "token" };

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
        cf_autofree char *path = path_of(names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

#define CONFIG                                                                                     \
    "clusters:\n- {name: a, cluster: {server: 'https://a', certificate-authority: ca.crt}}\n"      \
    "- {name: b, cluster: {server: 'https://b'}}\n"                                                \
    "users:\n- {name: cert, user: {client-certificate: tls.crt, client-key: tls.key}}\n"           \
    "- {name: tok, user: {tokenFile: token}}\n"                                                    \
    "- {name: exec, user: {exec: {command: aws}}}\n"                                               \
    "- {name: old, user: {auth-provider: {name: gcp}}}\n"                                          \
    "contexts:\n- {name: one, context: {cluster: a, user: cert, namespace: web}}\n"                \
    "- {name: two, context: {cluster: b, user: tok}}\n"                                            \
    "- {name: run, context: {cluster: b, user: exec}}\n"                                           \
    "- {name: provider, context: {cluster: b, user: old}}\n"                                       \
    "- {name: dangling, context: {cluster: nowhere, user: tok}}\n"

static json_t *inlined(const char *context, bool insecure)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *path = path_of("config");
    json_t *j = cf_kubeconfig_inline(path, context, insecure, &err);
    if (!j)
        fail_msg("%s", err.message);
    return j;
}

static void write_all(void)
{
    write_file("config", "current-context: one\n" CONFIG);
    write_file("ca.crt", "CA");
    write_file("tls.crt", "CERT");
    write_file("tls.key", "KEY");
    write_file("token", "secret\n");
}

static void files_become_data(void **state)
{
    (void)state;
    write_all();
    cf_autojson json_t *one = inlined(NULL, false);
    cf_autofree char *text = cf_json_dump(one);
    assert_string_equal(
        text, "{\"apiVersion\":\"v1\",\"kind\":\"Config\",\"current-context\":\"context\","
              "\"clusters\":[{\"name\":\"cluster\",\"cluster\":{\"server\":\"https://a\","
              "\"certificate-authority-data\":\"Q0E=\"}}],"
              "\"users\":[{\"name\":\"user\",\"user\":{\"client-certificate-data\":\"Q0VSVA==\","
              "\"client-key-data\":\"S0VZ\"}}],"
              "\"contexts\":[{\"name\":\"context\",\"context\":{\"cluster\":\"cluster\",\"user\":"
              "\"user\","
              "\"namespace\":\"web\"}}]}");
    cf_autojson json_t *two = inlined("two", true);
    assert_string_equal(cf_json_str(cf_json_pointer(two, "/users/0/user"), "", "token", NULL),
                        "secret");
    assert_true(json_is_true(cf_json_pointer(two, "/clusters/0/cluster/insecure-skip-tls-verify")));
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *context;
        enum cf_err_kind kind;
        const char *message;
    } rows[] = {
        { "run", CF_ERR_INVALID, "kubectl create token" },
        { "provider", CF_ERR_INVALID, "auth-provider" },
        { "none", CF_ERR_NOT_FOUND, "there are: one, two, run, provider, dangling" },
        { "dangling", CF_ERR_INVALID, "names a cluster that is not there" },
    };
    cf_autofree char *path = path_of("config");
    struct cf_error err = CF_ERROR_INIT;
    write_all();
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++)
        assert_fails(cf_kubeconfig_inline(path, rows[i].context, false, &err), &err, rows[i].kind,
                     rows[i].message);
    write_file("config", CONFIG);
    assert_fails(cf_kubeconfig_inline(path, NULL, false, &err), &err, CF_ERR_INVALID,
                 "--kube-context");
    write_all();
    cf_autofree char *key = path_of("tls.key");
    unlink(key);
    assert_fails(cf_kubeconfig_inline(path, "one", false, &err), &err, CF_ERR_NOT_FOUND,
                 "client-key");
}

static void a_context_is_found_by_its_server(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    write_file("config", CONFIG);
    cf_autofree char *path = path_of("config");
    cf_autofree char *slashed = cf_kubeconfig_context_for(path, "https://b/", &err);
    assert_string_equal(slashed, "two"); /* the first of those that lead there */
    cf_autofree char *none = cf_kubeconfig_context_for(path, "https://c", &err);
    assert_string_equal(none, "");
    cf_autofree char *empty = cf_kubeconfig_context_for(path, "", &err);
    assert_string_equal(empty, ""); /* a context without a cluster leads nowhere */
    assert_null(cf_kubeconfig_context_for("/nonexistent", "https://b", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_is_found_by_its_server),
        cmocka_unit_test(files_become_data),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
