/* xml: text inside XML elements and attributes. Pure. */
#ifndef TRINE_HARNESS_XML_H
#define TRINE_HARNESS_XML_H

#include "base/text.h"

/* Adds s escaped; what XML 1.0 cannot hold (control characters, broken UTF-8) becomes '?'. */
void xml_text(struct strbuf *b, const char *s);

#endif
