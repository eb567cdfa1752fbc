package main

import (
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// sleepers: benches/workloads/sleepers.c.
var sleepers = workload{
	name: "sleepers", doc: "many tasks sleep: how late each wakes, and the whole batch",
	metric: "batch_late_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 10000000,
	params: []param{{name: "sleep_us", kind: "int", min: 1, max: 60000000, value: "10000",
		doc: "how long each task sleeps, microseconds"}},
	run: func(pt *point) {
		d := time.Duration(pt.params.int("sleep_us")) * time.Microsecond
		h, total, early := pt.hist("latency"), int64(0), 0
		const notYet = math.MinInt64
		late := make([]int64, pt.tasks)
		for i := range late {
			late[i] = notYet
		}
		batch := func(int64) float64 {
			var wg sync.WaitGroup
			wg.Add(len(late))
			start := now()
			for i := range late {
				slot := &late[i]
				go func() {
					due := now() + int64(d)
					time.Sleep(d)
					*slot = now() - due
					wg.Done()
				}()
			}
			wg.Wait()
			elapsed := now() - start
			for i, l := range late {
				late[i] = notYet
				if l == notYet {
					continue
				}
				if l < 0 {
					early++
				}
				total++
				h.record(l)
			}
			return float64(elapsed - int64(d))
		}
		pt.measure(plan{batch, 1, true, pt.tasks, func() int64 { return total }})
		pt.check("none_early", early == 0, 0, float64(early))
		pt.quotePercentiles("late", h)
	},
}

// needFds raises the soft limit on descriptors.
func (pt *point) needFds(n int64) bool {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur >= uint64(n)+64 {
		return true
	}
	l.Cur = uint64(n) + 64
	if l.Cur > l.Max || syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		pt.fail("%d descriptors are needed and the hard limit is %d: raise it (ulimit -Hn) or lower --tasks", n, l.Max)
		return false
	}
	return true
}

// procKiB sums the fields of a /proc file, in bytes; false when none is there.
func procKiB(path string, fields ...string) (sum int64, found bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		for _, f := range fields {
			if len(words) > 1 && words[0] == f {
				v, _ := strconv.ParseInt(words[1], 10, 64)
				sum, found = sum+v*1024, true
			}
		}
	}
	return sum, found
}

func threadsNow() (int64, bool) {
	v, ok := procKiB("/proc/self/status", "Threads:")
	return v / 1024, ok
}

func blockingRead(fd int, buf []byte) int {
	for {
		n, err := syscall.Read(fd, buf)
		if err != syscall.EINTR {
			return n
		}
	}
}

// block: benches/workloads/block.c.
var block = workload{
	name: "block", doc: "many tasks in blocking reads: kernel threads needed, and time until all are woken",
	metric: "all_woken_ns", unit: "ns", better: "lower", tasks: 100, tasksMin: 1, tasksMax: 100000,
	params: []param{
		{name: "via", kind: "choice", value: "block", choices: []string{"block", "net"},
			doc: "block: a blocking read; net: a read through the poller"},
		{name: "settle_ms", kind: "int", min: 1, max: 10000, value: "5", doc: "how long all must have been blocked before the writes"},
	},
	run: func(pt *point) {
		if !pt.needFds(2 * pt.tasks) {
			return
		}
		viaNet, settle := pt.params.text("via") == "net", time.Duration(pt.params.int("settle_ms"))*time.Millisecond
		fds := make([][2]int, pt.tasks)
		files := make([]*os.File, pt.tasks)
		for i := range fds {
			if err := syscall.Pipe2(fds[i][:], syscall.O_CLOEXEC); err != nil {
				pt.fail("pipe %d could not be made: %v", i, err)
				return
			}
			if viaNet {
				syscall.SetNonblock(fds[i][0], true)
				files[i] = os.NewFile(uintptr(fds[i][0]), "pipe")
			}
		}
		h, total, peak := pt.hist("latency"), int64(0), int64(0)
		written, woken := make([]int64, pt.tasks), make([]int64, pt.tasks)
		batch := func(int64) float64 {
			var entered, left sync.WaitGroup
			entered.Add(len(fds))
			left.Add(len(fds))
			for i := range fds {
				i := i
				woken[i] = 0
				go func() {
					var b [1]byte
					got := 0
					entered.Done()
					if viaNet {
						got, _ = files[i].Read(b[:])
					} else {
						got = blockingRead(fds[i][0], b[:])
					}
					if got == 1 {
						woken[i] = now()
					}
					left.Done()
				}()
			}
			entered.Wait()
			time.Sleep(settle)
			if t, ok := threadsNow(); ok && t > peak {
				peak = t
			}
			start := now()
			for i := range fds {
				written[i] = now()
				syscall.Write(fds[i][1], []byte{0})
			}
			left.Wait()
			elapsed := now() - start
			for i := range fds {
				if woken[i] > 0 {
					total++
					h.record(woken[i] - written[i])
				}
			}
			return float64(elapsed)
		}
		pt.measure(plan{batch, 1, true, pt.tasks, func() int64 { return total }})
		pt.quotePercentiles("wake", h)
		if peak > 0 {
			pt.setMetric("threads", float64(peak), "threads", "lower")
		} else {
			pt.unavailable("threads", "/proc/self/status could not be read")
		}
		pt.setMetric("threads_made_total", float64(threadsMade()), "threads", "lower")
	},
}

