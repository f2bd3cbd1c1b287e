/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the bridge's objects: names, ports, which endpoints are mirrored, the smallest set of
 * writes, and who names a bridge. */
#include "lb/bridge.h"
#include "tests/support/random.h"
#include "tests/unit/lb/fixtures.h"

static const struct cf_bridge bridge = { .ns = "shop",
                                         .service = "web",
                                         .run = RUN,
                                         .target_cluster = "dc2",
                                         .target_ns = "store",
                                         .target_service = "web" };

static void names(void **state)
{
    (void)state;
    char a[CF_DEST_WORD_MAX], b[CF_DEST_WORD_MAX], text[100];
    assert_string_equal(cf_bridge_name("web", a), "web-crossfade");
    for (size_t n = 50; n < 64; n++) {
        memset(text, 'a', n);
        text[n] = '\0';
        cf_bridge_name(text, a);
        assert_true(strlen(a) <= 63);
        text[n - 1] = 'b';
        assert_string_not_equal(a, cf_bridge_name(text, b));
    }
}

static void the_service(void **state)
{
    (void)state;
    static const struct {
        const char *source_spec, *bridge_spec; /* NULL: refused */
    } rows[] = {
        { "{'type':'LoadBalancer','clusterIP':'10.0.0.1','selector':{'app':'web'},"
          "'sessionAffinity':'None','ports':[{'name':'http','port':80,'targetPort':'web',"
          "'nodePort':30080,'protocol':'TCP','appProtocol':'http'},{'name':'admin','port':9000,"
          "'targetPort':9001}]}",
          "{'ports':[{'name':'http','port':80,'protocol':'TCP','appProtocol':'http','targetPort':"
          "80},{'name':'admin','port':9000,'targetPort':9000}]}" },
        { "{'clusterIP':'None','ipFamilies':['IPv6'],'ipFamilyPolicy':'SingleStack','ports':[{"
          "'port':80}]}",
          "{'clusterIP':'None','ipFamilies':['IPv6'],'ipFamilyPolicy':'SingleStack','ports':[{"
          "'port':80,'targetPort':80}]}" },
        { "{'type':'ExternalName','externalName':'x','ports':[{'port':80}]}", NULL },
        { "{'clusterIP':'None'}", NULL },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        struct cf_error err = CF_ERROR_INIT;
        cf_autojson json_t *spec = js(rows[i].source_spec);
        cf_autojson json_t *source = json_pack("{sO}", "spec", spec);
        cf_autojson json_t *service = cf_bridge_service(&bridge, source, &err);
        if (!rows[i].bridge_spec) {
            assert_null(service);
            assert_fails(false, &err, CF_ERR_INVALID, "nothing to put a bridge beside");
            continue;
        }
        assert_json(json_object_get(service, "spec"), rows[i].bridge_spec);
        assert_json(json_object_get(service, "metadata"),
                    "{'name':'web-crossfade','namespace':'shop','labels':{'app.kubernetes.io/"
                    "managed-by':'crossfade','crossfade.dev/run':'" RUN
                    "','crossfade.dev/bridge':'true'},'annotations':{"
                    "'crossfade.dev/bridge-target':'dc2/store/web'}}");
    }
}

#define SERVICE                                                                                    \
    "{'spec':{'ports':[{'name':'http','port':80,'targetPort':'web'},{'name':'grpc','port':81,'"    \
    "targetPort':8181}]}}"
#define SLICE(name, type, ports, endpoints)                                                        \
    "{'metadata':{'name':'" name "'},'addressType':'" type "','ports':[" ports                     \
    "],'endpoints':[" endpoints "]}"
#define HTTP "{'name':'http','port':8080,'protocol':'TCP'}"
#define EP(ip, conditions)                                                                         \
    "{'addresses':['" ip "'],'conditions':{" conditions                                            \
    "},'nodeName':'n','zone':'z','targetRef':{'name':'p'}}"

