/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions: deployed into the member when they change, and, with Recovery, whenever something of
 * them is otherwise there. One that goes takes along by name what it lists; of a member that is not
 * Ready it takes nothing. */
#include <string.h>

#include "base/digest.h"
#include "deploy/sandbox/clusternet/round.h"

enum { RETRY_MS = 300 };

static json_t *object_at(const json_t *description, size_t i)
{
    struct cf_error err = CF_ERROR_INIT;
    const json_t *text = json_array_get(cf_json_at(description, "spec", "raw", NULL), i);
    unsigned char *bytes = NULL;
    size_t len;
    if (!text ||
        !cf_base64_decode(json_string_value(text), json_string_length(text), &bytes, &len, &err))
        return NULL;
    json_t *object = cf_json_parse((const char *)bytes, len, 0, &err);
    free(bytes);
    return object;
}

typedef bool deed_fn(struct cn_round *r, struct cn_member *m, const json_t *description,
                     const json_t *object, char **out_why);

static bool delete_one(struct cn_round *r, struct cn_member *m, const json_t *description,
                       const json_t *object, char **out_why)
{
    (void)description;
    return cn_delete_by_name(r, m, object, out_why);
}

/* Does it to each object; the first failure's words, or NULL. */
static char *do_all(struct cn_round *r, struct cn_member *m, const json_t *description,
                    deed_fn *deed)
{
    char *first = NULL;
    json_t *object;
    for (size_t i = 0; (object = object_at(description, i)); i++) {
        char *why = NULL;
        if (!deed(r, m, description, object, &why) && !first)
            first = cf_steal(&why);
        free(why);
        json_decref(object);
    }
    return first;
}

static void retry(struct cn_round *r)
{
    r->hub.wake = CF_MIN(r->hub.wake, r->hub.now + RETRY_MS);
}

static void offload(struct cn_round *r, const json_t *description)
{
    struct cn_member *m = cn_member_of(r, sbx_ns(description));
    const json_t *managed = cn_managed(r, sbx_ns(description));
    if (m && managed && cn_is_ready(managed)) {
        cf_autofree char *why = do_all(r, m, description, delete_one);
        if (why) {
            cn_warn(r, description, "FailedDeletingDescription", why);
            retry(r);
            return;
        }
    }
    json_object_del(r->plane->seen, sbx_uid(description));
    (void)cn_finalizer(r, "descriptions", description, CN_FINALIZER, false);
}

/* Whether it was deployed as it is now, once. */
static bool is_seen(struct cn_round *r, const json_t *description)
{
    char digest[CF_SHA256_HEX];
    cf_autofree char *text = cf_json_canonical(cf_json_at(description, "spec", NULL));
    cf_sha256_hex(text, strlen(text), digest);
    if (strcmp(cf_json_str(r->plane->seen, "", sbx_uid(description), NULL), digest) == 0)
        return true;
    json_object_set_new(r->plane->seen, sbx_uid(description), json_string(digest));
    return false;
}

static void deploy(struct cn_round *r, const json_t *description)
{
    struct cn_member *m = cn_member_of(r, sbx_ns(description));
    bool failed = strcmp(cf_json_str(description, "", "status", "phase", NULL), "Success") != 0;
    if (!m || (is_seen(r, description) && !failed && cn_on(&r->plane->switches, CN_RECOVERY_OFF)))
        return;
    cf_autofree char *why = do_all(r, m, description, cn_deploy);
    json_t *status = json_pack("{s:s}", "phase", why ? "Failure" : "Success");
    if (why) {
        json_object_set_new(status, "reason", json_string(why));
        retry(r);
    }
    (void)sbx_pass_status(&r->hub, CN_HUB, CN_G_APPS, "descriptions", description, status);
}

void cn_ctl_descriptions(struct cn_round *r)
{
    size_t i;
    json_t *d;
    json_array_foreach(cn_all(r, "descriptions"), i, d)
    {
        if (sbx_is_going(d))
            offload(r, d);
        else
            deploy(r, d);
    }
}
