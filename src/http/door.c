/* Owns the end of the listening sockets: whoever has begun to connect is let in, everybody else meets the process that
 * takes the port over, or nobody. Main thread; is_last_visitor on the event loops. */
#include <errno.h>
#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

#include "http/exchange.h"

/* For the last instant of a listening socket: what opens a connection (SYN without ACK) is dropped like a lost packet, so
 * that whoever sends it tries again a second later. Without this, the kernel resets those who come between the last
 * look at the socket and its end. Where it cannot be had, that instant stays. */
static void refuse_to_open(MHD_socket listener)
{
	enum { TCP_FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
	struct sock_filter steps[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_AT),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};
	(void)setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

/* Takes whoever has connected already. */
static void last_visitors(struct http_server *s, struct MHD_Daemon *d, MHD_socket listener)
{
	enum { MORE_MAX = 2048 }; /* than the backlog holds */
	struct sockaddr_storage from;
	for (int i = 0; i < MORE_MAX; i++) {
		socklen_t length = sizeof from;
		int fd = accept4(listener, (struct sockaddr *)&from, &length,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			break;
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
		atomic_fetch_add(&s->arriving, 1);
		if (MHD_add_connection(d, fd, (struct sockaddr *)&from, length) != MHD_YES)
			atomic_fetch_sub(&s->arriving, 1); /* and it is closed */
	}
}

/* Whether last_visitors has let it in: those that the library accepted itself have no such mark. */
bool door_is_last_visitor(int fd)
{
	int marked = 0;
	socklen_t length = sizeof marked;
	return !getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &marked, &length) && marked;
}

/* A listening socket that nobody accepts from would go on collecting visitors until it is closed, and the kernel resets
 * them then. */
void door_close(struct http_server *s, MHD_socket *listeners)
{
	for (int i = 0; i < s->daemons_count; i++) {
		listeners[i] = MHD_quiesce_daemon(s->daemons[i]);
		if (listeners[i] < 0)
			continue;
		last_visitors(s, s->daemons[i], listeners[i]);
		refuse_to_open(listeners[i]);
		last_visitors(s, s->daemons[i], listeners[i]);
		shutdown(listeners[i], SHUT_RD);
	}
}
