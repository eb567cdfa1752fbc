package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func ptr(b *[]byte) unsafe.Pointer { return unsafe.Pointer(&(*b)[0]) }

// A timerWait is a wait of a known length that is a real read of a timerfd, blocking or through the poller.
type timerWait struct {
	fd   int
	file *os.File // nil: it blocks
}

func newTimerWait(pt *point, net bool) *timerWait {
	fd, err := timerfdCreate(net)
	if err != nil {
		pt.fail("a timerfd could not be made: %v", err)
		return nil
	}
	t := &timerWait{fd: fd}
	if net {
		t.file = os.NewFile(uintptr(fd), "timerfd")
	}
	return t
}

// False: it did not wait, so whoever asked has done nothing.
func (t *timerWait) wait(ns int64) bool {
	var b [8]byte
	if !timerfdSet(t.fd, ns) {
		return false
	}
	n := 0
	if t.file != nil {
		n, _ = t.file.Read(b[:])
	} else {
		n = blockingRead(t.fd, b[:])
	}
	return n == len(b)
}

func parseHolds(text string) []int64 {
	var out []int64
	for _, word := range strings.Split(text, "+") {
		us, err := strconv.ParseInt(word, 10, 64)
		if err != nil || us < 1 || us > 60000000 || len(out) == 8 {
			usage("waiters: hold_us: expected up to 8 times of 1 to 60000000, joined by +")
		}
		out = append(out, us*1000)
	}
	return out
}

// waiters: benches/workloads/waiters.c.
var waiters = workload{
	name: "waiters", doc: "many tasks that wait for stated times, with or without a limit: time and threads",
	metric: "total_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "hold_us", kind: "text", value: "10000", doc: "the waits of a task, microseconds joined by +"},
		{name: "via", kind: "choice", value: "timer", choices: []string{"timer", "block", "net"},
			doc: "timer: the runtime's sleep; block: a blocking read; net: a read through the poller"},
		{name: "files", kind: "int", min: 0, max: 100000, value: "0", doc: "how many of the tasks block in any case"},
		{name: "limit", kind: "int", min: 0, max: 100000, value: "0", doc: "connections that the tasks share; 0: one each"},
		{name: "hogs", kind: "int", min: 0, max: 1024, value: "0", doc: "computing tasks that run beside"},
	},
	run: func(pt *point) {
		holds, via := parseHolds(pt.params.text("hold_us")), pt.params.text("via")
		files, limit := pt.params.int("files"), pt.params.int("limit")
		if files > 0 && limit > 0 {
			usage("waiters: files and limit cannot be had together")
		}
		fds := pt.tasks
		if limit > 0 {
			fds = limit
		}
		if via == "timer" {
			if fds = files; files > pt.tasks {
				fds = pt.tasks
			}
		}
		if !pt.needFds(fds) {
			return
		}
		own := make([]*timerWait, pt.tasks)
		for i := range own {
			if blocks := int64(i) < files; limit == 0 && (via != "timer" || blocks) {
				own[i] = newTimerWait(pt, via == "net" && !blocks)
			}
		}
		var pool chan *timerWait
		if limit > 0 {
			pool = make(chan *timerWait, limit)
		}
		for i := int64(0); i < limit; i++ {
			var t *timerWait
			if via != "timer" {
				t = newTimerWait(pt, via == "net")
			}
			pool <- t
		}
		h, total, queued, threadsPeak, queuedPeak := pt.hist("latency"), int64(0), int64(0), int64(0), int64(0)
		elapsed := make([]int64, pt.tasks)
		batch := func() float64 {
			var wg sync.WaitGroup
			wg.Add(len(own))
			start := now()
			for i := range own {
				t, slot := own[i], &elapsed[i]
				go func() {
					begun := now()
					if pool != nil {
						atomic.AddInt64(&queued, 1)
						t = <-pool
						atomic.AddInt64(&queued, -1)
					}
					waited := true
					for _, ns := range holds {
						if t == nil {
							time.Sleep(time.Duration(ns))
						} else {
							waited = t.wait(ns) && waited
						}
					}
					if pool != nil {
						pool <- t
					}
					*slot = now() - begun
					if !waited {
						*slot = -1
					}
					wg.Done()
				}()
			}
			time.Sleep(time.Duration(holds[0] / 4))
			if n, ok := threadsNow(); ok && n > threadsPeak {
				threadsPeak = n
			}
			if n := atomic.LoadInt64(&queued); n > queuedPeak {
				queuedPeak = n
			}
			wg.Wait()
			all := now() - start
			for _, e := range elapsed {
				if e >= 0 {
					h.record(e)
					total++
				}
			}
			return float64(all)
		}
		if pt.status == "ok" {
			beside := startHogs(pt.params.int("hogs"))
			pt.once(batch, func() int64 { return total })
			beside.end()
		}
		pt.quotePercentiles("wait", h)
		pt.setMetric("threads", float64(threadsPeak), "threads", "lower")
		pt.setMetric("queued", float64(queuedPeak), "tasks", "lower")
	},
}

