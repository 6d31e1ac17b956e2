/* Random secrets, their hashes, and one-time passwords (RFC 6238). No state; any thread. Secrets have 256
 * random bits, so that a fast hash is enough to keep them; what people choose goes through argon2id. */
#include "app/private.h"

#include "base/codec.h"
#include "base/rand.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { TOTP_BYTES = 20, TOTP_STEP_MS = 30000 };

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const char *app_secret_new(struct arena *arena)
{
	unsigned char bytes[32];
	struct buf text;
	rand_bytes(bytes, sizeof(bytes));
	buf_init(&text, 64);
	codec_base64url(&text, bytes, sizeof(bytes));
	const char *secret = arena_strdup(arena, text.data);
	buf_finish(&text);
	sodium_memzero(bytes, sizeof(bytes));
	return secret;
}

const char *app_secret_hash(struct arena *arena, const char *purpose, const char *secret)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)purpose, strlen(purpose) + 1);
	crypto_hash_sha256_update(&state, (const unsigned char *)secret, strlen(secret));
	crypto_hash_sha256_final(&state, digest);
	char *text = arena_alloc(arena, 2 * sizeof(digest) + 1);
	return codec_hex(text, digest, sizeof(digest));
}

const char *app_totp_secret_new(struct arena *arena)
{
	unsigned char bytes[TOTP_BYTES];
	char *text = arena_alloc(arena, TOTP_BYTES * 8 / 5 + 1);
	rand_bytes(bytes, sizeof(bytes));
	for (int i = 0; i < TOTP_BYTES * 8 / 5; i++) {
		int value = 0;
		for (int bit = 5 * i; bit < 5 * i + 5; bit++)
			value = 2 * value + (bytes[bit / 8] >> (7 - bit % 8) & 1);
		text[i] = base32[value];
	}
	return text;
}

static int code_at(const unsigned char *key, size_t key_length, int64_t step)
{
	unsigned char message[8], digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	for (int i = 0; i < 8; i++)
		message[i] = (unsigned char)(step >> (56 - 8 * i));
	if (!HMAC(EVP_sha1(), key, (int)key_length, message, sizeof(message), digest, &length))
		return -1;
	int at = digest[length - 1] & 15;
	return ((digest[at] & 127) << 24 | digest[at + 1] << 16 | digest[at + 2] << 8 |
		digest[at + 3]) %
	       1000000;
}

bool app_totp_matches(const char *secret, const char *code, int64_t now_ms, int64_t *step)
{
	unsigned char key[64] = {0};
	size_t bits = 0;
	if (strlen(code) != 6 || strspn(code, "0123456789") != 6)
		return false;
	for (const char *c = secret; *c; c++) {
		const char *found = strchr(base32, *c);
		if (!found || bits + 5 > 8 * sizeof(key))
			return false;
		for (int i = 4; i >= 0; i--, bits++)
			key[bits / 8] |= (unsigned char)((found - base32) >> i & 1)
					 << (7 - bits % 8);
	}
	/* One step to either side, for clocks that are a little off. */
	for (int64_t s = now_ms / TOTP_STEP_MS - 1; s <= now_ms / TOTP_STEP_MS + 1; s++) {
		char text[16];
		snprintf(text, sizeof(text), "%06d", code_at(key, bits / 8, s));
		if (sodium_memcmp(text, code, 6) == 0) {
			*step = s;
			return true;
		}
	}
	return false;
}
