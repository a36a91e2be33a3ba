#include "comm/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

/* Bind to *port, and say which it has become. */
static int bind_to(int fd, int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
		.sin_port = htons((uint16_t)*port) };
	socklen_t n = sizeof at;

	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	*port = ntohs(at.sin_port);
	return 0;
}

int socket_listen(int *port, char err[ERR_MAX])
{
	int fd = socket(AF_INET, SOCK_STREAM | FLAGS, 0), yes = 1;

	/* A port that the job before this one has just left is free. */
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (fd >= 0 && bind_to(fd, port) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	fail(err, "rank 0 cannot listen on port %d: %s", *port, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Small messages must not wait to be joined to larger ones. */
static void at_once(int fd)
{
	int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

int socket_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, FLAGS);

	if (fd >= 0)
		at_once(fd);
	return fd;
}

int socket_resolve(struct sockaddr_in *to, const char *host, int port, char err[ERR_MAX])
{
	const struct addrinfo wanted = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char own[256] = "";
	int rc;

	gethostname(own, sizeof own - 1);
	rc = getaddrinfo(strcmp(host, own) == 0 ? "127.0.0.1" : host, NULL, &wanted, &found);
	if (rc != 0)
		return fail(err, "the address of the host '%.200s' is not known: %s", host,
			gai_strerror(rc));
	memcpy(to, found->ai_addr, sizeof *to);
	to->sin_port = htons((uint16_t)port);
	freeaddrinfo(found);
	return 0;
}

/* Until fd is ready, one look at most so many seconds long. */
static void wait_ready(int fd, short events, double seconds)
{
	struct pollfd p = { .fd = fd, .events = events };

	poll(&p, 1, seconds > 0 ? (int)(1000 * seconds) + 1 : 0);
}

int socket_connect(const struct sockaddr_in *to, double seconds)
{
	int fd = socket(AF_INET, SOCK_STREAM | FLAGS, 0), error = 0;
	socklen_t n = sizeof error;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0) {
		error = errno;
		if (error == EINPROGRESS) {
			struct sockaddr_in other;
			socklen_t length = sizeof other;

			wait_ready(fd, POLLOUT, seconds);
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
			/* No error, and nobody there: it was the time that ended. */
			if (error == 0 && getpeername(fd, (struct sockaddr *)&other, &length) != 0)
				error = ETIMEDOUT;
		}
	}
	if (error == 0) {
		at_once(fd);
		return fd;
	}
	close(fd);
	return -1;
}

static long moved(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

long socket_send(int fd, const void *bytes, size_t n, int more)
{
	return moved(send(fd, bytes, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
}

static long take(int fd, void *bytes, size_t n, int flags)
{
	ssize_t got = recv(fd, bytes, n, flags);

	return got == 0 && n > 0 ? -1 : moved(got);
}

long socket_receive(int fd, void *bytes, size_t n)
{
	return take(fd, bytes, n, 0);
}

long socket_peek(int fd, void *bytes, size_t n)
{
	return take(fd, bytes, n, MSG_PEEK);
}

int socket_send_all(int fd, const void *bytes, size_t n, double seconds)
{
	double end = clock_seconds() + seconds;
	size_t done = 0;

	for (;;) {
		long sent = socket_send(fd, (const char *)bytes + done, n - done, 0);

		done += sent > 0 ? (size_t)sent : 0;
		if (done == n)
			return 0;
		if (sent < 0 || clock_seconds() > end)
			return -1;
		wait_ready(fd, POLLOUT, end - clock_seconds());
	}
}

int socket_receive_all(int fd, void *bytes, size_t n, double seconds)
{
	double end = clock_seconds() + seconds;
	size_t done = 0;

	for (;;) {
		long got = socket_receive(fd, (char *)bytes + done, n - done);

		done += got > 0 ? (size_t)got : 0;
		if (done == n)
			return 0;
		if (got < 0 || clock_seconds() > end)
			return -1;
		wait_ready(fd, POLLIN, end - clock_seconds());
	}
}

int socket_is_closed(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

int socket_datagrams(int *port, char err[ERR_MAX])
{
	int fd = socket(AF_INET, SOCK_DGRAM | FLAGS, 0);

	*port = 0;
	if (fd >= 0 && bind_to(fd, port) == 0)
		return fd;
	fail(err, "no socket for datagrams: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
