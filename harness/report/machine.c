/* The machine: its topology as a drawing, and everything that env.json knows. */
#include "report/html.h"
#include "report/parts.h"

#include "base/file.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_DRAWN = 1024 };

static void definition(struct strbuf *b, const char *name, const char *value) {
    if (value == NULL || *value == '\0') return;
    strbuf_printf(b, "<dt>%s</dt><dd>", name), html_text(b, value), strbuf_puts(b, "</dd>");
}

/* What env.json says, member by member: nothing is left out because this file does not know it. */
static void env_members(struct strbuf *b, const json_t *o, const char *prefix) {
    const char *key;
    const json_t *v;

    json_object_foreach((json_t *)o, key, v) {
        char *name = xasprintf("%s%s", prefix, key), *text = NULL;

        if (strcmp(key, "schema") == 0 || strcmp(key, "version") == 0 || strcmp(key, "flags") == 0) {
        } else if (json_is_object(v) && !json_is_unavailable(v) && strlen(prefix) < 40) {
            char *deeper = xasprintf("%s ", name);

            env_members(b, v, deeper);
            free(deeper);
        } else if (json_is_null(v)) {
            definition(b, name, strcmp(key, "quota_cpus") == 0 ? "no quota" : "not known");
        } else {
            text = json_is_string(v) ? xstrdup(json_string_value(v))
                                     : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
            if (json_is_unavailable(v))
                free(text), text = xasprintf("unavailable: %s", json_str(v, "unavailable", ""));
            if (text && strlen(text) < 400) definition(b, name, text);
        }
        free(name), free(text);
    }
}

static const char *bytes_text(char *out, size_t size, int64_t bytes) {
    if (bytes >= 1 << 30)
        snprintf(out, size, "%.3g GiB", (double)bytes / (1 << 30));
    else if (bytes >= 1 << 20)
        snprintf(out, size, "%.4g MiB", (double)bytes / (1 << 20));
    else
        snprintf(out, size, "%.4g KiB", (double)bytes / 1024);
    return out;
}

/* Caches that `cpus` processors share, as one line: "L1d 32 KiB, L2 1 MiB". */
static void caches_of(struct strbuf *b, const json_t *topology, int64_t least, int64_t most) {
    const json_t *c;
    char size[32];
    size_t i, n = 0;

    json_array_foreach(json_object_get(topology, "caches"), i, c) {
        int64_t each = json_int(c, "cpus_each", 0);

        if (each < least || each > most) continue;
        strbuf_puts(b, n++ ? ", " : "<small>"), html_text(b, json_str(c, "level", "?"));
        strbuf_printf(b, " %s", bytes_text(size, sizeof size, json_int(c, "bytes", 0)));
        if (least > 1 && json_int(c, "count", 1) > json_int(topology, "packages", 1))
            strbuf_printf(b, " for each %lld CPUs", (long long)each);
    }
    if (n > 0) strbuf_puts(b, "</small>");
}

/* Boxes in boxes: a package, its cores with the caches of their own, in each its CPUs; below them what they share. */
static bool draw_map(struct strbuf *b, const json_t *topology) {
    const json_t *map = json_object_get(topology, "cpu_map"), *v;
    int64_t package = -1, core = -1, cpus = json_int(topology, "cpus", 0);
    int64_t threads = cpus / (json_int(topology, "cores", 0) > 0 ? json_int(topology, "cores", 0) : 1);
    size_t i;

    if (json_array_size(map) == 0 || json_array_size(map) > CPUS_DRAWN) return false;
    json_array_foreach(map, i, v) {
        bool new_package = json_int(v, "package", 0) != package, new_core = new_package || json_int(v, "core", 0) != core;

        if (core >= 0 && new_core) strbuf_puts(b, "</span>"), caches_of(b, topology, 1, threads), strbuf_puts(b, "</div>");
        if (package >= 0 && new_package)
            strbuf_puts(b, "</div>"), caches_of(b, topology, threads + 1, INT64_MAX), strbuf_puts(b, "</div>");
        package = json_int(v, "package", 0), core = json_int(v, "core", 0);
        if (new_package) strbuf_printf(b, "<div class=\"package\"><b>Package %lld</b><div>", (long long)package);
        if (new_core) strbuf_printf(b, "<div class=\"core\"><span>Core %lld", (long long)core);
        strbuf_printf(b, " <i>CPU %lld</i>", (long long)json_int(v, "cpu", 0));
    }
    strbuf_puts(b, "</span>"), caches_of(b, topology, 1, threads), strbuf_puts(b, "</div></div>");
    caches_of(b, topology, threads + 1, INT64_MAX), strbuf_puts(b, "</div>");
    return true;
}

void html_machine(struct strbuf *b, const struct rep_run *run) {
    const json_t *topology = json_object_get(run->env, "topology");
    int64_t cpus = json_int(topology, "cpus", 0);
    char size[32];

    strbuf_puts(b, "<h2 id=\"machine\">Machine</h2>");
    if (run->env_fault) strbuf_puts(b, "<p class=\"warn\">"), html_text(b, run->env_fault), strbuf_puts(b, "</p>");
    strbuf_puts(b, "<p>"), html_text(b, json_str(json_object_get(run->env, "cpu"), "model", "")), strbuf_puts(b, "</p>");
    strbuf_puts(b, "<div class=\"topo\" role=\"img\" aria-label=\"Topology\">");
    if (!draw_map(b, topology) && cpus > 0)
        strbuf_printf(b, "<div class=\"package\">%lld CPUs; how they hang together was not recorded</div>",
                      (long long)cpus);
    strbuf_puts(b, "</div>");
    if (json_int(run->env, "memory_bytes", 0) > 0)
        strbuf_printf(b, "<p class=\"dim\">%lld NUMA node%s, %s of memory</p>",
                      (long long)json_int(topology, "numa_nodes", 1), json_int(topology, "numa_nodes", 1) == 1 ? "" : "s",
                      bytes_text(size, sizeof size, json_int(run->env, "memory_bytes", 0)));
    strbuf_puts(b, "<details><summary>Everything known of it</summary><dl>");
    env_members(b, run->env, "");
    strbuf_puts(b, "</dl></details>");
}
