/* `madang admin`: the administrator's commands on a data folder, beside a running server or without one. Main
 * thread. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "app/account.h"
#include "app/oauth.h"
#include "cli/cli.h"
#include "cli/house.h"

enum { ARENA_CAP = 16 << 20, PASSWORD_MAX_BYTES = 1024 };

struct admin_options {
	const char *data, *config, *database, *email, *scopes, *listen, *url;
	bool admin, password_stdin;
};

#define ROW(name_, kind_, doc_)                                                                 \
	{                                                                                       \
		.name = #name_, .kind = kind_, .offset = offsetof(struct admin_options, name_), \
		.doc = doc_                                                                     \
	}
static const struct option_row ROWS[] = {
    ROW(data, OPTION_STR, "Folder of the database, the pictures and the keys"),
    ROW(config, OPTION_STR, "Read settings from this file"),
    ROW(database, OPTION_STR, "postgres://… or sqlite:FILE; without it, a file in the data folder"),
    ROW(listen, OPTION_STR, "As the server's"),
    ROW(url, OPTION_STR, "As the server's"),
    ROW(email, OPTION_STR, "account add: the address of the person"),
    ROW(admin, OPTION_BOOL, "account add: make an administrator"),
    ROW(password_stdin, OPTION_BOOL, "account add: read the password from the first line of stdin"),
    ROW(scopes, OPTION_STR, "token add: \"read write follow push\""),
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

static const char USAGE[] =
    "usage: madang admin account add NAME --email E [--admin] --password-stdin --data DIR\n"
    "       madang admin token add NAME --scopes \"read write follow push\" --data DIR\n";

static bool read_password(struct arena *a, const struct admin_options *o, const char **out,
			  struct err *e)
{
	char line[PASSWORD_MAX_BYTES];
	if (!o->password_stdin)
		return err_set(e, ERR_INVALID, "give the password with --password-stdin");
	if (!fgets(line, sizeof line, stdin))
		return err_set(e, ERR_INVALID, "there is no password on stdin");
	line[strcspn(line, "\r\n")] = '\0';
	*out = arena_strdup(a, line);
	sodium_memzero(line, sizeof line);
	return true;
}

static bool account_add(struct app *app, const char *name, const struct admin_options *o,
			struct err *e)
{
	struct app_sign_up f = {.username = name, .email = o->email, .agreement = true};
	int64_t id;
	if (!o->email)
		return err_set(e, ERR_INVALID, "give the address with --email");
	if (!read_password(app->arena, o, &f.password, e) ||
	    !app_account_create(app, &f, o->admin ? STORE_ROLE_ADMIN : STORE_ROLE_USER, &id, e))
		return false;
	printf("%lld\n", (long long)id);
	return true;
}

static bool token_add(struct app *app, const char *name, const struct admin_options *o,
		      struct err *e)
{
	struct store_account a;
	struct app_oauth_token token;
	if (!app_account_lookup(app, name, &a, e) ||
	    !app_oauth_token_create(app, a.id, "command line",
				    o->scopes ? o->scopes : "read write follow push", &token, e))
		return false;
	printf("%s\n", token.access_token);
	return true;
}

static bool open_house(struct arena *a, struct house *h, const struct admin_options *o,
		       struct err *e)
{
	int positional = 0;
	if (o->config) {
		char *argv[] = {"--config", (char *)o->config};
		if (!config_load(a, 2, argv, &positional, &h->config, e))
			return false;
	} else if (!config_load(a, 0, NULL, &positional, &h->config, e)) {
		return false;
	}
	h->config.data = o->data ? o->data : h->config.data;
	h->config.database = o->database ? o->database : h->config.database;
	h->config.listen = o->listen ? o->listen : h->config.listen;
	h->config.url = o->url ? o->url : h->config.url;
	return house_open(a, h, NULL, e);
}

static bool run(struct arena *a, char **words, const struct admin_options *o, struct err *e)
{
	struct house h = {0};
	struct app app;
	bool is_account = !strcmp(words[0], "account"), is_token = !strcmp(words[0], "token");
	if ((!is_account && !is_token) || strcmp(words[1], "add"))
		return err_set(e, ERR_INVALID, "there is no command 'admin %.30s %.30s'", words[0],
			       words[1]);
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "the cryptography library cannot start");
	bool ok = open_house(a, &h, o, e);
	struct db *db = ok ? db_open(h.pool, e) : NULL;
	if (db) {
		app_init(&app, h.core, db, a);
		ok = is_account ? account_add(&app, words[2], o, e)
				: token_add(&app, words[2], o, e);
	}
	ok = ok && db;
	db_close(db);
	house_close(&h);
	return ok;
}

int cli_admin(int argc, char **argv)
{
	struct admin_options o = {0};
	struct err e = {0};
	int positional = 0;
	bool help = false;
	struct arena *a = arena_create(ARENA_CAP);
	int rc;
	if (!cli_read_options(&OPTIONS, argc, argv, &positional, &o, &help, &e)) {
		rc = cli_fail(&e);
	} else if (help) {
		rc = cli_help(USAGE, &OPTIONS);
	} else if (positional != 3) {
		fputs(USAGE, stderr);
		rc = CLI_EXIT_USAGE;
	} else {
		rc = run(a, argv, &o, &e) ? CLI_EXIT_DONE : cli_fail(&e);
	}
	arena_destroy(a);
	return rc;
}
