/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a plan file. */
#include "orchestrator/cli/plan_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/yaml.h"

void cf_plan_file_free(struct cf_plan_file *f)
{
    free(f->text);
    *f = (struct cf_plan_file){ 0 };
}

int cf_plan_file_read(const struct cf_cli *cli, const char *operand, struct cf_plan_file *out)
{
    struct cf_error err = CF_ERROR_INIT;
    const char *path = cf_arg(cli, "file");
    if (path && operand)
        return cf_usage_error(cli, "the file is named twice: %s and %s", path, operand);
    if (!path)
        path = operand;
    if (!path)
        return cf_usage_error(cli, "no plan file: -f FILE, or -f - for standard input");
    struct cf_plan_file f = { .path = path, .shown = strcmp(path, "-") == 0 ? "<stdin>" : path };
    f.text = strcmp(path, "-") == 0
                 ? cf_file_read_fd(STDIN_FILENO, f.shown, CF_YAML_TEXT_MAX, &f.len, &err)
                 : cf_file_read(path, CF_YAML_TEXT_MAX, &f.len, &err);
    if (!f.text)
        return cf_fail(&err);
    f.is_json = f.text[strspn(f.text, " \t\r\n")] == '{';
    *out = f;
    return CF_EXIT_OK;
}

const char *cf_plan_file_media(const struct cf_plan_file *f)
{
    return f->is_json ? "application/json" : "application/yaml";
}
