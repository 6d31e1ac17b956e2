/* Shapes from config.json in all its dialects, inferred from tensors, and refused. */
#include "engine/names.h"
#include "engine/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *golden(const char *name)
{
	static char path[2][4096];
	static int next;
	char *p = path[next++ % 2];
	const char *base = getenv("ENGINE_GOLDEN");
	snprintf(p, sizeof(path[0]), "%s/%s", base ? base : "tests/engine/golden", name);
	return p;
}

static struct engine_shape read_golden(const char *weights, bool config)
{
	struct err e = {0};
	struct engine_shape s;
	struct engine_weights *w = engine_weights_open(golden(weights), &e);
	assert_non_null(w);
	bool ok =
	    config ? engine_shape_read(NULL, w, &s, &e) : engine_shape_parse(NULL, 0, w, &s, &e);
	if (!ok)
		fail_msg("%s", e.message);
	engine_weights_close(w);
	return s;
}

/* Parses without weights; fails the test where that fails. */
static struct engine_shape parse(const char *text)
{
	struct err e = {0};
	struct engine_shape s;
	if (!engine_shape_parse(text, strlen(text), NULL, &s, &e))
		fail_msg("%s", e.message);
	return s;
}

static void test_tiny_janus(void **state)
{
	(void)state;
	struct engine_shape s = read_golden("tiny_janus.safetensors", true);
	assert_int_equal(s.family, ENGINE_FAMILY_JANUS);
	assert_int_equal(s.llm.hidden, 64);
	assert_int_equal(s.llm.ffn, 144);
	assert_int_equal(s.llm.layers, 2);
	assert_int_equal(s.llm.heads, 4);
	assert_int_equal(s.llm.kv_heads, 4);
	assert_int_equal(s.llm.head_dim, 16);
	assert_int_equal(s.llm.vocab, 256);
	assert_int_equal(s.llm.rope, ENGINE_ROPE_HALF);
	assert_false(s.llm.qkv_bias);
	assert_false(s.llm.qk_norm);
	assert_true(s.llm.has_text_head);
	assert_int_equal(s.image.vocab, 64);
	assert_int_equal(s.image.embed_dim, 8);
	assert_int_equal(s.image.aligner_depth, 2);
	assert_int_equal(s.image.head_hidden, 64);
	assert_int_equal(s.image.tokens, 16);
	assert_false(s.image.position_embeddings);
	assert_int_equal(s.guidance, ENGINE_GUIDANCE_PAD);
	assert_true(s.vq.has_decoder && s.vq.has_encoder && s.vq.attention);
	assert_int_equal(s.vq.norm, ENGINE_NORM_GROUP);
	assert_int_equal(s.vq.code_dim, 8);
	assert_int_equal(s.vq.latent_channels, 32);
	assert_int_equal(s.vq.base_channels, 32);
	assert_int_equal(s.vq.encoder_base_channels, 32);
	assert_int_equal(s.vq.stages, 2);
	assert_int_equal(s.vq.multiplier[1], 2);
	assert_int_equal(s.vq.res_blocks, 1);
	assert_int_equal(s.vq.image_size, 8);
	assert_true(s.vision.present);
	assert_int_equal(s.vision.width, 64);
	assert_int_equal(s.vision.ffn, 256);
	assert_int_equal(s.vision.layers, 2);
	assert_int_equal(s.vision.heads, 4);
	assert_int_equal(s.vision.aligner_depth, 2);
}

static void test_llamagen(void **state)
{
	(void)state;
	struct engine_shape s = read_golden("tiny_llamagen_c2i.safetensors", true);
	assert_int_equal(s.family, ENGINE_FAMILY_LLAMAGEN);
	assert_int_equal(s.condition, ENGINE_CONDITION_CLASS);
	assert_int_equal(s.guidance, ENGINE_GUIDANCE_NULL_CLASS);
	assert_int_equal(s.classes, 10);
	assert_int_equal(s.prefix, 1);
	assert_int_equal(s.llm.rope, ENGINE_ROPE_GRID);
	assert_int_equal(s.llm.hidden, 64);
	assert_int_equal(s.llm.ffn, 176);
	assert_int_equal(s.llm.layers, 2);
	assert_int_equal(s.llm.heads, 4);
	assert_int_equal(s.llm.vocab, 0);
	assert_int_equal(s.image.vocab, 64);
	assert_int_equal(s.image.embed_dim, 64);
	assert_int_equal(s.image.aligner_depth, 0);
	assert_int_equal(s.image.head_hidden, 0);
	assert_int_equal(s.image.grid, 4);
	assert_float_equal(s.llm.norm_eps, 1e-5f, 0);
	assert_float_equal(s.sampling.guidance, 4, 0);
	assert_false(s.vq.has_decoder);
	s = read_golden("tiny_llamagen_t2i.safetensors", true);
	assert_int_equal(s.condition, ENGINE_CONDITION_CAPTION);
	assert_int_equal(s.prefix, 6);
	assert_int_equal(s.caption_dim, 48);
	/* Without config.json: heads of 64, 256 px, all rows of the empty caption. */
	s = read_golden("tiny_llamagen_t2i.safetensors", false);
	assert_int_equal(s.prefix, 120);
	assert_int_equal(s.llm.heads, 1);
	assert_int_equal(s.image.tokens, 256);
	assert_float_equal(s.sampling.guidance, 7.5f, 0);
	assert_int_equal(s.sampling.top_k, 1000);
}

