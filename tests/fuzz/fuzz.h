/* What libFuzzer calls with every input. */
#ifndef MADANG_TESTS_FUZZ_H
#define MADANG_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
