/*
 * Process 1 of an activity's container. It needs nothing of the image: no libc, no shell, no files.
 *
 * It starts commands that the supervisor asks for, gives each its own pipes for stdin, stdout and stderr, reports how
 * it ended exactly as wait(2) says it, reaps what is orphaned, and signals every process of the container at once,
 * which only process 1 can do without a race. Supervisor and init talk through named pipes in a directory that the
 * container sees read-only, so neither the engine nor its streams are between them: a command outlives a restart of
 * the engine, and no flood of output can hold up a kill.
 *
 * Compiled by scripts/build-docker-programs.mjs into binaries.ts. The messages are described in protocol.ts.
 */

#include "../native/platform.h"

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_rt_sigprocmask = 14, SYS_clone = 56, SYS_execve = 59,
  SYS_wait4 = 61, SYS_kill = 62, SYS_fcntl = 72, SYS_chdir = 80, SYS_setsid = 112, SYS_prctl = 157,
  SYS_exit_group = 231, SYS_openat = 257, SYS_ppoll = 271, SYS_signalfd4 = 289, SYS_dup3 = 292, SYS_pipe2 = 293,
};
#else
enum {
  SYS_dup3 = 24, SYS_fcntl = 25, SYS_chdir = 49, SYS_openat = 56, SYS_close = 57, SYS_pipe2 = 59, SYS_read = 63,
  SYS_write = 64, SYS_ppoll = 73, SYS_signalfd4 = 74, SYS_exit_group = 94, SYS_kill = 129,
  SYS_rt_sigprocmask = 135, SYS_setsid = 157, SYS_prctl = 167, SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260,
};
#endif

#define DIR "/.ergon/"

enum { AT_FDCWD = -100, O_RDONLY = 0, O_WRONLY = 1, O_NONBLOCK = 04000, O_CLOEXEC = 02000000 };
enum { F_SETFL = 4, F_SETPIPE_SZ = 1031, PIPE_BYTES = 1 << 18, WNOHANG = 1, POLLIN = 1, POLLHUP = 16, PR_SET_DUMPABLE = 4 };
enum { SIGINT = 2, SIGKILL = 9, SIGTERM = 15, SIGCHLD = 17, SIG_SETMASK = 2 };
enum { ENOENT = 2, EINTR = 4, EACCES = 13, ENOTDIR = 20 };

struct pollfd { int fd; short events; short revents; };
struct timespec { long seconds; long nanoseconds; };
struct event { u32 type; u32 run; int value; };

enum { INBOX = 1 << 20, MAX_STRINGS = 1 << 16, POLL_NS = 200000000, POLLS_PER_SECOND = 5 };

static u8 inbox[INBOX];
static u32 filled;
static char *strings[2][MAX_STRINGS + 1];
static char found[8192];
static int control, events, signals;
static int main_pid;
static u32 main_run;

static u64 length(const char *s) {
  u64 n = 0;
  while (s[n]) n++;
  return n;
}

static long sys_open(const char *path, int flags) { return call(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0); }
static long sys_write(int fd, const void *bytes, u64 n) { return call(SYS_write, fd, (long)bytes, (long)n, 0, 0); }
static void sys_exit(int code) { for (;;) call(SYS_exit_group, code, 0, 0, 0, 0); }
static void sys_kill(int signal) { call(SYS_kill, -1, signal, 0, 0, 0); }

static void say(u32 type, u32 run, int value) {
  struct event event = { type, run, value };
  sys_write(events, &event, sizeof event);
}

static void die(int code) {
  sys_kill(SIGKILL);
  sys_exit(code);
}

