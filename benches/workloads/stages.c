/* Making, parsing, enriching and writing log entries: see stages.h. Any task may call, for an entry that it holds. */
#include "stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "params.h"
#include "random.h"

int stages_parse(const char *text, int64_t ns[STAGES_MAX]) {
    enum { MOST_US = 60000000 };
    char word[24];
    int n = 0;
    for (;;) {
        size_t length = strcspn(text, "+");
        int64_t us;
        if (length >= sizeof word || n == STAGES_MAX) return 0;
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        if (!parse_int(word, &us) || us < 0 || us > MOST_US) return 0;
        ns[n++] = us * 1000;
        if (text[length] == '\0') return n;
        text += length + 1;
    }
}

static bool parse(struct entry *e) {
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    char line[256];
    struct rng rng = {e->number};
    uint64_t r = rng_next(&rng);
    snprintf(line, sizeof line,
             "{\"time\":%llu,\"level\":\"%s\",\"service\":\"checkout-%llu\",\"client\":\"10.%llu.%llu.%llu\","
             "\"status\":%llu,\"ms\":%llu.%llu,\"tags\":[\"web\",\"eu\"]}",
             1700000000ull + (unsigned long long)e->number, levels[r % 4], (unsigned long long)(r >> 8) % 16,
             (unsigned long long)(r >> 16) % 256, (unsigned long long)(r >> 24) % 256,
             (unsigned long long)(r >> 32) % 256, 200ull + (unsigned long long)(r >> 40) % 4 * 100,
             (unsigned long long)(r >> 44) % 1000, (unsigned long long)(r >> 54) % 10);
    e->parsed = json_loads(line, 0, NULL);
    return e->parsed != NULL;
}

static bool enrich(struct entry *e, int stage) {
    char key[24];
    json_int_t status = json_integer_value(json_object_get(e->parsed, "status"));
    snprintf(key, sizeof key, "stage_%d", stage);
    return json_object_set_new(e->parsed, key, json_boolean(status >= 500 || stage % 2)) == 0;
}

static bool write_out(struct entry *e) {
    char *text = json_dumps(e->parsed, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t digest = 14695981039346656037u;         /* FNV-1a */
    for (const char *c = text; c && *c; c++) digest = (digest ^ (unsigned char)*c) * 1099511628211u;
    json_decref(e->parsed);
    e->parsed = NULL;
    e->digest = digest;
    free(text);
    return text != NULL;
}

bool stage_work(struct entry *e, int stage, int stages) {
    bool ok = stage > 0 || parse(e);
    if (ok && stage > 0 && stage < stages - 1) ok = enrich(e, stage);
    if (ok && stage == stages - 1) ok = write_out(e);
    return ok;
}
