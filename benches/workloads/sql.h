/*
 * An embedded, blocking database: SQLite in memory, one handle a connection. A call blocks its kernel thread,
 * and the backend is told so. A handle belongs to one task at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sql;

struct sql *sql_open(void);          /* NULL: no memory */
void sql_close(struct sql *s);

/* Looks a row up, checks it, and takes at least ns, asleep inside the library. False: the answer was wrong. */
bool sql_query(struct sql *s, int64_t ns);