static const char MADANG[] =
    "{\"model_type\":\"madang_janus\",\"architectures\":[\"MadangForImageGeneration\"],"
    "\"text_config\":{\"hidden_size\":512,\"intermediate_size\":1280,\"num_hidden_layers\":8,"
    "\"num_attention_heads\":8,\"num_key_value_heads\":8,\"vocab_size\":3072,\"rms_norm_eps\":1e-6,"
    "\"rope_theta\":10000,\"max_position_embeddings\":1024},"
    "\"vq_config\":{\"quantizer\":\"fsq\",\"fsq_levels\":[8,6,5,5,5],\"num_embeddings\":6000,\"embed_dim\":8,"
    "\"latent_channels\":64,\"base_channels\":32,\"encoder_base_channels\":24,"
    "\"channel_multiplier\":[1,2,4,6,6],\"num_res_blocks\":1,\"normalization\":\"rms\",\"attention\":false,"
    "\"grid\":16,\"image_size\":256,\"projection_dim\":512,\"num_hidden_layers\":2},"
    "\"madang\":{\"name\":\"madang\",\"prompt_length\":40,\"tasks\":[\"draw\",\"edit\",\"sing\"],\"guidance\":3,\"temperature\":0.9,\"top_k\":200,\"top_p\":0.95,"
    "\"styles\":[{\"name\":\"3d\",\"token\":\"<style:3d>\"},{\"name\":\"flat\",\"token\":\"<style:flat>\"}],"
    "\"tokens\":{\"bos\":\"<bos>\",\"pad\":\"<pad>\",\"boi\":\"<boi>\",\"src\":\"<src>\","
    "\"style_any\":\"<style:any>\"}}}";

static void test_madang(void **state)
{
	(void)state;
	struct engine_shape s = parse(MADANG);
	assert_int_equal(s.family, ENGINE_FAMILY_MADANG);
	assert_string_equal(engine_family_name(s.family), "madang");
	assert_int_equal(s.llm.head_dim, 64);
	assert_int_equal(s.vq.quantizer, ENGINE_QUANTIZER_FSQ);
	assert_int_equal(s.vq.code_dim, 5);
	assert_int_equal(s.vq.levels[1], 6);
	assert_int_equal(s.vq.codes, 6000);
	assert_int_equal(s.vq.norm, ENGINE_NORM_RMS);
	assert_false(s.vq.attention);
	assert_int_equal(s.vq.base_channels, 32);
	assert_int_equal(s.vq.encoder_base_channels, 24);
	assert_int_equal(s.vq.multiplier[4], 6);
	assert_int_equal(s.vq.image_size, 256);
	assert_int_equal(s.vq.patch, 1);
	assert_true(s.can_draw && s.can_edit);
	assert_false(s.can_vary || s.can_restyle);
	assert_int_equal(s.image.embed_dim, 8);
	assert_int_equal(s.image.head_hidden, 512);
	assert_int_equal(s.image.tokens, 256);
	assert_int_equal(s.prompt_length, 40);
	assert_float_equal(s.sampling.guidance, 3, 0);
	assert_float_equal(s.sampling.temperature, 0.9f, 0);
	assert_int_equal(s.sampling.top_k, 200);
	assert_float_equal(s.sampling.top_p, 0.95f, 0);
	assert_int_equal(s.style_count, 2);
	assert_string_equal(s.name, "madang");
	assert_string_equal(s.styles[1].name, "flat");
	assert_string_equal(s.styles[1].token, "<style:flat>");
	assert_string_equal(s.tokens.style_any, "<style:any>");
	assert_string_equal(s.tokens.eos, "");
	assert_false(s.vision.present);
}

