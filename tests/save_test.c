/* Saving: the old file stands there or the new one, never neither; and what a locale may not change. */
#include "testing.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder of this test, in which it works and which goes with it. */
static char folder[64];

static void enter_folder(void)
{
    snprintf(folder, sizeof folder, "save_test_%d", (int)getpid());
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    ck_assert_int_eq(chdir(folder), 0);
}

/* The number of files in the folder. */
static int files(void)
{
    DIR *here = opendir(".");
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(here));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(here);
    return count;
}

static void leave_folder(void)
{
    DIR *here = opendir(".");
    for (const struct dirent *entry; (entry = readdir(here));)
        unlink(entry->d_name);
    closedir(here);
    ck_assert_int_eq(chdir(".."), 0);
    rmdir(folder);
}

static ad_array *load(const char *path)
{
    if (strstr(path, ".npz")) {
        ad_tree *t = ad_loadz(path);
        return t ? ad_tree_get(t, "a/x") : NULL;
    }
    return strstr(path, ".idx") ? ad_load_idx(path) : ad_load(path);
}

static void assert_holds(const char *path, const ad_array *expected)
{
    AD_SCOPE;
    ad_array *x = load(path);
    ck_assert_msg(x && ad_size(x) == ad_size(expected) && ad_item(ad_all(ad_equal(x, (ad_array *)expected))) == 1, "%s: %s", path, ad_error_message());
}

static bool save(const char *path, const ad_array *x)
{
    if (strstr(path, ".npz")) {
        ad_tree *t = ad_tree_of("a", ad_tree_of("x", x));
        return t && ad_savez(path, t);
    }
    return strstr(path, ".idx") ? ad_save_idx(path, x) : ad_save(path, x);
}

static const char *const names[] = { "x.npy", "x.npy.gz", "x.idx", "x.idx.gz", "x.npz" };
enum { NAMES = 5 };

/* ---- failing ---- */

/* A limit of file size stands for a full disk: both let a part be written. */
START_TEST(a_full_disk_leaves_the_old_file)
{
    AD_SCOPE;
    ad_array *old = ad_arange(10.0), *large = ad_random_uniform(ad_random_key(1), AD_SHAPE(100000));
    struct rlimit all, little = { 0 };
    ck_assert(save(names[_i], old));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &all);
    little = all;
    for (rlim_t bytes = 0; bytes < 200000; bytes = 8 * bytes + 50) {
        little.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &little);
        bool saved = save(names[_i], large);
        setrlimit(RLIMIT_FSIZE, &all);
        ck_assert(!saved);
        assert_fails(NULL, AD_ERROR_IO, "cannot be written: File too large");
        assert_holds(names[_i], old);
        ck_assert_int_eq(files(), 1);
    }
    ck_assert_msg(save(names[_i], large), "%s", ad_error_message());
    assert_holds(names[_i], large);
    ck_assert_int_eq(files(), 1);
}
END_TEST

/* Each allocation fails in turn: an error, the old file, and nothing else in the folder. */
START_TEST(without_memory_the_old_file_stays)
{
    AD_SCOPE;
    ad_array *old = ad_arange(10.0), *new = ad_flip(ad_arange(1000.0));
    bool saved = false;
    ck_assert(save(names[_i], old));
    for (int n = 1; !saved; n++) {
        ad_memory_fail_after(n);
        saved = save(names[_i], new);
        ad_memory_fail_after(0);
        ck_assert_msg(saved || ad_error_code() == AD_ERROR_MEMORY, "allocation %d: %s", n, ad_error_message());
        ad_clear_error();
        assert_holds(names[_i], saved ? new : old);
        ck_assert_int_eq(files(), 1);
    }
    ad_array *loaded = NULL;
    for (int n = 1; !loaded; n++) {
        ad_memory_fail_after(n);
        loaded = load(names[_i]);
        ad_memory_fail_after(0);
        ck_assert_msg(loaded || ad_error_code() == AD_ERROR_MEMORY, "allocation %d: %s", n, ad_error_message());
        ad_clear_error();
    }
}
END_TEST

/* Writes one and the other in turn until it is killed. */
static void save_for_ever(const char *name, ad_array *one, ad_array *two)
{
    for (int i = 0;; i++)
        if (!save(name, i % 2 ? one : two))
            _exit(1);
}

