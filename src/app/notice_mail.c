/* Notices by mail, where there is SMTP: `app_tick` takes those that came since it last looked, some at a time. No state but
 * a setting, the newest notice that was looked at. What must stay true: it moves on in a transaction of its own before
 * the letters go, so that of several processes only one sends each; a letter that is lost is still a notice in the house.
 * Letters are in the person's language; what an administrator wrote in them stays as it was written. */
#include "app/notice.h"

#include "app/private.h"
#include "base/id.h"
#include "base/log.h"
#include "store/job.h"
#include "store/setting.h"
#include "store/user.h"

#include <string.h>

enum { LETTERS_AT_ONCE = 16, LATE_MS = 3000 };

static const char SETTING_CURSOR[] = "notice_mail_cursor", PREFERENCE[] = "notices:mail";

/* en, ko, ja: the same words as in the front end. */
enum { LANGUAGES = 3 };
static const struct subject {
	const char *kind;
	const char *words[LANGUAGES];
} SUBJECTS[] = {
    {"access.restored", {"Your access is back", "다시 이용할 수 있어요", "利用が再開されました"}},
    {"access.revoked", {"Your access has ended", "이용이 끝났어요", "利用が終了しました"}},
    {"feedback.accepted",
     {"Your feedback was accepted", "의견이 받아들여졌어요", "フィードバックが採用されました"}},
    {"feedback.declined",
     {"Your feedback was read", "의견을 잘 읽었어요", "フィードバックを読みました"}},
    {"programme.accepted", {"You are in", "참여가 승인되었어요", "参加が承認されました"}},
    {"programme.declined",
     {"Not this time", "이번에는 함께하지 못해요", "今回は見送りとなりました"}},
    {"programme.invited", {"You are invited", "초대받았어요", "招待されました"}},
    {"review.approved",
     {"Your picture was approved", "그림이 승인되었어요", "画像が承認されました"}},
    {"review.changes",
     {"A change is asked for", "고쳐 달라는 요청이 왔어요", "修正の依頼があります"}},
    {"review.refused",
     {"Your picture was not approved", "그림이 승인되지 않았어요", "画像は承認されませんでした"}},
    {"token.confirm",
     {"Was that you? A token of yours waits for your word", "본인이 맞나요? 토큰이 확인을 기다려요",
      "ご本人ですか？トークンが確認を待っています"}},
    {"token.suspended",
     {"A token of yours was suspended", "토큰이 정지되었어요", "トークンが停止されました"}},
};
static const char *const FOOTS[LANGUAGES] = {
    "You can turn these letters off in the settings, under notifications.",
    "이 메일은 설정의 알림에서 끌 수 있어요.",
    "このメールは設定の「通知」で止められます。",
};

static int language_of(const char *locale)
{
	return !locale                         ? 0
	       : strncmp(locale, "ko", 2) == 0 ? 1
	       : strncmp(locale, "ja", 2) == 0 ? 2
					       : 0;
}

bool app_notice_mail_get(struct app *app, bool *on, bool *possible, struct err *e)
{
	const char *value = NULL;
	*possible = app->core->hooks.mail != NULL;
	if (!app_need_account(app, e) ||
	    !store_preference_get(app->db, app->arena, app->account_id, PREFERENCE, &value, e))
		return false;
	*on = !value || strcmp(value, "off") != 0;
	return true;
}

static bool set(struct app *w, void *context, struct err *e)
{
	return store_preference_set(w->db, w->account_id, PREFERENCE,
				    *(bool *)context ? "on" : "off", e);
}

bool app_notice_mail_set(struct app *app, bool on, struct err *e)
{
	return app_need_account(app, e) && app_write(app, set, &on, e);
}

struct take_call {
	struct store_notice items[LETTERS_AT_ONCE];
	size_t count;
};

/* Not the newest seconds: a transaction that began before may still add one with a smaller id. */
static bool take(struct app *w, void *context, struct err *e)
{
	struct take_call *call = context;
	const char *text;
	char number[ID_TEXT_SIZE];
	int64_t cursor = 0, until = id_at_ms(w->now_ms - LATE_MS);
	call->count = 0;
	if (!store_job_account_lock(w->db, 0, e) ||
	    !store_setting_get(w->db, w->arena, SETTING_CURSOR, &text, e))
		return false;
	if (!text) /* there was no mail until now: what is old stays where it is */
		return store_setting_set(w->db, SETTING_CURSOR, id_format(number, until), e);
	if (!id_parse(text, &cursor))
		return err_set(e, ERR_INTERNAL, "notice_mail_cursor is not a number");
	if (!store_notice_between(w->db, w->arena, cursor, until, call->items, LETTERS_AT_ONCE,
				  &call->count, e))
		return false;
	return !call->count ||
	       store_setting_set(w->db, SETTING_CURSOR,
				 id_format(number, call->items[call->count - 1].id), e);
}

static const char *subject_of(const char *kind, int language)
{
	for (size_t i = 0; i < sizeof(SUBJECTS) / sizeof(*SUBJECTS); i++)
		if (strcmp(SUBJECTS[i].kind, kind) == 0)
			return SUBJECTS[i].words[language];
	return NULL;
}

static bool send_one(struct app *app, const struct store_notice *n, struct err *e)
{
	struct store_user user;
	const char *value;
	const struct app_hooks *hooks = &app->core->hooks;
	if (!store_preference_get(app->db, app->arena, n->account_id, PREFERENCE, &value, e))
		return false;
	if (value && strcmp(value, "off") == 0)
		return true;
	if (!store_user_get(app->db, app->arena, n->account_id, &user, e))
		return e->code == ERR_NOT_FOUND;
	int language = language_of(user.locale);
	const char *subject = subject_of(n->kind, language);
	if (!subject)
		return true;
	const char *text = arena_printf(app->arena, "%s\n\n%s\n\n%s\n\n-- \n%s\n", subject, n->text,
					app->core->config.base_url, FOOTS[language]);
	return hooks->mail(hooks->context, user.email, subject, text, e);
}

bool app_notice_tick(struct app *app, struct err *e)
{
	struct take_call call;
	const char *cursor;
	int64_t newest;
	if (!app->core->hooks.mail)
		return true;
	/* Looking is cheap, writing is not. */
	if (!store_setting_get(app->db, app->arena, SETTING_CURSOR, &cursor, e) ||
	    !store_notice_newest(app->db, &newest, e))
		return false;
	int64_t seen = 0;
	if (cursor && id_parse(cursor, &seen) && newest <= seen)
		return true;
	if (!app_write(app, take, &call, e))
		return false;
	for (size_t i = 0; i < call.count; i++) {
		struct err why = {0};
		if (!send_one(app, &call.items[i], &why))
			log_warn("notice.mail", LOG_INT("notice", call.items[i].id), LOG_ERR(&why));
	}
	return true;
}