/* Opens without waiting for the other side, which is there or will never be. */
static int stream(const char *path, int flags, int as) {
  long fd = sys_open(path, flags | O_NONBLOCK);
  if (fd < 0) return (int)-fd;
  call(SYS_fcntl, fd, F_SETFL, 0, 0, 0);
  /* Fewer turns for much output; where it is refused the pipe stays as it is. */
  call(SYS_fcntl, fd, F_SETPIPE_SZ, PIPE_BYTES, 0, 0);
  if (fd == as) return 0;
  long done = call(SYS_dup3, fd, as, 0, 0, 0);
  call(SYS_close, fd, 0, 0, 0, 0);
  return done < 0 ? (int)-done : 0;
}

static int execute(char **argv, char **env) {
  const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const char *name = argv[0];
  u64 size = length(name);
  int refused = ENOENT;
  for (u64 i = 0; i < size; i++)
    if (name[i] == '/') return (int)-call(SYS_execve, (long)name, (long)argv, (long)env, 0, 0);
  for (char **e = env; *e; e++)
    if ((*e)[0] == 'P' && (*e)[1] == 'A' && (*e)[2] == 'T' && (*e)[3] == 'H' && (*e)[4] == '=') path = *e + 5;
  while (size > 0) {
    u64 n = 0;
    while (path[n] && path[n] != ':') n++;
    if (n + size + 2 <= sizeof found) {
      memcpy(found, path, n);
      if (n > 0) found[n] = '/';
      memcpy(found + n + (n > 0), name, size + 1);
      int error = (int)-call(SYS_execve, (long)found, (long)argv, (long)env, 0, 0);
      if (error != ENOENT && error != ENOTDIR) refused = error;
      if (error != ENOENT && error != ENOTDIR && error != EACCES) return error;
    }
    if (!path[n]) break;
    path += n + 1;
  }
  return refused;
}

/* In the child; returns only with the number of what went wrong. */
static int become(const char *cwd, int has_stdin) {
  u64 none = 0;
  int error = stream(has_stdin ? DIR "stdin" : "/dev/null", O_RDONLY, 0);
  if (!error) error = stream(DIR "stdout", O_WRONLY, 1);
  if (!error) error = stream(DIR "stderr", O_WRONLY, 2);
  if (error) return error;
  /* When memory runs out, the kernel should rather kill the command than its init, whose files are closed to itself. */
  call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
  long adjust = sys_open("/proc/self/oom_score_adj", O_WRONLY);
  if (adjust >= 0) {
    sys_write((int)adjust, "500", 3);
    call(SYS_close, adjust, 0, 0, 0, 0);
  }
  call(SYS_setsid, 0, 0, 0, 0, 0);
  call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0);
  error = (int)-call(SYS_chdir, (long)cwd, 0, 0, 0, 0);
  return error ? error : execute(strings[0], strings[1]);
}

static u32 number(const u8 *at) { return at[0] | at[1] << 8 | at[2] << 16 | (u32)at[3] << 24; }

/* Points `into` at `count` strings; returns what comes after them, or nothing when they are not all there. */
static char *list(char **into, u32 count, char *at, char *end) {
  if (count > MAX_STRINGS) return 0;
  for (u32 i = 0; i < count; i++) {
    into[i] = at;
    while (at < end && *at) at++;
    if (at++ >= end) return 0;
  }
  into[count] = 0;
  return at;
}

static void run(u8 *body, u8 *end) {
  if (end - body < 16) return;
  u32 id = number(body), has_stdin = number(body + 4), argc = number(body + 8), envc = number(body + 12);
  char *cwd[2];
  char *at = list(cwd, 1, (char *)body + 16, (char *)end);
  if (at) at = list(strings[0], argc, at, (char *)end);
  if (at) at = list(strings[1], envc, at, (char *)end);
  int pipe[2], error = 0;
  if (!at || argc == 0 || main_pid) return say('E', id, main_pid ? 16 : 22);
  long made = call(SYS_pipe2, (long)pipe, O_CLOEXEC, 0, 0, 0);
  if (made < 0) return say('E', id, (int)-made);
  long pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    error = become(cwd[0], (int)has_stdin);
    sys_write(pipe[1], &error, sizeof error);
    sys_exit(127);
  }
  call(SYS_close, pipe[1], 0, 0, 0, 0);
  if (pid < 0) error = (int)-pid;
  else while (call(SYS_read, pipe[0], (long)&error, sizeof error, 0, 0) == -EINTR);
  call(SYS_close, pipe[0], 0, 0, 0, 0);
  if (error) return say('E', id, error);
  main_pid = (int)pid;
  main_run = id;
  say('S', id, 0);
}

