/* json: see json.h. No state. */
#include "base/json.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *json_unavailable(const char *fmt, ...) {
    char why[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return json_pack("{s:s}", "unavailable", why);
}

bool json_is_unavailable(const json_t *v) {
    return json_is_string(json_object_get(v, "unavailable"));
}

const char *json_str(const json_t *o, const char *key, const char *fallback) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? json_string_value(v) : fallback;
}

int64_t json_int(const json_t *o, const char *key, int64_t fallback) {
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) ? (int64_t)json_integer_value(v) : fallback;
}

double json_num(const json_t *o, const char *key, double fallback) {
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : fallback;
}

bool json_flag(const json_t *o, const char *key, bool fallback) {
    const json_t *v = json_object_get(o, key);
    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

static char *dump(const json_t *v, size_t flags) {
    char *s = json_dumps(v, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    return s ? s : xstrdup("null");
}

char *json_line(const json_t *v) {
    return dump(v, JSON_COMPACT);
}
char *json_pretty(const json_t *v) {
    return dump(v, JSON_INDENT(2));
}
char *json_canonical(const json_t *v) {
    return dump(v, JSON_COMPACT | JSON_SORT_KEYS);
}

json_t *json_parse_object(const char *text, size_t len, char *why, size_t why_bytes) {
    json_error_t je;
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
    if (!v) {
        snprintf(why, why_bytes, "%s (line %d, column %d)", je.text, je.line, je.column);
        return NULL;
    }
    if (!json_is_object(v)) {
        snprintf(why, why_bytes, "not a JSON object");
        json_decref(v);
        return NULL;
    }
    return v;
}

json_t *json_read_file(const char *path, struct err *e) {
    size_t len;
    char why[256];
    char *text = file_read(path, &len);
    if (!text) {
        err_set(e, errno == ENOENT ? TRINE_EXIT_USAGE : TRINE_EXIT_INFRA, "cannot read %s: %s", path,
                strerror(errno));
        return NULL;
    }
    json_t *v = json_parse_object(text, len, why, sizeof why);
    if (!v) err_set(e, TRINE_EXIT_INFRA, "%s is not what trine wrote: %s", path, why);
    free(text);
    return v;
}

int json_write_file(const char *path, const json_t *v, struct err *e) {
    char *text = json_pretty(v);
    struct strbuf b = {0};
    strbuf_puts(&b, text);
    strbuf_puts(&b, "\n");
    int rc = file_write(path, b.s, b.len, e);
    strbuf_free(&b);
    free(text);
    return rc;
}
