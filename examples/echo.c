/*
 * echo.c: a TCP echo server, one goroutine a connection, written as if every call blocked.
 *
 *   echo PORT      serves on 127.0.0.1:PORT until it is killed; try it with: nc 127.0.0.1 PORT
 *   echo           takes a free port, talks to itself over 100 connections, and ends
 *
 * trine_accept, trine_read and trine_write park the goroutine in the network poller and leave the thread
 * to others.
 */
#include <trine.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NCLIENTS = 100, NMESSAGES = 10 };

struct server {
    int listener;
    struct sockaddr_in address;
    bool talks_to_itself;
    int status;
};

static void serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buffer[4096];
    for (ssize_t n; (n = trine_read(fd, buffer, sizeof buffer)) > 0;) {
        if (trine_write(fd, buffer, (size_t)n) != n) break;
    }
    trine_close(fd);
}

static void accept_all(void *arg)
{
    struct server *s = arg;
    for (int fd; (fd = trine_accept(s->listener, NULL, NULL)) >= 0;) {
        if (trine_go(serve, (void *)(intptr_t)fd) != 0) trine_close(fd);
    }
}

struct client {
    struct server *server;
    trine_wg *all;
    int number, answered;
};

/* Reads n bytes: a stream may hand an answer over in pieces. */
static bool read_all(int fd, char *to, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t more = trine_read(fd, to + have, n - have);
        if (more <= 0) return false;
        have += (size_t)more;
    }
    return true;
}

static void talk(void *arg)
{
    struct client *c = arg;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && trine_open_fd(fd) == 0 &&
        trine_connect(fd, (struct sockaddr *)&c->server->address, sizeof c->server->address) == 0) {
        for (int i = 0; i < NMESSAGES; i++) {
            char said[64], heard[64];
            int n = snprintf(said, sizeof said, "client %d, message %d\n", c->number, i);
            if (trine_write(fd, said, (size_t)n) != n || !read_all(fd, heard, (size_t)n)) break;
            c->answered += memcmp(said, heard, (size_t)n) == 0;
        }
    }
    if (fd >= 0) trine_close(fd);
    trine_wg_done(c->all);
}

static void start(void *arg)
{
    struct server *s = arg;
    s->status = 1;
    if (trine_open_fd(s->listener) != 0) return;
    if (!s->talks_to_itself) {
        accept_all(s);
        return;
    }
    static struct client clients[NCLIENTS];
    trine_wg all = {0};
    int answered = 0;
    if (trine_go(accept_all, s) != 0) return;
    for (int i = 0; i < NCLIENTS; i++) {
        clients[i] = (struct client){.server = s, .all = &all, .number = i};
        trine_wg_add(&all, 1);
        if (trine_go(talk, &clients[i]) != 0) trine_wg_done(&all);
    }
    trine_wg_wait(&all);
    for (int i = 0; i < NCLIENTS; i++) answered += clients[i].answered;
    printf("%d connections, %d of %d messages came back\n", NCLIENTS, answered, NCLIENTS * NMESSAGES);
    s->status = answered == NCLIENTS * NMESSAGES ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct server s = {.talks_to_itself = argc < 2};
    int port = argc > 1 ? atoi(argv[1]) : 0;
    socklen_t size = sizeof s.address;
    if (argc > 2 || (argc == 2 && (port < 1 || port > 65535))) {
        fprintf(stderr, "usage: echo [PORT], PORT from 1 to 65535\n");
        return 2;
    }
    s.address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(s.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (s.listener < 0 || bind(s.listener, (struct sockaddr *)&s.address, size) != 0 ||
        listen(s.listener, 128) != 0 ||
        getsockname(s.listener, (struct sockaddr *)&s.address, &size) != 0) {
        perror("echo");
        return 4;
    }
    return trine_run(NULL, start, &s) == 0 ? s.status : 1;
}
