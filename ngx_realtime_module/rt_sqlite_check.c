
#include "rt_sqlite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


int
rt_sqlite_check(const char *path, rt_store_error_t *err)
{
    char         *dir, *slash;
    struct stat   sb;

    if (stat(path, &sb) == 0 && !S_ISREG(sb.st_mode)) {
        rt_store_fail(err, RT_STORE_REFUSED, "\"%s\" is not a file", path);
        return -1;
    }

    dir = strdup(path);
    if (dir == NULL) {
        rt_store_fail(err, RT_STORE_BROKEN, "out of memory");
        return -1;
    }

    slash = strrchr(dir, '/');
    slash[slash == dir] = '\0';

    if (stat(dir, &sb) == -1 || !S_ISDIR(sb.st_mode)) {
        rt_store_fail(err, RT_STORE_REFUSED, "there is no directory \"%s\"",
                      dir);
        free(dir);
        return -1;
    }

    free(dir);

    return 0;
}
