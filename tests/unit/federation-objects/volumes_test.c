/* SPDX-License-Identifier: Apache-2.0 */
/* Proves what becomes of claims whose data moves: they are no copies, whoever mounts them starts only when the writers switch, and
 * what could write beside them is refused; claims whose data stays are copied as before. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "base/buf.h"
#include "federation/objects/closure.h"
#include "federation/objects/kinds.h"
#include "federation/objects/volumes.h"
#include "tests/support/quick_json.h"

/* clang-format off */
#define META(name) "'metadata':{'name':'" name "','namespace':'n'}"
#define CLAIM(name) "{'apiVersion':'v1','kind':'PersistentVolumeClaim'," META(name) ",'spec':{'accessModes':['ReadWriteOnce']}}"
#define MOUNTS(claim) "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'" claim "'}}]"
#define POD(name, spec) "'template':{'metadata':{'labels':{'app':'" name "'}},'spec':{'containers':[{'name':'c'}]" spec "}}"
#define APP(kind, name, spec) "{'apiVersion':'apps/v1','kind':'" kind "'," META(name) ",'spec':{'replicas':2," POD(name, spec) "}}"
#define SET(name) "{'apiVersion':'apps/v1','kind':'StatefulSet'," META(name) ",'spec':{'replicas':2,'volumeClaimTemplates':[{'metadata':{'name':'data'}}]," \
    POD(name, "") "}}"
#define CRON(name, claim) "{'apiVersion':'batch/v1','kind':'CronJob'," META(name) ",'spec':{'jobTemplate':{'spec':{" POD(name, "," MOUNTS(claim)) "}}}}"
#define SERVICE(name) "{'apiVersion':'v1','kind':'Service'," META(name) ",'spec':{'selector':{'app':'" name "'}}}"
#define KEDA(name, target) "{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject'," META(name) ",'spec':{'scaleTargetRef':{" target "}}}"
#define SHOP SERVICE("web") "," APP("Deployment", "web", "," MOUNTS("uploads")) "," SET("db") "," CLAIM("uploads") "," CLAIM("data-db-0") "," CLAIM("data-db-1")
#define ALL "'include':[{'kind':'Deployment','name':'web'},{'kind':'StatefulSet','name':'db'}],'exclude':[],'onConflict':'fail'"
#define FS "{'default':{'strategy':'veleroFsBackup','verify':'none'},'claims':[]}"
#define ONLY(pattern) "{'default':{'strategy':'none','verify':'none'},'claims':[{'name':'" pattern "','strategy':'veleroSnapshot','verify':'checksum'," \
    "'storageClass':'fast','size':'5Gi'}]}"

