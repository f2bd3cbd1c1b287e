/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing keys: making a file, and putting a new key in front of the older ones. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "orchestrator/cli/config_table.h"
#include "orchestrator/cli/handlers.h"
#include "store/store.h"

enum { KEY_FILE_MAX = 64 * 1024 };

/* A new file that only its owner may read; never over an existing one. */
static bool write_new(const char *path, const char *const *texts, const size_t *lens, size_t n,
                      struct cf_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cf_error_errno(err, errno, path);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = write(fd, texts[i], lens[i]) == (ssize_t)lens[i];
    ok = fsync(fd) == 0 && ok;
    int errnum = errno;
    close(fd);
    if (ok)
        return true;
    unlink(path);
    return cf_error_errno(err, errnum, path);
}

int cf_cmd_key_generate(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *path = cli->operands[0];
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *line = cf_keyring_generate_line();
    const char *text = cf_secret_data(line);
    size_t len = cf_secret_len(line);
    const char *texts[] = { text, "\n" };
    size_t lens[] = { len, len && text[len - 1] == '\n' ? 0 : 1 };
    if (!write_new(path, texts, lens, 2, &err))
        return cf_fail(&err);
    cf_note(cli,
            "Made %s. Keep a copy apart from the database's backups: without it stored credentials "
            "cannot be opened.",
            path);
    return CF_EXIT_OK;
}

/* The key file with a new first line, put in the place of the old one at once. */
static bool prepend_key(const char *path, struct cf_error *err)
{
    size_t old_len;
    char *old = cf_file_read(path, KEY_FILE_MAX, &old_len, err);
    if (!old)
        return false;
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *line = cf_keyring_generate_line();
    cf_autofree char *temporary = cf_xasprintf("%s.new", path);
    const char *text = cf_secret_data(line);
    size_t len = cf_secret_len(line);
    const char *texts[] = { text, "\n", old };
    size_t lens[] = { len, len && text[len - 1] == '\n' ? 0 : 1, old_len };
    bool ok = write_new(temporary, texts, lens, 3, err);
    if (ok && rename(temporary, path) != 0)
        ok = cf_error_errno(err, errno, path);
    cf_zero(old, old_len);
    free(old);
    return ok;
}

static bool reseal(const struct cf_config *config, const char *path, int64_t *out_n,
                   struct cf_error *err)
{
    struct cf_keyring *ring = cf_keyring_load(path, err);
    if (!ring)
        return false;
    struct cf_store_config store_config = { .conninfo = cf_config_str(config, "database"),
                                            .pool_size = 2,
                                            .keyring = ring };
    struct cf_store *store = cf_store_open(&store_config, err);
    bool ok = store && cf_store_reseal(store, out_n, err);
    cf_store_close(store);
    cf_keyring_free(ring);
    return ok;
}

/* Two steps, because a running service knows only the keys that it started with. */
static bool rotate(const struct cf_cli *cli, const struct cf_config *config, struct cf_error *err)
{
    int64_t n = 0;
    const char *path = cf_config_str(config, "key-file");
    if (!path)
        return cf_error_set(err, CF_ERR_INVALID, "key-file is not set: --key-file FILE");
    if (!cf_arg_given(cli, "reseal")) {
        if (!prepend_key(path, err))
            return false;
        cf_note(cli,
                "%s has a new first key. Next: restart every replica with this file, then "
                "crossfade key rotate --reseal",
                path);
        return true;
    }
    if (!reseal(config, path, &n, err))
        return false;
    cf_note(cli,
            "%lld stored secrets were sealed again with the first key of %s; older keys may go "
            "from it.",
            (long long)n, path);
    return true;
}

int cf_cmd_key_rotate(struct cf_cli *cli)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_config *config = cf_config_of_cli(cli, &err);
    bool ok = config && rotate(cli, config, &err);
    cf_config_free(config);
    return ok ? CF_EXIT_OK : cf_fail(&err);
}
