/*
 * libFuzzer: points.jsonl holding any bytes. Loading gives points or one line; opening for append mends the
 * tail, and after that a load finds the same points and nothing cut off.
 */
#include "base/file.h"
#include "base/json.h"
#include "store/store.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/trine-fuzz-XXXXXX", path[64];

static void cleanup(void) {
    unlink(path);
    rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct store s;
    struct err e = {0};
    size_t cut;
    bool was_cut = false;
    if (!*path) {
        if (!mkdtemp(dir)) abort();
        snprintf(path, sizeof path, "%s/points.jsonl", dir);
        atexit(cleanup);
    }
    FILE *f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) abort();
    json_t *before = store_load(dir, NULL, &e);
    if (!before && !e.text[0]) abort();
    if (store_open(&s, dir, false, &cut, &e) != 0) abort();
    store_close(&s);
    json_t *after = store_load(dir, &was_cut, &e);
    if (before && (!after || was_cut || json_array_size(after) != json_array_size(before))) abort();
    json_decref(before);
    json_decref(after);
    return 0;
}
