/* compare: runs, builds, backends or machines side by side. */
#include "doors/compare.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIDES_MAX = 12 };

struct request {
    const char *base, *limit, *sort, *html;
    struct strlist only;
    bool json, markdown, force, machines;
};

static int print(const struct compare *c, const struct request *q, struct err *e) {
    if (q->json) {
        json_t *v = compare_json(c);
        char *text = json_pretty(v);
        puts(text);
        free(text);
        json_decref(v);
    } else if (q->markdown) {
        compare_print_markdown(stdout, c);
    } else {
        compare_print(stdout, c);
    }
    if (!q->html) return 0;
    char *page = compare_page(c);
    int rc = output_text(q->html, page, e);
    free(page);
    return rc;
}

static int compare(const struct side *sides, size_t n, const struct request *q, struct err *e) {
    struct compare c = {0};
    struct strlist marked = {0};
    int rc = side_refuse(sides, n, q->machines ? "machine,clock source" : "", q->force, &marked, e);
    if (!rc) rc = compare_make(&c, sides, n, q->base, q->limit, e);
    c.marked = marked;
    if (!rc) rc = compare_only(&c, &q->only, e);
    if (!rc) rc = compare_sort(&c, q->sort ? q->sort : "name", e);
    for (size_t i = 0; i < n && !rc; i++)
        cmd_tell("compare", &sides[i].notices);
    for (size_t i = 0; i < marked.n && !rc; i++)
        fprintf(stderr, "trine compare: the sides differ in %s\n", marked.v[i]);
    if (!rc) rc = print(&c, q, e);
    compare_free(&c);
    return rc;
}

int cmd_compare(int argc, char **argv) {
    struct request q = {0};
    const struct option_spec specs[] = {
        {.name = "base", .text = &q.base},         {.name = "limit", .text = &q.limit},
        {.name = "sort", .text = &q.sort},         {.name = "only", .list = &q.only},
        {.name = "json", .flag = &q.json},         {.name = "html", .text = &q.html},
        {.name = "markdown", .flag = &q.markdown}, {.name = "machines", .flag = &q.machines},
        {.name = "force", .flag = &q.force}};
    const char *names[SIDES_MAX];
    struct side sides[SIDES_MAX];
    struct err e;
    size_t n = 0, loaded = 0;
    int rc = options_parse(argc, argv, specs, sizeof specs / sizeof *specs, names, SIDES_MAX, &n);
    if (!rc) {
        rc = options_one_form(q.json, q.markdown, &e);
        if (!rc && n == 0) rc = err_set(&e, TRINE_EXIT_USAGE, "which runs? (trine compare --help)");
        while (!rc && loaded < n && !(rc = side_load(&sides[loaded], names[loaded], SIDE_FIGURES, &e))) loaded++;
        if (!rc) rc = compare(sides, n, &q, &e);
        if (rc) cmd_fail("compare", &e);
    }
    while (loaded) side_free(&sides[--loaded]);
    strlist_free(&q.only);
    return rc;
}
