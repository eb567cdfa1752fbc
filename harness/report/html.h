/* The sections of the page, each appended to a buffer. */
#ifndef TRINE_REPORT_HTML_H
#define TRINE_REPORT_HTML_H

#include "report/figures.h"

void html_text(struct strbuf *b, const char *text); /* escaped */

void html_verdicts(struct strbuf *b, const struct rep_run *run);
void html_claims(struct strbuf *b, const struct rep_run *run); /* nothing without claims.json */
/* The ratios, with their figure; nothing without peers.json. */
void html_peers(struct strbuf *b, const struct rep_run *run, const struct figure *f, size_t n);
void html_validity(struct strbuf *b, const struct rep_run *run);
void html_results(struct strbuf *b, const struct rep_run *run);
void html_machine(struct strbuf *b, const struct rep_run *run);
void html_figure(struct strbuf *b, const struct figure *f);
void html_undrawn(struct strbuf *b, const struct figure *f, size_t n); /* those without data: names and reason */
/* The changes of level, with their figure; without history.json it says so. */
void html_history(struct strbuf *b, const struct rep_run *run, const struct figure *f, size_t n);
void html_troubles(struct strbuf *b,
                   const struct rep_run *run); /* failed, skipped, invalid points with reasons */
void html_repeat(struct strbuf *b, const struct rep_run *run);
#endif
