/* What the sections of the page are made of: cells and tables that sort and filter. Used by the report's own files. */
#ifndef TRINE_REPORT_PARTS_H
#define TRINE_REPORT_PARTS_H

#include "base/text.h"

void html_cell(struct strbuf *b, const char *text);
void html_backend_cell(struct strbuf *b, const char *backend); /* with its colour beside it */
void html_long_cell(struct strbuf *b, const char *text);       /* may break into lines */
/* Four significant digits, and the number itself for sorting; a dash where there is none. */
void html_number_cell(struct strbuf *b, double v);

/* The names of the columns are markup that the caller wrote; id is unique in the page. */
void html_open_table(struct strbuf *b, const char *id, const char *caption, const char *const *heads, size_t n);
void html_close_table(struct strbuf *b);
#endif
