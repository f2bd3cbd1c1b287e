/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the script of the reading pods, run by this machine's shell and by busybox over
 * a real folder with every awkward name, 10,000 files, links, empty folders, a pipe and a hole,
 * says exactly what Python's own walk finds; that one changed byte is another digest, and is found
 * through buckets where the log is too small for all rows; and that what cannot be read is said. */
#include "tests/unit/velero/room.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "velero/verify.h"

enum { PATH = 256 };

static char top[PATH];

static int run(const char *fmt, ...) CF_PRINTF(1, 2);
static int run(const char *fmt, ...)
{
    char command[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command);
}

static void must(bool good, const char *what)
{
    if (!good)
        fail_msg("%s in %s", what, top);
}

/* Reads folder `data` of the top (CF_ROOT in the environment: another) with `shell`: the log in NAME.log,
 * the last words in NAME.json. */
static int reading(const char *shell, const char *name, const char *environment)
{
    return run("cd %s && rm -rf work && mkdir work && CF_ROOT=%s/data CF_WORK=%s/work "
               "CF_MESSAGE=%s/%s.json %s %s %s/verify.sh >%s.log 2>%s.err",
               top, top, top, top, name, environment, shell, top, name, name);
}

static struct cf_buf log_of(const char *name)
{
    char path[2 * PATH];
    struct cf_buf b = CF_BUF_INIT(64 * 1024 * 1024);
    char piece[65536];
    size_t n;
    snprintf(path, sizeof path, "%s/%s.log", top, name);
    FILE *f = fopen(path, "r");
    must(f != NULL, "no log");
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        cf_buf_append(&b, piece, n);
    fclose(f);
    return b;
}

static json_t *summary_of(const char *name)
{
    char path[2 * PATH], text[4096];
    struct cf_error err = CF_ERROR_INIT;
    snprintf(path, sizeof path, "%s/%s.json", top, name);
    FILE *f = fopen(path, "r");
    must(f != NULL, "no last words");
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    json_t *summary = cf_verify_summary(text, &err);
    if (!summary)
        fail_msg("%s", err.message);
    return summary;
}

