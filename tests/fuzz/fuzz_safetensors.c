/* A weight file of any bytes: opened, every tensor read, its shape inferred, every weight asked for. */
#include "engine/names.h"
#include "engine/shape.h"
#include "fuzz.h"

#include <stdlib.h>

/* One more than needed, so that there is always something to free. */
static float *room_for(const struct engine_tensor *t)
{
	size_t n = (size_t)(t->ndim ? t->shape[0] : 1) * (size_t)engine_tensor_row_size(t);
	float *out = malloc((n + 1) * sizeof(*out));
	if (!out)
		abort();
	return out;
}

static void read_all(const struct engine_weights *w, const struct engine_tensor *t)
{
	struct err e;
	float *out = room_for(t);
	bool converts = t->dtype <= ENGINE_I8 || t->dtype == ENGINE_I4;
	if (converts && !engine_tensor_load_f32(t, out, &e) && e.code != ERR_INVALID)
		abort();
	if (engine_safetensors_find(engine_weights_file(w), t->name) != t)
		abort();
	free(out);
}

static void ask_all(const struct engine_weights *w)
{
	for (int n = 0; n < T_COUNT * 12; n++) {
		struct engine_want want = {.id = (enum engine_tensor_id)(n / 12),
					   .i = n / 4 % 3 - 1,
					   .j = n / 2 % 2,
					   .bias = n % 2};
		struct engine_tensor t;
		struct err e;
		if (!engine_weights_get(w, want, &t, &e) || t.bytes > 65536)
			continue;
		float *out = room_for(&t);
		engine_tensor_rows_f32(&t, 0, t.ndim ? t.shape[0] : 1, out);
		free(out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct engine_shape shape;
	struct engine_safetensors *s = engine_safetensors_open_memory(data, size, &e);
	struct engine_weights *w = s ? engine_weights_wrap(s, &e) : NULL;
	if (!w)
		return 0;
	for (size_t i = 0; i < engine_safetensors_count(s); i++)
		read_all(w, engine_safetensors_at(s, i));
	ask_all(w);
	static const char CONFIG[] =
	    "{\"text_config\":{\"num_attention_heads\":2},\"vq_config\":{}}";
	bool inferred = engine_shape_parse(NULL, 0, w, &shape, &e);
	inferred = engine_shape_parse(CONFIG, sizeof(CONFIG) - 1, w, &shape, &e) || inferred;
	(void)inferred;
	engine_weights_close(w);
	return 0;
}