// limit: benches/workloads/limit.c.
var limit = workload{
	name: "limit", doc: "tasks that block their threads in a process of limited address space: does it live?",
	metric: "total_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 30000,
	params: []param{
		{name: "as_mib", kind: "int", min: 64, max: 1048576, value: "4096", doc: "address space that the process may have, MiB"},
		{name: "hold_ms", kind: "int", min: 1, max: 10000, value: "300", doc: "how long each call blocks"},
	},
	run: func(pt *point) {
		if !pt.needFds(pt.tasks) {
			return
		}
		bytes, hold, total := uint64(pt.params.int("as_mib"))<<20, pt.params.int("hold_ms")*1000000, int64(0)
		calls, waited := make([]*timerWait, pt.tasks), make([]bool, pt.tasks)
		for i := range calls {
			calls[i] = newTimerWait(pt, false)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
			pt.fail("RLIMIT_AS could not be set: %v", err)
			return
		}
		batch := func() float64 {
			var wg sync.WaitGroup
			wg.Add(len(calls))
			start := now()
			for i, c := range calls {
				c, held := c, &waited[i]
				go func() {
					*held = c.wait(hold)
					wg.Done()
				}()
			}
			wg.Wait()
			elapsed := now() - start
			for _, ok := range waited {
				if ok {
					total++
				}
			}
			return float64(elapsed)
		}
		pt.once(batch, func() int64 { return total })
	},
}

// stack: how deep may a goroutine call? Each level keeps 1 KiB of its own, so the stack is moved whenever it must double.
// The limit is 1 GB and each stack twice the one before, so 512 MiB is the largest that there is. Go alone has it: a C stack
// cannot be moved.
var stack = workload{
	name: "stack", doc: "a goroutine that recurses: how large its stack becomes, and what a KiB of growth costs",
	metric: "grow_ns_per_kib", unit: "ns", better: "lower", tasks: 1, tasksMin: 1, tasksMax: 1,
	params: []param{{name: "depth_mib", kind: "int", min: 1, max: 480, value: "64", doc: "of stack, MiB"}},
	run: func(pt *point) {
		levels, total := pt.params.int("depth_mib")*1024, int64(0)
		batch := func() float64 {
			done := make(chan int64)
			start := now()
			go func() { done <- descend(levels) }()
			if <-done == levels {
				total++
			}
			return float64(now()-start) / float64(levels)
		}
		pt.once(batch, func() int64 { return total })
		pt.setMetric("reached_bytes", float64(levels*frameBytes()), "bytes", "higher")
	},
}

// Where the last three frames stood. The stack moves on its way down, at most once in so few of them, so the smaller of
// the two distances is what a level takes.
var frames [3]uintptr

func frameBytes() int64 {
	a, b := int64(frames[1]-frames[0]), int64(frames[2]-frames[1])
	if a <= 0 || (b > 0 && b < a) {
		return b
	}
	return a
}

//go:noinline
func descend(levels int64) int64 {
	var own [128]int64
	if levels < int64(len(frames)) {
		frames[levels] = uintptr(unsafe.Pointer(&own))
	}
	if levels == 0 {
		return 0
	}
	own[levels%128] = 1
	return descend(levels-1) + own[levels%128]
}

// gc: what does a collection cost beside --tasks parked goroutines? The CPU time of the process over a forced collection.
// Go alone has a collector.
var gc = workload{
	name: "gc", doc: "a forced collection beside parked goroutines: the CPU time that it takes",
	metric: "collection_cpu_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 10000000,
	run: func(pt *point) {
		var ready, left sync.WaitGroup
		open, total := make(chan struct{}), int64(0)
		ready.Add(int(pt.tasks))
		left.Add(int(pt.tasks))
		for i := int64(0); i < pt.tasks; i++ {
			go func() {
				ready.Done()
				<-open
				left.Done()
			}()
		}
		ready.Wait()
		cpu := func() int64 {
			var u syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			return u.Utime.Nano() + u.Stime.Nano()
		}
		batch := func() float64 {
			before := cpu()
			runtime.GC()
			total += pt.tasks
			return float64(cpu() - before)
		}
		pt.once(batch, func() int64 { return total })
		close(open)
		left.Wait()
		debug.FreeOSMemory()
	},
}