static int up(void **state)
{
    (void)state;
    char path[2 * PATH];
    snprintf(top, sizeof top, "/tmp/cf-verify-XXXXXX");
    if (!mkdtemp(top) || chmod(top, 0755) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/verify.sh", top);
    FILE *f = fopen(path, "w");
    if (!f)
        return -1;
    fputs(cf_verify_script[0].data, f);
    fclose(f);
    return run("mkdir %s/data && python3 %s/tests/unit/velero/verify_walk.py make %s/data", top,
               CF_SOURCE_DIR, top);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *walk)
{
    (void)s;
    (void)type;
    (void)walk;
    return remove(path);
}

static int down(void **state)
{
    (void)state;
    return nftw(top, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static void check(const char *name)
{
    if (run("cd %s && python3 %s/tests/unit/velero/verify_walk.py check data %s.log %s.json", top,
            CF_SOURCE_DIR, name, name) != 0)
        fail_msg("the walks differ, see above");
}

static void every_entry_as_python_finds_it(void **state)
{
    (void)state;
    must(reading("sh", "first", "") == 0, "sh");
    check("first");
}

static void busybox_says_the_same(void **state)
{
    (void)state;
    must(run("busybox true") == 0, "Debian package busybox");
    must(run("mkdir %s/bin && busybox --install -s %s/bin", top, top) == 0, "busybox");
    must(reading("sh", "busybox", "env PATH=$PWD/bin") == 0, "busybox sh");
    check("busybox");
}

/* A byte of one file of 10,000, without its size: the rows tell which. Uses the first test's log. */
static void one_byte_is_another_digest(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    must(run("cd %s/data/many/004 && printf X | dd of=02003.dat bs=1 seek=1 conv=notrunc "
             "2>/dev/null && chmod 600 02004.dat",
             top) == 0,
         "change");
    must(reading("sh", "after", "") == 0, "sh");
    cf_autojson json_t *a = summary_of("first");
    cf_autojson json_t *b = summary_of("after");
    assert_string_not_equal(cf_json_str(a, "", "content", NULL),
                            cf_json_str(b, "", "content", NULL));
    struct cf_buf x = log_of("first"), y = log_of("after");
    cf_autojson json_t *diff = cf_verify_diff(&x, &y, &err);
    assert_ok(diff != NULL, &err);
    assert_int_equal(cf_json_int(diff, -1, "total", NULL), 1);
    assert_int_equal(cf_json_int(diff, -1, "attributes", NULL), 1);
    const json_t *one = json_array_get(json_object_get(diff, "listed"), 0);
    assert_string_equal(cf_json_str(one, "", "path", NULL), "many/004/02003.dat");
    assert_string_equal(cf_json_str(one, "", "what", NULL), "content");
    cf_buf_free(&x);
    cf_buf_free(&y);
}

/* The same through a log of a few kilobytes, on 500 of the files. */
static void where_rows_do_not_fit_buckets_lead_to_them(void **state)
{
    (void)state;
    struct cf_error err = CF_ERROR_INIT;
    char buckets[4 * CF_VERIFY_BUCKETS_AGAIN], environment[128];
    bool more = true;
    must(reading("sh", "small-a", "CF_ROOT=$PWD/data/many/005 CF_LOG_MAX=20000") == 0, "sh");
    must(run("printf Y | dd of=%s/data/many/005/02501.dat bs=1 conv=notrunc 2>/dev/null", top) == 0,
         "change");
    must(reading("sh", "small-b", "CF_ROOT=$PWD/data/many/005 CF_LOG_MAX=20000") == 0, "sh");
    struct cf_buf a = log_of("small-a"), b = log_of("small-b");
    assert_true(cf_verify_is_cut(&a));
    assert_null(strstr(cf_buf_str(&a), "\nf\t"));
    cf_verify_buckets(&a, &b, buckets, sizeof buckets, &more);
    assert_int_equal(strlen(buckets), 2);
    assert_false(more);
    cf_buf_free(&a);
    snprintf(environment, sizeof environment, "CF_ROOT=$PWD/data/many/005 CF_BUCKETS='%s'",
             buckets);
    must(reading("sh", "again-b", environment) == 0, "sh");
    cf_autojson json_t *summary = summary_of("again-b");
    assert_true(cf_json_int(summary, 0, "files", NULL) < 50);
    must(run("printf 2 | dd of=%s/data/many/005/02501.dat bs=1 conv=notrunc 2>/dev/null", top) == 0,
         "change");
    must(reading("sh", "again-a", environment) == 0, "sh");
    struct cf_buf x = log_of("again-a"), y = log_of("again-b");
    cf_autojson json_t *diff = cf_verify_diff(&x, &y, &err);
    assert_ok(diff != NULL, &err);
    assert_int_equal(cf_json_int(diff, -1, "total", NULL), 1);
    assert_string_equal(
        cf_json_str(json_array_get(json_object_get(diff, "listed"), 0), "", "path", NULL),
        "02501.dat");
    cf_buf_free(&b);
    cf_buf_free(&x);
    cf_buf_free(&y);
}

/* As nobody, who may read neither a file of root's nor below a closed folder. */
static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    if (geteuid() != 0 || run("setpriv --version >/dev/null 2>&1") != 0)
        skip();
    must(run("cd %s && mv data kept && mkdir -p data/closed/in && echo x >data/closed/in/f && "
             "echo y >data/mine && echo z >data/open && chmod 700 data/closed && chmod 600 "
             "data/mine && chmod 777 . ",
             top) == 0,
         "make");
    int code = reading("setpriv --reuid=65534 --regid=65534 --clear-groups sh", "nobody",
                       "true; rm -rf work; mkdir -m 777 work; touch nobody.json; chmod 666 "
                       "nobody.json; export CF_ROOT=$PWD/data CF_WORK=$PWD/work "
                       "CF_MESSAGE=$PWD/nobody.json;");
    must(code == 0, "sh");
    cf_autojson json_t *summary = summary_of("nobody");
    assert_int_equal(cf_json_int(summary, 0, "unreadable", NULL), 2);
    assert_int_equal(cf_json_int(summary, 0, "files", NULL), 2);
    struct cf_buf log = log_of("nobody");
    assert_non_null(strstr(cf_buf_str(&log), "u\t./closed\n"));
    assert_non_null(strstr(cf_buf_str(&log), "u\t./mine\n"));
    cf_buf_free(&log);
}

static void no_place_for_rows_is_an_error(void **state)
{
    (void)state;
    must(run("cd %s && CF_ROOT=%s/nowhere CF_WORK=%s/work CF_MESSAGE=%s/none.json sh verify.sh "
             ">none.log 2>&1",
             top, top, top, top) != 0,
         "went on without a volume");
    cf_autojson json_t *summary = summary_of("none");
    assert_string_equal(cf_json_str(summary, "", "error", NULL), "the volume cannot be entered");
    must(run("cd %s && CF_ROOT=%s CF_WORK=/proc/nowhere CF_MESSAGE=%s/none.json sh verify.sh "
             ">none.log 2>&1",
             top, top, top) != 0,
         "went on without a place");
    cf_autojson json_t *other = summary_of("none");
    assert_string_equal(cf_json_str(other, "", "error", NULL), "no place to keep the rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_as_python_finds_it),
        cmocka_unit_test(busybox_says_the_same),
        cmocka_unit_test(one_byte_is_another_digest),
        cmocka_unit_test(where_rows_do_not_fit_buckets_lead_to_them),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(no_place_for_rows_is_an_error),
    };
    return cmocka_run_group_tests(tests, up, down);
}
