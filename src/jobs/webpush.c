/* Web Push, the cryptography: OpenSSL does the curves and the cipher, here stand the formats. No state; any
 * thread. What must stay true: each message has a key pair and a salt of its own. */
#include "jobs/webpush.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/rand.h"
#include "base/str.h"
#include "json/write.h"

enum {
	POINT = 65,
	SCALAR = 32,
	HASH = 32,
	SALT = 16,
	TAG = 16,
	NONCE = 12,
	KEY = 16,
	RECORD = 4096,
	TOKEN_S = 12 * 60 * 60,
	BODY_MAX = 8192,
};

static bool fail(struct err *e, const char *what)
{
	err_set(e, ERR_INTERNAL, "the message cannot be encrypted");
	return err_detail(e, "openssl: %s", what);
}

static bool decode(const char *text, unsigned char *out, size_t length, struct err *e)
{
	struct buf b;
	buf_init(&b, 256);
	bool ok = codec_base64_decode(&b, text, strlen(text)) && b.length == length;
	if (ok)
		memcpy(out, b.data, length);
	buf_finish(&b);
	return ok || err_set(e, ERR_INVALID, "the subscription's keys cannot be read");
}

static const char *encode(struct arena *a, const void *bytes, size_t length)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	codec_base64url(&b, bytes, length);
	const char *text = arena_strndup(a, b.data, b.length);
	buf_finish(&b);
	return text;
}

/* scalar NULL: a public key only. NULL where the point is not on the curve. */
static EVP_PKEY *load_key(const unsigned char point[POINT], const unsigned char *scalar)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = NULL;
	BIGNUM *number = scalar ? BN_bin2bn(scalar, SCALAR, NULL) : NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	int kind = scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
	if (build && c && EVP_PKEY_fromdata_init(c) > 0 &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, POINT) &&
	    (!number || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number)) &&
	    (params = OSSL_PARAM_BLD_to_param(build)))
		(void)!EVP_PKEY_fromdata(c, &key, kind, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(c);
	BN_clear_free(number);
	return key;
}

static bool public_point(EVP_PKEY *key, unsigned char out[POINT])
{
	size_t length = 0;
	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, POINT, &length) &&
	       length == POINT;
}

bool webpush_keys(struct arena *a, const char **public_key, const char **private_key, struct err *e)
{
	unsigned char point[POINT], scalar[SCALAR];
	BIGNUM *number = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	bool ok = key && public_point(key, point) &&
		  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) &&
		  BN_bn2binpad(number, scalar, SCALAR) == SCALAR;
	BN_clear_free(number);
	EVP_PKEY_free(key);
	if (!ok)
		return fail(e, "EVP_EC_gen");
	*public_key = encode(a, point, POINT);
	*private_key = encode(a, scalar, SCALAR);
	return true;
}

static bool agree(EVP_PKEY *mine, EVP_PKEY *theirs, unsigned char out[HASH])
{
	size_t length = HASH;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(mine, NULL);
	bool ok = c && EVP_PKEY_derive_init(c) > 0 && EVP_PKEY_derive_set_peer(c, theirs) > 0 &&
		  EVP_PKEY_derive(c, out, &length) > 0 && length == HASH;
	EVP_PKEY_CTX_free(c);
	return ok;
}

static void hmac(const unsigned char *key, size_t key_length, const void *bytes, size_t length,
		 unsigned char out[HASH])
{
	unsigned n = HASH;
	HMAC(EVP_sha256(), key, (int)key_length, bytes, length, out, &n);
}

/* HKDF (RFC 5869) of at most one block: the whole of what is needed here. */
static void expand(const unsigned char prk[HASH], const struct buf *info, unsigned char *out,
		   size_t length)
{
	unsigned char block[HASH];
	struct buf b;
	buf_init(&b, 512);
	buf_add(&b, info->data, info->length);
	buf_add_char(&b, 1);
	hmac(prk, HASH, b.data, b.length, block);
	memcpy(out, block, length);
	buf_finish(&b);
}

struct secrets {
	unsigned char theirs[POINT], mine[POINT], auth[SALT], shared[HASH], salt[SALT];
	unsigned char key[KEY], nonce[NONCE];
};

static void add_length_and_point(struct buf *b, const unsigned char point[POINT])
{
	buf_add_char(b, 0);
	buf_add_char(b, POINT);
	buf_add(b, point, POINT);
}

static void derive(struct secrets *s, bool standard)
{
	unsigned char prk[HASH], ikm[HASH];
	struct buf info;
	buf_init(&info, 512);
	hmac(s->auth, SALT, s->shared, HASH, prk);
	if (standard) {
		buf_add(&info, "WebPush: info", 14); /* with its NUL */
		buf_add(&info, s->theirs, POINT);
		buf_add(&info, s->mine, POINT);
	} else {
		buf_add(&info, "Content-Encoding: auth", 23);
	}
	expand(prk, &info, ikm, HASH);
	hmac(s->salt, SALT, ikm, HASH, prk);
	for (int i = 0; i < 2; i++) {
		buf_clear(&info);
		if (i)
			buf_add(&info, "Content-Encoding: nonce", 24);
		else if (standard)
			buf_add(&info, "Content-Encoding: aes128gcm", 28);
		else
			buf_add(&info, "Content-Encoding: aesgcm", 25);
		if (!standard) {
			buf_add(&info, "P-256", 6);
			add_length_and_point(&info, s->theirs);
			add_length_and_point(&info, s->mine);
		}
		expand(prk, &info, i ? s->nonce : s->key, i ? NONCE : KEY);
	}
	buf_finish(&info);
}

