/* Reading requests and writing answers: see http.h. A connection belongs to one task. */
#include "http.h"

#include <stdio.h>
#include <string.h>

#include "point.h"

/* The length of the whole head that the buffer begins with, 0 when there is none yet. */
static size_t head_length(const struct http *h) {
    const char *end = memmem(h->head, h->have, "\r\n\r\n", 4);
    return end ? (size_t)(end - h->head) + 4 : 0;
}

bool http_request(struct http *h) {
    size_t length;
    while (!(length = head_length(h))) {
        if (h->have == sizeof h->head) return false;
        ssize_t got = be_net_read(h->fd, h->head + h->have, sizeof h->head - h->have);
        if (got <= 0) return false;
        h->have += (size_t)got;
    }
    bool get = length > 4 && !memcmp(h->head, "GET ", 4) && memmem(h->head, length, " HTTP/1.1\r\n", 11);
    memmove(h->head, h->head + length, h->have - length);
    h->have -= length;
    return get;
}

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    }
    return "Error";
}

bool http_answer(struct http *h, int status) {
    char text[256], body[64];
    int length = snprintf(body, sizeof body, "{\"status\":\"%s\"}\n", reason(status));
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status,
                     reason(status), length, body);
    return be_net_write(h->fd, text, (size_t)n) == n;
}