/* The first built-in model: 12 << 3 places, each of 2 x 2 pixels. */
static void test_patch(void **state)
{
	(void)state;
	struct engine_shape s = parse(
	    "{\"model_type\":\"madang_janus\",\"text_config\":{\"hidden_size\":320,\"intermediate_size\":832,"
	    "\"num_hidden_layers\":8,\"num_attention_heads\":5,\"num_key_value_heads\":5,\"vocab_size\":3072,"
	    "\"max_position_embeddings\":1024},"
	    "\"vq_config\":{\"quantizer\":\"fsq\",\"fsq_levels\":[8,6,5,5,5],\"num_embeddings\":6000,"
	    "\"embed_dim\":8,\"latent_channels\":64,\"base_channels\":48,\"encoder_base_channels\":32,"
	    "\"channel_multiplier\":[1,2,4,4],\"patch_size\":2,\"num_res_blocks\":1,\"normalization\":\"rms\","
	    "\"attention\":false,\"grid\":12,\"image_size\":192,\"projection_dim\":320,"
	    "\"num_hidden_layers\":2},\"madang\":{\"prompt_length\":24}}");
	assert_int_equal(s.vq.patch, 2);
	assert_int_equal(s.vq.image_size, 192);
	assert_int_equal(s.image.tokens, 144);
	assert_int_equal(s.llm.head_dim, 64);
	assert_true(s.can_draw && s.can_vary); /* where the model says nothing */
	assert_false(s.can_edit || s.can_restyle);
}

static void test_janus_dialects(void **state)
{
	(void)state;
	struct engine_shape s = parse(
	    "{\"text_config\":{\"hidden_size\":2048,\"intermediate_size\":5632,\"num_hidden_layers\":24,"
	    "\"num_attention_heads\":16,\"vocab_size\":102400,\"max_position_embeddings\":16384,"
	    "\"rope_scaling\":null},"
	    "\"vq_config\":{\"embed_dim\":8,\"num_embeddings\":16384,\"latent_channels\":256,\"num_patches\":32,"
	    "\"base_channels\":128,\"channel_multiplier\":[1,1,2,2,4],\"num_res_blocks\":2,"
	    "\"projection_dim\":2048,\"image_token_embed_dim\":2048,\"num_hidden_layers\":2},"
	    "\"vision_config\":{\"image_size\":384,\"patch_size\":16},\"image_token_id\":100581}");
	assert_int_equal(s.llm.kv_heads, 16);
	assert_int_equal(s.llm.head_dim, 128);
	assert_float_equal(s.llm.norm_eps, 1e-6f, 0);
	assert_int_equal(s.image.tokens, 576);
	assert_int_equal(s.vq.image_size, 384);
	assert_int_equal(s.vq.norm_groups, 32);
	assert_int_equal(s.vision.width, 1024);
	assert_int_equal(s.vision.layers, 24);
	assert_int_equal(s.vision.heads, 16);
	assert_int_equal(s.vision.ffn, 4096);
	assert_string_equal(s.tokens.boi, "<begin_of_image>");
	/* Original: language_config leaves out what equals Llama's defaults (here Janus-Pro-7B's). */
	s = parse(
	    "{\"language_config\":{\"num_hidden_layers\":30,\"vocab_size\":102400,"
	    "\"max_position_embeddings\":16384},"
	    "\"gen_vision_config\":{\"params\":{\"image_token_size\":16384,\"n_embed\":8}},"
	    "\"gen_aligner_config\":{\"params\":{\"depth\":2,\"input_dim\":8,\"n_embed\":4096}},"
	    "\"gen_head_config\":{\"params\":{\"n_embed\":4096,\"image_token_embed\":4096,"
	    "\"image_token_size\":16384}},"
	    "\"aligner_config\":{\"params\":{\"depth\":2}},"
	    "\"vision_config\":{\"params\":{\"image_size\":384,\"model_name\":\"siglip\"}}}");
	assert_int_equal(s.llm.hidden, 4096);
	assert_int_equal(s.llm.ffn, 11008);
	assert_int_equal(s.llm.heads, 32);
	assert_int_equal(s.llm.layers, 30);
	assert_int_equal(s.image.head_hidden, 4096);
	assert_int_equal(s.vq.stages, 5);
	assert_int_equal(s.vq.multiplier[4], 4);
	assert_int_equal(s.vq.res_blocks, 2);
	assert_int_equal(s.image.grid, 24);
}

/* Everything about pictures left out: the tensors know. */
static void test_inferred(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_shape s;
	const char text[] =
	    "{\"language_config\":{\"num_attention_heads\":4},\"gen_vision_config\":{},"
	    "\"vq_config\":{\"grid\":4},\"vision_config\":{\"params\":{\"image_size\":16}}}";
	struct engine_weights *w = engine_weights_open(golden("tiny_janus.safetensors"), &e);
	assert_non_null(w);
	if (!engine_shape_parse(text, sizeof(text) - 1, w, &s, &e))
		fail_msg("%s", e.message);
	struct engine_shape full = read_golden("tiny_janus.safetensors", true);
	full.llm.positions_max = s.llm.positions_max; /* no tensor has it */
	full.vision.heads = s.vision.heads = 4;
	s.vision.norm_eps = full.vision.norm_eps;
	assert_memory_equal(&s.llm, &full.llm, sizeof(s.llm));
	assert_memory_equal(&s.image, &full.image, sizeof(s.image));
	assert_memory_equal(&s.vq, &full.vq, sizeof(s.vq));
	assert_memory_equal(&s.vision, &full.vision, sizeof(s.vision));
	engine_weights_close(w);
}

