/*
 * The way of one network into one container: a TUN device in the container's network namespace, which has nothing else.
 *
 *   tunnel <pid> <device> <address> <netmask> <uid> <gid>     (addresses as decimal numbers)
 *   tunnel probe                                              only tries whether devices can be made in a namespace
 *
 * It begins as root in the directory where it is to listen, makes its socket there, enters the namespace of the
 * process, makes and configures the device, and then becomes a user without any rights. It says `ok` on stdout, or what
 * failed and the number why. It ends with its parent, or with its stdin.
 *
 * Whoever connects to the socket says with eight bytes what for; each connection is served by a process of its own.
 *   'P'                     packets: each way, frames of a 16-bit length (big-endian) and a packet
 *   'C' 0 <port> <address>  a TCP connection from within the namespace (big-endian): answered with a 32-bit error number
 *                           (0: connected) in the machine's order, then the bytes as they are
 *
 * Packets are taken from the device only as fast as the connection takes them; the kernel drops the rest, as with any
 * full link. Compiled by scripts/build-docker-programs.mjs into binaries.ts.
 */

#include "../native/platform.h"

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_ioctl = 16, SYS_socket = 41, SYS_connect = 42, SYS_shutdown = 48,
  SYS_bind = 49, SYS_listen = 50, SYS_getsockopt = 55, SYS_clone = 56, SYS_wait4 = 61, SYS_setgroups = 116,
  SYS_setresuid = 117, SYS_setresgid = 119, SYS_prctl = 157, SYS_exit_group = 231, SYS_openat = 257,
  SYS_readlinkat = 267, SYS_ppoll = 271, SYS_unshare = 272, SYS_accept4 = 288, SYS_setns = 308,
};
#else
enum {
  SYS_ioctl = 29, SYS_openat = 56, SYS_close = 57, SYS_read = 63, SYS_write = 64, SYS_ppoll = 73, SYS_readlinkat = 78,
  SYS_exit_group = 94, SYS_unshare = 97, SYS_setresuid = 147, SYS_setresgid = 149, SYS_setgroups = 159, SYS_prctl = 167,
  SYS_socket = 198, SYS_bind = 200, SYS_listen = 201, SYS_connect = 203, SYS_getsockopt = 209, SYS_shutdown = 210,
  SYS_clone = 220, SYS_accept4 = 242, SYS_wait4 = 260, SYS_setns = 268,
};
#endif

enum { AT_FDCWD = -100, O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_NONBLOCK = 04000, O_CLOEXEC = 02000000 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLRDHUP = 0x2000 };
enum { AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2, SOL_SOCKET = 1, SO_ERROR = 4, SHUT_WR = 1 };
enum { EINTR = 4, EAGAIN = 11, EINVAL = 22, ETIMEDOUT = 110, EINPROGRESS = 115 };
enum { PR_SET_PDEATHSIG = 1, PR_SET_DUMPABLE = 4, PR_SET_NO_NEW_PRIVS = 38, SIGKILL = 9, SIGCHLD = 17, WNOHANG = 1 };
enum { CLONE_NEWNET = 0x40000000, TUNSETIFF = 0x400454ca, IFF_TUN = 1, IFF_NO_PI = 0x1000, IFF_UP = 1 };
enum { SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891c, SIOCSIFMTU = 0x8922 };

enum { MTU = 8192, HEADER = 8, PUMP = 1 << 16, MAX_CONNECTIONS = 128, HELLO_SECONDS = 10, CONNECT_SECONDS = 30 };

struct pollfd { int fd; short events; short revents; };
struct timespec { long seconds; long nanoseconds; };
struct internet { u16 family; u16 port; u32 address; u8 zero[8]; };
struct local { u16 family; char path[108]; };
struct request { char name[16]; union { struct internet address; short flags; int mtu; u8 all[24]; } value; };

static int device, door;

