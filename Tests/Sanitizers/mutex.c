// Tells the thread sanitizer what Swift's Mutex does when two threads want it at once.
//
// A lock that nobody else wants is taken and given back by atomic operations in the program itself, which the sanitizer
// sees. Otherwise the program calls the three functions below of libswiftSynchronization, which is compiled without it
// and has the kernel hand the lock over (futex(2), FUTEX_LOCK_PI): the sanitizer takes what comes after for a race.
// Loaded before that library (ld.so(8), LD_PRELOAD), these take the place of its functions, call them, and report the
// same order of events that the atomic operations would have shown. Programs without the sanitizer are left alone.

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// Of the sanitizer's runtime, in the program; both null where there is none.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

#define SWIFT __attribute__((swiftcall))
// A method gets `self`, here the address of the lock's word, in a register of its own.
#define SELF __attribute__((swift_context)) void *

// Synchronization._MutexHandle._lockSlow(UInt32), ._tryLockSlow() and ._unlockSlow()
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT bool try_lock(SELF) __asm__(TRY_LOCK);
SWIFT void unlock(SELF) __asm__(UNLOCK);

static void *original(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) abort();
  return function;
}

SWIFT void lock(uint32_t thread, SELF self) {
  ((SWIFT void (*)(uint32_t, SELF))original(LOCK))(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT bool try_lock(SELF self) {
  bool taken = ((SWIFT bool (*)(SELF))original(TRY_LOCK))(self);
  if (taken && __tsan_acquire) __tsan_acquire(self);
  return taken;
}

SWIFT void unlock(SELF self) {
  if (__tsan_release) __tsan_release(self);
  ((SWIFT void (*)(SELF))original(UNLOCK))(self);
}