// memory: benches/workloads/memory.c.
var memory = workload{
	name: "memory", doc: "many parked tasks: private memory, address space and creation time of each",
	metric: "private_bytes", unit: "bytes", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 10000000,
	params: []param{{name: "small", kind: "int", min: 0, max: 1, value: "0",
		doc: "1: the smallest stack that can be declared; Go's always begins with 2 KiB"}},
	run: func(pt *point) {
		private := func() (int64, bool) { return procKiB("/proc/self/smaps_rollup", "Private_Clean:", "Private_Dirty:") }
		space := func() int64 { v, _ := procKiB("/proc/self/status", "VmSize:"); return v }
		tables := func() int64 { v, _ := procKiB("/proc/self/status", "VmPTE:"); return v }
		if _, ok := private(); !ok {
			pt.fail("private memory cannot be measured: /proc/self/smaps_rollup is not readable")
			return
		}
		// What the readings themselves touch for the first time is no goroutine's, and what they leave is not to be their stacks:
		// all once, collected, and again.
		space()
		tables()
		threadsMade()
		gcCycles()
		runtimeSwitches()
		kernelSwitches()
		runtime.GC()
		pt.begin()
		before, _ := private()
		spaceBefore, tablesBefore := space(), tables()
		start := now()
		release := parkAll(pt.tasks)
		elapsed := now() - start
		after, _ := private()
		spaceAfter, tablesAfter := space(), tables()
		pt.end()
		parked := int64(runtime.NumGoroutine() - 1)
		release()
		n := float64(pt.tasks)
		pt.samples = append(pt.samples, float64(after-before)/n)
		pt.operations(pt.tasks, parked)
		pt.setMetric("create_ns", float64(elapsed)/n, "ns", "lower")
		pt.setMetric("address_space_bytes", float64(spaceAfter-spaceBefore)/n, "bytes", "lower")
		pt.setMetric("page_table_bytes", float64(tablesAfter-tablesBefore)/n, "bytes", "lower")
		start = now()
		release = parkAll(pt.tasks)
		pt.setMetric("create_reused_ns", float64(now()-start)/n, "ns", "lower")
		release()
	},
}

// parkAll makes n goroutines and waits until all are parked; what it returns ends them.
func parkAll(n int64) func() {
	var ready, left sync.WaitGroup
	open := make(chan struct{})
	ready.Add(int(n))
	left.Add(int(n))
	for i := int64(0); i < n; i++ {
		go func() {
			ready.Done()
			<-open
			left.Done()
		}()
	}
	ready.Wait()
	return func() {
		close(open)
		left.Wait()
	}
}

