/* names: see names.h. */
#include "doors/names.h"

#include <stdlib.h>
#include <string.h>

void names_add(struct names_there *t, const char *name) {
    if (*name && !strlist_has(&t->names, name)) strlist_add(&t->names, name);
}

void names_free(struct names_there *t) {
    strlist_free(&t->names);
}

bool names_none(const struct strlist *asked) {
    return asked->n == 1 && strcmp(asked->v[0], "none") == 0;
}

int names_check(const char *option, const struct strlist *asked, const struct names_there *t, struct err *e) {
    char hint[96];
    for (size_t i = 0; i < asked->n; i++) {
        const char *name = asked->v[i];
        if (strlist_has(&t->names, name)) continue;
        char *all = strlist_join(&t->names, ", ");
        err_set(e, TRINE_EXIT_USAGE, "%s %s: %s has no %s of that name%s (there are: %s)", option, name, t->of, t->what,
                did_you_mean(hint, sizeof hint, name, (const char *const *)t->names.v, t->names.n), *all ? all : "none");
        free(all);
        return e->code;
    }
    return 0;
}
