/* SPDX-License-Identifier: Apache-2.0 */
/* The exposition text of a metrics source: whatever it says, the reader takes it or refuses it by line. */
/* libs: cf_gate */
#include <string.h>

#include "base/error.h"
#include "orchestrator/gate/promtext.h"
#include "tests/fuzz/fuzz.h"

static bool want(void *user, const char *metric)
{
    (void)user;
    return metric[0] != 's';
}

static void take(void *user, const struct cf_promtext_sample *sample)
{
    size_t *samples = user;
    cf_assert(sample->label_count <= CF_PROMTEXT_LABELS_MAX);
    cf_assert(cf_promtext_label(sample, "no such label here") == NULL || sample->label_count > 0);
    (void)cf_promtext_series(sample, "le");
    ++*samples;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_error err = CF_ERROR_INIT;
    size_t samples = 0;
    char *text = cf_xmalloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    if (!cf_promtext_parse(text, size, want, take, &samples, &err))
        cf_assert(err.kind == CF_ERR_INVALID || err.kind == CF_ERR_LIMIT);
    free(text);
    return 0;
}
