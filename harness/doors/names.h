/*
 * names: words that choose among figures (--only, --backends, --canary). One that chooses nothing is refused: beside others it
 * would narrow what is judged, and a misspelt canary would be none, in silence. Floor 4; no state.
 */
#ifndef TRINE_HARNESS_NAMES_H
#define TRINE_HARNESS_NAMES_H

#include "base/err.h"
#include "base/text.h"

struct names_there {
    const char *of;       /* who has them: a run's name */
    const char *what;     /* what they are: "experiment or metric" */
    struct strlist names; /* each once */
};
void names_add(struct names_there *t, const char *name); /* "" is none */
void names_free(struct names_there *t);

/* Is each of `asked` there? 0, or 2 and e, which names the first that is not and all that are. */
int names_check(const char *option, const struct strlist *asked, const struct names_there *t, struct err *e);
/* "none" alone, where no name at all would mean the usual one. */
bool names_none(const struct strlist *asked);

#endif