static void reap(void) {
  int status;
  long pid;
  while ((pid = call(SYS_wait4, -1, (long)&status, WNOHANG, 0, 0)) > 0) {
    if (pid != main_pid) continue;
    main_pid = 0;
    say('X', main_run, status);
  }
}

/* False when the supervisor has closed its end. */
static int listen(void) {
  long got = call(SYS_read, control, (long)(inbox + filled), (long)(INBOX - filled), 0, 0);
  if (got <= 0) return got < 0;
  filled += (u32)got;
  while (filled >= 8) {
    u32 size = number(inbox), type = number(inbox + 4);
    if (size < 8 || size > INBOX) die(70);
    if (filled < size) return 1;
    if (type == 'R') run(inbox + 8, inbox + size);
    if (type == 'K' && size == 12) sys_kill((int)number(inbox + 8));
    if (type == 'P' && size == 12) say('H', number(inbox + 8), 1);
    /* Forwards, so it may overlap. */
    memcpy(inbox, inbox + size, filled - size);
    filled -= size;
  }
  return 1;
}

static int handle_signals(void) {
  u8 info[128];
  while (call(SYS_read, signals, (long)info, sizeof info, 0, 0) == sizeof info) {
    /* Who is outside the container has no number in it: nobody inside can tell init to end. */
    u32 signal = number(info), sender = number(info + 12);
    if (sender == 0 && (signal == SIGTERM || signal == SIGINT)) die(128 + (int)signal);
  }
  reap();
  return 0;
}

/* Nobody enforces limits on a container whose supervisor is gone: it ends after `grace` seconds without one. */
static void serve(u32 grace) {
  u32 alone = 0;
  for (;;) {
    struct timespec wait = { 0, POLL_NS };
    struct pollfd fds[2] = { { signals, POLLIN, 0 }, { control, POLLIN, 0 } };
    /* The end of a pipe is reported at once and for ever: then only its return is looked for, now and then. */
    call(SYS_ppoll, (long)fds, alone ? 1 : 2, alone ? (long)&wait : 0, 0, 8);
    handle_signals();
    if (alone) {
      struct timespec now = { 0, 0 };
      call(SYS_ppoll, (long)(fds + 1), 1, (long)&now, 0, 8);
      if (fds[1].revents == POLLHUP) {
        if (++alone > grace * POLLS_PER_SECOND) die(75);
        continue;
      }
      alone = 0;
    }
    if (fds[1].revents && !listen()) {
      filled = 0;
      alone = 1;
    }
  }
}

__attribute__((used)) static void start(u64 *stack) {
  u64 all = ~0UL;
  char **argv = (char **)(stack + 1);
  u32 grace = 0;
  /* As the program of a self-test. */
  if (stack[0] > 1 && argv[1][0] == '-') {
    sys_write(1, "ergon\n", 6);
    sys_exit(0);
  }
  /* No process of the same user may trace init or look into its memory. */
  call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  for (const char *digit = stack[0] > 1 ? argv[1] : "60"; *digit; digit++) grace = grace * 10 + (u32)(*digit - '0');
  call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0);
  signals = (int)call(SYS_signalfd4, -1, (long)&all, 8, O_NONBLOCK | O_CLOEXEC, 0);
  control = (int)sys_open(DIR "control", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  events = (int)sys_open(DIR "events", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (signals < 0 || control < 0 || events < 0) sys_exit(71);
  serve(grace);
}
