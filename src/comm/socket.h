#ifndef COMM_SOCKET_H
#define COMM_SOCKET_H

#include <netinet/in.h>
#include <stddef.h>

#include "base/die.h"

/* Sockets of IPv4 that never block, nor outlive an exec.  File descriptors are the caller's to
 * close. */

/* Listen at the port on all interfaces; 0: any, *port is then which.  -1 with err: it is in use ...
 */
int socket_listen(int *port, char err[ERR_MAX]);

/* The next connection to a listening socket, or -1: none has come. */
int socket_accept(int listener);

/* The address of HOST (a name or numbers; this host's own name is 127.0.0.1). */
int socket_resolve(struct sockaddr_in *to, const char *host, int port, char err[ERR_MAX]);

/* Connect within so many seconds; -1: nobody answers there. */
int socket_connect(const struct sockaddr_in *to, double seconds);

/* What goes, or has come, at once, up to n bytes: how many, 0 for none yet; -1: the other side is
 * gone.  more: more is sent soon, which may travel together. */
long socket_send(int fd, const void *bytes, size_t n, int more);
long socket_receive(int fd, void *bytes, size_t n);

/* All n bytes within so many seconds: 0, or -1. */
int socket_send_all(int fd, const void *bytes, size_t n, double seconds);
int socket_receive_all(int fd, void *bytes, size_t n, double seconds);

/* Look at what has come without taking it; as socket_receive. */
long socket_peek(int fd, void *bytes, size_t n);

/* Has the other side closed?  What it sent before may still be there. */
int socket_is_closed(int fd);

/* A socket for datagrams, on any port; *port is which.  -1 with err. */
int socket_datagrams(int *port, char err[ERR_MAX]);

#endif
