/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target is: one function over bytes, which must return for any input without a
 * sanitizer's report, a leak or an abort. It states what must hold by cf_assert. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0. The bytes are borrowed, not NUL-terminated, and must not be changed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
