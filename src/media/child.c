/* The child: looks at one picture, the file that is fd 0, writes it as WebP to fd 3, a thumbnail to fd 4, and a line of JSON to
 * fd 1. A process of its own with one job; before it looks at a byte of the picture it has given up memory,
 * time, files, network and starting others. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image/blurhash.h"
#include "image/upload.h"
#include "media/process.h"

enum { MEMORY_MAX_BYTES_LOG2 = 31, CPU_MAX_S = 15, EXIT_UNREADABLE = 2, EXIT_LARGE = 3 };

/* AddressSanitizer lays out terabytes of addresses that nobody fills. */
#if defined(__SANITIZE_ADDRESS__)
#define ADDRESSES_LIMITED false
#elif defined(__has_feature)
#define ADDRESSES_LIMITED !__has_feature(address_sanitizer)
#else
#define ADDRESSES_LIMITED true
#endif

static void set_limits(void)
{
	const struct rlimit memory = {1ul << MEMORY_MAX_BYTES_LOG2, 1ul << MEMORY_MAX_BYTES_LOG2};
	const struct rlimit cpu = {CPU_MAX_S, CPU_MAX_S}, core = {0, 0},
			    file = {64ul << 20, 64ul << 20};
	if (ADDRESSES_LIMITED)
		setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_FSIZE, &file);
}

/* Refuses the system calls by which a broken decoder could reach out. Threads and memory stay; where the
 * kernel has no seccomp, the limits above are what there is. */
static void set_filter(void)
{
#ifdef __x86_64__
	static const int refused[] = {SYS_socket,
				      SYS_connect,
				      SYS_bind,
				      SYS_execve,
				      SYS_execveat,
				      SYS_fork,
				      SYS_vfork,
				      SYS_ptrace,
				      SYS_kill,
				      SYS_tkill,
				      SYS_unlink,
				      SYS_unlinkat,
				      SYS_rename,
				      SYS_openat2,
				      SYS_mount,
				      SYS_mkdir,
				      SYS_mkdirat,
				      SYS_chmod,
				      SYS_fchmod,
				      SYS_link,
				      SYS_symlink,
				      SYS_bpf,
				      SYS_setuid,
				      SYS_process_vm_readv,
				      SYS_process_vm_writev};
	enum { N = sizeof refused / sizeof *refused };
	struct sock_filter filter[N + 7];
	int n = 0;
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, arch));
	filter[n++] =
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr));
	for (int i = 0; i < N; i++)
		filter[n++] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], (unsigned char)(N - i), 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog program = {.len = (unsigned short)n, .filter = filter};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

/* How large a picture may be is said in one place, the setting `upload_mib_max`: the file is mapped, not copied, so that
 * the largest leaves room for its pixels. NULL: there is nothing to look at. */
static const void *map_input(size_t *length)
{
	struct stat st;
	if (fstat(0, &st) || st.st_size <= 0)
		return NULL;
	*length = (size_t)st.st_size;
	const void *bytes = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, 0, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}

static bool write_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->length;) {
		ssize_t n = write(fd, b->data + at, b->length - at);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

int media_child_main(void)
{
	size_t length = 0;
	struct err e = {0};
	struct image_upload made;
	set_limits();
	if (!image_upload_init(&e))
		return 1;
	set_filter();
	const void *bytes = map_input(&length);
	if (!bytes || !image_upload_make(bytes, length, &made, &e))
		return e.code == ERR_TOO_LARGE ? EXIT_LARGE : EXIT_UNREADABLE;
	char blurhash[BLURHASH_SIZE];
	blurhash_make(made.tiny, made.tiny_width, made.tiny_height, blurhash);
	struct buf report;
	buf_init(&report, 1024);
	buf_printf(&report,
		   "{\"width\":%d,\"height\":%d,\"thumbnail_width\":%d,\"thumbnail_height\":%d,"
		   "\"transparent\":%s,\"blurhash\":\"",
		   made.width, made.height, made.thumbnail_width, made.thumbnail_height,
		   made.transparent ? "true" : "false");
	for (const char *c = blurhash; *c;
	     c++) /* of its 83 characters none but these needs care in JSON */
		buf_printf(&report, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	buf_add_str(&report, "\"}");
	return write_all(3, &made.picture) && write_all(4, &made.thumbnail) && write_all(1, &report)
		   ? 0
		   : 1;
}
