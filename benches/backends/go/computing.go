package main

import (
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// cpu: benches/workloads/cpu.c.
var cpu = workload{
	name: "cpu", doc: "a fixed number of computing tasks: throughput against --procs",
	metric: "throughput", unit: "1/s", better: "higher", tasks: 8, tasksMin: 1, tasksMax: 1000000,
	params: []param{{name: "work_us", kind: "int", min: 1, max: 10000000, value: "5000",
		doc: "calibrated work of each task, microseconds"}},
	run: func(pt *point) {
		workNs := float64(pt.params.int("work_us")) * 1000
		iterations := uint64(calibrate() * workNs)
		total := int64(0)
		batch := func(int64) float64 {
			var wg sync.WaitGroup
			var done int64
			wg.Add(int(pt.tasks))
			start := now()
			for i := int64(0); i < pt.tasks; i++ {
				seed := uint64(i)
				go func() {
					if burst(iterations, seed) != 0 {
						atomic.AddInt64(&done, 1)
					}
					wg.Done()
				}()
			}
			wg.Wait()
			total += done
			return float64(pt.tasks) * 1e9 / float64(now()-start)
		}
		pt.measure(plan{batch, 1, true, pt.tasks, func() int64 { return total }})
		best := 0.0
		for _, s := range pt.samples {
			best = math.Max(best, s)
		}
		pt.setMetric("parallelism", best*workNs/1e9, "CPUs", "higher")
	},
}

// steal: benches/workloads/steal.c. Go shows no steal counts.
var steal = workload{
	name: "steal", doc: "uneven work made in one place: how busy all processors are kept",
	metric: "busy_percent", unit: "%", better: "higher", tasks: 1000, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "heavy", kind: "int", min: 1, max: 1000000, value: "100", doc: "how many of the tasks compute"},
		{name: "heavy_us", kind: "int", min: 1, max: 10000000, value: "1000", doc: "calibrated work of a computing task, microseconds"},
		{name: "light_us", kind: "int", min: 0, max: 10000000, value: "1000", doc: "sleep of the others, microseconds; 0: they end at once"},
	},
	prepare: func(pt *point) error {
		if pt.params.int("heavy") > pt.tasks {
			return errors.New("steal: parameter heavy is above --tasks")
		}
		return nil
	},
	run: func(pt *point) {
		heavy, n := pt.params.int("heavy"), pt.tasks
		heavyNs := float64(pt.params.int("heavy_us")) * 1000
		light := time.Duration(pt.params.int("light_us")) * time.Microsecond
		iterations := uint64(calibrate() * heavyNs)
		total := int64(0)
		batch := func(int64) float64 {
			var wg sync.WaitGroup
			ran := make([]bool, n)
			wg.Add(1 + int(n))
			start := now()
			go func() {
				for i := int64(0); i < n; i++ {
					slot, isHeavy := &ran[i], (i+1)*heavy/n > i*heavy/n
					go func() {
						if isHeavy {
							burst(iterations, 1)
						} else if light > 0 {
							time.Sleep(light)
						}
						*slot = true
						wg.Done()
					}()
				}
				wg.Done()
			}()
			wg.Wait()
			elapsed := now() - start
			for _, r := range ran {
				if r {
					total++
				}
			}
			return 100 * heavyNs * float64(heavy) / (float64(elapsed) * float64(pt.procs))
		}
		pt.measure(plan{batch, 1, true, n, func() int64 { return total }})
	},
}

// hol: benches/workloads/hol.c.
var hol = workload{
	name: "hol", doc: "short tasks behind one CPU hog: their start delay",
	metric: "start_delay_p99_ns", unit: "ns", better: "lower", tasks: 255, tasksMin: 1, tasksMax: 100000,
	params: []param{
		{name: "hog_ms", kind: "int", min: 1, max: 60000, value: "50", doc: "calibrated work of the hog, milliseconds"},
		{name: "mode", kind: "choice", value: "run", choices: []string{"run", "yield"},
			doc: "run: the hog computes through; yield: it yields after each chunk"},
		{name: "chunk_us", kind: "int", min: 1, max: 1000000, value: "100", doc: "computing between two yields, microseconds"},
	},
	run: func(pt *point) {
		hogNs, chunkNs := float64(pt.params.int("hog_ms"))*1e6, float64(pt.params.int("chunk_us"))*1000
		yields, chunks := pt.params.text("mode") == "yield", uint64(1)
		if yields && chunkNs < hogNs {
			chunks = uint64(hogNs / chunkNs)
		}
		iterations, total, h := uint64(calibrate()*hogNs/float64(chunks)), int64(0), pt.hist("latency")
		batch := func(int64) float64 {
			var wg sync.WaitGroup
			delays := make([]int64, pt.tasks)
			wg.Add(1 + int(pt.tasks))
			start := now()
			go func() {
				for i := uint64(0); i < chunks; i++ {
					burst(iterations, i)
					if yields {
						runtime.Gosched()
					}
				}
				wg.Done()
			}()
			for i := range delays {
				slot := &delays[i]
				go func() {
					*slot = now() - start
					wg.Done()
				}()
			}
			wg.Wait()
			for _, d := range delays {
				if d > 0 {
					total++
				}
				h.record(d)
			}
			return rank(delays, 0.99)
		}
		pt.measure(plan{batch, 1, true, pt.tasks, func() int64 { return total }})
		pt.quotePercentiles("start", h)
	},
}
