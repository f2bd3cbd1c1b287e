/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the closure on whole applications: a namespace in (tests/data/closures/NAME.yaml), what is
 * copied with its reasons, order and bodies, what the target must have, what is kept out and what is
 * remarked out (NAME.expected.json). CROSSFADE_UPDATE=1 writes what comes out: read the
 * difference. */
#include <stdio.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "federation/objects/closure.h"
#include "federation/objects/kinds.h"
#include "federation/objects/transform.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

#define FOLDER "tests/data/closures/"

static json_t *read_application(const char *name)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autofree char *path = cf_xasprintf(FOLDER "%s.yaml", name);
    size_t len;
    cf_autofree char *text = cf_test_read_file(path, &len);
    json_t *tree = cf_yaml_parse(text, len, 0, NULL, &err);
    if (!tree)
        fail_msg("%s: %s", path, err.message);
    return tree;
}

/* Each member without the object that was read, with the body that is written. */
static json_t *with_bodies(const json_t *application, const json_t *members)
{
    struct cf_transform t = { .target_namespace = cf_json_str(application, "", "target", NULL),
                              .workloads = json_object_get(application, "workloads"),
                              .members = members };
    json_t *out = json_array();
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m)
    {
        struct cf_error err = CF_ERROR_INIT;
        json_t *line = json_copy(m);
        cf_autofree char *label = cf_object_label(json_object_get(m, "object"));
        json_t *body = cf_object_transform(&t, m, &err);
        if (!body)
            fail_msg("%s: %s", label, err.message);
        json_object_set_new(line, "object", json_string(label));
        json_object_set_new(line, "body", body);
        json_array_append_new(out, line);
    }
    return out;
}

static json_t *closure_of(const char *name)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *a = read_application(name);
    struct cf_closure_input in = {
        .objects = json_object_get(a, "objects"),
        .workloads = json_object_get(a, "workloads"),
        .services = json_object_get(a, "services"),
        .routers = json_object_get(a, "routers"),
        .absent = json_object_get(a, "absent"),
        .unread = json_object_get(a, "unread"),
    };
    json_t *closure = cf_closure(&in, &err);
    if (!closure)
        fail_msg("%s: %s", name, err.message);
    json_object_set_new(closure, "members", with_bodies(a, json_object_get(closure, "members")));
    return closure;
}

static void compare(const char *name)
{
    cf_autofree char *path = cf_xasprintf(FOLDER "%s.expected.json", name);
    cf_autojson json_t *closure = closure_of(name);
    cf_autofree char *got = cf_json_dump_pretty(closure);
    if (getenv("CROSSFADE_UPDATE")) {
        cf_autofree char *full = cf_xasprintf("%s/%s", CF_SOURCE_DIR, path);
        FILE *f = fopen(full, "wb");
        assert_non_null(f);
        fprintf(f, "%s\n", got);
        fclose(f);
    }
    cf_autojson json_t *want = cf_test_read_json(path);
    if (!json_equal(closure, want))
        fail_msg("%s is not what comes out; CROSSFADE_UPDATE=1 writes it, git diff shows it", path);
}

static void a_web_shop(void **state)
{
    (void)state;
    compare("shop");
}

static void an_application_with_operators(void **state)
{
    (void)state;
    compare("operated");
}

static void a_pipeline_of_jobs(void **state)
{
    (void)state;
    compare("pipeline");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_web_shop),
        cmocka_unit_test(an_application_with_operators),
        cmocka_unit_test(a_pipeline_of_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
