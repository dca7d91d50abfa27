
/*
 * The ids of what has no item_id.
 */

#include "rt_transcript.h"

#include <endian.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <cmocka.h>


#define NOW     1795478550123456LL          /* us */
#define MAKERS  4
#define MADE    20000


static const rt_transcript_t  plain;


/* a process that ends right away: its counter is none of this one's */

static rt_id_t
first_id_of_a_child(void)
{
    int      fds[2];
    pid_t    pid;
    rt_id_t  id;

    assert_int_equal(pipe(fds), 0);

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        if (rt_transcript_id(&id, &plain, NOW) == 0) {
            (void) !write(fds[1], &id, sizeof(id));
        }

        _exit(0);
    }

    close(fds[1]);
    assert_int_equal(read(fds[0], &id, sizeof(id)), sizeof(id));
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);

    return id;
}


static void *
make_ids(void *data)
{
    int       i;
    rt_id_t  *ids = data;

    for (i = 0; i < MADE; i++) {
        if (rt_transcript_id(&ids[i], &plain, NOW) != 0) {
            abort();
        }
    }

    return NULL;
}


static uint64_t
counted(const rt_id_t *id)
{
    uint64_t  n;

    memcpy(&n, id->bytes + 4, sizeof(n));

    return be64toh(n);
}


static int
compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(rt_id_t));
}


static void
test_new_ids(void **state)
{
    int         i;
    rt_id_t    *ids, later, forked;
    pthread_t   threads[MAKERS];

    (void) state;

    /* a process of its own starts elsewhere */

    forked = first_id_of_a_child();

    ids = malloc(MAKERS * MADE * sizeof(rt_id_t));
    assert_non_null(ids);

    for (i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids,
                                        ids + i * MADE), 0);
    }

    for (i = 0; i < MAKERS; i++) {
        pthread_join(threads[i], NULL);

        assert_true(compare_ids(&ids[i * MADE], &ids[i * MADE + 1]) < 0);
    }

    qsort(ids, MAKERS * MADE, sizeof(rt_id_t), compare_ids);

    for (i = 1; i < MAKERS * MADE; i++) {
        assert_memory_not_equal(&ids[i - 1], &ids[i], sizeof(rt_id_t));
    }

    /* neighbours in time are neighbours, and none is another process's */

    assert_memory_equal(ids[0].bytes, "\x6b\x04\xd4\x16", 4);
    assert_true(counted(&ids[MAKERS * MADE - 1]) - counted(&ids[0])
                == MAKERS * MADE - 1);
    assert_true(counted(&forked) - counted(&ids[0]) >= MAKERS * MADE);

    assert_int_equal(rt_transcript_id(&later, &plain, NOW + 1000000), 0);
    assert_true(compare_ids(&ids[MAKERS * MADE - 1], &later) < 0);

    free(ids);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_new_ids),
    };

    return cmocka_run_group_tests_name("rt_transcript_id", tests, NULL, NULL);
}
