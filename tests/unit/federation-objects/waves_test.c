/* SPDX-License-Identifier: Apache-2.0 */
/* Proves waves of workloads: with which wave each object comes, that what several need comes with the first of them, that without
 * `after` nothing is different, and what is refused because nobody could ever wait for it. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "base/buf.h"
#include "federation/objects/closure.h"
#include "federation/objects/kinds.h"
#include "tests/support/quick_json.h"

/* clang-format off */
#define META(name) "'metadata':{'name':'" name "','namespace':'n'}"
#define CM(name) "{'apiVersion':'v1','kind':'ConfigMap'," META(name) "}"
#define SERVICE(name) "{'apiVersion':'v1','kind':'Service'," META(name) ",'spec':{'selector':{'app':'" name "'}}}"
#define APP(kind, name, more, maps) "{'apiVersion':'apps/v1','kind':'" kind "'," META(name) ",'spec':{" more "'template':{'metadata':{'labels':{'app':'" name \
    "','tier':'all'}},'spec':{'containers':[{'envFrom':[" maps "]}]}}}}"
#define FROM(name) "{'configMapRef':{'name':'" name "'}}"
#define POLICY "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy'," META("all") ",'spec':{'podSelector':{'matchLabels':{'tier':'all'}}}}"
#define QUEUE(name) "{'apiVersion':'queues.example.org/v1','kind':'Queue'," META(name) ",'spec':{}}"

#define SHOP "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'n'}},{'apiVersion':'v1','kind':'ResourceQuota'," META("q") "}," \
    SERVICE("web") "," SERVICE("db") "," APP("Deployment", "web", "'replicas':2,", FROM("shared") "," FROM("web-only")) "," \
    APP("StatefulSet", "db", "'serviceName':'db',", FROM("shared") "," FROM("db-only")) "," \
    APP("Deployment", "cache", "", FROM("cache-only")) "," CM("shared") "," CM("web-only") "," CM("db-only") "," CM("cache-only") "," POLICY
#define REST "'exclude':[],'onConflict':'fail','start':'now'"
#define WEB_AFTER(names) "{'kind':'Deployment','name':'web','after':[" names "]}"
#define DB "{'kind':'StatefulSet','name':'db'}"
#define CACHE "{'kind':'Deployment','name':'cache'}"

