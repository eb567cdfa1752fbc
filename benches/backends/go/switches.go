package main

import (
	"math"
	"runtime"
	"runtime/metrics"
	"syscall"
)

// Go keeps no count of its switches, but a histogram of how long goroutines were runnable before they ran, into which it
// takes each goroutine's every eighth wait. So its length, times that period, is the number of switches: exact for goroutines
// that switch often, and a rough estimate where each does so once or twice. The period is the runtime's own affair: it is found
// by yields that are counted here, and where it comes out as no whole number there is no count.
const schedLatencies = "/sched/latencies:seconds"

var switchPeriod int64 // 0: this Go has no such histogram, or means something else by it

func timesRunnable() (all int64, ok bool) {
	s := []metrics.Sample{{Name: schedLatencies}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0, false
	}
	for _, n := range s[0].Value.Float64Histogram().Counts {
		all += int64(n)
	}
	return all, true
}

func findSwitchPeriod() int64 {
	const yields = 16000
	before, ok := timesRunnable()
	for i := 0; i < yields; i++ {
		runtime.Gosched()
	}
	after, _ := timesRunnable()
	if !ok || after == before {
		return 0
	}
	period := float64(yields) / float64(after-before)
	whole := math.Round(period)
	if math.Abs(period-whole) > 0.03*whole {
		return 0
	}
	return int64(whole)
}

// runtimeSwitches is a running total; 0 where there is no count.
func runtimeSwitches() int64 {
	if switchPeriod == 0 {
		return 0
	}
	n, _ := timesRunnable()
	return n * switchPeriod
}

// kernelSwitches of all threads so far.
func kernelSwitches() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Nvcsw + u.Nivcsw
}

const noSwitchCount = "Go keeps no count of its switches, and " + schedLatencies + " of this Go does not imply one"

// compareSwitches puts the runtime's and the kernel's switches beside what the goroutines counted.
func (pt *point) compareSwitches() {
	if pt.ops == 0 {
		return
	}
	if switchPeriod > 0 {
		pt.setMetric("switches_per_operation", float64(pt.switches)/float64(pt.ops), "1", "lower")
	} else {
		pt.unavailable("switches_per_operation", noSwitchCount)
	}
	pt.setMetric("kernel_switches_per_operation", float64(pt.kernelSwitches)/float64(pt.ops), "1", "lower")
}

// checkSwitches: on one P a rendezvous or yield is a switch, beside two for each goroutine and batch, to 1 %; a goroutine's share of
// the histogram is good to one entry a batch.
func (pt *point) checkSwitches() {
	if pt.status != "ok" || switchPeriod == 0 {
		return
	}
	each := pt.tasks * int64(len(pt.samples))
	expected := float64(pt.ops + 2*each)
	off := math.Abs(float64(pt.switches) - expected)
	pt.check("switches", off <= 0.01*expected+float64(switchPeriod*each), expected, float64(pt.switches))
}
