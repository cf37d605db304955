/* A disk that fails: loaded before the C library, it fails or tears the k-th write or sync of files under one directory.
 *
 * Law: it decides by the file's path alone and knows nothing of SQLite, so the store under test is the store as it is.
 * The program under test arms it: fault_arm(directory, kind, k, sticky). Sticky: every later call of that kind fails too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { COUNT, WRITE_FAILS, WRITE_TORN, WRITE_FULL, WRITE_FULL_TORN, SYNC_FAILS, DIRECTORY_SYNC_FAILS };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char under[PATH_MAX], hit[PATH_MAX];
static int kind, sticky;
static long at, writes, syncs, directory_syncs, hits;

void fault_arm(const char *directory, int kind_, long at_, int sticky_) {
  pthread_mutex_lock(&guard);
  snprintf(under, sizeof under, "%s", directory);
  kind = kind_, at = at_, sticky = sticky_;
  writes = syncs = directory_syncs = hits = 0;
  hit[0] = 0;
  pthread_mutex_unlock(&guard);
}

long fault_hits(void) { return hits; }
long fault_writes(void) { return writes; }
long fault_syncs(void) { return syncs; }
long fault_directory_syncs(void) { return directory_syncs; }
const char *fault_path(void) { return hit; }

static int ours(int file, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (!under[0] || length < 0) return 0;
  path[length] = 0;
  return strncmp(path, under, strlen(under)) == 0;
}

static int strikes(long seen, const char *path) {
  if (!(seen == at || (sticky && seen > at))) return 0;
  hits++;
  if (hits == 1) snprintf(hit, sizeof hit, "%s", path);
  return 1;
}

/* How much of a write gets through: -1 all of it, else so many bytes, and then errno. */
static ssize_t write_allowed(int file, size_t count) {
  char path[PATH_MAX];
  ssize_t allowed = -1;
  pthread_mutex_lock(&guard);
  if (ours(file, path)) {
    writes++;
    if (kind >= WRITE_FAILS && kind <= WRITE_FULL_TORN && strikes(writes, path)) {
      int torn = kind == WRITE_TORN || kind == WRITE_FULL_TORN;
      allowed = torn ? (ssize_t)(count / 2) : 0;
      errno = kind >= WRITE_FULL ? ENOSPC : EIO;
    }
  }
  pthread_mutex_unlock(&guard);
  return allowed;
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define TORN(call) do { int why = errno; if (allowed > 0) (void)!(call); errno = why; return -1; } while (0)

ssize_t write(int file, const void *data, size_t count) {
  REAL(ssize_t, "write", int, const void *, size_t);
  ssize_t allowed = write_allowed(file, count);
  if (allowed < 0) return real(file, data, count);
  TORN(real(file, data, (size_t)allowed));
}

ssize_t pwrite64(int file, const void *data, size_t count, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  ssize_t allowed = write_allowed(file, count);
  if (allowed < 0) return real(file, data, count, offset);
  TORN(real(file, data, (size_t)allowed, offset));
}

ssize_t pwrite(int file, const void *data, size_t count, off_t offset) { return pwrite64(file, data, count, offset); }

int ftruncate64(int file, off64_t length) {
  REAL(int, "ftruncate64", int, off64_t);
  return write_allowed(file, 0) < 0 ? real(file, length) : -1;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

static int sync_allowed(int file) {
  char path[PATH_MAX];
  struct stat what;
  int allowed = 1;
  pthread_mutex_lock(&guard);
  if (ours(file, path) && fstat(file, &what) == 0) {
    int directory = S_ISDIR(what.st_mode);
    long seen = directory ? ++directory_syncs : ++syncs;
    if (kind == (directory ? DIRECTORY_SYNC_FAILS : SYNC_FAILS) && strikes(seen, path)) allowed = 0;
  }
  pthread_mutex_unlock(&guard);
  if (!allowed) errno = EIO;
  return allowed;
}

int fsync(int file) {
  REAL(int, "fsync", int);
  return sync_allowed(file) ? real(file) : -1;
}

int fdatasync(int file) {
  REAL(int, "fdatasync", int);
  return sync_allowed(file) ? real(file) : -1;
}
