/* Texts of the server, in Markdown: what it is, how it treats data, on which terms it is used. */
#ifndef MADANG_STORE_DOCUMENT_H
#define MADANG_STORE_DOCUMENT_H

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

enum store_document_kind {
	STORE_DOCUMENT_DESCRIPTION,
	STORE_DOCUMENT_PRIVACY,
	STORE_DOCUMENT_TERMS,
	STORE_DOCUMENTS
};

struct store_document {
	enum store_document_kind kind;
	const char *day; /* from which it counts, 2026-01-31; "" but for the terms */
	const char *text;
	int64_t updated_at;
};

/* Puts it in the place of the one of that kind and day. */
bool store_document_put(struct db *w, const struct store_document *document,
			struct err *e) MUST_CHECK;
/* *changed false: there is none. */
bool store_document_remove(struct db *w, enum store_document_kind kind, const char *day,
			   bool *changed, struct err *e) MUST_CHECK;
/* Of which kinds there is one. */
bool store_document_kinds(struct db *db, bool there[STORE_DOCUMENTS], struct err *e) MUST_CHECK;
/* By kind, then the latest day first. */
bool store_document_list(struct db *db, struct arena *arena, struct store_document *out,
			 size_t room, size_t *found, struct err *e) MUST_CHECK;

#endif
