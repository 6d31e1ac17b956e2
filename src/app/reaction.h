/* What one can react with. */
#ifndef MADANG_APP_REACTION_H
#define MADANG_APP_REACTION_H

#include <stdbool.h>

/* Whether text is one emoji of Unicode and nothing else: with its skin tone, its parts joined, a flag, a keycap. */
bool app_reaction_is_emoji(const char *text);

#endif
