package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/pprof"
	"sort"
	"syscall"
	"time"
	"unsafe"
)

// A workload is declared once; run is called on the main goroutine and calls measure, or begin and end.
type workload struct {
	name, doc, metric, unit, better string
	tasks, tasksMin, tasksMax       int64
	params                          []param
	lacks                           string // "no …": what it needs and Go does not have; "": it has all
	prepare                         func(*point) error
	run                             func(*point)
}

func (w *workload) refusal() string {
	if w.lacks == "" {
		return ""
	}
	return "go has " + w.lacks
}

type options struct {
	tasks, warmupMs, measureMs, minSamples, maxSamples int64
}

type object = map[string]interface{}

type phase struct {
	Name  string `json:"name"`
	Start int64  `json:"start_ns"`
	End   int64  `json:"end_ns"`
}

// A point is what one run was given and what it found. It belongs to the main goroutine.
type point struct {
	w              *workload
	opt            options
	procs          int
	seed           int64
	cpus           string
	params, rt     paramSet
	tasks          int64
	status, reason string

	samples                     []float64
	warmupBatches, warmupNs     int64
	steady, drifting            bool
	drift, noise                float64 // of the windows that were judged last
	tail                        []float64
	batchOps, ops, expected     int64
	elapsedNs                   int64
	threadsBefore, threadsAfter int
	gcBefore, gcAfter           uint32
	switches, kernelSwitches    int64 // over the measured phase
	phases                      []phase
	metrics                     object
	hists                       map[string]*hist
	checks                      []object
}

var startTime = time.Now()
var startMonotonic = clockMonotonic()

func clockMonotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// now is in ns on the scale of CLOCK_MONOTONIC.
func now() int64 { return startMonotonic + int64(time.Since(startTime)) }

func (pt *point) fail(format string, args ...interface{}) {
	if pt.status == "ok" {
		pt.status, pt.reason = "error", fmt.Sprintf(format, args...)
	}
}

func (pt *point) notApplicable(reason string) {
	if pt.status == "ok" {
		pt.status, pt.reason = "not_applicable", reason
	}
}

func (pt *point) hist(name string) *hist {
	if pt.hists[name] == nil {
		pt.hists[name] = newHist()
	}
	return pt.hists[name]
}

func (pt *point) setMetric(name string, value float64, unit, better string) {
	pt.metrics[name] = object{"value": value, "unit": unit, "better": better}
}

func (pt *point) unavailable(name, why string) { pt.metrics[name] = object{"unavailable": why} }

func (pt *point) check(name string, ok bool, expected, got float64) {
	pt.checks = append(pt.checks, object{"name": name, "ok": ok, "expected": expected, "got": got})
}

func (pt *point) operations(expected, got int64) {
	pt.expected, pt.ops = expected, got
	pt.compareSwitches()
	pt.check("operations", expected == got, float64(expected), float64(got))
	if expected != got {
		pt.fail("the goroutines counted %d operations where the parameters imply %d", got, expected)
	}
}

func (pt *point) quotePercentiles(prefix string, h *hist) {
	for _, q := range []struct {
		suffix string
		p      float64
	}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}} {
		name := prefix + "_" + q.suffix + "_ns"
		if v, ok := h.percentile(q.p); ok {
			pt.setMetric(name, v, "ns", "lower")
		} else {
			pt.unavailable(name, "fewer than ten samples lie beyond it")
		}
	}
	if h.count > 0 {
		pt.setMetric(prefix+"_max_ns", float64(h.max), "ns", "lower")
	}
}

func threadsMade() int { return pprof.Lookup("threadcreate").Count() }

func gcCycles() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

func (pt *point) begin() {
	for _, h := range pt.hists {
		h.reset()
	}
	pt.threadsBefore, pt.gcBefore = threadsMade(), gcCycles()
	pt.switches, pt.kernelSwitches = -runtimeSwitches(), -kernelSwitches()
	pt.phases = append(pt.phases, phase{Name: "measure", Start: now()})
}

func (pt *point) end() {
	measure := &pt.phases[len(pt.phases)-1]
	measure.End = now()
	pt.elapsedNs = measure.End - measure.Start
	pt.switches, pt.kernelSwitches = pt.switches+runtimeSwitches(), pt.kernelSwitches+kernelSwitches()
	pt.threadsAfter, pt.gcAfter = threadsMade(), gcCycles()
}

// A plan says how measure sizes a batch: run makes n units and returns the sample in the workload's unit.
type plan struct {
	run     func(n int64) float64
	n       int64
	fixed   bool
	opsPerN int64
	counted func() int64
}

func (pt *point) warmUp(pl plan) int64 {
	const batchLeastNs = 10 * 1000 * 1000
	start, limit, n := now(), pt.opt.warmupMs*1000000, pl.n
	enough := int64(math.Min(float64(limit/8), batchLeastNs))
	var batches []float64
	for pt.status == "ok" && !pt.steady { // benches/driver/warmup.h has the rules
		before := now()
		batches = append(batches, pl.run(n))
		after := now()
		batches = last(batches, lookBack)
		pt.warmupBatches++
		pt.steady = steady(batches)
		if after-start >= limit && (len(batches) >= 3 || after-start >= 3*limit) {
			break
		}
		if !pl.fixed && after-before < enough && after-start < limit {
			n, batches, pt.steady = 2*n, nil, false
		}
	}
	pt.tail, pt.warmupNs = batches, now()-start
	pt.phases = append(pt.phases, phase{"warmup", start, start + pt.warmupNs})
	return n
}

func (pt *point) measure(pl plan) {
	n := pt.warmUp(pl)
	if pt.status != "ok" {
		return
	}
	counted := pl.counted()
	pt.batchOps = n * pl.opsPerN
	pt.begin()
	end := now() + pt.opt.measureMs*1000000
	batches := int64(0)
	for pt.status == "ok" && batches < pt.opt.maxSamples && (batches < pt.opt.minSamples || now() < end) {
		pt.samples = append(pt.samples, pl.run(n))
		batches++
	}
	pt.end()
	pt.judgeMeasured()
	pt.operations(batches*pt.batchOps, pl.counted()-counted)
}

// rank is the value of rank ceil(p n); sorts in place.
func rank(ns []int64, p float64) float64 {
	sort.Slice(ns, func(i, j int) bool { return ns[i] < ns[j] })
	at := int(math.Ceil(float64(len(ns)) * p))
	if at > 0 {
		at--
	}
	return float64(ns[at])
}
