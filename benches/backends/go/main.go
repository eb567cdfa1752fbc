// trine-driver-go: the suite's workloads on Go's own runtime. The contract is docs/protocol.md; the questions, methods and
// known lies of each workload stand in benches/workloads/, whose methods these follow.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

const protocol = 1
const procsMeaning = "GOMAXPROCS"

var rtParams = []param{
	{name: "rt.gogc", kind: "int", min: -1, max: 100000, value: "100", doc: "GOGC; -1: the collector is off"},
	{name: "rt.ablate", kind: "choice", value: "", choices: []string{"", "no_preempt"},
		doc: "no_preempt: GODEBUG=asyncpreemptoff=1"},
	{name: "rt.maxthreads", kind: "int", min: 1, max: 1000000, value: "10000", doc: "debug.SetMaxThreads"},
}

var workloads = []*workload{
	&pingpong, &yield, &spawn, &cpu, &mix, &block, &netEcho, &sleepers, &steal, &memory, &latency, &hol, &wake,
	&fib, &skynet, &chanbuf, &selects, &mutex, &idle, &bareSwitch, &echo,
	&fanout, &pipeline, &pooldead, &dbpool, &calls, &limiter, &kinds, &conns, &web,
	&queue, &requeue, &progress, &matrix, &waiters, &limit, &stack, &gc,
}

func usage(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "trine-driver-go: "+format+"\n", args...)
	os.Exit(2)
}

func print(v interface{}) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		fmt.Fprintf(os.Stderr, "trine-driver-go: the record could not be written to stdout: %v\n", err)
		os.Exit(1)
	}
}

func describe() object {
	var list, rt []object
	for _, w := range workloads {
		params := []object{}
		for _, p := range w.params {
			params = append(params, p.describe())
		}
		list = append(list, object{"name": w.name, "doc": w.doc, "metric": w.metric, "unit": w.unit, "better": w.better,
			"tasks": w.tasks, "tasks_min": w.tasksMin, "tasks_max": w.tasksMax, "params": params,
			"applicable": w.lacks == "", "reason": w.refusal()})
	}
	for _, p := range rtParams {
		rt = append(rt, p.describe())
	}
	return object{"schema": "trine-driver", "protocol": protocol, "backend": "go", "backend_version": runtime.Version(),
		"procs_meaning": procsMeaning, "workloads": list, "rt_params": rt}
}

func parseRange(option, text string, min, max int64) int64 {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < min || v > max {
		usage("%s: '%s' is not a whole number from %d to %d", option, text, min, max)
	}
	return v
}

var unbound [16]uint64 // the mask that this process was started with: what stands beside it belongs there

func affinity(call uintptr, tid int, mask *[16]uint64) syscall.Errno {
	_, _, errno := syscall.RawSyscall(call, uintptr(tid), unsafe.Sizeof(*mask), uintptr(unsafe.Pointer(mask)))
	return errno
}

// bindProcess sets every thread's affinity mask: Go gives no way to bind one P, and the record says so.
func bindProcess(list string, procs int) {
	var mask [16]uint64
	affinity(syscall.SYS_SCHED_GETAFFINITY, 0, &unbound)
	for i, word := range strings.Split(list, ",") {
		cpu := parseRange("--cpus", word, 0, 1023)
		if unbound[cpu/64]&(1<<uint(cpu%64)) == 0 {
			usage("--cpus: CPU %d is not in this process's affinity mask", cpu)
		}
		if i < procs {
			mask[cpu/64] |= 1 << uint(cpu%64)
		}
	}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		tid, _ := strconv.Atoi(t.Name())
		if errno := affinity(syscall.SYS_SCHED_SETAFFINITY, tid, &mask); errno != 0 {
			usage("--cpus: the CPUs %s could not be set: %v", list, errno)
		}
	}
}

func setOption(pt *point, option, value string) {
	switch option {
	case "--procs":
		pt.procs = int(parseRange(option, value, 1, 1024))
	case "--tasks":
		pt.opt.tasks = parseRange(option, value, 1, 100000000)
	case "--cpus":
		pt.cpus = value
	case "--seed":
		pt.seed = parseRange(option, value, 0, 1<<63-1)
	case "--warmup-ms":
		pt.opt.warmupMs = parseRange(option, value, 0, 3600000)
	case "--measure-ms":
		pt.opt.measureMs = parseRange(option, value, 0, 3600000)
	case "--min-samples":
		pt.opt.minSamples = parseRange(option, value, 1, 1000000)
	case "--max-samples":
		pt.opt.maxSamples = parseRange(option, value, 1, 1000000)
	case "--param":
		at := strings.Index(value, "=")
		if at <= 0 {
			usage("--param: '%s' is not of the form KEY=VALUE", value)
		}
		set := pt.params
		if strings.HasPrefix(value, "rt.") {
			set = pt.rt
		}
		if err := set.set(value[:at], value[at+1:]); err != nil {
			usage("%v", err)
		}
	}
}

var optionNames = []string{"--workload", "--describe", "--procs", "--tasks", "--param", "--cpus", "--seed",
	"--warmup-ms", "--measure-ms", "--min-samples", "--max-samples"}

// scan finds the workload first, since its parameters are needed to judge the others.
func scan(args []string) (w *workload, wantsDescription bool) {
	for i := 0; i < len(args); i++ {
		known := false
		for _, o := range optionNames {
			known = known || o == args[i]
		}
		if !known {
			usage("unknown option '%s'%s (see docs/protocol.md)", args[i], didYouMean(args[i], optionNames))
		}
		if args[i] == "--describe" {
			wantsDescription = true
			continue
		}
		if i+1 == len(args) {
			usage("option %s needs a value", args[i])
		}
		i++
		if args[i-1] != "--workload" {
			continue
		}
		var names []string
		w = nil
		for _, candidate := range workloads {
			names = append(names, candidate.name)
			if candidate.name == args[i] {
				w = candidate
			}
		}
		if w == nil {
			usage("unknown workload '%s'%s (see --describe)", args[i], didYouMean(args[i], names))
		}
	}
	if w == nil && !wantsDescription {
		usage("no --workload given: see --describe for their names")
	}
	return w, wantsDescription
}

