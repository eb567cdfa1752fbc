package main

import (
	"errors"
	"math"
	"runtime"
	"sync"
)

// pingpong: benches/workloads/pingpong.c. Elements are arrays, whose size Go fixes when it compiles: powers of two.
var pingpong = workload{
	name: "pingpong", doc: "two tasks a pair pass a value to and fro: what a hand-off costs",
	metric: "switch_ns", unit: "ns", better: "lower", tasks: 2, tasksMin: 2, tasksMax: 2000000,
	params: []param{
		{name: "pairs", kind: "int", min: 0, max: 1000000, value: "0", doc: "pairs of tasks; 0: half of --tasks"},
		{name: "bytes", kind: "int", min: 1, max: 4096, value: "8", doc: "size of an element; here a power of two"},
		{name: "cap", kind: "int", min: 0, max: 65536, value: "0", doc: "capacity of each channel; 0: a rendezvous"},
		{name: "layer", kind: "choice", value: "chan", choices: []string{"chan", "futex", "pipe"},
			doc: "what carries the hand-off: chan; the others block kernel threads and run on pthread alone"},
	},
	prepare: func(pt *point) error {
		pairs := pt.params.int("pairs")
		if pairs > 0 && pt.opt.tasks != 0 && pt.opt.tasks != 2*pairs {
			return errors.New("pingpong: --tasks must be twice the parameter pairs; give one of the two")
		}
		if pairs == 0 && pt.tasks%2 != 0 {
			return errors.New("pingpong: --tasks must be even: two a pair")
		}
		if pairs > 0 {
			pt.tasks = 2 * pairs
		}
		return nil
	},
	run: func(pt *point) {
		if layer := pt.params.text("layer"); layer != "chan" {
			pt.notApplicable("layer=" + layer + " blocks kernel threads: only backend pthread has one a task")
			return
		}
		sizes := map[int64]func(*point){1: pingpongOf[[1]byte], 2: pingpongOf[[2]byte], 4: pingpongOf[[4]byte],
			8: pingpongOf[[8]byte], 16: pingpongOf[[16]byte], 32: pingpongOf[[32]byte], 64: pingpongOf[[64]byte],
			128: pingpongOf[[128]byte], 256: pingpongOf[[256]byte], 512: pingpongOf[[512]byte],
			1024: pingpongOf[[1024]byte], 2048: pingpongOf[[2048]byte], 4096: pingpongOf[[4096]byte]}
		if f := sizes[pt.params.int("bytes")]; f != nil {
			f(pt)
		} else {
			pt.notApplicable("Go fixes an element's type when it compiles: bytes must be a power of two")
		}
	},
}

type pair[T any] struct {
	ping, pong         chan T
	received, answered int64
	_                  [64]byte
}

func pingpongOf[T any](pt *point) {
	pairs := make([]pair[T], pt.tasks/2)
	for i := range pairs {
		pairs[i].ping = make(chan T, pt.params.int("cap"))
		pairs[i].pong = make(chan T, pt.params.int("cap"))
	}
	batch := func(n int64) float64 {
		g := newGate(2 * len(pairs))
		for i := range pairs {
			p := &pairs[i]
			go func() {
				g.wait()
				for i := int64(0); i < n; i++ {
					elem := <-p.ping
					p.answered++
					p.pong <- elem
				}
				g.left.Done()
			}()
			go func() {
				var elem T
				g.wait()
				for i := int64(0); i < n; i++ {
					p.ping <- elem
					elem = <-p.pong
					p.received++
				}
				g.left.Done()
			}()
		}
		return float64(g.run()) / float64(2*n*int64(len(pairs)))
	}
	counted := func() (all int64) {
		for i := range pairs {
			all += pairs[i].received + pairs[i].answered
		}
		return all
	}
	pt.measure(plan{batch, 100, false, 2 * int64(len(pairs)), counted})
	if pt.procs == 1 && pt.params.int("cap") == 0 {
		pt.checkSwitches()
	}
}

// yield: benches/workloads/yield.c.
var yield = workload{
	name: "yield", doc: "tasks yield to each other, with a working set each: direct cost and cache refill",
	metric: "yield_ns", unit: "ns", better: "lower", tasks: 64, tasksMin: 1, tasksMax: 1000000,
	params: []param{{name: "ws_kib", kind: "int", min: 0, max: 1024, value: "0",
		doc: "working set of each task that it passes over between yields, KiB"}},
	prepare: func(pt *point) error {
		if pt.tasks*pt.params.int("ws_kib") > 4*1024*1024 {
			return errors.New("yield: --tasks times ws_kib is above 4 GiB")
		}
		return nil
	},
	run: func(pt *point) {
		type yielder struct {
			set  []byte
			done int64
			_    [64]byte
		}
		tasks := make([]yielder, pt.tasks)
		for i := range tasks {
			tasks[i].set = make([]byte, pt.params.int("ws_kib")*1024)
		}
		batch := func(n int64) float64 {
			g := newGate(len(tasks))
			for i := range tasks {
				y := &tasks[i]
				go func() {
					g.wait()
					for i := int64(0); i < n; i++ {
						passOver(y.set)
						runtime.Gosched()
						y.done++
					}
					g.left.Done()
				}()
			}
			return float64(g.run()) / float64(n*int64(len(tasks)))
		}
		counted := func() (all int64) {
			for i := range tasks {
				all += tasks[i].done
			}
			return all
		}
		pt.measure(plan{batch, 100, false, int64(len(tasks)), counted})
		if pt.procs == 1 && pt.tasks > 1 {
			pt.checkSwitches()
		}
		if pt.status == "ok" && len(tasks[0].set) > 0 {
			least := math.Inf(1)
			for _, s := range pt.samples {
				least = math.Min(least, s)
			}
			warm := warmPass(tasks[0].set)
			pt.setMetric("touch_warm_ns", warm, "ns", "lower")
			if pt.procs == 1 {
				pt.setMetric("beyond_touch_ns", least-warm, "ns", "lower")
			} else {
				pt.unavailable("beyond_touch_ns", "several CPUs passed over sets at once, so a yield's time is not that of a pass")
			}
		}
	},
}

//go:noinline
func passOver(set []byte) {
	for at := 0; at < len(set); at += 64 {
		set[at]++
	}
}

func warmPass(set []byte) float64 {
	best := math.Inf(1)
	for t := 0; t < 50; t++ {
		start := now()
		for i := 0; i < 20; i++ {
			passOver(set)
		}
		best = math.Min(best, float64(now()-start)/20)
	}
	return best
}

// spawn: benches/workloads/spawn.c.
var spawn = workload{
	name: "spawn", doc: "a batch of --tasks empty tasks is made and waited for: creation and join",
	metric: "spawn_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 10000000,
	run: func(pt *point) {
		ran := make([]int64, pt.tasks)
		total := int64(0)
		var wg sync.WaitGroup
		batch := func(n int64) float64 {
			start := now()
			for i := int64(0); i < n; i++ {
				wg.Add(len(ran))
				for t := range ran {
					slot := &ran[t]
					go func() {
						*slot++
						wg.Done()
					}()
				}
				wg.Wait()
			}
			elapsed := now() - start
			for t := range ran {
				total += ran[t]
				ran[t] = 0
			}
			return float64(elapsed) / float64(n*pt.tasks)
		}
		pt.measure(plan{batch, 1, false, pt.tasks, func() int64 { return total }})
	},
}
