/* SPDX-License-Identifier: Apache-2.0 */
/* The tree is complete: every command and option has help, docs/cli.md and the completion scripts
 * name all of them. CROSSFADE_UPDATE=1 writes the page. */
#include <stdio.h>
#include <stdlib.h>

#include "orchestrator/cli/help.h"
#include "orchestrator/engine/holds.h"
#include "tests/support/file.h"
#include "tests/support/test.h"

#define PAGE "docs/cli.md"

static void the_page_is_current(void **state)
{
    (void)state;
    cf_autofree char *is = cf_cli_markdown();
    if (getenv("CROSSFADE_UPDATE")) {
        FILE *f = fopen(CF_SOURCE_DIR "/" PAGE, "wb");
        assert_non_null(f);
        fputs(is, f);
        fclose(f);
    }
    cf_autofree char *page = cf_test_read_file(PAGE, NULL);
    if (strcmp(is, page) != 0)
        fail_msg("%s is not what the tree says; run this test with CROSSFADE_UPDATE=1", PAGE);
}

static void check_options(const struct cf_command *c)
{
    const struct cf_option *lists[5];
    size_t n = cf_command_options(c, lists);
    bool letters[128] = { false };
    for (size_t i = 0; i < n; i++)
        for (const struct cf_option *o = lists[i]; o->name; o++) {
            if (!o->help || !*o->help)
                fail_msg("%s --%s has no help", c->name, o->name);
            if (o->letter && letters[(int)o->letter])
                fail_msg("%s has -%c twice", c->name, o->letter);
            letters[(int)o->letter] = o->letter != 0;
            for (size_t k = 0; k < i; k++)
                for (const struct cf_option *other = lists[k]; other->name; other++)
                    if (strcmp(other->name, o->name) == 0)
                        fail_msg("%s has --%s twice", c->name, o->name);
        }
}

static void check_command(const struct cf_command *c)
{
    if (!c->help || !*c->help || c->help[strlen(c->help) - 1] == '.')
        fail_msg("%s: its help is missing or ends with a full stop", c->name);
    if ((c->run == NULL) != (c->sub != NULL))
        fail_msg("%s has both or neither of a function and subcommands", c->name);
    assert_non_null(c->operands);
    assert_true(c->operands_min <= c->operands_max);
    check_options(c);
    for (const struct cf_command *s = c->sub; s && s->name; s++)
        check_command(s);
}

static void every_command_and_option_has_help(void **state)
{
    (void)state;
    check_command(&cf_command_root);
}

static void check_script(const char *script, const struct cf_command *c)
{
    const struct cf_option *lists[5];
    size_t n = cf_command_options(c, lists);
    if (c != &cf_command_root && !strstr(script, c->name))
        fail_msg("the script lacks %s", c->name);
    for (size_t i = 0; i < n && c->run; i++)
        for (const struct cf_option *o = lists[i]; o->name; o++)
            if (!strstr(script, o->name))
                fail_msg("the script lacks --%s of %s", o->name, c->name);
    for (const struct cf_command *s = c->sub; s && s->name; s++)
        check_script(script, s);
}

static void completion_names_everything(void **state)
{
    (void)state;
    static const char *const shells[] = { "bash", "zsh", "fish" };
    for (size_t i = 0; i < CF_ARRAY_LEN(shells); i++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_HELP_TEXT_MAX);
        assert_true(cf_completion_script(shells[i], &out));
        assert_false(out.overflow);
        check_script(cf_buf_str(&out), &cf_command_root);
    }
    CF_CLEANUP(cf_buf_free) struct cf_buf none = CF_BUF_INIT(16);
    assert_false(cf_completion_script("tcsh", &none));
}

/* What a hold tells people to type must be a command that there is. */
static void what_holds_tell_people_to_type_exists(void **state)
{
    (void)state;
    for (int r = CF_HOLD_NONE + 1; r < CF_HOLD_REASONS; r++) {
        const char *command = cf_hold_rows[r].command;
        if (!command || strncmp(command, "crossfade ", 10) != 0)
            continue;
        cf_autofree char *word = cf_xstrndup(command + 10, strcspn(command + 10, " "));
        bool found = false;
        for (const struct cf_command *s = cf_command_root.sub; s->name; s++)
            found = found || strcmp(s->name, word) == 0;
        if (!found)
            fail_msg("hold %s says \"%s\"", cf_hold_rows[r].name, command);
    }
}

static void help_of_one_command(void **state)
{
    (void)state;
    const struct cf_command *path[] = { &cf_command_root, NULL };
    for (const struct cf_command *s = cf_command_root.sub; s->name; s++) {
        CF_CLEANUP(cf_buf_free) struct cf_buf out = CF_BUF_INIT(CF_HELP_TEXT_MAX);
        path[1] = s;
        cf_help_text(&out, path, 2);
        assert_non_null(strstr(cf_buf_str(&out), "Usage: crossfade "));
        assert_non_null(strstr(cf_buf_str(&out), "--help"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_current),
        cmocka_unit_test(every_command_and_option_has_help),
        cmocka_unit_test(completion_names_everything),
        cmocka_unit_test(what_holds_tell_people_to_type_exists),
        cmocka_unit_test(help_of_one_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
