/* Writes origins as XMP and as PNG text. Pure functions, any thread. */
#include "image/origin.h"

#include <string.h>

#include <zlib.h>

/* The PNG signature and the IHDR chunk, which must come first. */
#define PNG_HEAD_BYTES (8 + 4 + 4 + 13 + 4)

static void add_xml(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			buf_add_str(out, "&lt;");
		else if (*s == '>')
			buf_add_str(out, "&gt;");
		else if (*s == '&')
			buf_add_str(out, "&amp;");
		else if (*s == '"')
			buf_add_str(out, "&quot;");
		else if ((unsigned char)*s >= ' ' || *s == '\n' || *s == '\t')
			buf_add_char(out, *s);
	}
}

static void add_xmp_line(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(out, "<madang:%s>", name);
	add_xml(out, value);
	buf_printf(out, "</madang:%s>", name);
}

void origin_xmp(const struct image_origin *o, struct buf *out)
{
	buf_add_str(out,
		    "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"
		    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"
		    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
		    "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\""
		    " xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:madang=\"urn:madang:1\">"
		    "<xmp:CreatorTool>Madang</xmp:CreatorTool>");
	if (o->prompt) {
		buf_add_str(out, "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">");
		add_xml(out, o->prompt);
		buf_add_str(out, "</rdf:li></rdf:Alt></dc:description>");
	}
	add_xmp_line(out, "prompt", o->prompt);
	add_xmp_line(out, "seed", o->seed);
	add_xmp_line(out, "style", o->style);
	add_xmp_line(out, "model", o->model);
	buf_add_str(out, "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>");
}

static void add_u32(struct buf *out, uint32_t v)
{
	buf_add(out, (char[]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, 4);
}

static void add_itxt(struct buf *out, const char *keyword, const char *value)
{
	if (!value || out->failed)
		return;
	size_t length = strlen(keyword) + 5 + strlen(value);
	add_u32(out, (uint32_t)length);
	size_t start = out->length;
	buf_add_str(out, "iTXt");
	buf_add(out, keyword, strlen(keyword) + 1);
	buf_add(out, "\0\0\0\0", 4); /* not compressed, no language, no translated keyword */
	buf_add_str(out, value);
	if (!out->failed)
		add_u32(out, (uint32_t)crc32(0, (const Bytef *)out->data + start,
					     (uInt)(out->length - start)));
}

void origin_png(const struct image_origin *o, const uint8_t *png, size_t length, struct buf *out)
{
	size_t head = length < PNG_HEAD_BYTES ? length : PNG_HEAD_BYTES;
	buf_add(out, png, head);
	add_itxt(out, "Software", "Madang");
	add_itxt(out, "Description", o->prompt);
	add_itxt(out, "prompt", o->prompt);
	add_itxt(out, "seed", o->seed);
	add_itxt(out, "style", o->style);
	add_itxt(out, "model", o->model);
	buf_add(out, png + head, length - head);
}
