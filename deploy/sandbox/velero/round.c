/* SPDX-License-Identifier: Apache-2.0 */
/* The view of one look, waits in scaled time, and small writes. */
#include "deploy/sandbox/velero/round.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json_patch.h"

enum { LABEL_MAX = 63, LABEL_DIGEST = 6 };

void vl_round_begin(struct vl_cluster *c)
{
    sbx_pass_begin(&c->pass, &c->world);
}

void vl_round_end(struct vl_cluster *c)
{
    sbx_pass_end(&c->pass);
}

int64_t vl_ms(const struct vl_cluster *c, int64_t real_ms)
{
    return CF_MAX(real_ms * vl_common(c->velero)->options.wait_percent / 100, 1);
}

bool vl_after(struct vl_cluster *c, int64_t real_ms, const char *what, const char *uid)
{
    return sbx_pass_after(&c->pass, vl_ms(c, real_ms), false, "%s %s", what, uid);
}

bool vl_every(struct vl_cluster *c, int64_t real_ms, const char *what, const char *uid)
{
    return sbx_pass_after(&c->pass, vl_ms(c, real_ms), true, "%s %s", what, uid);
}

/* ---- The view ---- */

json_t *vl_all(struct vl_cluster *c, const char *plural)
{
    return sbx_pass_all(&c->pass, VL_G, plural);
}

json_t *vl_one(struct vl_cluster *c, const char *plural, const char *name)
{
    return sbx_pass_one(&c->pass, VL_G, plural, VL_NS, name);
}

/* By an index of the look: each Backup asks for its own among those of all. */
json_t *vl_labelled(struct vl_cluster *c, const char *plural, const char *label, const char *value)
{
    cf_autofree char *key = cf_xasprintf("!%s %s", plural, label);
    json_t *index = json_object_get(c->pass.kinds, key);
    if (!index) {
        size_t i;
        json_t *o;
        index = json_object();
        json_object_set_new(c->pass.kinds, key, index);
        json_array_foreach(vl_all(c, plural), i, o)
        {
            const char *has = sbx_label(o, label);
            if (!json_object_get(index, has))
                json_object_set_new(index, has, json_array());
            json_array_append(json_object_get(index, has), o);
        }
    }
    json_t *found = json_object_get(index, value);
    return found ? json_incref(found) : json_array();
}

const char *vl_phase(const json_t *o)
{
    return cf_json_str(o, "", "status", "phase", NULL);
}

bool vl_phase_in(const json_t *o, const char *phases)
{
    return sbx_word_in(phases, *vl_phase(o) ? vl_phase(o) : "New");
}

json_t *vl_memory(json_t *all, const json_t *o)
{
    json_t *one = json_object_get(all, sbx_uid(o));
    if (!one) {
        one = json_object();
        json_object_set_new(all, sbx_uid(o), one);
    }
    return one;
}

/* ---- Writes ---- */

static const char *writer(const char *plural)
{
    return sbx_word_in("podvolumebackups,podvolumerestores,datauploads,datadownloads", plural)
               ? VL_AGENT
               : VL_SERVER;
}

bool vl_patch(struct vl_cluster *c, const char *plural, const json_t *o, json_t *patch_take)
{
    return sbx_pass_merge(&c->pass, writer(plural), VL_G, plural, o, patch_take);
}

bool vl_status(struct vl_cluster *c, const char *plural, const json_t *o, json_t *status_take)
{
    cf_autojson json_t *status = status_take;
    const json_t *old = json_object_get(o, "status");
    cf_autojson json_t *empty = json_object();
    cf_autojson json_t *wanted = cf_json_merge_apply(old ? old : empty, status);
    if (old && cf_json_equal(old, wanted))
        return true;
    return vl_patch(c, plural, o, json_pack("{s:O}", "status", status));
}

bool vl_create(struct vl_cluster *c, const char *plural, json_t *body_take)
{
    cf_json_put_take(body_take, json_string(VL_NS), "metadata", "namespace", NULL);
    return sbx_pass_create(&c->pass, VL_SERVER, VL_G, plural, body_take);
}

bool vl_delete(struct vl_cluster *c, const char *plural, const json_t *o)
{
    return sbx_pass_delete(&c->pass, VL_G, plural, o, -1);
}

char *vl_new_name(const char *base)
{
    return sbx_random_name(base);
}

char *vl_label_value(const char *name)
{
    char hex[CF_SHA256_HEX];
    if (strlen(name) <= LABEL_MAX)
        return cf_xstrdup(name);
    cf_sha256_hex(name, strlen(name), hex);
    return cf_xasprintf("%.*s%.*s", LABEL_MAX - LABEL_DIGEST, name, LABEL_DIGEST, hex);
}

json_t *vl_owned_by(const char *kind, const json_t *owner)
{
    return sbx_owned_by(VL_V1, kind, owner);
}

char *vl_time(struct vl_cluster *c, int64_t ahead_ms)
{
    char text[CF_TIME_TEXT_MAX];
    cf_time_rfc3339(cf_wall_ms(&cf_clock_real) + sbx_api_skew_ms(c->world.api) + ahead_ms, text);
    return cf_xasprintf("%.19sZ", text);
}
