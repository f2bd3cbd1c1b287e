/* SPDX-License-Identifier: Apache-2.0 */
/* A Karmada control plane over two clusters for tests: everything waits a hundredth of its real
 * time. Objects are written as JSON with single quotes (controllers_world.h). */
#ifndef TESTS_UNIT_DEPLOY_SANDBOX_KARMADA_WORLD_H
#define TESTS_UNIT_DEPLOY_SANDBOX_KARMADA_WORLD_H

#include "deploy/sandbox/karmada/karmada.h"
#include "deploy/sandbox/karmada/words.h"
#include "tests/unit/deploy-sandbox/controllers_world.h"

struct plane_world {
    struct sbx_api *hub, *east, *west;
    struct sbx_controllers *controllers, *upkeep;
    struct sbx_karmada *karmada;
};

enum { PLANE_WAIT = 1, UNTIL_MS = 20000 };

static inline int plane_up(void **state)
{
    struct plane_world *w = cf_xcalloc(1, sizeof(*w));
    struct cf_error err = CF_ERROR_INIT;
    w->hub = sbx_api_new_control_plane("hub");
    sbx_api_token(w->hub, "token", "tester", SBX_RIGHTS_FULL);
    w->east = sbx_api_new("east");
    w->west = sbx_api_new("west");
    struct sbx_api *members[] = { w->east, w->west };
    const struct sbx_controllers_options kept = patient();
    w->controllers = sbx_controllers_start(members, 2, &kept, &err);
    const struct sbx_controllers_options upkeep = { .only_upkeep = true };
    w->upkeep = sbx_controllers_start(&w->hub, 1, &upkeep, &err);
    const struct sbx_karmada_options options = { .hub = w->hub,
                                                 .members = members,
                                                 .count = 2,
                                                 .listener_slot = 2,
                                                 .wait_percent = PLANE_WAIT };
    w->karmada = sbx_karmada_start(&options, &err);
    assert_non_null(w->karmada);
    assert_true(sbx_karmada_settle(w->karmada, SETTLE_MS));
    *state = w;
    return 0;
}

static inline int plane_down(void **state)
{
    struct plane_world *w = *state;
    sbx_karmada_stop(w->karmada);
    sbx_controllers_stop(w->controllers);
    sbx_controllers_stop(w->upkeep);
    sbx_api_free(w->hub);
    sbx_api_free(w->east);
    sbx_api_free(w->west);
    free(w);
    return 0;
}

static inline void throw_switch(struct plane_world *w, const char *member, const char *name,
                                int64_t value)
{
    struct cf_error err = CF_ERROR_INIT;
    if (!sbx_karmada_switch(w->karmada, member, name, value, &err))
        fail_msg("%s", err.message);
}

/* A call by the token's user; `text` gets the start of the answer's message or text. */
static inline int ask_hub(struct plane_world *w, const char *method, const char *target,
                          const char *body, char text[512])
{
    struct sbx_call call = { .method = method,
                             .target = target,
                             .content_type = strcmp(method, "PATCH") == 0
                                                 ? "application/merge-patch+json"
                                                 : NULL,
                             .authorization = "Bearer token",
                             .user_agent = "test",
                             .body = body,
                             .body_len = strlen(body) };
    struct sbx_answer answer;
    sbx_api_call(w->hub, &call, NULL, NULL, NULL, &answer);
    snprintf(text, 512, "%s",
             answer.text ? answer.text : cf_json_str(answer.body, "", "message", NULL));
    int status = answer.status;
    sbx_answer_free(&answer);
    return status;
}

/* Waits until the field has the value; fails with what it has instead. */
static inline void until_field(struct sbx_api *api, const char *group, const char *plural,
                               const char *ns, const char *name, const char *pointer,
                               const char *want)
{
    int64_t end = cf_mono_now_ms() + UNTIL_MS;
    while (strcmp(field(api, group, plural, ns, name, pointer), want) != 0) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s/%s %s is \"%s\", not \"%s\"", plural, name, pointer,
                     field(api, group, plural, ns, name, pointer), want);
        cf_sleep_ms(&cf_clock_real, 2);
    }
}

static inline void until_gone(struct sbx_api *api, const char *group, const char *plural,
                              const char *ns, const char *name)
{
    int64_t end = cf_mono_now_ms() + UNTIL_MS;
    while (is_there(api, group, plural, ns, name)) {
        if (cf_mono_now_ms() > end)
            fail_msg("%s/%s is still there", plural, name);
        cf_sleep_ms(&cf_clock_real, 2);
    }
}

/* A POST's status; the answer's message stays readable until the next one. */
static inline int try_make(struct sbx_api *api, const char *group, const char *plural,
                           const char *ns, const char *quoted, const char **out_message)
{
    static char message[1024];
    const struct sbx_kind *k = sbx_kind_of_group(group, plural);
    cf_autojson json_t *body = read_json(quoted), *answer = NULL;
    cf_autofree char *gv = cf_xasprintf("%s%s%s", group, *group ? "/" : "", k->version);
    json_object_set_new(body, "apiVersion", json_string(gv));
    json_object_set_new(body, "kind", json_string(k->kind));
    cf_autofree char *path = path_of(group, plural, ns);
    int status = sbx_api_do(api, "test", "POST", NULL, body, &answer, "%s", path);
    snprintf(message, sizeof(message), "%s", cf_json_str(answer, "", "message", NULL));
    *out_message = message;
    return status;
}

#define SELECTS_WEB                                                                                \
    "'resourceSelectors':[{'apiVersion':'apps/v1','kind':'Deployment','name':'web'}]"
#define PLACED(clusters) "'placement':{'clusterAffinity':{'clusterNames':[" clusters "]}}"
#define WEB              "{'metadata':{'name':'web'},'spec':{'replicas':2," SELECTOR POD_TEMPLATE("echo:v1") "}}"

#endif
