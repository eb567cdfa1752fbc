/* err: see err.h. No state. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_set(struct err *e, int code, const char *fmt, ...) {
    va_list ap;
    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    for (char *p = e->text; *p; p++)
        if (*p == '\n' || *p == '\r') *p = ' '; /* the contract is one line */
    return code;
}
