/* Texts of the server that administrators write in Markdown and everybody reads. */
#ifndef MADANG_APP_DOCUMENT_H
#define MADANG_APP_DOCUMENT_H

#include "app/app.h"
#include "store/document.h"

enum { APP_DOCUMENTS_MAX = 100, APP_DOCUMENT_CHARACTERS_MAX = 50000 };

struct app_document {
	struct store_document row;
	const char *content;   /* safe HTML */
	bool effective;        /* of the terms: they count already */
	const char *succeeded; /* the day of the terms after these; NULL: none */
};
/* What is shown now. day: of the terms, exactly that day's; NULL: those that count, or else those that will first.
 * ERR_NOT_FOUND where nothing is written. */
bool app_document_get(struct app *app, enum store_document_kind kind, const char *day,
		      struct app_document *out, struct err *e) MUST_CHECK;

/* Of which kinds there is one. */
bool app_documents_written(struct app *app, bool written[STORE_DOCUMENTS],
			   struct err *e) MUST_CHECK;

/* Administrators. day: from which terms count; NULL: today; of the others there is one. */
bool app_document_put(struct app *app, enum store_document_kind kind, const char *day,
		      const char *text, struct app_document *out, struct err *e) MUST_CHECK;
bool app_document_remove(struct app *app, enum store_document_kind kind, const char *day,
			 struct err *e) MUST_CHECK;
bool app_document_list(struct app *app, struct app_document **out, size_t *count,
		       struct err *e) MUST_CHECK;
/* "extended_description", "privacy_policy", "terms_of_service". */
const char *app_document_name(enum store_document_kind kind);
bool app_document_parse(const char *name, enum store_document_kind *kind) MUST_CHECK;

#endif
