/* The Markdown of the server's documents, as safe HTML: headings, paragraphs, lists, quotes, code, rules, emphasis,
 * links. Nothing that was written becomes markup by itself, and only http, https and mailto become links. */
#ifndef MADANG_APP_MARKDOWN_H
#define MADANG_APP_MARKDOWN_H

#include "base/arena.h"

/* text must be UTF-8. The HTML lives in the arena. */
const char *app_markdown_html(struct arena *arena, const char *text);

#endif
