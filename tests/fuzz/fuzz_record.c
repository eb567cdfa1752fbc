/* libFuzzer: what a driver may print, as a record and as a description, on any bytes: parsed, or refused with
 * a reason. */
#include "base/json.h"
#include "store/record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(json_t *v, const char *why) {
    if (!v && (!*why || strlen(why) > 511)) abort();
    if (v && json_int(v, "protocol", 0) != RECORD_PROTOCOL) abort();
    json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char why[512] = "";
    check(record_parse((const char *)data, size, why, sizeof why), why);
    why[0] = '\0';
    check(description_parse((const char *)data, size, why, sizeof why), why);
    return 0;
}
