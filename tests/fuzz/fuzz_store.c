/*
 * libFuzzer: points.jsonl holding any bytes. Loading gives points or one line; opening for append mends the
 * tail and puts damaged lines aside, and after that a load finds the same points and nothing else.
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

static char dir[] = "/dev/shm/trine-fuzz-XXXXXX", path[64], aside[64];

static void cleanup(void) {
    unlink(path);
    unlink(aside);
    rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct store s;
    struct err e = {0};
    struct store_damage cut, was_cut = {0};
    if (!*path) {
        if (!mkdtemp(dir)) abort();
        snprintf(path, sizeof path, "%s/points.jsonl", dir);
        snprintf(aside, sizeof aside, "%s/points.jsonl.damaged", dir);
        atexit(cleanup);
    }
    FILE *f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) abort();
    json_t *before = store_load(dir, NULL, &e);
    if (!before && !e.text[0]) abort();
    if (store_open(&s, dir, false, &cut, &e) != 0) abort();
    store_close(&s);
    unlink(aside); /* it would grow from input to input */
    json_t *after = store_load(dir, &was_cut, &e);
    if (before && (!after || store_damaged(&was_cut) || json_array_size(after) != json_array_size(before))) abort();
    json_decref(before);
    json_decref(after);
    return 0;
}
