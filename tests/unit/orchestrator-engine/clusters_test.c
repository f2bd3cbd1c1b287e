/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are in a cluster by the service's own configuration: only a cluster's name leads to a
 * file, only to one of the folder, and what is missing is said with its key. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/engine/clusters.h"
#include "tests/support/test.h"

#define CONFIG                                                                                     \
    "current-context: c\nclusters: [{name: c, cluster: {server: \"https://10.0.0.1:6443\"}}]\n"    \
    "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: get, "  \
    "interactiveMode: Never}}}]\n"                                                                 \
    "contexts: [{name: c, context: {cluster: c, user: u}}]\n"

static char root[] = "/tmp/crossfade-clusters-XXXXXX";

static void write_file(const char *name)
{
    cf_autofree char *path = cf_xasprintf("%s/%s", root, name);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_true(fputs(CONFIG, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    cf_autofree char *folder = cf_xasprintf("%s/clusters", root);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file("outside.kubeconfig");
    write_file("clusters/dc1.kubeconfig");
    write_file("clusters/.kubeconfig");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cf_autofree char *command = cf_xasprintf("rm -rf %s", root);
    return system(command);
}

static void only_names_of_the_folder(void **state)
{
    (void)state;
    cf_autofree char *folder = cf_xasprintf("%s/clusters", root);
    static const struct {
        const char *name;
        bool has_folder;
        const char *says; /* NULL: found */
    } cases[] = {
        { "dc1", true, NULL },
        { "dc1", false, "set clusters.folder to the folder of dc1.kubeconfig" },
        { "dc2", true, "clusters.folder has no dc2.kubeconfig" },
        { "../outside", true, "no name" },
        { "../clusters/dc1", true, "no name" },
        { "/etc/passwd", true, "no name" },
        { "dc1.kubeconfig", true, "no name" },
        { ".", true, "no name" },
        { "", true, "no name" },
        { "a23456789-123456789-123456789-123456789-123456789-123456789-1234", true, "no name" },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *doc = json_pack("{s:b}", "serverSide", 1);
        struct cf_clusters_local local = { .folder = cases[i].has_folder ? folder : "" };
        struct cf_kube_credentials *c =
            cf_clusters_credentials(&local, cases[i].name, doc, "", 0, &err);
        if (!c != (cases[i].says != NULL) || (cases[i].says && !strstr(err.message, cases[i].says)))
            fail_msg("\"%s\": %s", cases[i].name, c ? "found" : err.message);
        if (c)
            assert_string_equal(cf_kube_credentials_server(c), "https://10.0.0.1:6443");
        cf_kube_credentials_unref(c);
    }
}

/* A path in a record, however it came there, is not read. */
static void a_records_path_means_nothing(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *folder = cf_xasprintf("%s/clusters", root);
    cf_autofree char *file = cf_xasprintf("%s/outside.kubeconfig", root);
    cf_autojson json_t *doc = json_pack("{s:s,s:b}", "kubeconfigFile", file, "inCluster", 1);
    struct cf_clusters_local local = { .folder = folder };
    assert_null(cf_clusters_credentials(&local, "dc1", doc, CONFIG, strlen(CONFIG), &err));
    assert_int_equal(err.kind, CF_ERR_INVALID);
    assert_non_null(strstr(err.message, "clusters.folder"));
    assert_non_null(strstr(err.message, "--server-side"));
}

static void the_cluster_that_we_run_in(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *doc = json_pack("{s:b}", "serverSide", 1);
    struct cf_clusters_local local = { .in_cluster = "here" };
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_null(cf_clusters_credentials(&local, "here", doc, "", 0, &err));
    assert_null(strstr(err.message, "clusters.folder"));
    cf_error_clear(&err);
    assert_null(cf_clusters_credentials(&local, "there", doc, "", 0, &err));
    assert_non_null(strstr(err.message, "clusters.in-cluster to there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_of_the_folder),
        cmocka_unit_test(a_records_path_means_nothing),
        cmocka_unit_test(the_cluster_that_we_run_in),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
