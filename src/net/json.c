/* SPDX-License-Identifier: ISC */
#include "json.h"

void
json_string(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\')
			(void)fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' ||
		    (unsigned char)*text >= 0x7f)
			(void)fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			(void)fputc(*text, out);
	(void)fputc('"', out);
}

void
json_member(FILE *out, const char *name, const char *text)
{
	(void)fprintf(out, "\"%s\":", name);
	json_string(out, text);
}

void
json_number(FILE *out, const char *name, int64_t value)
{
	if (value < 0)
		(void)fprintf(out, "\"%s\":null", name);
	else
		(void)fprintf(out, "\"%s\":%lld", name, (long long)value);
}

const char *
json_bool(bool is)
{
	return is ? "true" : "false";
}
