/* xml: see xml.h. */
#include "base/xml.h"

#include <string.h>

void xml_text(struct strbuf *b, const char *s) {
    while (*s) {
        size_t n = utf8_bytes(s);
        if (*s == '<')
            strbuf_puts(b, "&lt;");
        else if (*s == '>')
            strbuf_puts(b, "&gt;");
        else if (*s == '&')
            strbuf_puts(b, "&amp;");
        else if (*s == '"')
            strbuf_puts(b, "&quot;");
        else if (n == 0 || ((unsigned char)*s < 0x20 && !strchr("\t\n\r", *s)))
            strbuf_puts(b, "?");
        else
            strbuf_add(b, s, n);
        s += n ? n : 1;
    }
}