static const struct {
    const char *name, *objects, *workloads, *members; /* "wave:Kind/name" in order; "!field: text": refused */
} table[] = {
    { "without after there is one wave", SHOP, "{'include':[{'kind':'Deployment','name':'web'}," DB "]," REST "}",
      "1:Namespace/n 1:ResourceQuota/q 1:ConfigMap/db-only 1:ConfigMap/shared 1:ConfigMap/web-only 1:Service/db 1:Service/web "
      "1:NetworkPolicy/all 1:StatefulSet/db 1:Deployment/web" },
    { "what both need or have comes with the first, what only one needs with that one, whatever the order of the rows", SHOP,
      "{'include':[" WEB_AFTER("'StatefulSet/db'") "," DB "]," REST "}",
      "1:Namespace/n 1:ResourceQuota/q 1:ConfigMap/db-only 1:ConfigMap/shared 1:Service/db 1:NetworkPolicy/all 1:StatefulSet/db "
      "2:ConfigMap/web-only 2:Service/web 2:Deployment/web" },
    { "three waves, by the longest way", SHOP,
      "{'include':[" WEB_AFTER("'StatefulSet/db','Deployment/cache'") "," DB ",{'kind':'Deployment','name':'cache','after':['StatefulSet/db']}]," REST "}",
      "1:Namespace/n 1:ResourceQuota/q 1:ConfigMap/db-only 1:ConfigMap/shared 1:Service/db 1:NetworkPolicy/all 1:StatefulSet/db "
      "2:ConfigMap/cache-only 2:Deployment/cache 3:ConfigMap/web-only 3:Service/web 3:Deployment/web" },
    { "a row without a name is called by its kind, a pattern as it is written", SHOP,
      "{'include':[{'kind':'Deployment','name':'w*','after':['StatefulSet','Deployment/c*']},{'kind':'StatefulSet'},{'kind':'Deployment','name':'c*'}]," REST "}",
      "1:Namespace/n 1:ResourceQuota/q 1:ConfigMap/cache-only 1:ConfigMap/db-only 1:ConfigMap/shared 1:Service/db 1:NetworkPolicy/all "
      "1:StatefulSet/db 1:Deployment/cache 2:ConfigMap/web-only 2:Service/web 2:Deployment/web" },
    { "what somebody needs before cannot come later", SHOP,
      "{'include':[{'kind':'ConfigMap','name':'web-only','after':['Deployment/web']},{'kind':'Deployment','name':'cache','after':['Deployment/web']},"
      "{'kind':'Deployment','name':'web'}]," REST "}",
      "!/spec/workloads/include/0/after: ConfigMap/web-only is to come in wave 2, but Deployment/web needs it and comes in wave 1" },
    { "a custom resource can be waited for", SHOP "," QUEUE("orders"),
      "{'include':[" CACHE ",{'kind':'Deployment','name':'web','after':['Queue/orders']},{'kind':'Queue','name':'orders'}]," REST "}",
      "1:Namespace/n 1:ResourceQuota/q 1:ConfigMap/cache-only 1:NetworkPolicy/all 1:Deployment/cache 1:Queue/orders 2:ConfigMap/shared "
      "2:ConfigMap/web-only 2:Service/web 2:Deployment/web" },
    { "what starts at the switch cannot be waited for", SHOP,
      "{'include':[" WEB_AFTER("'StatefulSet/db'") ",{'kind':'StatefulSet','name':'db','start':'atSwitch'}]," REST "}",
      "!/spec/workloads/include/0/after: nothing can wait for StatefulSet/db before the switch: it starts only at the switch" },
    { "nor what no router reaches, unless the plan says so", SHOP,
      "{'include':[" WEB_AFTER("'StatefulSet/db'") "," DB "],'exclude':[],'onConflict':'fail','start':'auto'}",
      "!/spec/workloads/include/0/after: nothing can wait for StatefulSet/db before the switch: it starts only at the switch" },
    { "nor what has no replicas", SHOP "," APP("Deployment", "off", "'replicas':0,", ""),
      "{'include':[" WEB_AFTER("'Deployment/off'") ",{'kind':'Deployment','name':'off'}]," REST "}",
      "!/spec/workloads/include/0/after: nothing can wait for Deployment/off before the switch: it has no replicas" },
    { "nor a Job", SHOP ",{'apiVersion':'batch/v1','kind':'Job'," META("seed") ",'spec':{'template':{}}}",
      "{'include':[" WEB_AFTER("'Job/seed'") ",{'kind':'Job','name':'seed'}]," REST "}",
      "!/spec/workloads/include/0/after: nothing can wait for Job/seed before the switch: it is suspended" },
    { "nor what never becomes ready", SHOP, "{'include':[" WEB_AFTER("'ConfigMap/db-only'") ",{'kind':'ConfigMap','name':'db-only'}]," REST "}",
      "!/spec/workloads/include/0/after: nothing can wait for ConfigMap/db-only before the switch: it has nothing to become ready" },
    { "nor what a row before it has taken", SHOP, "{'include':[{'kind':'Deployment','after':['Deployment/cache']}," CACHE "]," REST "}",
      "!/spec/workloads/include/0/after: nothing can wait for Deployment/cache: no object is copied because of that row" },
    { "nor what is excluded", SHOP,
      "{'include':[" WEB_AFTER("'StatefulSet/db'") "," DB "],'exclude':[{'kind':'StatefulSet'}],'onConflict':'fail','start':'now'}",
      "!/spec/workloads/include/0/after: nothing can wait for StatefulSet/db: no object is copied because of that row" },
    { "a name that no row has", SHOP, "{'include':[" WEB_AFTER("'StatefulSet/dp'") "," DB "]," REST "}",
      "!/spec/workloads/include/0/after: no row of workloads.include is called StatefulSet/dp" },
    { "a circle", SHOP, "{'include':[" WEB_AFTER("'Deployment/cache'") ",{'kind':'Deployment','name':'cache','after':['Deployment/web']}]," REST "}",
      "!/spec/workloads/include: rows of workloads.include wait for each other" },
};
/* clang-format on */

static void members_of(const json_t *result, struct cf_buf *out)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(result, "members"), i, m)
    {
        const json_t *o = json_object_get(m, "object");
        cf_buf_printf(out, "%s%d:%s/%s", i ? " " : "",
                      (int)cf_json_int(m, -1, "wave", NULL) / CF_WAVE_STRIDE + 1,
                      cf_json_str(o, "", "kind", NULL), cf_object_name(o));
    }
}

static void each_object_comes_with_its_wave(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *all = cf_xasprintf("[%s]", table[i].objects);
        cf_autojson json_t *objects = cf_test_json(all);
        cf_autojson json_t *workloads = cf_test_json(table[i].workloads);
        cf_autojson json_t *services = json_array();
        struct cf_closure_input in = { objects, workloads, services };
        cf_autojson json_t *got = cf_closure(&in, &err);
        CF_CLEANUP(cf_buf_free) struct cf_buf text = CF_BUF_INIT(10000);
        bool refused = table[i].members[0] == '!';
        if (got)
            members_of(got, &text);
        else
            cf_buf_printf(&text, "!%s: %s", err.field, err.message);
        assert_int_equal(got == NULL, refused);
        if (strncmp(cf_buf_str(&text), table[i].members,
                    refused ? strlen(table[i].members) : SIZE_MAX) != 0)
            fail_msg("%s: %s", table[i].name, cf_buf_str(&text));
        if (got && strstr(table[i].name, "without after"))
            assert_null(json_object_get(got, "waves"));
    }
}

static void numbers_of_kinds_fit_into_a_wave(void **state)
{
    (void)state;
    for (const struct cf_kind *k = cf_kinds; k->kind; k++)
        assert_true(k->wave >= 0 && k->wave < CF_WAVE_STRIDE);
    assert_true(cf_kind_find("example.org", "Anything")->wave < CF_WAVE_STRIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_object_comes_with_its_wave),
        cmocka_unit_test(numbers_of_kinds_fit_into_a_wave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
