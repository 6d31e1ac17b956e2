/* The two character classes that tokenizer.json names without listing them. */
#ifndef MADANG_ENGINE_UNICODE_H
#define MADANG_ENGINE_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

bool engine_unicode_space(uint32_t code);   /* \s: the property White_Space */
bool engine_unicode_numeric(uint32_t code); /* general categories Nd, Nl and No */

#endif
