/* Owns the last id given out. Any thread: one compare-and-swap. Ids never repeat and never go back, even
 * where the wall clock does. */
#include "base/id.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"

static _Atomic int64_t last_id;

int64_t id_new(void)
{
	int64_t fresh = clock_wall_ms() << 16;
	int64_t last = atomic_load(&last_id), next;
	if (last >> 16 < fresh >> 16)
		fresh |= (int64_t)(rand_u64() & 0xffff);
	do
		next = last >= fresh ? last + 1 : fresh;
	while (!atomic_compare_exchange_weak(&last_id, &last, next));
	return next;
}

char *id_format(char text[ID_TEXT_SIZE], int64_t id)
{
	snprintf(text, ID_TEXT_SIZE, "%lld", (long long)(id < 0 ? 0 : id));
	return text;
}

bool id_parse(const char *text, int64_t *id)
{
	if (text[0] == '0' && text[1] != '\0')
		return false;
	if (text[0] < '0' || text[0] > '9')
		return false;
	return str_to_int(text, 0, INT64_MAX, id);
}

int64_t id_time_ms(int64_t id)
{
	return id >> 16;
}

int64_t id_at_ms(int64_t wall_ms)
{
	return wall_ms << 16;
}