static const struct {
    const char *name, *objects, *workloads, *volumes;
    const char *starts;  /* "Kind/name now|switch" of the workloads among the members, then claims that are copied */
    const char *claims;  /* "name strategy by,by" */
    const char *writers; /* "Kind/name" */
    const char *note;    /* code of a blocker, or "" */
} table[] = {
    { "without volumes claims are copies", SHOP, "{" ALL ",'start':'now'}", "null", "StatefulSet/db now Deployment/web now +data-db-0 +data-db-1 +uploads", "", "", "" },
    { "strategy none is the same", SHOP, "{" ALL ",'start':'now'}", "{'default':{'strategy':'none'},'claims':[]}",
      "StatefulSet/db now Deployment/web now +data-db-0 +data-db-1 +uploads", "", "", "" },
    { "what moves is no copy, and who mounts it waits, also what a router reaches", SHOP, "{" ALL ",'start':'now'}", FS, "StatefulSet/db switch Deployment/web switch",
      "data-db-0 veleroFsBackup StatefulSet/db; data-db-1 veleroFsBackup StatefulSet/db; uploads veleroFsBackup Deployment/web; ", "StatefulSet/db Deployment/web ", "" },
    { "the first row that fits counts", SHOP, "{" ALL ",'start':'now'}", ONLY("data-db-*"), "StatefulSet/db switch Deployment/web now +uploads",
      "data-db-0 veleroSnapshot StatefulSet/db; data-db-1 veleroSnapshot StatefulSet/db; ", "StatefulSet/db ", "" },
    { "external data is copied by its application: the claim is a copy", SHOP, "{" ALL ",'start':'now'}",
      "{'default':{'strategy':'none'},'claims':[{'name':'uploads','strategy':'external'}]}", "StatefulSet/db now Deployment/web now +data-db-0 +data-db-1 +uploads", "", "", "" },
    { "what mounts it and is not copied would go on writing", SHOP "," APP("Deployment", "import", "," MOUNTS("uploads")), "{" ALL ",'start':'now'}", ONLY("uploads"),
      "StatefulSet/db now Deployment/web switch +data-db-0 +data-db-1", "uploads veleroSnapshot Deployment/web; ", "Deployment/web ", "WRITER_OUTSIDE" },
    { "a DaemonSet cannot stand still", SHOP "," APP("DaemonSet", "agent", "," MOUNTS("uploads")),
      "{'include':[{'kind':'Deployment','name':'web'},{'kind':'DaemonSet','name':'agent'}],'exclude':[],'onConflict':'fail','start':'now'}", ONLY("uploads"),
      "Deployment/web switch DaemonSet/agent switch", "uploads veleroSnapshot Deployment/web,DaemonSet/agent; ", "Deployment/web DaemonSet/agent ", "WRITER_UNSTOPPABLE" },
    { "a CronJob is a writer too", SHOP "," CRON("report", "uploads"),
      "{'include':[{'kind':'Deployment','name':'web'},{'kind':'CronJob','name':'report'}],'exclude':[],'onConflict':'fail','start':'now'}", ONLY("uploads"),
      "Deployment/web switch CronJob/report switch", "uploads veleroSnapshot Deployment/web,CronJob/report; ", "Deployment/web CronJob/report ", "" },
    { "a row that wants it to start now is refused", SHOP,
      "{'include':[{'kind':'StatefulSet','name':'db','start':'now'}],'exclude':[],'onConflict':'fail','start':'auto'}", ONLY("data-*"), "StatefulSet/db switch",
      "data-db-0 veleroSnapshot StatefulSet/db; data-db-1 veleroSnapshot StatefulSet/db; ", "StatefulSet/db ", "WRITER_TWICE" },
    { "what scales a writer waits with it, what scales others does not", SHOP "," KEDA("of-web", "'name':'web'") "," KEDA("of-db", "'kind':'StatefulSet','name':'db'"),
      "{" ALL ",'start':'now'}", ONLY("data-db-*"), "StatefulSet/db switch Deployment/web now ScaledObject/of-db switch ScaledObject/of-web now +uploads",
      "data-db-0 veleroSnapshot StatefulSet/db; data-db-1 veleroSnapshot StatefulSet/db; ", "StatefulSet/db ", "" },
    { "an excluded claim stays out of all of it", SHOP,
      "{'include':[{'kind':'Deployment','name':'web'}],'exclude':[{'kind':'PersistentVolumeClaim'}],'onConflict':'fail','start':'now'}", FS, "Deployment/web now", "", "", "" },
};
/* clang-format on */

static void say_members(const json_t *got, struct cf_buf *out)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(got, "members"), i, m)
    {
        const json_t *o = json_object_get(m, "object");
        const char *kind = cf_json_str(o, "", "kind", NULL);
        if (!cf_json_at(o, "spec", "template", NULL) &&
            !cf_json_at(o, "spec", "jobTemplate", NULL) && strcmp(kind, "ScaledObject") != 0)
            continue;
        bool late = strcmp(cf_json_str(m, "", "start", NULL), "atSwitch") == 0;
        cf_buf_printf(out, "%s%s/%s %s", out->len ? " " : "", kind, cf_object_name(o),
                      late ? "switch" : "now");
    }
    json_array_foreach(json_object_get(got, "members"), i, m)
    {
        const json_t *o = json_object_get(m, "object");
        if (strcmp(cf_json_str(o, "", "kind", NULL), "PersistentVolumeClaim") == 0)
            cf_buf_printf(out, " +%s", cf_object_name(o));
    }
}

