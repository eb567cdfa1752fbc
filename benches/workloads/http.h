/* As much of HTTP/1.1 as a service behind a load balancer needs: GET without a body, kept-alive connections. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 1024 };

struct http {
    int fd;
    size_t have;
    char head[HTTP_HEAD_MAX];
};

/* Reads up to the end of the next request's head. False: the connection has ended, or sent what is no GET. */
bool http_request(struct http *h);
/* False: the connection is gone. */
bool http_answer(struct http *h, int status);
