/* ini: a record file as a list of entries that know their lines. */
#ifndef TRINE_HARNESS_LEDGER_INI_H
#define TRINE_HARNESS_LEDGER_INI_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ini_entry {
    char *section, *key, *value; /* value: continuation lines are joined by a blank */
    int line, section_line;
};

struct ini {
    struct ini_entry *v;
    size_t n;
};

/*
 * [section], key = value, '#' or ';' at the start of a line for a comment; a line that begins with a blank
 * goes on with the value above. A key twice in a section is refused.
 */
int ini_read(struct ini *ini, const char *path, const char *text, struct err *e);
void ini_free(struct ini *ini);

const struct ini_entry *ini_find(const struct ini *ini, const char *section, const char *key);

#endif