// A timerfd becomes readable by itself when its time is over: a wait that goes through a descriptor.
func timerfdCreate(nonblocking bool) (int, error) {
	const clockMonotonicID, cloexec, nonblock = 1, 0x80000, 0x800
	flags := uintptr(cloexec)
	if nonblocking {
		flags |= nonblock
	}
	fd, _, errno := syscall.Syscall(sysTimerfdCreate, clockMonotonicID, flags, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func timerfdSet(fd int, ns int64) bool {
	spec := [4]int64{0, 0, ns / 1000000000, ns % 1000000000}
	_, _, errno := syscall.Syscall6(sysTimerfdSettime, uintptr(fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	return errno == 0
}

// mix: benches/workloads/mix.c.
var mix = workload{
	name: "mix", doc: "tasks alternate calibrated computing and waiting: throughput and response by share of I/O",
	metric: "throughput", unit: "1/s", better: "higher", tasks: 16, tasksMin: 1, tasksMax: 100000,
	params: []param{
		{name: "io_percent", kind: "int", min: 0, max: 100, value: "50", doc: "share of a cycle that waits"},
		{name: "cycle_us", kind: "int", min: 10, max: 1000000, value: "200", doc: "computing and waiting of one cycle together, microseconds"},
		{name: "wait", kind: "choice", value: "timer", choices: []string{"timer", "fd", "block"},
			doc: "timer: the runtime's sleep; fd: a timerfd in the poller; block: a blocking read of a timerfd"},
	},
	run: runMix,
}

func runMix(pt *point) {
	cycle, io := float64(pt.params.int("cycle_us"))*1000, float64(pt.params.int("io_percent"))/100
	waitNs, iterations := int64(cycle*io), uint64(calibrate()*cycle*(1-io))
	kind := pt.params.text("wait")
	fds, files := make([]int, pt.tasks), make([]*os.File, pt.tasks)
	if kind != "timer" {
		if !pt.needFds(pt.tasks) {
			return
		}
		for i := range fds {
			fd, err := timerfdCreate(kind == "fd")
			if err != nil {
				pt.fail("timerfd_create failed for task %d: %v", i, err)
				return
			}
			fds[i] = fd
			if kind == "fd" {
				files[i] = os.NewFile(uintptr(fd), "timerfd")
			}
		}
	}
	var h *hist
	if waitNs > 0 {
		h = pt.hist("latency")
	}
	wait := func(i int64, buf []byte) bool {
		n := len(buf)
		switch kind {
		case "timer":
			time.Sleep(time.Duration(waitNs))
			return true
		case "fd":
			if timerfdSet(fds[i], waitNs) {
				n, _ = files[i].Read(buf)
				return n == len(buf)
			}
		case "block":
			return timerfdSet(fds[i], waitNs) && blockingRead(fds[i], buf) == n
		}
		return false
	}
	done := make([][8]int64, pt.tasks) // a cache line each
	batch := func(n int64) float64 {
		var wg sync.WaitGroup
		late := make([]int64, pt.tasks*n)
		wg.Add(int(pt.tasks))
		start := now()
		for t := int64(0); t < pt.tasks; t++ {
			t := t
			go func() {
				buf := make([]byte, 8)
				for i := int64(0); i < n; i++ {
					due := now() + waitNs
					if waitNs > 0 && !wait(t, buf) {
						break // what is not counted fails the point
					}
					burst(iterations, uint64(i))
					late[t*n+i] = now() - due
					done[t][0]++
				}
				wg.Done()
			}()
		}
		wg.Wait()
		elapsed := now() - start
		if h != nil {
			for _, l := range late {
				h.record(l)
			}
		}
		return float64(pt.tasks*n) * 1e9 / float64(elapsed)
	}
	counted := func() (all int64) {
		for t := range done {
			all += done[t][0]
		}
		return all
	}
	pt.measure(plan{batch, 10, false, pt.tasks, counted})
	if h != nil {
		pt.quotePercentiles("response", h)
	}
}

// readWhole fills buf from r, or is false at an error.
func readWhole(r io.Reader, buf []byte) bool {
	_, err := io.ReadFull(r, buf)
	return err == nil
}
