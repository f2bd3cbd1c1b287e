/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing keys: reading a key file and making lines for one. Key bytes are zeroed wherever they
 * passed. */
#include "base/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"

enum { KEY_FILE_MAX = 16 * 1024 }; /* CF_KEYRING_MAX lines with room for comments */

struct cf_keyring {
    int count;
    struct cf_seal_key keys[CF_KEYRING_MAX];
};

const struct cf_seal_key *cf_keyring_current(const struct cf_keyring *k)
{
    return &k->keys[0];
}

const struct cf_seal_key *cf_keyring_find(const struct cf_keyring *k, const unsigned char *id)
{
    for (int i = 0; i < k->count; i++)
        if (memcmp(k->keys[i].id, id, sizeof k->keys[i].id) == 0)
            return &k->keys[i];
    return NULL;
}

const char *cf_keyring_current_id(const struct cf_keyring *k)
{
    return k->keys[0].id_hex;
}

void cf_keyring_free(struct cf_keyring *k)
{
    if (!k)
        return;
    cf_zero(k, sizeof *k);
    free(k);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool check_file(int fd, const char *path, struct cf_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cf_error_errno(err, errno, path);
    if (!S_ISREG(st.st_mode))
        return cf_error_set(err, CF_ERR_INVALID, "%s is not a regular file", path);
    if (st.st_mode & 077)
        return cf_error_set(err, CF_ERR_DENIED,
                            "%s may be read or changed by others (mode %03o): chmod 600 %s", path,
                            (unsigned)(st.st_mode & 0777), path);
    if (st.st_size > KEY_FILE_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "%s is larger than %d bytes", path, KEY_FILE_MAX);
    return true;
}

/* The file's text, NUL-terminated; at most KEY_FILE_MAX bytes are read even if it grows
 * meanwhile. */
static struct cf_secret *read_file(const char *path, struct cf_error *err)
{
    CF_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        cf_error_errno(err, errno, path);
        return NULL;
    }
    if (!check_file(fd, path, err))
        return NULL;
    char text[KEY_FILE_MAX];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof text && (n = read(fd, text + len, sizeof text - len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            cf_zero(text, len);
            cf_error_errno(err, errno, path);
            return NULL;
        }
        len += (size_t)n;
    }
    struct cf_secret *s = cf_secret_new(text, len);
    cf_zero(text, len);
    return s;
}

static bool add_key(struct cf_keyring *k, const char *line, size_t len, struct cf_error *err)
{
    unsigned char *bytes;
    size_t n;
    if (k->count == CF_KEYRING_MAX)
        return cf_error_set(err, CF_ERR_LIMIT, "more than %d keys", CF_KEYRING_MAX);
    if (!cf_base64_decode(line, len, &bytes, &n, err))
        return false;
    struct cf_seal_key key = { .id_hex = "" };
    if (n == CF_SEAL_KEY_BYTES)
        memcpy(key.bytes, bytes, n);
    cf_zero(bytes, n);
    free(bytes);
    if (n != CF_SEAL_KEY_BYTES)
        return cf_error_set(err, CF_ERR_INVALID, "a key is %d bytes in base64, not %zu",
                            CF_SEAL_KEY_BYTES, n);

    unsigned char digest[CF_SHA256_BYTES];
    char hex[CF_SHA256_HEX];
    cf_sha256(key.bytes, sizeof key.bytes, digest);
    cf_sha256_hex(key.bytes, sizeof key.bytes, hex);
    memcpy(key.id, digest, sizeof key.id);
    memcpy(key.id_hex, hex, CF_SEAL_KEY_ID_HEX - 1);
    bool twice = cf_keyring_find(k, key.id) != NULL;
    if (!twice)
        k->keys[k->count++] = key;
    cf_zero(&key, sizeof key);
    return twice ? cf_error_set(err, CF_ERR_INVALID, "the same key is there twice") : true;
}

static bool add_lines(struct cf_keyring *k, const char *text, struct cf_error *err)
{
    for (int line = 1; *text; line++) {
        size_t whole = strcspn(text, "\n");
        size_t blank = strspn(text, " \t\r");
        size_t len = strcspn(text, "#\n");
        if (blank < len && !add_key(k, text, len, err))
            return cf_error_wrap(err, "line %d", line);
        text += whole + (text[whole] == '\n');
    }
    return true;
}

struct cf_keyring *cf_keyring_load(const char *path, struct cf_error *err)
{
    CF_CLEANUP(cf_secret_free_p) struct cf_secret *text = read_file(path, err);
    if (!text) {
        cf_error_wrap(err, "sealing keys");
        return NULL;
    }
    struct cf_keyring *k = cf_xcalloc(1, sizeof *k);
    bool ok = add_lines(k, cf_secret_data(text), err);
    if (ok && k->count == 0)
        ok = cf_error_set(err, CF_ERR_INVALID,
                          "there is no key; make one with: crossfade key generate");
    if (!ok) {
        cf_error_wrap(err, "sealing keys: %s", path);
        cf_keyring_free(k);
        return NULL;
    }
    return k;
}

struct cf_secret *cf_keyring_generate_line(void)
{
    unsigned char key[CF_SEAL_KEY_BYTES];
    cf_assert(RAND_priv_bytes(key, sizeof key) == 1);
    char *text = cf_base64_encode(key, sizeof key);
    cf_zero(key, sizeof key);
    size_t len = strlen(text);
    text[len] = '\n'; /* in the place of the NUL: cf_secret_new adds its own */
    struct cf_secret *line = cf_secret_new(text, len + 1);
    cf_zero(text, len + 1);
    free(text);
    return line;
}