/* The target's Service and slices, and what the bridge makes of them. */
static const struct {
    const char *service, *slices;
    const char *out; /* [{addressType, ports, endpoints}] */
    int ready;
} mirrors[] = {
    { SERVICE, "[]", "[]", 0 },
    { SERVICE, "[" SLICE("a", "IPv4", HTTP, EP("10.0.0.1", "'ready':true")) "]",
      "[{'addressType':'IPv4','ports':[{'name':'http','protocol':'TCP','port':8080}],"
      "'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':true}}]}]",
      1 },
    { SERVICE,
      "[" SLICE("a", "IPv4", HTTP,
                EP("10.0.0.1", "'ready':false") "," EP("10.0.0.2", "") "," EP(
                    "10.0.0.3", "'ready':false,'serving':true,'terminating':true")) "]",
      "[{'addressType':'IPv4','ports':[{'name':'http','protocol':'TCP','port':8080}],"
      "'endpoints':[{'addresses':['10.0.0.2'],'conditions':{'ready':true}}]}]",
      1 },
    { SERVICE, "[" SLICE("a", "IPv4", HTTP, EP("10.0.0.1", "'ready':false")) "]", "[]", 0 },
    { SERVICE,
      "[" SLICE("a", "IPv4", HTTP ",{'name':'other','port':1}",
                EP("10.0.0.1", "'ready':true")) "," SLICE("b", "IPv6", HTTP,
                                                          EP("fd00::1", "'ready':true")) "]",
      "[{'addressType':'IPv4','ports':[{'name':'http','protocol':'TCP','port':8080}],"
      "'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':true}}]},{"
      "'addressType':'IPv6','ports':[{'name':'http','protocol':'TCP','port':8080}],"
      "'endpoints':[{'addresses':['fd00::1'],'conditions':{'ready':true}}]}]",
      2 },
    { "{'spec':{'ports':[{'port':80}]}}",
      "[" SLICE("a", "IPv4", "{'name':'web','port':8080}", EP("10.0.0.1", "")) "]",
      "[{'addressType':'IPv4','ports':[{'name':'','protocol':'TCP','port':8080}],'endpoints':[{"
      "'addresses':['10.0.0.1'],'conditions':{'ready':true}}]}]",
      1 },
    { SERVICE,
      "[" SLICE("a", "IPv4", HTTP, EP("10.0.0.1", "")) "," SLICE(
          "b", "IPv4", "{'name':'grpc','port':9,'protocol':'TCP'}", EP("10.0.0.1", "")) "]",
      "[{'addressType':'IPv4','ports':[{'name':'http','protocol':'TCP','port':8080}],"
      "'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':true}}]},{"
      "'addressType':'IPv4','ports':[{'name':'grpc','protocol':'TCP','port':9}],'endpoints':[{"
      "'addresses':['10.0.0.1'],'conditions':{'ready':true}}]}]",
      1 },
};

static void mirroring(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(mirrors); i++) {
        struct cf_error err = CF_ERROR_INIT;
        int ready = -1;
        cf_autojson json_t *service = js(mirrors[i].service);
        cf_autojson json_t *theirs = js(mirrors[i].slices);
        cf_autojson json_t *ours = cf_bridge_slices(&bridge, service, theirs, &ready, &err);
        if (!ours)
            fail_msg("row %zu: %s", i, err.message);
        assert_int_equal(ready, mirrors[i].ready);
        for (size_t k = 0; k < json_array_size(ours); k++) {
            json_t *s = json_array_get(ours, k);
            assert_string_equal(
                cf_json_str(s, "", "metadata", "labels", "kubernetes.io/service-name", NULL),
                "web-crossfade");
            assert_string_equal(cf_json_str(s, "", "metadata", "labels",
                                            "endpointslice.kubernetes.io/managed-by", NULL),
                                "crossfade.dev");
            assert_int_equal(
                strncmp(cf_json_str(s, "", "metadata", "name", NULL), "web-crossfade-", 14), 0);
            json_object_del(s, "metadata");
            json_object_del(s, "apiVersion");
            json_object_del(s, "kind");
        }
        assert_json(ours, mirrors[i].out);
    }
}

static void what_cannot_be_mirrored(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    int ready = -1;
    cf_autojson json_t *service = js(SERVICE);
    cf_autojson json_t *theirs =
        js("[" SLICE("a", "IPv4", "{'name':'web','port':80}", EP("10.0.0.1", "")) "]");
    assert_null(cf_bridge_slices(&bridge, service, theirs, &ready, &err));
    assert_fails(false, &err, CF_ERR_INVALID, "no port of the target's Service store/web");
    cf_autojson json_t *udp = js("[" SLICE(
        "a", "IPv4", "{'name':'http','port':80,'protocol':'UDP'}", EP("10.0.0.1", "")) "]");
    assert_null(cf_bridge_slices(&bridge, service, udp, &ready, &err));
    assert_fails(false, &err, CF_ERR_INVALID, "no port");

    cf_autojson json_t *many = json_array();
    for (int s = 0; s < 21; s++) {
        json_t *endpoints = json_array();
        for (int e = 0; e < 1000; e++)
            json_array_append_new(endpoints, json_pack("{s[s]}", "addresses", "10.0.0.1"));
        json_array_append_new(many, json_pack("{s{ss} so s[{ss si}]}", "metadata", "name", "s",
                                              "endpoints", endpoints, "ports", "name", "http",
                                              "port", 80));
    }
    assert_null(cf_bridge_slices(&bridge, service, many, &ready, &err));
    assert_fails(false, &err, CF_ERR_LIMIT, "more than 20000");
}

