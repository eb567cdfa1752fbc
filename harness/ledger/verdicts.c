/* verdicts: every claim judged on every backend, as claims.json holds it. */
#include "base/json.h"
#include "ledger/judge.h"
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All that the machine lacks of what a claim needs, or NULL. Caller frees. */
static char *lacking(const struct claim *c) {
    struct strbuf b = {0};
    char *why;
    for (size_t i = 0; i < c->needs.n; i++) {
        if (needs_check(c->needs.v[i], &why)) why = xasprintf("the record needs '%s', which is no resource", c->needs.v[i]);
        if (why) strbuf_printf(&b, "%s%s", b.len ? "; " : "", why);
        free(why);
    }
    return b.s;
}

static void add_text(json_t *o, const char *key, const char *text) {
    if (text) json_object_set_new(o, key, json_string(text));
}

static json_t *claim_json(const struct claim *c, const struct evidence *v, const struct strlist *backends,
                          const json_t *versions) {
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", c->id, "group", c->group, "statement", c->statement, "claimed",
                          c->claimed, "source", c->source);
    json_t *all = json_object();
    char *missing = lacking(c), *command = xasprintf("trine claims %s%s", c->id, c->full ? " --full" : "");
    if (!c->full) add_text(o, "scale", c->scale);
    add_text(o, "tolerance", c->tolerance);
    add_text(o, "falsifier", c->falsifier);
    add_text(o, "meaning", c->meaning);
    add_text(o, "command", command);
    json_object_set_new(o, "form", json_string(c->full ? "full" : "quick"));
    for (size_t i = 0; i < backends->n; i++) {
        json_t *one = judge(c, v, backends->v[i], missing);
        json_object_set(one, "version", json_object_get(versions, backends->v[i]));
        json_object_set_new(all, backends->v[i], one);
    }
    const char *own = json_str(json_object_get(all, "trine"), "verdict", "");
    const char *go = json_str(json_object_get(all, "go"), "verdict", "");
    bool differ = *own && *go && strcmp(own, go) != 0 && strncmp(go, "not ", 4) != 0 && strncmp(own, "not ", 4) != 0;
    json_object_set_new(o, "trine_and_go_differ", json_boolean(differ));
    add_text(o, "differs", c->differs);
    json_object_set_new(o, "backends", all);
    free(command);
    free(missing);
    return o;
}

json_t *ledger_judge(const struct ledger *l, const json_t *points, const struct strlist *backends,
                     const json_t *versions) {
    struct evidence v;
    json_t *list = json_array();
    evidence_make(&v, points, (int)sysconf(_SC_NPROCESSORS_ONLN));
    for (size_t i = 0; i < l->n; i++) json_array_append_new(list, claim_json(&l->v[i], &v, backends, versions));
    evidence_free(&v);
    return list;
}
