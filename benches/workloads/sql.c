/* SQLite as a blocking driver: see sql.h. */
#include "sql.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "point.h"

enum { ROWS = 100 };

struct sql {
    sqlite3 *db;
    sqlite3_stmt *find;
    int next;
};

/* SQL's wait(ns): the time that a real query would take for its disk. */
static void sql_wait(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
    int64_t ns = argc == 1 ? sqlite3_value_int64(argv[0]) : 0;
    struct timespec left = {ns / 1000000000, ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left)) {}
    sqlite3_result_int(ctx, 0);
}

static bool set_up(struct sql *s) {
    static const char rows[] =
        "PRAGMA cache_size=-64; CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER);"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
        "INSERT INTO account SELECT i, i * 7 FROM n;";
    return sqlite3_open_v2(":memory:", &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                           NULL) == SQLITE_OK &&
           sqlite3_exec(s->db, rows, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(s->db, "wait", 1, SQLITE_UTF8, NULL, sql_wait, NULL, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(s->db, "SELECT balance, wait(?2) FROM account WHERE id = ?1", -1, &s->find, NULL) ==
               SQLITE_OK;
}

struct sql *sql_open(void) {
    struct sql *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    be_block_enter();
    bool ok = set_up(s);
    be_block_exit();
    if (ok) return s;
    sql_close(s);
    return NULL;
}

void sql_close(struct sql *s) {
    be_block_enter();
    sqlite3_finalize(s->find);
    sqlite3_close(s->db);
    be_block_exit();
    free(s);
}

bool sql_query(struct sql *s, int64_t ns) {
    int id = s->next;
    s->next = (s->next + 1) % ROWS;
    be_block_enter();
    sqlite3_bind_int(s->find, 1, id);
    sqlite3_bind_int64(s->find, 2, ns);
    bool ok = sqlite3_step(s->find) == SQLITE_ROW && sqlite3_column_int(s->find, 0) == id * 7;
    sqlite3_reset(s->find);
    be_block_exit();
    return ok;
}