/* A child that writes. What it had begun beside the file may stay. */
START_TEST(killed_at_any_moment_it_leaves_the_old_file_or_the_new_one)
{
    AD_SCOPE;
    ad_array *one = ad_full(AD_SHAPE(20000), 1.0), *two = ad_full(AD_SHAPE(30000), 2.0);
    ck_assert(save(names[_i], one));
    for (int k = 0; k < 8; k++) {
        AD_SCOPE;
        pid_t child = fork();
        if (child == 0)
            save_for_ever(names[_i], one, two);
        usleep(500 + 1700 * (unsigned)k);
        int status = 0;
        ck_assert(child > 0 && kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
        ck_assert(WIFSIGNALED(status));
        ad_array *x = load(names[_i]);
        ck_assert_msg(x != NULL, "%s", ad_error_message());
        assert_holds(names[_i], ad_size(x) == 20000 ? one : two);
    }
}
END_TEST

START_TEST(an_error_names_what_was_to_be_written)
{
    AD_SCOPE;
    assert_fails(ad_save("no/such/file.npy", ad_scalar(1)), AD_ERROR_IO, "ad_save: no/such/file.npy cannot be written: No such file or directory");
    assert_fails(ad_save(".", ad_scalar(1)), AD_ERROR_IO, ". cannot be written: Is a directory");
    assert_fails(ad_save("", ad_scalar(1)), AD_ERROR_IO, "No such file");
    char name[10000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_fails(ad_save(name, ad_scalar(1)), AD_ERROR_IO, "ad_save: xxx"); /* the sentence ends with the room for it */
    ck_assert_int_eq(files(), 0);
}
END_TEST

/* ---- what a path may be ---- */

START_TEST(a_symbolic_link_stays_and_its_file_is_replaced)
{
    AD_SCOPE;
    struct stat status;
    ad_array *old = ad_arange(3.0), *new = ad_arange(5.0);
    ck_assert(ad_save("file.npy", old));
    ck_assert_int_eq(symlink("file.npy", "link.npy"), 0);
    ck_assert(ad_save("link.npy", new));
    assert_holds("file.npy", new);
    ck_assert(lstat("link.npy", &status) == 0 && S_ISLNK(status.st_mode));
    ck_assert_int_eq(files(), 2);
}
END_TEST

START_TEST(permissions_are_those_of_the_old_file_or_the_usual_ones)
{
    AD_SCOPE;
    struct stat status;
    mode_t mask = umask(027);
    ck_assert(ad_save("x.npy", ad_scalar(1)));
    umask(mask);
    ck_assert(stat("x.npy", &status) == 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    chmod("x.npy", 0604);
    ck_assert(ad_save("x.npy", ad_scalar(2)));
    ck_assert(stat("x.npy", &status) == 0);
    ck_assert_int_eq(status.st_mode & 0777, 0604);
}
END_TEST

/* The superuser may write everywhere. */
START_TEST(what_may_not_be_written_to_is_not_replaced)
{
    AD_SCOPE;
    ad_array *old = ad_arange(3.0);
    if (geteuid() == 0)
        return;
    ck_assert(ad_save("x.npy", old));
    chmod("x.npy", 0444);
    assert_fails(ad_save("x.npy", ad_scalar(2)), AD_ERROR_IO, "x.npy cannot be written: Permission denied");
    chmod("x.npy", 0644);
    chmod(".", 0555);
    assert_fails(ad_save("x.npy", ad_scalar(2)), AD_ERROR_IO, "x.npy cannot be replaced by a new file beside it: Permission denied");
    chmod(".", 0777);
    assert_holds("x.npy", old);
}
END_TEST

static void *read_all(void *path)
{
    static char got[4096];
    int pipe = open(path, O_RDONLY);
    ssize_t length = 0, more;
    while ((more = read(pipe, got + length, sizeof got - (size_t)length)) > 0)
        length += more;
    close(pipe);
    return (void *)(intptr_t)length;
}

START_TEST(what_is_no_regular_file_is_written_as_it_is)
{
    AD_SCOPE;
    struct stat status;
    pthread_t reader;
    void *length;
    ck_assert_msg(ad_save("/dev/null", ad_ones(AD_SHAPE(1000))), "%s", ad_error_message());
    ck_assert(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));
    if (access("/dev/full", W_OK) == 0)
        assert_fails(ad_save("/dev/full", ad_scalar(1)), AD_ERROR_IO, "/dev/full cannot be written: No space left on device");
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_all, (char[]){ "pipe" }), 0);
    ck_assert_msg(ad_save("pipe", ad_arange(8.0)), "%s", ad_error_message());
    pthread_join(reader, &length);
    ck_assert_int_eq((intptr_t)length, 128 + 64);
    ck_assert_int_eq(files(), 1);
}
END_TEST