static void say_claims(const json_t *got, struct cf_buf *out)
{
    size_t i, k;
    json_t *claim, *by;
    json_array_foreach(cf_json_at(got, "volumes", "claims", NULL), i, claim)
    {
        cf_buf_printf(out, "%s %s ", cf_json_str(claim, "?", "name", NULL),
                      cf_json_str(claim, "?", "strategy", NULL));
        json_array_foreach(json_object_get(claim, "by"), k, by)
        {
            cf_buf_printf(out, "%s%s", k ? "," : "", json_string_value(by));
        }
        cf_buf_puts(out, "; ");
    }
}

static void say_writers(const json_t *got, struct cf_buf *out)
{
    size_t i;
    json_t *w;
    json_array_foreach(cf_json_at(got, "volumes", "writers", NULL), i, w)
    {
        cf_buf_printf(out, "%s/%s ", cf_json_str(w, "?", "kind", NULL),
                      cf_json_str(w, "?", "name", NULL));
    }
}

static const char *first_blocker(const json_t *got)
{
    size_t i;
    json_t *note;
    json_array_foreach(json_object_get(got, "notes"), i, note)
    {
        if (strcmp(cf_json_str(note, "", "level", NULL), "blocker") == 0)
            return cf_json_str(note, "", "code", NULL);
    }
    return "";
}

static void each_claim_goes_its_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *all = cf_xasprintf("[%s]", table[i].objects);
        cf_autojson json_t *objects = cf_test_json(all);
        cf_autojson json_t *workloads = cf_test_json(table[i].workloads);
        cf_autojson json_t *volumes = cf_test_json(table[i].volumes);
        cf_autojson json_t *services = json_pack("[s]", "web");
        struct cf_closure_input in = { .objects = objects,
                                       .workloads = workloads,
                                       .services = services,
                                       .volumes = json_is_null(volumes) ? NULL : volumes };
        cf_autojson json_t *got = cf_closure(&in, &err);
        if (!got)
            fail_msg("%s: %s", table[i].name, err.message);
        CF_CLEANUP(cf_buf_free) struct cf_buf starts = CF_BUF_INIT(10000);
        CF_CLEANUP(cf_buf_free) struct cf_buf claims = CF_BUF_INIT(10000);
        CF_CLEANUP(cf_buf_free) struct cf_buf writers = CF_BUF_INIT(10000);
        say_members(got, &starts);
        say_claims(got, &claims);
        say_writers(got, &writers);
        print_message("%s\n", table[i].name);
        assert_string_equal(cf_buf_str(&starts), table[i].starts);
        assert_string_equal(cf_buf_str(&claims), table[i].claims);
        assert_string_equal(cf_buf_str(&writers), table[i].writers);
        assert_string_equal(first_blocker(got), table[i].note);
        assert_int_equal(json_object_get(got, "volumes") != NULL, *table[i].claims != '\0');
    }
}

/* Of all workloads, started at once; new reference. */
static json_t *closure_of(const char *objects_text, const char *volumes_text)
{
    struct cf_error err = CF_ERROR_INIT;
    cf_autojson json_t *objects = cf_test_json(objects_text);
    cf_autojson json_t *workloads = cf_test_json("{" ALL ",'start':'now'}");
    cf_autojson json_t *volumes = cf_test_json(volumes_text);
    cf_autojson json_t *services = json_array();
    struct cf_closure_input in = {
        .objects = objects, .workloads = workloads, .services = services, .volumes = volumes
    };
    json_t *got = cf_closure(&in, &err);
    assert_ok(got != NULL, &err);
    return got;
}