static void leave(int code) { for (;;) call(SYS_exit_group, code, 0, 0, 0, 0); }
static void shut(int fd) { call(SYS_close, fd, 0, 0, 0, 0); }
static long get(int fd, void *to, u64 n) { return call(SYS_read, fd, (long)to, (long)n, 0, 0); }
static long put(int fd, const void *from, u64 n) { return call(SYS_write, fd, (long)from, (long)n, 0, 0); }
static long file(const char *path, int flags) { return call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0, 0); }
static long wait_for(struct pollfd *fds, u64 n, long seconds) {
  struct timespec limit = { seconds, 0 };
  return call(SYS_ppoll, (long)fds, (long)n, seconds ? (long)&limit : 0, 0, 8);
}
static u16 swap(u16 n) { return (u16)(n << 8 | n >> 8); }

static u64 copy(char *to, const char *from, u64 room) {
  u64 n = 0;
  while (n + 1 < room && from[n]) { to[n] = from[n]; n++; }
  to[n] = 0;
  return n;
}

static char *decimal(char *to, u64 n) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + n % 10); while (n /= 10);
  while (count) *to++ = digits[--count];
  return to;
}

static u64 number(const char *text) {
  u64 n = 0;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return ~0UL;
    n = n * 10 + (u64)(*text - '0');
  }
  return n;
}

/* What did not work, and why; nothing to be done but to tell. */
static long must(const char *step, long result) {
  if (result >= 0) return result;
  char line[64];
  u64 n = copy(line, step, 40);
  line[n++] = ' ';
  char *end = decimal(line + n, (u64)-result);
  *end++ = '\n';
  put(1, line, (u64)(end - line));
  leave(1);
  return 0;
}

static void path_of(char *to, const char *pid) {
  u64 n = copy(to, "/proc/", 16);
  n += copy(to + n, pid, 16);
  copy(to + n, "/ns/net", 16);
}

/* A container that shares the machine's network is none to make devices in. */
static void enter(const char *pid) {
  char theirs[64], names[2][64];
  path_of(theirs, pid);
  const char *paths[2] = { "/proc/self/ns/net", theirs };
  u64 same = 1;
  for (int i = 0; i < 2; i++) {
    memset(names[i], 0, 64);
    must("namespace", call(SYS_readlinkat, AT_FDCWD, (long)paths[i], (long)names[i], 63, 0));
  }
  for (int i = 0; i < 64; i++) same &= names[0][i] == names[1][i];
  if (same) must("shared", -EINVAL);
  int fd = (int)must("namespace", file(theirs, O_RDONLY));
  must("setns", call(SYS_setns, fd, CLONE_NEWNET, 0, 0, 0));
  shut(fd);
}

static void configure(const char *name, u32 address, u32 mask) {
  struct request request;
  device = (int)must("tun", file("/dev/net/tun", O_RDWR | O_NONBLOCK));
  memset(&request, 0, sizeof request);
  copy(request.name, name, sizeof request.name);
  request.value.flags = IFF_TUN | IFF_NO_PI;
  must("device", call(SYS_ioctl, device, TUNSETIFF, (long)&request, 0, 0));

  /* Nothing of IPv6 goes through; so the kernel need not try. */
  char path[80];
  u64 n = copy(path, "/proc/sys/net/ipv6/conf/", sizeof path);
  n += copy(path + n, name, 16);
  copy(path + n, "/disable_ipv6", sizeof path - n);
  long ipv6 = file(path, O_WRONLY);
  if (ipv6 >= 0) { put((int)ipv6, "1", 1); shut((int)ipv6); }

  int fd = (int)must("socket", call(SYS_socket, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0, 0, 0));
  memset(&request.value, 0, sizeof request.value);
  request.value.mtu = MTU;
  must("mtu", call(SYS_ioctl, fd, SIOCSIFMTU, (long)&request, 0, 0));
  memset(&request.value, 0, sizeof request.value);
  request.value.address.family = AF_INET;
  request.value.address.address = __builtin_bswap32(address);
  must("address", call(SYS_ioctl, fd, SIOCSIFADDR, (long)&request, 0, 0));
  request.value.address.address = __builtin_bswap32(mask);
  must("netmask", call(SYS_ioctl, fd, SIOCSIFNETMASK, (long)&request, 0, 0));
  memset(&request.value, 0, sizeof request.value);
  request.value.flags = IFF_UP;
  must("up", call(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&request, 0, 0));
  shut(fd);
}

