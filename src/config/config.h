/* The configuration of the running house, in one table. A new setting is one row below and nothing else:
 * its option, its variable, its line in the file, --help, docs/configuration.md and the example follow. */
#ifndef MADANG_CONFIG_CONFIG_H
#define MADANG_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/option.h"

/* STR(name, default or NULL, doc)  INT(name, default, min, max, doc)  BOOL(name, default, doc) */
#define CONFIG_TABLE(GROUP, STR, INT, BOOL)                                                       \
	GROUP("General")                                                                          \
	STR(config, NULL, "Read settings from this file")                                         \
	STR(data, "data", "Folder of the database, the pictures and the keys")                    \
	STR(log_level, "info", "What is logged: debug, info, warn, error or off")                 \
	GROUP("Server")                                                                           \
	STR(listen, "127.0.0.1:8080", "Address and port to listen on")                            \
	STR(url, NULL, "Public address, as https://example.org; without it, that of listen")      \
	STR(database, NULL, "postgres://… or sqlite:FILE; without it, a file in the data folder") \
	STR(web, NULL, "Folder of the built front end; without it, the one beside the program")   \
	INT(loops, 0, 0, 64, "Threads that read and write connections; 0 chooses by the cores")   \
	INT(workers, 0, 0, 256, "Threads that answer requests; 0 chooses by the cores")           \
	INT(workers_max, 0, 0, 1024,                                                              \
	    "With those that wait for commits, each with a database connection; 0: 64, or 16")    \
	INT(connections_max, 20000, 16, 1000000, "Connections at the same time")                  \
	INT(header_timeout_s, 10, 1, 600, "A client must have sent its request's head by then")   \
	INT(upload_mib_max, 32, 1, 1024, "Largest picture that may be uploaded, in MiB")          \
	INT(upload_wait_ms, 2000, 0, 20000,                                                       \
	    "An upload that is not processed by then is answered 202 and goes on behind it")      \
	INT(uploads_waiting_max, 256, 1, 100000, "Uploads that wait to be processed")             \
	INT(uploads_waiting_own_max, 16, 1, 100000, "Uploads of one account that wait for it")    \
	INT(events_waiting_max, 4096, 1, 1000000,                                                 \
	    "Events that wait to be told to streams; when one more comes, listeners are cut")     \
	STR(trusted_proxies, NULL,                                                                \
	    "Whose X-Forwarded-For to believe, as 127.0.0.1,10.0.0.0/8; without it, nobody's")    \
	BOOL(private_addresses, false,                                                            \
	     "Tests only: push messages and links may lead to this machine and private networks") \
	BOOL(rate_limits, true, "Limit how often one client may ask")                             \
	GROUP("Mail, for people who have forgotten their password")                               \
	STR(smtp_url, NULL, "Server, as smtp://mail.example.org:587 or smtps://mail.example.org") \
	STR(smtp_user, NULL, "Name to sign in there")                                             \
	STR(smtp_password, NULL, "Password to sign in there; goes out over TLS only")             \
	STR(smtp_from, NULL, "Address that mail comes from")                                      \
	GROUP("A maker elsewhere, that speaks /v1/images/generations")                            \
	STR(openai_url, NULL, "Its address, as https://api.example.org/v1")                       \
	STR(openai_key, NULL, "Key to send with each request")                                    \
	STR(openai_model, NULL, "Model to ask for")                                               \
	STR(openai_name, NULL, "Name to show; without it, the model's")                           \
	INT(openai_width, 1024, 64, 8192, "Width of a picture")                                   \
	INT(openai_height, 1024, 64, 8192, "Height of a picture")                                 \
	INT(openai_timeout_s, 180, 1, 3600, "Longest wait for one picture")                       \
	INT(openai_jobs_max, 4, 1, 256, "Jobs that it draws at the same time")                    \
	BOOL(openai_edits, false, "It also offers /images/edits: pictures can be edited with it") \
	BOOL(openai_masks, false, "Its edits take a mask: a part of a picture can be chosen")     \
	INT(openai_images, 1, 1, 16, "Its edits take so many pictures together")                  \
	GROUP("Queue")                                                                            \
	BOOL(draw, true, "Draw here; without it, workers elsewhere do, and the model only shows") \
	STR(makers, NULL, "Which makers to draw with, as builtin,openai; without it, all")        \
	STR(media, NULL, "Folder of the pictures; without it, media in the data folder")          \
	INT(jobs_active_max, 20, 1, 1000000, "Jobs of one account that wait or are drawn")        \
	INT(jobs_running_max, 4, 1, 1000, "Jobs of one account that are drawn at the same time")  \
	INT(lease_s, 30, 1, 3600,                                                                 \
	    "A dead worker's job is drawn by another after this; equal at all processes")         \
	INT(load_wait_s, 30, 1, 86400, "A newcomer's wait past which batches get smaller")        \
	GROUP("Drawing")                                                                          \
	STR(model, NULL, "Folder of the picture model, or none; without it, the built-in one")    \
	STR(describe_model, NULL,                                                                 \
	    "Folder of a model that proposes descriptions, or none; without it, the picture one") \
	STR(engine_device, "cpu", "What the picture engine computes on: cpu, or cuda, a card")    \
	INT(engine_threads, 0, 0, 1024, "Threads of the picture engine; 0 takes every core")

#define CONFIG_MEMBER_GROUP(doc)
#define CONFIG_MEMBER_STR(name, initial, doc)           const char *name;
#define CONFIG_MEMBER_INT(name, initial, min, max, doc) int64_t name;
#define CONFIG_MEMBER_BOOL(name, initial, doc)          bool name;

struct config {
	CONFIG_TABLE(CONFIG_MEMBER_GROUP, CONFIG_MEMBER_STR, CONFIG_MEMBER_INT, CONFIG_MEMBER_BOOL)
};

/* The rows of CONFIG_TABLE. */
const struct option_table *config_table(void);

/* Defaults, then the file (--config, MADANG_CONFIG), then the environment, then argv[0..argc); see
 * option_read_arguments about positional_count. Sets the log's level. Strings live in the arena or argv. */
MUST_CHECK bool config_load(struct arena *a, int argc, char **argv, int *positional_count,
			    struct config *c, struct err *e);

#endif
