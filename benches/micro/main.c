/* trine-micro: the micro-benchmarks, under google-benchmark's own flags (--benchmark_filter, _format, _repetitions). */
#include "micro.h"

int main(int argc, char **argv) {
    micro_limits_register();
    micro_cache_register();
    micro_switch_register();
    micro_runtime_register();
    return gbench_run(argc, argv);
}