static void end_with_parent(void) { call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

static void drop(u64 uid, u64 gid) {
  must("setgroups", call(SYS_setgroups, 0, 0, 0, 0, 0));
  must("setgid", call(SYS_setresgid, (long)gid, (long)gid, (long)gid, 0, 0));
  must("setuid", call(SYS_setresuid, (long)uid, (long)uid, (long)uid, 0, 0));
  must("privileges", call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  /* A change of user has forgotten it. */
  end_with_parent();
}

static u8 inbox[2 + MTU + PUMP], outbox[2 + MTU];

/* Frames that have come whole go to the device, which refuses what is no packet; a frame that cannot be ends it all. */
static u64 deliver(u64 filled) {
  u64 at = 0;
  while (filled - at >= 2) {
    u64 size = (u64)inbox[at] << 8 | inbox[at + 1];
    if (size == 0 || size > MTU) leave(65);
    if (filled - at < 2 + size) break;
    put(device, inbox + at + 2, size);
    at += 2 + size;
  }
  /* Forwards, so it may overlap. */
  memcpy(inbox, inbox + at, filled - at);
  return filled - at;
}

static void packets(int line) {
  u64 filled = 0, sent = 0, size = 0;
  for (;;) {
    struct pollfd fds[2] = { { line, POLLIN, 0 }, { device, POLLIN, 0 } };
    if (size) { fds[0].events |= POLLOUT; fds[1].fd = -1; }
    wait_for(fds, 2, 0);
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
      long got = get(line, inbox + filled, sizeof inbox - filled);
      if (got == 0 || (got < 0 && got != -EAGAIN && got != -EINTR)) leave(0);
      if (got > 0) filled = deliver(filled + (u64)got);
    }
    if (!size && fds[1].revents) {
      long got = get(device, outbox + 2, MTU);
      if (got > 0) {
        size = 2 + (u64)got;
        sent = 0;
        outbox[0] = (u8)(got >> 8);
        outbox[1] = (u8)got;
      } else if (got != -EAGAIN && got != -EINTR) leave(66);
    }
    if (size) {
      long done = put(line, outbox + sent, size - sent);
      if (done < 0 && done != -EAGAIN && done != -EINTR) leave(0);
      if (done > 0 && (sent += (u64)done) == size) size = 0;
    }
  }
}

/* One direction of a connection: bytes that were read and not written yet, and whether more will come. */
struct half { int from, to, ended, done; u64 start, end; u8 bytes[PUMP]; };
static struct half halves[2];

static void pump(struct half *half) {
  if (!half->ended && half->start == half->end) {
    long got = get(half->from, half->bytes, PUMP);
    if (got < 0 && got != -EAGAIN && got != -EINTR) leave(67);
    half->start = 0;
    half->end = got > 0 ? (u64)got : 0;
    if (got == 0) half->ended = 1;
  }
  while (half->start < half->end) {
    long done = put(half->to, half->bytes + half->start, half->end - half->start);
    if (done == -EAGAIN || done == -EINTR) return;
    if (done <= 0) leave(67);
    half->start += (u64)done;
  }
  if (half->ended && !half->done) {
    half->done = 1;
    call(SYS_shutdown, half->to, SHUT_WR, 0, 0, 0);
  }
}

static int dial(int line, u16 port, u32 address) {
  struct internet target = { AF_INET, port, address, { 0 } };
  long fd = call(SYS_socket, AF_INET, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
  long error = fd < 0 ? fd : call(SYS_connect, fd, (long)&target, sizeof target, 0, 0);
  if (error == -EINPROGRESS) {
    struct pollfd fds[2] = { { (int)fd, POLLOUT, 0 }, { line, POLLRDHUP, 0 } };
    int found = 0;
    u32 size = sizeof found;
    if (wait_for(fds, 2, CONNECT_SECONDS) == 0) error = -ETIMEDOUT;
    else if (fds[1].revents) leave(0);
    else error = call(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, (long)&found, (long)&size) < 0 ? -EINVAL : -found;
  }
  u32 answer = (u32)-error;
  put(line, &answer, sizeof answer);
  if (error) leave(0);
  return (int)fd;
}

static void connection(int line, u16 port, u32 address) {
  int socket = dial(line, port, address);
  halves[0].from = halves[1].to = line;
  halves[0].to = halves[1].from = socket;
  while (!halves[0].done || !halves[1].done) {
    struct pollfd fds[2] = { { line, 0, 0 }, { socket, 0, 0 } };
    for (int i = 0; i < 2; i++) {
      struct half *half = halves + i;
      if (half->start < half->end) fds[1 - i].events |= POLLOUT;
      else if (!half->ended) fds[i].events |= POLLIN;
    }
    /* A side that waits for nothing would report its end for ever; but that of the line, when all it sent is gone. */
    for (int i = 0; i < 2; i++) if (!fds[i].events && (i || !halves[0].done)) fds[i].fd = -1;
    wait_for(fds, 2, 0);
    if (halves[0].done && fds[0].revents & (POLLHUP | POLLERR)) leave(0);
    pump(halves);
    pump(halves + 1);
  }
  leave(0);
}

static void serve(int line) {
  u8 header[HEADER];
  u64 filled = 0;
  shut(door);
  shut(0);
  end_with_parent();
  while (filled < HEADER) {
    struct pollfd fd = { line, POLLIN, 0 };
    if (wait_for(&fd, 1, HELLO_SECONDS) <= 0) leave(68);
    long got = get(line, header + filled, HEADER - filled);
    if (got == 0 || (got < 0 && got != -EAGAIN && got != -EINTR)) leave(0);
    if (got > 0) filled += (u64)got;
  }
  u16 port;
  u32 address;
  memcpy(&port, header + 2, 2);
  memcpy(&address, header + 4, 4);
  if (header[0] == 'P') packets(line);
  if (header[0] == 'C') connection(line, port, address);
  leave(68);
}

/* Listens until nobody holds the other end of stdin. */
static void accept_all(void) {
  int count = 0, status;
  for (;;) {
    struct pollfd fds[2] = { { 0, POLLIN, 0 }, { door, POLLIN, 0 } };
    u8 ignored[16];
    /* Now and then also without a cause, to count who has ended. */
    wait_for(fds, 2, 60);
    if (fds[0].revents && get(0, ignored, sizeof ignored) <= 0) leave(0);
    while (call(SYS_wait4, -1, (long)&status, WNOHANG, 0, 0) > 0) count--;
    if (!fds[1].revents) continue;
    long line = call(SYS_accept4, door, 0, 0, O_NONBLOCK | O_CLOEXEC, 0);
    if (line < 0) continue;
    if (count < MAX_CONNECTIONS) {
      long pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
      if (pid == 0) serve((int)line);
      if (pid > 0) count++;
    }
    shut((int)line);
  }
}

__attribute__((used)) static void start(u64 *stack) {
  char **argv = (char **)(stack + 1);
  struct local here = { AF_UNIX, "sock" };
  u64 values[4];
  if (stack[0] == 2) {
    must("unshare", call(SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0));
    configure("vpn0", 0x0a000001, 0xffffff00);
    put(1, "ok\n", 3);
    leave(0);
  }
  if (stack[0] != 7) must("arguments", -EINVAL);
  for (int i = 0; i < 4; i++) {
    values[i] = number(argv[3 + i]);
    if (values[i] >> 32) must("arguments", -EINVAL);
  }
  end_with_parent();
  door = (int)must("socket", call(SYS_socket, AF_UNIX, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0, 0, 0));
  must("bind", call(SYS_bind, door, (long)&here, 2 + 5, 0, 0));
  must("listen", call(SYS_listen, door, 64, 0, 0, 0));
  enter(argv[1]);
  configure(argv[2], (u32)values[0], (u32)values[1]);
  drop(values[2], values[3]);
  put(1, "ok\n", 3);
  accept_all();
}
