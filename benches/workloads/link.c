/* Queries over a connection of one's own: see link.h. */
#include "link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "point.h"

/* Loopback completes a connection at once, so connect(2) itself never blocks a thread for long. */
int link_open(const struct sockaddr_in *addr, bool blocking) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;
    if (fd < 0) return -errno;
    if (blocking) err = connect(fd, (const struct sockaddr *)addr, sizeof *addr) < 0 ? -errno : 0;
    else if (!(err = be_net_open(fd))) err = be_net_connect(fd, (const struct sockaddr *)addr, sizeof *addr);
    if (!err) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    link_close(fd, blocking);
    return err;
}

void link_close(int fd, bool blocking) {
    if (blocking) close(fd);
    else be_net_close(fd);
}

static ssize_t send_query(int fd, bool blocking, const struct service_query *q) {
    if (!blocking) return be_net_write(fd, q, sizeof *q);
    ssize_t put = send(fd, q, sizeof *q, MSG_NOSIGNAL);      /* eight bytes fit into the socket's buffer */
    return put < 0 ? -errno : put;
}

int link_query(int fd, bool blocking, uint32_t wait_us) {
    struct service_query q = {1, wait_us};
    struct service_reply reply;
    ssize_t got = send_query(fd, blocking, &q);
    if (got != (ssize_t)sizeof q) return got < 0 ? (int)got : -ECONNRESET;
    for (size_t at = 0; at < sizeof reply; at += (size_t)got) {
        char *to = (char *)&reply + at;
        size_t n = sizeof reply - at;
        got = blocking ? be_read_blocking(fd, to, n) : be_net_read(fd, to, n);
        if (got <= 0) return got < 0 ? (int)got : -ECONNRESET;
    }
    return (int)reply.status;
}
