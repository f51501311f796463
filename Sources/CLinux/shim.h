// Headers that the Glibc module leaves out, and macros that Swift cannot import.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// open(2) and fcntl(2) are variadic.
static inline int trawl_openat(int directory, const char *path, int flags, unsigned mode) {
  return openat(directory, path, flags, mode);
}

// pipe2(2) is hidden without _GNU_SOURCE, which must not be defined here: it would change what modules share.
int pipe2(int ends[2], int flags);
static inline int trawl_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }

// glibc has had a wrapper only since 2.36.
static inline int trawl_pidfd_open(pid_t pid) {
  return (int)syscall(SYS_pidfd_open, pid, 0);
}

// prctl(2) is variadic; names the calling thread.
static inline int trawl_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// W* are function-like macros.
static inline int trawl_exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
static inline int trawl_term_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

// flock(2) has the name of the structure that fcntl(2) takes, and fcntl is variadic.
static inline int trawl_take_file_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }
static inline int trawl_take_record_lock(int descriptor) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(descriptor, F_SETLK, &lock);
}
// The process that has the lock, 0 for none.
static inline int trawl_record_lock_owner(int descriptor) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(descriptor, F_GETLK, &lock) != 0) return -1;
  return lock.l_type == F_UNLCK ? 0 : (int)lock.l_pid;
}
