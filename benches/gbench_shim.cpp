/* The C face of google-benchmark: see gbench_shim.h. struct gbench is benchmark::State, never anything else. */
#include "gbench_shim.h"

#include <benchmark/benchmark.h>

static benchmark::State *state_of(struct gbench *b) { return reinterpret_cast<benchmark::State *>(b); }

extern "C" void gbench_register(const char *name, gbench_fn fn, int64_t arg, int threads) {
    auto *registered = benchmark::RegisterBenchmark(
        name, [fn, arg](benchmark::State &state) { fn(reinterpret_cast<struct gbench *>(&state), arg); });
    registered->UseRealTime();
    if (threads > 1) registered->Threads(threads);
}

extern "C" bool gbench_more(struct gbench *b, int64_t n) { return state_of(b)->KeepRunningBatch(n); }
extern "C" void gbench_pause(struct gbench *b) { state_of(b)->PauseTiming(); }
extern "C" void gbench_resume(struct gbench *b) { state_of(b)->ResumeTiming(); }
extern "C" int gbench_thread(const struct gbench *b) {
    return reinterpret_cast<const benchmark::State *>(b)->thread_index();
}
extern "C" void gbench_skip(struct gbench *b, const char *why) { state_of(b)->SkipWithError(why); }
extern "C" void gbench_counter(struct gbench *b, const char *name, double value) {
    state_of(b)->counters[name] = value;
}

extern "C" int gbench_run(int argc, char **argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
