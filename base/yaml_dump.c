/* SPDX-License-Identifier: Apache-2.0 */
/* Writing YAML with libyaml's emitter: block style, two spaces, lines never folded. What
 * cf_yaml_parse reads back is the same tree. Recursion is bounded by the depth of trees
 * (base/json.h). */
#include "base/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/yaml_scalar.h"

static int write_output(void *data, unsigned char *buffer, size_t size)
{
    cf_buf_append(data, buffer, size);
    return 1;
}

/* libyaml fails here only when it runs out of memory or when events are in the wrong order. */
static void emit(yaml_emitter_t *out, yaml_event_t *event, int initialized)
{
    cf_assert(initialized == 1);
    cf_assert(yaml_emitter_emit(out, event) == 1);
}

static void emit_scalar(yaml_emitter_t *out, const char *text, size_t len,
                        yaml_scalar_style_t style)
{
    yaml_event_t e;
    emit(out, &e,
         yaml_scalar_event_initialize(&e, NULL, NULL, (const unsigned char *)text, (int)len, 1, 1,
                                      style));
}

/* Characters that readers take for line ends besides '\n', and would change: CR, NEL, LS, PS; and
 * the BOM. */
static bool has_odd_breaks(const char *text)
{
    return strchr(text, '\r') || strstr(text, "\xC2\x85") || strstr(text, "\xE2\x80\xA8") ||
           strstr(text, "\xE2\x80\xA9") || strstr(text, "\xEF\xBB\xBF");
}

static yaml_scalar_style_t style_of(const char *text, bool is_key)
{
    if (cf_yaml_needs_quotes(text) || has_odd_breaks(text))
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (!strchr(text, '\n'))
        return YAML_PLAIN_SCALAR_STYLE; /* a wish: the emitter quotes what is not safe */
    return is_key || *text == '\n' || *text == ' ' ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                                   : YAML_LITERAL_SCALAR_STYLE;
}

static void emit_value(yaml_emitter_t *out, const json_t *j);

static void emit_object(yaml_emitter_t *out, const json_t *j)
{
    yaml_event_t e;
    const char *key;
    json_t *value;
    emit(out, &e, yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    json_object_foreach(cf_json_unconst(j), key, value)
    {
        emit_scalar(out, key, strlen(key), style_of(key, true));
        emit_value(out, value);
    }
    emit(out, &e, yaml_mapping_end_event_initialize(&e));
}

static void emit_array(yaml_emitter_t *out, const json_t *j)
{
    yaml_event_t e;
    emit(out, &e,
         yaml_sequence_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    for (size_t i = 0; i < json_array_size(j); i++)
        emit_value(out, json_array_get(j, i));
    emit(out, &e, yaml_sequence_end_event_initialize(&e));
}

static void emit_value(yaml_emitter_t *out, const json_t *j)
{
    if (json_is_object(j)) {
        emit_object(out, j);
    } else if (json_is_array(j)) {
        emit_array(out, j);
    } else if (json_is_string(j)) {
        const char *text = json_string_value(j);
        emit_scalar(out, text, json_string_length(j), style_of(text, false));
    } else {
        cf_autofree char *text = cf_json_dump(j);
        emit_scalar(out, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
    }
}

char *cf_yaml_dump(const json_t *j)
{
    struct cf_buf text = CF_BUF_INIT(SIZE_MAX - 1);
    yaml_emitter_t out;
    yaml_event_t e;
    cf_assert(yaml_emitter_initialize(&out));
    yaml_emitter_set_output(&out, write_output, &text);
    yaml_emitter_set_unicode(&out, 1);
    yaml_emitter_set_width(&out, -1);
    emit(&out, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING));
    emit(&out, &e, yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1));
    emit_value(&out, j);
    emit(&out, &e, yaml_document_end_event_initialize(&e, 1));
    emit(&out, &e, yaml_stream_end_event_initialize(&e));
    yaml_emitter_delete(&out);
    return cf_buf_take(&text);
}
