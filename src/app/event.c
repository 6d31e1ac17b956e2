/* Events as JSON and back. No state; any thread. What must stay true: whatever app_event holds travels. */
#include "app/event.h"

#include <stddef.h>
#include <string.h>

#include "json/read.h"
#include "json/write.h"

static const char *const NAMES[] = {
    [APP_EVENT_POST] = "post",
    [APP_EVENT_HOME] = "home",
    [APP_EVENT_POST_EDITED] = "post_edited",
    [APP_EVENT_POST_DELETED] = "post_deleted",
    [APP_EVENT_NOTIFICATION] = "notification",
    [APP_EVENT_JOB] = "job",
    [APP_EVENT_JOB_WAITING] = "job_waiting",
    [APP_EVENT_SIGNED_OUT] = "signed_out",
    [APP_EVENT_ACCOUNT] = "account",
    [APP_EVENT_SETTINGS] = "settings",
    [APP_EVENT_LIST] = "list",
    [APP_EVENT_CONVERSATION] = "conversation",
    [APP_EVENT_FILTERS] = "filters",
    [APP_EVENT_ANNOUNCEMENT] = "announcement",
    [APP_EVENT_ANNOUNCEMENT_REACTION] = "announcement_reaction",
    [APP_EVENT_ANNOUNCEMENT_DELETED] = "announcement_deleted",
};

_Static_assert(sizeof NAMES / sizeof *NAMES == APP_EVENT_TYPES, "a name for each type");

bool app_event_is_exact(const struct app_event *event)
{
	return event->type == APP_EVENT_SIGNED_OUT || event->type == APP_EVENT_ACCOUNT ||
	       event->type == APP_EVENT_SETTINGS;
}

static void put_id(struct json_writer *w, const char *key, int64_t id)
{
	if (id)
		json_put_int(w, key, id);
}

static void put_flag(struct json_writer *w, const char *key, bool value)
{
	if (value)
		json_put_bool(w, key, true);
}

void app_event_write(struct buf *out, const struct app_event *event)
{
	struct json_writer w;
	struct err ignored = {0};
	json_begin(&w, out);
	json_put_object(&w, NULL);
	json_put_str(&w, "type", NAMES[event->type]);
	put_id(&w, "post", event->post_id);
	put_id(&w, "account", event->account_id);
	put_id(&w, "notification", event->notification_id);
	put_id(&w, "job", event->job_id);
	put_id(&w, "conversation", event->conversation_id);
	put_id(&w, "announcement", event->announcement_id);
	put_id(&w, "thread", event->thread_id);
	put_id(&w, "visibility", event->visibility);
	put_flag(&w, "local", event->local);
	put_flag(&w, "media", event->media);
	put_flag(&w, "reply", event->reply);
	put_flag(&w, "boost", event->boost);
	if (event->tags)
		json_put_str(&w, "tags", event->tags);
	if (event->maker)
		json_put_str(&w, "maker", event->maker);
	if (event->name)
		json_put_str(&w, "name", event->name);
	if (event->recipient_count) {
		json_put_array(&w, "recipients");
		for (size_t i = 0; i < event->recipient_count; i++)
			json_put_int(&w, NULL, event->recipients[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
	if (!json_finish(&w, &ignored))
		out->failed = true;
}

struct event_text {
	const char *type, *tags, *maker, *name;
	int64_t post, account, notification, job, conversation, announcement, thread, visibility;
	bool local, media, reply, boost;
	struct json_ids recipients;
};

static const struct json_field FIELDS[] = {
    JSON_FIELD_STR(struct event_text, type, "type", .required = true),
    JSON_FIELD_STR(struct event_text, tags, "tags"),
    JSON_FIELD_STR(struct event_text, maker, "maker"),
    JSON_FIELD_STR(struct event_text, name, "name"),
    JSON_FIELD_INT(struct event_text, post, "post"),
    JSON_FIELD_INT(struct event_text, account, "account"),
    JSON_FIELD_INT(struct event_text, notification, "notification"),
    JSON_FIELD_INT(struct event_text, job, "job"),
    JSON_FIELD_INT(struct event_text, conversation, "conversation"),
    JSON_FIELD_INT(struct event_text, announcement, "announcement"),
    JSON_FIELD_INT(struct event_text, thread, "thread"),
    JSON_FIELD_INT(struct event_text, visibility, "visibility", .min = 0,
		   .max = STORE_VISIBILITY_DIRECT),
    JSON_FIELD_BOOL(struct event_text, local, "local"),
    JSON_FIELD_BOOL(struct event_text, media, "media"),
    JSON_FIELD_BOOL(struct event_text, reply, "reply"),
    JSON_FIELD_BOOL(struct event_text, boost, "boost"),
    JSON_FIELD_IDS(struct event_text, recipients, "recipients"),
};

bool app_event_read(struct arena *arena, const char *text, struct app_event *out, struct err *e)
{
	static const struct json_limits limits = {
	    .bytes_max = 4 << 20, .values_max = 200000, .depth_max = 3};
	struct event_text t = {0};
	const struct json_value *value;
	if (!json_parse(arena, text, strlen(text), &limits, &value, e) ||
	    !json_read(arena, value, FIELDS, sizeof FIELDS / sizeof *FIELDS, &t, e))
		return false;
	size_t type = 0, types = sizeof NAMES / sizeof *NAMES;
	while (type < types && strcmp(NAMES[type], t.type))
		type++;
	if (type == types)
		return err_set(e, ERR_INVALID, "there is no event '%.40s'", t.type);
	*out = (struct app_event){.type = (enum app_event_type)type,
				  .post_id = t.post,
				  .account_id = t.account,
				  .notification_id = t.notification,
				  .job_id = t.job,
				  .conversation_id = t.conversation,
				  .announcement_id = t.announcement,
				  .thread_id = t.thread,
				  .visibility = (enum store_visibility)t.visibility,
				  .local = t.local,
				  .media = t.media,
				  .reply = t.reply,
				  .boost = t.boost,
				  .tags = t.tags,
				  .maker = t.maker,
				  .name = t.name,
				  .recipients = t.recipients.items,
				  .recipient_count = t.recipients.count};
	return true;
}
