/* xml: see xml.h. */
#include "base/xml.h"

#include <string.h>

/* Bytes of the UTF-8 character at s; 0 when there is none. */
static size_t character(const unsigned char *s) {
    size_t n = *s < 0x80                 ? 1
               : *s >= 0xc2 && *s < 0xe0 ? 2
               : *s >= 0xe0 && *s < 0xf0 ? 3
               : *s >= 0xf0 && *s < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return n;
}

void xml_text(struct strbuf *b, const char *s) {
    while (*s) {
        size_t n = character((const unsigned char *)s);
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