static void refuse(const char *text, const char *message)
{
	struct err e = {0};
	struct engine_shape s;
	if (engine_shape_parse(text, strlen(text), NULL, &s, &e))
		fail_msg("accepted, though %s", message);
	if (!strstr(e.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, e.message);
}

/* The Madang config with one piece replaced. */
static void refuse_changed(const char *from, const char *to, const char *message)
{
	static char text[8192];
	const char *at = strstr(MADANG, from);
	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - MADANG), MADANG, to, at + strlen(from));
	refuse(text, message);
}

static void test_refused(void **state)
{
	(void)state;
	refuse("", "not valid JSON");
	refuse("[]", "not a JSON object");
	refuse("{}", "no text_config");
	refuse("{\"text_config\":{},\"vision_config\":{\"use_qk_norm\":true}}", "use_qk_norm");
	refuse("{\"text_config\":[]}", "text_config must be an object");
	refuse("{", "not valid JSON");
	refuse_changed(":512", ":\"512\"", "text_config: hidden_size must be a whole number");
	refuse_changed(":512", ":99999999", "hidden_size is 99999999, outside 1 to 16384");
	refuse_changed(":512", ":-1", "hidden_size is -1");
	refuse_changed("key_value_heads\":8", "key_value_heads\":3", "no multiple");
	refuse_changed("\"num_attention_heads\":8", "\"num_attention_heads\":200",
		       "does not make 200 heads");
	refuse_changed("1e-6", "0", "rms_norm_eps");
	refuse_changed("10000,", "10000,\"rope_scaling\":{\"factor\":2},",
		       "rope_scaling is not supported");
	refuse_changed("10000,", "10000,\"hidden_act\":\"gelu\",", "hidden_act");
	refuse_changed("[8,6,5,5,5]", "[8,6,5,5]", "make 1200 codes");
	refuse_changed("[8,6,5,5,5]", "[8,6,5,5,5,5,5,5,5]", "list of 1 to 8");
	refuse_changed("[8,6,5,5,5]", "[64,64,64,64,64,64,64,64]", "codes");
	refuse_changed("[8,6,5,5,5]", "[1]", "fsq_levels");
	refuse_changed("\"fsq\"", "\"residual\"", "quantizer");
	refuse_changed("\"rms\"", "\"layer\"", "normalization");
	refuse_changed("\"rms\"", "\"group\"", "can't be divided into 32 groups");
	refuse_changed("[1,2,4,6,6]", "[]", "channel_multiplier");
	refuse_changed("[1,2,4,6,6]", "[1,2,4,6,0]", "channel_multiplier");
	refuse_changed("\"base_channels\":32", "\"base_channels\":4096", "the limit is 4096");
	refuse_changed(":256,", ":255,", "makes 256 pixels");
	refuse_changed("1024}", "200}", "does not fit max_position_embeddings");
	refuse_changed("\"grid\":16", "\"grid\":999999", "grid is 999999");
	refuse_changed("\"guidance\":3", "\"guidance\":1e9", "madang: guidance");
	refuse_changed("\"top_p\":0.95", "\"top_p\":0", "top_p");
	refuse_changed("\"token\":\"<style:3d>\"", "\"x\":1", "each needs a name and a token");
	refuse_changed("\"bos\":\"<bos>\"", "\"bos\":7", "tokens: bos must be a string");
	refuse_changed("[\"draw\",", "[1,", "tasks must be a list of names");
	refuse_changed("\"grid\":16", "\"patch_size\":2,\"grid\":16", "makes 512 pixels");
	refuse_changed("\"grid\":16", "\"patch_size\":0,\"grid\":16", "patch_size");
	refuse_changed("\"madang\":{", "\"madang\":{\"image_vocab_base\":100,",
		       "outside the vocabulary");
}

static void test_missing(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_shape s;
	struct engine_weights *w = engine_weights_open(golden("tiny_janus.safetensors"), &e);
	assert_non_null(w);
	assert_false(engine_shape_parse(NULL, 0, w, &s, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(engine_shape_read("/nowhere/config.json", w, &s, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	engine_weights_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tiny_janus),     cmocka_unit_test(test_llamagen),
	    cmocka_unit_test(test_madang),         cmocka_unit_test(test_patch),
	    cmocka_unit_test(test_janus_dialects), cmocka_unit_test(test_inferred),
	    cmocka_unit_test(test_refused),        cmocka_unit_test(test_missing),
	};
	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