func newPoint(w *workload, args []string) *point {
	pt := &point{w: w, opt: options{0, 200, 500, 10, 2000}, procs: runtime.GOMAXPROCS(0), seed: 1, status: "ok",
		params: newParamSet(w.params), rt: newParamSet(rtParams), metrics: object{}, hists: map[string]*hist{},
		checks: []object{}, samples: []float64{}}
	for i := 0; i < len(args); i += 2 {
		setOption(pt, args[i], args[i+1])
	}
	pt.tasks = pt.opt.tasks
	if pt.tasks == 0 {
		pt.tasks = w.tasks
	}
	if pt.tasks < w.tasksMin || pt.tasks > w.tasksMax {
		usage("--tasks: %d is out of range for %s: expected %d to %d", pt.tasks, w.name, w.tasksMin, w.tasksMax)
	}
	if pt.opt.minSamples > pt.opt.maxSamples {
		usage("--min-samples %d is above --max-samples %d", pt.opt.minSamples, pt.opt.maxSamples)
	}
	if w.prepare != nil {
		if err := w.prepare(pt); err != nil {
			usage("%v", err)
		}
	}
	return pt
}

func clockObject() object {
	const readings = 2000
	first := now()
	last, step := first, int64(0)
	for i := 0; i < readings; i++ {
		n := now()
		if d := n - last; d > 0 && (step == 0 || d < step) {
			step = d
		}
		last = n
	}
	return object{"source": "monotonic", "overhead_ns": float64(last-first) / readings, "granularity_ns": float64(step)}
}

func usageOf(u syscall.Rusage) object {
	return object{"user_ns": u.Utime.Nano(), "system_ns": u.Stime.Nano(), "max_rss_bytes": u.Maxrss * 1024,
		"minor_faults": u.Minflt, "major_faults": u.Majflt, "voluntary_switches": u.Nvcsw,
		"involuntary_switches": u.Nivcsw}
}

func (pt *point) record(clock object) object {
	params := object{}
	for _, s := range []paramSet{pt.params, pt.rt} {
		for k, v := range s.values {
			params[k] = v
		}
	}
	o := object{"schema": "trine-record", "protocol": protocol, "backend": "go", "backend_version": runtime.Version(),
		"workload": pt.w.name, "procs": pt.procs, "procs_meaning": procsMeaning, "tasks": pt.tasks, "seed": pt.seed,
		"cpus": nil, "params": params, "status": pt.status, "reason": pt.reason, "clock": clock,
		"metric":   object{"name": pt.w.metric, "unit": pt.w.unit, "better": pt.w.better},
		"baseline": object{"go": runtime.Version(), "pinning": "none"}, "phases": pt.phases}
	if pt.phases == nil {
		o["phases"] = []phase{}
	}
	if pt.cpus != "" {
		o["cpus"] = pt.cpus
		o["baseline"] = object{"go": runtime.Version(), "pinning": "the process's affinity mask: Go cannot bind one P"}
	}
	if pt.status != "ok" {
		return o
	}
	hists := object{}
	for name, h := range pt.hists {
		hists[name] = h.object("ns")
	}
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	o["samples"], o["metrics"], o["histograms"], o["checks"] = pt.samples, pt.metrics, hists, pt.checks
	if pt.warmupBatches > 0 {
		o["warmup"] = pt.warmupObject()
	}
	if pt.batchOps > 0 {
		o["batch_operations"] = pt.batchOps
	}
	o["counts"] = object{"operations": pt.ops, "expected_operations": pt.expected, "elapsed_ns": pt.elapsedNs}
	counts := object{"threads_made": pt.threadsAfter - pt.threadsBefore, "gc_cycles": pt.gcAfter - pt.gcBefore}
	if switchPeriod > 0 {
		counts["switches"] = pt.switches
	}
	o["runtime"] = counts
	o["rusage"] = usageOf(u)
	return o
}

// ablate starts the program again with GODEBUG set, which is read once, before main.
func (pt *point) ablate() {
	const off = "asyncpreemptoff=1"
	if pt.rt.text("rt.ablate") == "" || os.Getenv("GODEBUG") == off {
		return
	}
	self, err := os.Executable()
	if err == nil {
		os.Setenv("GODEBUG", off)
		err = syscall.Exec(self, os.Args, os.Environ())
	}
	pt.fail("the driver could not start itself again with GODEBUG=%s: %v", off, err)
}

func main() {
	deadPoolChild()
	w, wantsDescription := scan(os.Args[1:])
	if wantsDescription {
		print(describe())
		return
	}
	pt := newPoint(w, os.Args[1:])
	pt.ablate()
	if pt.cpus != "" {
		bindProcess(pt.cpus, pt.procs)
	}
	runtime.GOMAXPROCS(pt.procs)
	debug.SetGCPercent(int(pt.rt.int("rt.gogc")))
	debug.SetMaxThreads(int(pt.rt.int("rt.maxthreads")))
	clock := clockObject()
	switchPeriod = findSwitchPeriod()
	if w.lacks == "" {
		w.run(pt)
	} else {
		pt.notApplicable(w.refusal())
	}
	print(pt.record(clock))
	if pt.status == "error" {
		fmt.Fprintf(os.Stderr, "trine-driver-go: %s: %s\n", w.name, pt.reason)
		os.Exit(1)
	}
}