static void names_of_slices_are_steady(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    int ready;
    cf_autojson json_t *service = js(SERVICE);
    cf_autojson json_t *a = js("[" SLICE("x", "IPv4", HTTP, EP("10.0.0.1", "")) "," SLICE(
        "y", "IPv4", HTTP, EP("10.0.0.2", "")) "]");
    cf_autojson json_t *b = js("[" SLICE("y", "IPv4", HTTP, EP("10.0.0.2", "")) "," SLICE(
        "x", "IPv4", HTTP, EP("10.0.0.1", "")) "]");
    cf_autojson json_t *from_a = cf_bridge_slices(&bridge, service, a, &ready, &err);
    cf_autojson json_t *from_b = cf_bridge_slices(&bridge, service, b, &ready, &err);
    cf_autojson json_t *diff = cf_bridge_diff(from_a, from_b);
    assert_int_equal(json_array_size(diff), 0);
}

static void fixed_addresses(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    int ready = -1;
    cf_autojson json_t *service = js(SERVICE);
    static const struct cf_bridge_address few[] = {
        { "192.0.2.1", 0 }, { "2001:db8::1", 0 }, { "192.0.2.2", 8443 }, { "192.0.2.3", 0 }
    };
    cf_autojson json_t *out = cf_bridge_slices_fixed(&bridge, service, few, 4, &ready, &err);
    assert_non_null(out);
    assert_int_equal(ready, 4);
    assert_int_equal(json_array_size(out), 3);
    assert_json(json_object_get(json_array_get(out, 0), "ports"),
                "[{'name':'http','protocol':'TCP','port':80},{'name':'grpc','protocol':'TCP','port'"
                ":8181}]");
    assert_int_equal(json_array_size(json_object_get(json_array_get(out, 0), "endpoints")), 2);
    assert_json(json_object_get(json_array_get(out, 2), "ports"),
                "[{'name':'http','protocol':'TCP','port':8443},{'name':'grpc','protocol':'TCP',"
                "'port':8443}]");

    static const char *const wrong[] = { "gateway.example.com",
                                         "127.0.0.1",
                                         "0.0.0.0",
                                         "169.254.1.1",
                                         "224.0.0.1",
                                         "::1",
                                         "fe80::1",
                                         "::",
                                         "" };
    for (size_t i = 0; i < CF_ARRAY_LEN(wrong); i++) {
        struct cf_bridge_address one = { 0 };
        snprintf(one.ip, sizeof one.ip, "%s", wrong[i]);
        assert_null(cf_bridge_slices_fixed(&bridge, service, &one, 1, &ready, &err));
        assert_fails(false, &err, CF_ERR_INVALID, "no address that an EndpointSlice may carry");
    }
    assert_null(cf_bridge_slices_fixed(&bridge, service, few, 0, &ready, &err));
    assert_fails(false, &err, CF_ERR_INVALID, "0 addresses");

    struct cf_bridge_address *lots = cf_xcalloc(2500, sizeof *lots);
    for (int i = 0; i < 2500; i++)
        snprintf(lots[i].ip, sizeof lots[i].ip, "10.1.%d.%d", i / 250, i % 250 + 1);
    cf_autojson json_t *chunks = cf_bridge_slices_fixed(&bridge, service, lots, 2500, &ready, &err);
    free(lots);
    assert_int_equal(json_array_size(chunks), 3);
    assert_int_equal(ready, 2500);
    for (size_t i = 0; i < 3; i++)
        assert_true(json_array_size(json_object_get(json_array_get(chunks, i), "endpoints")) <=
                    CF_BRIDGE_SLICE_ENDPOINTS_MAX);
}