/* ---- locales ---- */

/* A locale that writes numbers with a comma, if there is one or one can be made. */
static bool with_decimal_comma(void)
{
    static const char *const known[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8" };
    for (int i = 0; i < 4; i++)
        if (setlocale(LC_ALL, known[i]))
            return *localeconv()->decimal_point == ',';
    if (system("localedef -i de_DE -f UTF-8 ./de_DE.UTF-8 >/dev/null 2>&1") != 0)
        return false;
    setenv("LOCPATH", ".", 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") && *localeconv()->decimal_point == ',';
}

START_TEST(a_locale_changes_no_number_and_no_sentence)
{
    AD_SCOPE;
    char comma[16];
    if (!with_decimal_comma())
        return;
    snprintf(comma, sizeof comma, "%.1f", 1.5);
    ck_assert_str_eq(comma, "1,5");
    char *text = ad_tostring(VECTOR(1.5, -0.25, 1e-9)), *number = ad_tostring(ad_scalar(0.1));
    ck_assert_str_eq(text, "[ 1.5e+00 -2.5e-01  1.0e-09]");
    ck_assert_str_eq(number, "0.1");
    free(text);
    free(number);
    assert_fails(ad_random_bernoulli(ad_random_key(1), 1.5, AD_SHAPE(2)), AD_ERROR_VALUE, "ad_random_bernoulli: 1.5 is not a probability");
    assert_fails(ad_linalg_norm(ad_ones(AD_SHAPE(2, 2)), .ord = 1.5), AD_ERROR_VALUE, "1.5");
    assert_fails(ad_load("no/such/file.npy"), AD_ERROR_IO, "cannot be read: No such file or directory");
    ck_assert(ad_save("x.npy", VECTOR(1.5, 2.5)));
    assert_array(ad_load("x.npy"), AD_SHAPE(2), 0, 1.5, 2.5);
    assert_array(ad_at(ad_arange(1000.0), "%d:%d", 998, 1000), AD_SHAPE(2), 0, 998, 999);
    ck_assert_int_eq(system("rm -rf de_DE.UTF-8"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("save");
    TCase *each = tcase_create("formats"), *once = tcase_create("paths");
    tcase_add_checked_fixture(each, enter_folder, leave_folder);
    tcase_add_checked_fixture(once, enter_folder, leave_folder);
    tcase_set_timeout(each, 60);
    tcase_set_timeout(once, 60);
    tcase_add_loop_test(each, a_full_disk_leaves_the_old_file, 0, NAMES);
    tcase_add_loop_test(each, without_memory_the_old_file_stays, 0, NAMES);
    tcase_add_loop_test(each, killed_at_any_moment_it_leaves_the_old_file_or_the_new_one, 0, 1);
    tcase_add_loop_test(each, killed_at_any_moment_it_leaves_the_old_file_or_the_new_one, NAMES - 1, NAMES);
    tcase_add_test(once, an_error_names_what_was_to_be_written);
    tcase_add_test(once, a_symbolic_link_stays_and_its_file_is_replaced);
    tcase_add_test(once, permissions_are_those_of_the_old_file_or_the_usual_ones);
    tcase_add_test(once, what_may_not_be_written_to_is_not_replaced);
    tcase_add_test(once, what_is_no_regular_file_is_written_as_it_is);
    tcase_add_test(once, a_locale_changes_no_number_and_no_sentence);
    suite_add_tcase(suite, each);
    suite_add_tcase(suite, once);
    return run_suite(suite);
}
