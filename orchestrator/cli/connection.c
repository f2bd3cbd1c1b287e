/* SPDX-License-Identifier: Apache-2.0 */
/* Which server and token: the order of precedence, and the context file. */
#include "orchestrator/cli/connection.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/url.h"
#include "base/yaml.h"

enum { FILE_MAX = 256 * 1024 };

void cf_connection_free(struct cf_connection *c)
{
    free(c->server);
    free(c->token_file);
    free(c->ca_file);
    free(c->context);
    *c = (struct cf_connection){ 0 };
}

static char *expand_home(const char *path, const char *home)
{
    if (!path)
        return NULL;
    return path[0] == '~' && path[1] == '/' && home ? cf_xasprintf("%s%s", home, path + 1)
                                                    : cf_xstrdup(path);
}

static bool known_members(const json_t *object, const char *const *names, const char *where,
                          struct cf_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(object), key, value)
    {
        bool found = false;
        for (size_t i = 0; names[i]; i++)
            found = found || strcmp(names[i], key) == 0;
        if (!found)
            return cf_error_set(err, CF_ERR_INVALID, "%s: unknown key \"%.60s\"", where, key);
    }
    return true;
}

static bool no_such_context(const char *name, const char *file, const json_t *contexts,
                            struct cf_error *err)
{
    CF_CLEANUP(cf_buf_free) struct cf_buf names = CF_BUF_INIT(400);
    const char *key;
    json_t *value;
    json_object_foreach(cf_json_unconst(contexts), key, value)
    {
        cf_buf_printf(&names, "%s%s", names.len ? ", " : "", key);
    }
    return cf_error_set(err, CF_ERR_NOT_FOUND, "no context \"%.60s\" in %s; there are: %s", name,
                        file, cf_buf_str(&names));
}

static bool take_context(const struct cf_connection_given *given, const json_t *tree,
                         const char *wanted, struct cf_connection *out, struct cf_error *err)
{
    static const char *const top[] = { "current", "contexts", NULL };
    static const char *const members[] = { "server", "tokenFile", "caFile", NULL };
    if (!json_is_object(tree))
        return cf_error_set(err, CF_ERR_INVALID, "%s: must be a mapping with current and contexts",
                            given->file);
    if (!known_members(tree, top, given->file, err))
        return false;
    const char *name = wanted ? wanted : cf_json_str(tree, NULL, "current", NULL);
    if (!name)
        return true;
    const json_t *contexts = cf_json_at(tree, "contexts", NULL);
    const json_t *context = cf_json_at(tree, "contexts", name, NULL);
    if (!json_is_object(context))
        return no_such_context(name, given->file, contexts, err);
    if (!known_members(context, members, given->file, err))
        return false;
    out->context = cf_xstrdup(name);
    out->server = cf_xstrdup(cf_json_str(context, NULL, "server", NULL));
    out->token_file = expand_home(cf_json_str(context, NULL, "tokenFile", NULL), given->home);
    out->ca_file = expand_home(cf_json_str(context, NULL, "caFile", NULL), given->home);
    return true;
}

static bool read_contexts(const struct cf_connection_given *given, const char *wanted,
                          struct cf_connection *out, struct cf_error *err)
{
    if (!given->file || access(given->file, F_OK) != 0)
        return !wanted || cf_error_set(err, CF_ERR_NOT_FOUND,
                                       "context \"%.60s\" is asked for, but there is no %s", wanted,
                                       given->file ? given->file : "configuration file");
    size_t len;
    cf_autofree char *text = cf_file_read(given->file, FILE_MAX, &len, err);
    if (!text)
        return false;
    cf_autojson json_t *tree = cf_yaml_parse(text, len, FILE_MAX, NULL, err);
    if (!tree)
        return cf_error_wrap(err, "%s", given->file);
    return take_context(given, tree, wanted, out, err);
}

/* The whole host decides: 127.0.0.1.example.com is somebody else's. */
static bool is_loopback_url(const char *url)
{
    char host[INET6_ADDRSTRLEN + 2];
    struct in_addr in;
    size_t scheme = strlen("http://"), n = strcspn(url + scheme, ":/?#");
    if (url[scheme] == '[')
        n = strcspn(url + scheme, "]") + 1;
    if (n >= sizeof host)
        return false;
    memcpy(host, url + scheme, n);
    host[n] = '\0';
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &in) == 1 && ntohl(in.s_addr) >> 24 == 127);
}

static void replace(char **slot, const char *value)
{
    if (!value || !*value)
        return;
    free(*slot);
    *slot = cf_xstrdup(value);
}

static const char *env_of(const struct cf_connection_given *given, const char *name)
{
    const char *value = given->env ? given->env(name) : NULL;
    return value && *value ? value : NULL;
}

bool cf_connection_resolve(const struct cf_connection_given *given, struct cf_connection *out,
                           struct cf_error *err)
{
    CF_CLEANUP(cf_connection_free) struct cf_connection c = { 0 };
    const char *server = given->server ? given->server : env_of(given, "CROSSFADE_SERVER");
    const char *wanted = given->context ? given->context : env_of(given, "CROSSFADE_CONTEXT");
    if (!read_contexts(given, wanted, &c, err))
        return false;
    if (server && (!c.server || strcmp(server, c.server) != 0)) {
        free(cf_steal(&c.token_file));
        free(cf_steal(&c.ca_file));
    }
    replace(&c.server, server);
    replace(&c.token_file, env_of(given, "CROSSFADE_TOKEN_FILE"));
    replace(&c.token_file, given->token_file);
    replace(&c.ca_file, env_of(given, "CROSSFADE_CA_FILE"));
    replace(&c.ca_file, given->ca_file);
    if (!c.server)
        c.server = cf_xstrdup(CF_CONNECTION_DEFAULT);
    if (!cf_url_check(c.server, false, err))
        return cf_error_wrap(err, "server %s", c.server);
    if (c.token_file && strncasecmp(c.server, "http://", 7) == 0 && !is_loopback_url(c.server))
        return cf_error_set(
            err, CF_ERR_DENIED,
            "%s has no TLS: the token would cross the network in clear; use https://", c.server);
    *out = c;
    c = (struct cf_connection){ 0 };
    return true;
}