/* The diff, carried out, always makes `present` equal to `desired`, and says nothing when it is. */
static void diffs_lead_there(void **state)
{
    (void)state;
    struct cf_test_random r = cf_test_random_seed(7);
    for (int round = 0; round < 300; round++) {
        cf_autojson json_t *wanted = json_array();
        cf_autojson json_t *other = json_array();
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < 5; i++)
                if (cf_test_random_below(&r, 2))
                    json_array_append_new(
                        side ? other : wanted,
                        json_pack("{s{s:s+} ss s[{s[s+]}] s[]}", "metadata", "name", "s",
                                  i == 0   ? "0"
                                  : i == 1 ? "1"
                                  : i == 2 ? "2"
                                  : i == 3 ? "3"
                                           : "4",
                                  "addressType", "IPv4", "endpoints", "addresses", "10.0.0.",
                                  cf_test_random_below(&r, 2) ? "1" : "2", "ports"));
        cf_autojson json_t *diff = cf_bridge_diff(wanted, other);
        bool deleting = false;
        for (size_t i = 0; i < json_array_size(diff); i++) {
            const json_t *w = json_array_get(diff, i);
            const char *op = cf_json_str(w, "", "op", NULL),
                       *name = cf_json_str(w, "", "name", NULL);
            size_t at = 0;
            while (at < json_array_size(other) &&
                   strcmp(cf_json_str(json_array_get(other, at), "", "metadata", "name", NULL),
                          name) != 0)
                at++;
            deleting |= strcmp(op, "delete") == 0;
            assert_int_equal(deleting, strcmp(op, "delete") == 0);
            if (strcmp(op, "create") == 0)
                json_array_append(other, json_object_get(w, "object"));
            else if (strcmp(op, "delete") == 0)
                json_array_remove(other, at);
            else
                json_object_update(json_array_get(other, at), json_object_get(w, "patch"));
        }
        cf_autojson json_t *rest = cf_bridge_diff(wanted, other);
        assert_int_equal(json_array_size(rest), 0);
        assert_int_equal(json_array_size(other), json_array_size(wanted));
    }
}

static void who_names_it(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        bool names;
    } rows[] = {
        { "{'kind':'VirtualService','metadata':{'namespace':'shop'},'spec':{'http':[{'route':[{"
          "'destination':{'host':'web-crossfade'}}]}]}}",
          true },
        { "{'kind':'VirtualService','metadata':{'namespace':'shop'},'spec':{'tcp':[{'route':[{"
          "'destination':{'host':'web-crossfade'}}]}]}}",
          true },
        { "{'kind':'VirtualService','metadata':{'namespace':'x'},'spec':{'http':[{'route':[{"
          "'destination':{'host':'web-crossfade.shop.svc.cluster.local'}}]}]}}",
          true },
        { "{'kind':'VirtualService','metadata':{'namespace':'x'},'spec':{'http':[{'route':[{"
          "'destination':{'host':'web-crossfade'}}]}]}}",
          false },
        { "{'kind':'VirtualService','metadata':{'namespace':'shop'},'spec':{'http':[{'route':[{"
          "'destination':{'host':'web'}}]}]}}",
          false },
        { "{'kind':'HTTPRoute','metadata':{'namespace':'shop'},'spec':{'rules':[{'backendRefs':[{"
          "'name':'a'}]},{'backendRefs':[{'name':'web-crossfade'}]}]}}",
          true },
        { "{'kind':'HTTPRoute','metadata':{'namespace':'x'},'spec':{'rules':[{'backendRefs':[{"
          "'name':'web-crossfade','namespace':'shop'}]}]}}",
          true },
        { "{'kind':'HTTPRoute','metadata':{'namespace':'x'},'spec':{'rules':[{'backendRefs':[{"
          "'name':'web-crossfade'}]}]}}",
          false },
        { "{'kind':'Ingress','metadata':{'namespace':'shop'},'spec':{'rules':[{'http':{'paths':[{"
          "'backend':{'service':{'name':'web-crossfade'}}}]}}]}}",
          true },
        { "{'kind':'Ingress','metadata':{'namespace':'shop'},'spec':{'defaultBackend':{'service':{"
          "'name':'web-crossfade'}}}}",
          true },
        { "{'kind':'Ingress','metadata':{'namespace':'x'},'spec':{'defaultBackend':{'service':{"
          "'name':'web-crossfade'}}}}",
          false },
        { "{'kind':'Deployment','metadata':{'namespace':'shop'},'spec':{}}", false },
    };
    for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
        cf_autojson json_t *object = js(rows[i].object);
        if (cf_bridge_named_by(&bridge, object) != rows[i].names)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(the_service),
        cmocka_unit_test(mirroring),
        cmocka_unit_test(what_cannot_be_mirrored),
        cmocka_unit_test(names_of_slices_are_steady),
        cmocka_unit_test(fixed_addresses),
        cmocka_unit_test(diffs_lead_there),
        cmocka_unit_test(who_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