/* Who reads the plan's findings learns which autoscaler is paused, and which acts at once. */
static void what_keda_does_is_told(void **state)
{
    (void)state;
    cf_autojson json_t *got = closure_of("[" SHOP "," KEDA("of-web", "'name':'web'") "," KEDA(
                                             "of-db", "'kind':'StatefulSet','name':'db'") "]",
                                         ONLY("data-db-*"));
    CF_CLEANUP(cf_buf_free) struct cf_buf said = CF_BUF_INIT(10000);
    size_t i;
    json_t *note;
    json_array_foreach(json_object_get(got, "notes"), i, note)
    {
        if (strcmp(cf_json_str(note, "", "code", NULL), "SCALED_BY_KEDA") == 0)
            cf_buf_printf(&said, "%s %s; ", cf_json_str(note, "", "level", NULL),
                          cf_json_str(note, "", "message", NULL));
    }
    assert_non_null(strstr(cf_buf_str(&said), "info ScaledObject/of-db is copied paused"));
    assert_non_null(strstr(cf_buf_str(&said), "warning ScaledObject/of-web scales the copy"));
}

/* A claim that moves is told as skipped, with the reason, so that `plan explain` shows it. */
static void what_moves_is_told(void **state)
{
    (void)state;
    cf_autojson json_t *got = closure_of("[" SHOP "]", ONLY("uploads"));
    const json_t *skipped = json_array_get(json_object_get(got, "skipped"), 0);
    assert_string_equal(cf_json_str(skipped, "", "name", NULL), "uploads");
    assert_string_equal(cf_json_str(skipped, "", "why", NULL),
                        "Velero makes it in the target, with its data");
    const json_t *claim = json_array_get(cf_json_at(got, "volumes", "claims", NULL), 0);
    assert_string_equal(cf_json_str(claim, "", "storageClass", NULL), "fast");
    assert_string_equal(cf_json_str(claim, "", "size", NULL), "5Gi");
    assert_string_equal(cf_json_str(claim, "", "verify", NULL), "checksum");
    assert_string_equal(cf_json_str(claim, "", "claim", "metadata", "name", NULL), "uploads");
}

#define IMPORT                                                                                     \
    "," APP("Deployment", "import", "," MOUNTS("uploads") ",'nodeSelector':{'pool':'import'}")
#define PLACED                                                                                     \
    APP("Deployment", "web",                                                                       \
        "," MOUNTS("uploads") ",'nodeSelector':{'pool':'east'},'affinity':{},'hostNetwork':true")

static const struct {
    const char *objects, *placement;
} placed[] = {
    { PLACED "," CLAIM("uploads"), "{'nodeSelector':{'pool':'east'},'affinity':{}}" },
    { APP("Deployment", "web", "," MOUNTS("uploads")) "," CLAIM("uploads"), "{}" },
    { PLACED IMPORT "," CLAIM("uploads"), "{'nodeSelector':{'pool':'east'},'affinity':{}}" },
    { APP("Deployment", "web", "") "," CLAIM("uploads"), "null" },
};

/* As read: a way back needs it, and what becomes of it in the target is told by the copy. Who mounts it and is
 * not copied does not count. */
static void where_its_writer_runs_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(placed); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autofree char *all = cf_xasprintf("[%s]", placed[i].objects);
        cf_autojson json_t *objects = cf_test_json(all);
        cf_autojson json_t *workloads =
            cf_test_json("{'include':[{'kind':'Deployment','name':'web','patches':[]},{'kind':"
                         "'PersistentVolumeClaim','name':'uploads'}],'exclude':[],'onConflict':"
                         "'fail','start':'now'}");
        cf_autojson json_t *volumes = cf_test_json(FS);
        cf_autojson json_t *services = json_array();
        struct cf_closure_input in = {
            .objects = objects, .workloads = workloads, .services = services, .volumes = volumes
        };
        cf_autojson json_t *got = cf_closure(&in, &err);
        if (!got)
            fail_msg("case %zu: %s", i, err.message);
        const json_t *claim = json_array_get(cf_json_at(got, "volumes", "claims", NULL), 0);
        const json_t *placement = json_object_get(claim, "placement");
        cf_autofree char *text = placement ? cf_test_dump(placement) : cf_xstrdup("null");
        assert_string_equal(text, placed[i].placement);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_claim_goes_its_way),
        cmocka_unit_test(what_keda_does_is_told),
        cmocka_unit_test(what_moves_is_told),
        cmocka_unit_test(where_its_writer_runs_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
