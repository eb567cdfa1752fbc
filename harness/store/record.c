/* record: see record.h. No state. */
#include "store/record.h"
#include "base/json.h"
#include "store/figure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The start of a text that is not what it should be, fit for one line. */
static void quote(char *out, size_t bytes, const char *text, size_t len) {
    size_t n = len < 40 ? len : 40, i = 0;
    for (; i < n && i + 1 < bytes; i++) out[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
    out[i] = '\0';
}

/* One JSON object whose "schema" is the wanted one and whose protocol is not newer than ours. */
static json_t *parse_as(const char *schema, const char *text, size_t len, char *why, size_t why_bytes) {
    char detail[256], start[64];
    quote(start, sizeof start, text, len);
    if (len == 0) {
        snprintf(why, why_bytes, "the driver printed nothing");
        return NULL;
    }
    json_t *v = json_parse_object(text, len, detail, sizeof detail);
    if (!v) {
        bool cut = text[0] == '{' && text[len - 1] != '\n';
        snprintf(why, why_bytes, "%s: %s; it begins '%s'",
                 cut ? "the output is cut off" : "the output is not JSON", detail, start);
        return NULL;
    }
    int64_t protocol = json_int(v, "protocol", 0);
    if (strcmp(json_str(v, "schema", ""), schema) != 0)
        snprintf(why, why_bytes, "the output is not a %s: \"schema\" is '%s'", schema,
                 json_str(v, "schema", "missing"));
    else if (protocol < 1)
        snprintf(why, why_bytes, "the %s has no protocol number", schema);
    else if (protocol > RECORD_PROTOCOL)
        snprintf(why, why_bytes, "the %s is of protocol %lld, this trine speaks %d", schema,
                 (long long)protocol, RECORD_PROTOCOL);
    else
        return v;
    json_decref(v);
    return NULL;
}

static const char *status_fault(const json_t *v) {
    static const char *const known[] = {"ok", "not_applicable", "error"};
    const char *status = json_str(v, "status", "");
    for (size_t i = 0; i < 3; i++)
        if (strcmp(status, known[i]) == 0) return NULL;
    return "\"status\" is none of ok, not_applicable, error";
}

json_t *record_parse(const char *text, size_t len, char *why, size_t why_bytes) {
    json_t *v = parse_as("trine-record", text, len, why, why_bytes);
    if (!v) return NULL;
    char detail[256];
    const char *fault = status_fault(v);
    if (!fault && strcmp(json_str(v, "status", ""), "ok") == 0 && !figure_whole(v, detail, sizeof detail)) fault = detail;
    if (!fault) return v;
    snprintf(why, why_bytes, "the record is malformed: %s", fault);
    json_decref(v);
    return NULL;
}

bool record_answers(const json_t *record, const char *workload, int64_t procs, char *why, size_t why_bytes) {
    const json_t *own_procs = json_object_get(record, "procs");
    const char *own = json_str(record, "workload", "missing");
    if (strcmp(own, workload) != 0)
        snprintf(why, why_bytes, "the record is not what was asked: \"workload\" is '%.60s', not '%s'", own, workload);
    else if (!json_is_integer(own_procs))
        snprintf(why, why_bytes, "the record is malformed: \"procs\" is no whole number");
    else if (json_integer_value(own_procs) != procs)
        snprintf(why, why_bytes, "the record is not what was asked: \"procs\" is %lld, not %lld",
                 (long long)json_integer_value(own_procs), (long long)procs);
    else
        return true;
    return false;
}

json_t *description_parse(const char *text, size_t len, char *why, size_t why_bytes) {
    json_t *v = parse_as("trine-driver", text, len, why, why_bytes);
    if (!v) return NULL;
    const char *fault = NULL;
    const json_t *workloads = json_object_get(v, "workloads"), *w;
    size_t i;
    if (!*json_str(v, "backend", "")) fault = "\"backend\" is missing";
    if (!json_is_array(workloads)) fault = "\"workloads\" is not a list";
    json_array_foreach(workloads, i, w) if (!*json_str(w, "name", "")) fault = "a workload has no name";
    if (!fault) return v;
    snprintf(why, why_bytes, "the description is malformed: %s", fault);
    json_decref(v);
    return NULL;
}