static bool encrypt(const struct secrets *s, const struct buf *plain, struct buf *out)
{
	unsigned char text[RECORD], tag[TAG];
	int length = 0, rest = 0;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	bool ok = c && plain->length + TAG <= sizeof text &&
		  EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, s->key, s->nonce) > 0 &&
		  EVP_EncryptUpdate(c, text, &length, (const unsigned char *)plain->data,
				    (int)plain->length) > 0 &&
		  EVP_EncryptFinal_ex(c, text + length, &rest) > 0 &&
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, tag) > 0;
	EVP_CIPHER_CTX_free(c);
	if (ok) {
		buf_add(out, text, (size_t)(length + rest));
		buf_add(out, tag, TAG);
	}
	return ok && !out->failed;
}

static bool seal(const struct webpush_message *m, struct secrets *s, struct buf *out, struct err *e)
{
	struct buf plain;
	if (!decode(m->p256dh, s->theirs, POINT, e) || !decode(m->auth, s->auth, SALT, e))
		return false;
	EVP_PKEY *theirs = load_key(s->theirs, NULL), *mine = EVP_EC_gen("P-256");
	bool ok = theirs && mine && public_point(mine, s->mine) && agree(mine, theirs, s->shared);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine);
	if (!ok)
		return err_set(e, ERR_INVALID, "the subscription's keys cannot be read");
	rand_bytes(s->salt, SALT);
	derive(s, m->standard);
	buf_init(&plain, RECORD);
	if (m->standard) {
		const unsigned char head[] = {0, 0, RECORD >> 8, RECORD & 255, POINT};
		buf_add(out, s->salt, SALT);
		buf_add(out, head, sizeof head);
		buf_add(out, s->mine, POINT);
		buf_add(&plain, m->text, m->length);
		buf_add_char(&plain, 2); /* the last record, no padding */
	} else {
		buf_add(&plain, "\0\0", 2);
		buf_add(&plain, m->text, m->length);
	}
	ok = encrypt(s, &plain, out);
	buf_finish(&plain);
	return ok || fail(e, "EVP_aes_128_gcm");
}

/* --- who sends: a token signed with ES256 --- */

/* ECDSA-Sig-Value to r and s, 32 bytes each. */
static bool flat_signature(const unsigned char *der, size_t length, unsigned char out[2 * SCALAR])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)length);
	bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, SCALAR) == SCALAR &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + SCALAR, SCALAR) == SCALAR;
	ECDSA_SIG_free(sig);
	return ok;
}

static bool sign(const struct webpush_message *m, const char *text, unsigned char out[2 * SCALAR],
		 struct err *e)
{
	unsigned char point[POINT], scalar[SCALAR], der[128];
	size_t length = sizeof der;
	if (!decode(m->public_key, point, POINT, e) || !decode(m->private_key, scalar, SCALAR, e))
		return false;
	EVP_PKEY *key = load_key(point, scalar);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = key && c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) > 0 &&
		  EVP_DigestSign(c, der, &length, (const unsigned char *)text, strlen(text)) > 0 &&
		  flat_signature(der, length, out);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	OPENSSL_cleanse(scalar, sizeof scalar);
	return ok || fail(e, "EVP_DigestSign");
}

/* "https://push.example:8443" of the whole address. */
static const char *origin(struct arena *a, const char *url)
{
	const char *host = strstr(url, "://");
	size_t length = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : strlen(url);
	return arena_strndup(a, url, length);
}

static bool make_token(struct arena *a, const struct webpush_message *m, const char **out,
		       struct err *e)
{
	static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}";
	unsigned char signature[2 * SCALAR];
	struct buf claims;
	struct json_writer w;
	buf_init(&claims, BODY_MAX);
	json_begin(&w, &claims);
	json_put_object(&w, NULL);
	json_put_str(&w, "aud", origin(a, m->endpoint));
	json_put_int(&w, "exp", m->now_ms / 1000 + TOKEN_S);
	json_put_str(&w, "sub", m->subject);
	json_put_end(&w);
	bool ok = json_finish(&w, e);
	const char *text = ok ? arena_printf(a, "%s.%s", encode(a, head, sizeof head - 1),
					     encode(a, claims.data, claims.length))
			      : NULL;
	buf_finish(&claims);
	if (!ok || !sign(m, text, signature, e))
		return false;
	*out = arena_printf(a, "%s.%s", text, encode(a, signature, sizeof signature));
	return true;
}

bool webpush_seal(struct arena *a, const struct webpush_message *m, struct webpush_request *out,
		  struct err *e)
{
	struct secrets s;
	const char *token;
	*out = (struct webpush_request){0};
	buf_init(&out->body, BODY_MAX);
	if (m->length > WEBPUSH_TEXT_MAX)
		return err_set(e, ERR_TOO_LARGE, "the message is too long");
	if (!seal(m, &s, &out->body, e) || !make_token(a, m, &token, e))
		return false;
	if (m->standard) {
		out->authorization = arena_printf(a, "vapid t=%s,k=%s", token, m->public_key);
		out->headers[0] = "Content-Encoding: aes128gcm";
	} else {
		out->authorization = arena_printf(a, "WebPush %s", token);
		out->headers[0] = "Content-Encoding: aesgcm";
		out->headers[1] = arena_printf(a, "Encryption: salt=%s", encode(a, s.salt, SALT));
		out->headers[2] = arena_printf(a, "Crypto-Key: dh=%s;p256ecdsa=%s",
					       encode(a, s.mine, POINT), m->public_key);
	}
	OPENSSL_cleanse(&s, sizeof s);
	return true;
}
