/* Publish and subscribe inside the process: who listens hears of it at once, nothing is kept.
 *
 * A topic is a short text ("user:7", "public:local", "job:12"). A message is whatever publisher and
 * subscribers agree on; it is borrowed for the call. Delivery runs on the publisher's thread under a lock,
 * so it must be quick and must not call back into the bus. */
#ifndef MADANG_BUS_BUS_H
#define MADANG_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct bus_subscription;

typedef void bus_deliver_fn(void *context, const void *message);

enum { BUS_TOPIC_MAX_BYTES = 280 };

struct bus *bus_create(void);
void bus_destroy(struct bus *b); /* NULL-safe; after the last subscription has ended */

/* topic is cut at BUS_TOPIC_MAX_BYTES. */
struct bus_subscription *bus_subscribe(struct bus *b, const char *topic, bus_deliver_fn *deliver,
				       void *context);
/* When it returns, deliver runs no more. NULL-safe. */
void bus_unsubscribe(struct bus_subscription *s);

/* How many have heard it. */
size_t bus_publish(struct bus *b, const char *topic, const void *message);
/* To every topic that begins with prefix. */
size_t bus_publish_prefix(struct bus *b, const char *prefix, const void *message);
/* The numbers that end the topics "PREFIX<number>" somebody listens to: at most room of them, in no order. */
size_t bus_ids(struct bus *b, const char *prefix, int64_t *ids, size_t room);
/* Whether anybody would: saves making the message. */
bool bus_heard(struct bus *b, const char *topic);

#endif
