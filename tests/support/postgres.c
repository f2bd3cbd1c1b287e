/* SPDX-License-Identifier: Apache-2.0 */
/* The guardian process that owns a private server, and the databases that tests get. */
#include "tests/support/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum { START_TRIES = 300, START_PAUSE_US = 50 * 1000, DATABASES_MAX = 64 };

struct cf_test_pg {
    char dir[64];
    int guardian; /* our end of the socket pair; closing it ends everything */
    pid_t guardian_pid;
};

extern char **environ;

static void die(const char *what)
{
    fprintf(stderr, "tests/support/postgres: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- programs of PostgreSQL ---- */

/* The newest installed one; falls back on PATH. malloc'd. */
static char *program(const char *name)
{
    cf_autofree char *pattern = cf_xasprintf("/usr/lib/postgresql/*/bin/%s", name);
    glob_t found = { 0 };
    char *path = NULL;
    if (glob(pattern, 0, NULL, &found) == 0)
        path = cf_xstrdup(found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return path ? path : cf_xstrdup(name);
}

/* Runs a program to its end with stdout closed; its exit status. */
static int run(char *const *argv)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    int status;
    if (failed || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the guardian: it owns the server and the folder ---- */

/* PostgreSQL refuses root. */
static void drop_root(void)
{
    if (chdir("/") != 0 || geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (!user || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        die("become an unprivileged user");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static pid_t spawn_server(const char *dir)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    cf_autofree char *postgres = program("postgres");
    cf_autofree char *data = cf_xasprintf("%s/data", dir);
    cf_autofree char *socket_dir = cf_xasprintf("unix_socket_directories=%s", dir);
    cf_autofree char *log = cf_xasprintf("%s/log", dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(127);
    char *argv[] = { postgres,
                     "-D",
                     data,
                     "-c",
                     "listen_addresses=",
                     "-c",
                     socket_dir,
                     "-c",
                     "fsync=off",
                     "-c",
                     "max_connections=100",
                     "-c",
                     "shared_buffers=32MB",
                     "-c",
                     "autovacuum=off",
                     NULL };
    execvp(argv[0], argv);
    _exit(127);
}

static void end_server(pid_t *pid, int sig)
{
    if (*pid <= 0)
        return;
    kill(*pid, sig);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

/* Commands: 's' start, 'f' stop fast, 'c' crash; each is answered with itself. End of file: the
 * test has ended. */
static void guard(const char *dir, int fd)
{
    for (int sig = 1; sig < NSIG; sig++)
        if (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGPIPE)
            signal(sig, SIG_IGN);
    drop_root();
    pid_t server = 0;
    for (char command; read(fd, &command, 1) == 1;) {
        if (command == 's' && server == 0)
            server = spawn_server(dir);
        else
            end_server(&server, command == 'c' ? SIGQUIT : SIGINT);
        if (write(fd, &command, 1) != 1)
            break;
    }
    end_server(&server, SIGQUIT);
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

static void ask_guardian(struct cf_test_pg *pg, char command)
{
    char answer;
    if (write(pg->guardian, &command, 1) != 1 || read(pg->guardian, &answer, 1) != 1)
        die("the server's guardian has gone");
}

/* ---- a private server ---- */

static void init_data(const char *dir)
{
    cf_autofree char *initdb = program("initdb");
    cf_autofree char *data = cf_xasprintf("%s/data", dir);
    char *argv[] = { initdb,      "-D", data,   "-A",         "trust", "-U",
                     "crossfade", "-E", "UTF8", "--locale=C", "-N",    "--no-instructions",
                     NULL };
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        drop_root();
        if (fd < 0 || dup2(fd, 1) < 0)
            _exit(127);
        execvp(argv[0], argv);
        _exit(127);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        die("initdb failed (is PostgreSQL installed?)");
}

static void make_dir(char *dir)
{
    if (!mkdtemp(dir) || chmod(dir, 0700) != 0)
        die("temporary folder");
    const struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (geteuid() == 0 && user && chown(dir, user->pw_uid, user->pw_gid) != 0)
        die("give the temporary folder away");
}

struct cf_test_pg *cf_test_pg_start(void)
{
    struct cf_test_pg *pg = cf_xcalloc(1, sizeof *pg);
    snprintf(pg->dir, sizeof pg->dir, "/tmp/crossfade-pg-XXXXXX");
    make_dir(pg->dir);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        die("socketpair");
    pg->guardian_pid = fork();
    if (pg->guardian_pid < 0)
        die("fork");
    if (pg->guardian_pid == 0) {
        close(ends[0]);
        guard(pg->dir, ends[1]);
    }
    close(ends[1]);
    pg->guardian = ends[0];
    init_data(pg->dir);
    cf_test_pg_continue(pg);
    return pg;
}

void cf_test_pg_free(struct cf_test_pg *pg)
{
    close(pg->guardian);
    waitpid(pg->guardian_pid, NULL, 0);
    free(pg);
}

void cf_test_pg_stop(struct cf_test_pg *pg, enum cf_test_pg_stop how)
{
    ask_guardian(pg, how == CF_TEST_PG_CRASH ? 'c' : 'f');
}

void cf_test_pg_continue(struct cf_test_pg *pg)
{
    cf_autofree char *isready = program("pg_isready");
    char *argv[] = { isready, "-q", "-h", pg->dir, "-U", "crossfade", "-d", "postgres", NULL };
    ask_guardian(pg, 's');
    for (int i = 0; i < START_TRIES; i++) {
        if (run(argv) == 0)
            return;
        usleep(START_PAUSE_US);
    }
    die("the server does not take connections");
}

/* ---- databases ---- */

static void new_name(char name[64])
{
    static int n;
    snprintf(name, 64, "cf_test_%d_%d", (int)getpid(), ++n);
}

char *cf_test_pg_new_database(struct cf_test_pg *pg)
{
    char name[64];
    new_name(name);
    cf_autofree char *createdb = program("createdb");
    char *argv[] = { createdb, "-h", pg->dir, "-U", "crossfade", name, NULL };
    if (run(argv) != 0)
        die("createdb");
    return cf_xasprintf("host=%s user=crossfade dbname=%s", pg->dir, name);
}

/* Those made in a server that is not ours are dropped at the end. */
static struct {
    int n;
    pid_t owner;
    char names[DATABASES_MAX][64];
} borrowed;

static void drop_borrowed(void)
{
    if (borrowed.owner != getpid())
        return;
    cf_autofree char *dropdb = program("dropdb");
    cf_autofree char *where = cf_xasprintf("--maintenance-db=%s", getenv("CROSSFADE_TEST_PG"));
    for (int i = 0; i < borrowed.n; i++) {
        char *argv[] = { dropdb, "--force", "--if-exists", where, borrowed.names[i], NULL };
        run(argv);
    }
}

static char *borrow_database(const char *conninfo)
{
    if (borrowed.n == 0) {
        borrowed.owner = getpid();
        atexit(drop_borrowed);
    }
    cf_assert(borrowed.n < DATABASES_MAX);
    char *name = borrowed.names[borrowed.n++];
    new_name(name);
    cf_autofree char *createdb = program("createdb");
    cf_autofree char *where = cf_xasprintf("--maintenance-db=%s", conninfo);
    char *argv[] = { createdb, where, name, NULL };
    if (run(argv) != 0)
        die("createdb in CROSSFADE_TEST_PG");
    return cf_xasprintf("%s dbname=%s", conninfo, name);
}

static struct cf_test_pg *shared;

/* Closing our end lets the guardian clean up; waiting for it keeps nothing behind when the process
 * is gone. */
static void end_shared(void)
{
    if (shared)
        cf_test_pg_free(shared);
    shared = NULL;
}

char *cf_test_pg_database(void)
{
    const char *conninfo = getenv("CROSSFADE_TEST_PG");
    if (conninfo && *conninfo)
        return borrow_database(conninfo);
    if (!shared) {
        shared = cf_test_pg_start();
        atexit(end_shared);
    }
    return cf_test_pg_new_database(shared);
}
