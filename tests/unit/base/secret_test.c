/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: what is sealed opens only unchanged, in its place, with its key; key files are read
 * strictly. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "tests/support/test.h"

static const char KEY_A[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
static const char KEY_B[] = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
enum { OVERHEAD = 1 + 8 + 12 + 16 };

/* A keyring from this text, through a file of this mode. */
static struct cf_keyring *keyring(const char *text, mode_t mode, struct cf_error *err)
{
    char path[] = "/tmp/cf-secret-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    fchmod(fd, mode);
    close(fd);
    struct cf_keyring *k = cf_keyring_load(path, err);
    unlink(path);
    return k;
}

static struct cf_keyring *good_keyring(const char *text)
{
    struct cf_error err = CF_ERROR_INIT;
    struct cf_keyring *k = keyring(text, 0600, &err);
    if (!k)
        fail_msg("%s", err.message);
    return k;
}

static void test_secrets_are_bytes(void **state)
{
    (void)state;
    struct cf_secret *s = cf_secret_new("a\0b", 3);
    assert_int_equal(cf_secret_len(s), 3);
    assert_memory_equal(cf_secret_data(s), "a\0b", 4);
    cf_secret_free_p(&s);
    assert_null(s);
    cf_secret_free(NULL);
    struct cf_secret *empty = cf_secret_new(NULL, 0);
    assert_string_equal(cf_secret_data(empty), "");
    cf_secret_free(empty);
    char text[] = "wipe me";
    cf_zero(text, sizeof text);
    assert_string_equal(text, "");
}

static void test_what_is_sealed_opens(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_keyring *k = good_keyring(KEY_A);
    static const size_t lengths[] = { 0, 1, 15, 16, 17, 1000, 100000 };
    for (size_t i = 0; i < CF_ARRAY_LEN(lengths); i++) {
        cf_autofree char *plain = cf_xmalloc(lengths[i] + 1);
        memset(plain, 'p', lengths[i] + 1);
        cf_autofree unsigned char *sealed = NULL, *again = NULL;
        size_t len, again_len;
        assert_ok(cf_seal(k, "cluster/dc1", plain, lengths[i], &sealed, &len, &err), &err);
        assert_ok(cf_seal(k, "cluster/dc1", plain, lengths[i], &again, &again_len, &err), &err);
        assert_int_equal(len, lengths[i] + OVERHEAD);
        assert_memory_not_equal(sealed, again, len); /* a nonce each */
        struct cf_secret *s = cf_unseal(k, "cluster/dc1", sealed, len, &err);
        assert_non_null(s);
        assert_int_equal(cf_secret_len(s), lengths[i]);
        assert_memory_equal(cf_secret_data(s), plain, lengths[i]);
        cf_secret_free(s);
    }
    cf_keyring_free(k);
}

static void test_every_changed_bit_is_seen(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_keyring *k = good_keyring(KEY_A);
    cf_autofree unsigned char *sealed = NULL;
    size_t len;
    assert_ok(cf_seal(k, "here", "kubeconfig", 10, &sealed, &len, &err), &err);
    for (size_t bit = 0; bit < len * 8; bit++) {
        sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_null(cf_unseal(k, "here", sealed, len, &err));
        /* byte 0 is the version; the key's id and all the rest are a matter of rights */
        assert_int_equal(err.kind, bit < 8 ? CF_ERR_INVALID : CF_ERR_DENIED);
        cf_error_clear(&err);
        sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t shorter = 0; shorter < len; shorter++) {
        cf_autofree unsigned char *part = cf_xmalloc(shorter);
        memcpy(part, sealed, shorter);
        assert_null(cf_unseal(k, "here", part, shorter, &err));
        assert_int_equal(err.kind, shorter < OVERHEAD ? CF_ERR_INVALID : CF_ERR_DENIED);
        cf_error_clear(&err);
    }
    assert_fails(cf_unseal(k, "there", sealed, len, &err), &err, CF_ERR_DENIED, "another place");
    assert_fails(cf_unseal(k, "", sealed, len, &err), &err, CF_ERR_DENIED, "another place");
    cf_keyring_free(k);
}

static void test_keys_rotate(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char lines[200], id[CF_SEAL_KEY_ID_HEX];
    struct cf_keyring *old = good_keyring(KEY_A), *other = good_keyring(KEY_B);
    snprintf(lines, sizeof lines, "# new\n%s\n  \n%s # old\r\n", KEY_B, KEY_A);
    struct cf_keyring *both = good_keyring(lines);
    assert_string_equal(cf_keyring_current_id(both), cf_keyring_current_id(other));

    cf_autofree unsigned char *sealed = NULL;
    size_t len;
    assert_ok(cf_seal(old, "x", "text", 4, &sealed, &len, &err), &err);
    assert_ok(cf_sealed_key_id(sealed, len, id, &err), &err);
    assert_string_equal(id, cf_keyring_current_id(old));
    struct cf_secret *s = cf_unseal(both, "x", sealed, len, &err);
    assert_string_equal(cf_secret_data(s), "text");
    cf_secret_free(s);
    assert_fails(cf_unseal(other, "x", sealed, len, &err), &err, CF_ERR_DENIED,
                 "sealed with key 66687aadf862bd77, which is not in the keyring");
    cf_keyring_free(old);
    cf_keyring_free(other);
    cf_keyring_free(both);
}

static void test_the_limit_of_size(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    struct cf_keyring *k = good_keyring(KEY_A);
    cf_autofree char *large = cf_xcalloc(1, CF_SECRET_MAX + OVERHEAD + 1);
    cf_autofree unsigned char *sealed = NULL;
    size_t len;
    assert_ok(cf_seal(k, "x", large, CF_SECRET_MAX, &sealed, &len, &err), &err);
    struct cf_secret *s = cf_unseal(k, "x", sealed, len, &err);
    assert_non_null(s);
    cf_secret_free(s);
    unsigned char *none;
    assert_fails(cf_seal(k, "x", large, CF_SECRET_MAX + 1, &none, &len, &err), &err, CF_ERR_LIMIT,
                 "more than");
    assert_fails(cf_unseal(k, "x", (unsigned char *)large, CF_SECRET_MAX + OVERHEAD + 1, &err),
                 &err, CF_ERR_LIMIT, "too large");
    cf_keyring_free(k);
}

static void test_key_files_that_are_refused(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char lines[CF_KEYRING_MAX * 48 + 200] = "";
    assert_fails(keyring(KEY_A, 0640, &err), &err, CF_ERR_DENIED, "(mode 640): chmod 600 /tmp/");
    assert_fails(keyring(KEY_A, 0604, &err), &err, CF_ERR_DENIED, "chmod 600");
    assert_fails(keyring("", 0600, &err), &err, CF_ERR_INVALID, "crossfade key generate");
    assert_fails(keyring("# only\n\n", 0600, &err), &err, CF_ERR_INVALID, "there is no key");
    assert_fails(keyring("\nAAAA\n", 0600, &err), &err, CF_ERR_INVALID,
                 "line 2: a key is 32 bytes");
    assert_fails(keyring("key: x\n", 0600, &err), &err, CF_ERR_INVALID, "line 1: not base64");
    snprintf(lines, sizeof lines, "%s\n%s\n", KEY_A, KEY_A);
    assert_fails(keyring(lines, 0600, &err), &err, CF_ERR_INVALID, "line 2: the same key");
    assert_fails(cf_keyring_load("/nonexistent/key", &err), &err, CF_ERR_NOT_FOUND,
                 "/nonexistent/key");
    assert_fails(cf_keyring_load("/tmp", &err), &err, CF_ERR_INVALID, "not a regular file");

    cf_autofree char *large = cf_xmalloc(20001);
    memset(large, '#', 20000);
    large[20000] = '\0';
    assert_fails(keyring(large, 0600, &err), &err, CF_ERR_LIMIT, "larger than");
    lines[0] = '\0';
    for (int i = 0; i <= CF_KEYRING_MAX; i++) {
        struct cf_secret *line = cf_keyring_generate_line();
        strncat(lines, cf_secret_data(line), sizeof lines - strlen(lines) - 1);
        cf_secret_free(line);
    }
    assert_fails(keyring(lines, 0600, &err), &err, CF_ERR_LIMIT, "line 17: more than 16 keys");
}

static void test_generated_keys_are_keys(void **state)
{
    (void)state;
    struct cf_secret *a = cf_keyring_generate_line(), *b = cf_keyring_generate_line();
    assert_string_not_equal(cf_secret_data(a), cf_secret_data(b));
    assert_int_equal(cf_secret_len(a), 45);
    struct cf_keyring *k = good_keyring(cf_secret_data(a));
    assert_int_equal(strlen(cf_keyring_current_id(k)), CF_SEAL_KEY_ID_HEX - 1);
    cf_keyring_free(k);
    cf_keyring_free(NULL);
    cf_secret_free(a);
    cf_secret_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_bytes),
        cmocka_unit_test(test_what_is_sealed_opens),
        cmocka_unit_test(test_every_changed_bit_is_seen),
        cmocka_unit_test(test_keys_rotate),
        cmocka_unit_test(test_the_limit_of_size),
        cmocka_unit_test(test_key_files_that_are_refused),
        cmocka_unit_test(test_generated_keys_are_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
