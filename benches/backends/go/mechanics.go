package main

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// once is a plan of whole batches: run makes all tasks of the point and says how long it took.
func (pt *point) once(run func() float64, counted func() int64) {
	pt.measure(plan{func(int64) float64 { return run() }, 1, true, pt.tasks, counted})
}

// queue: benches/workloads/queue.c.
var queue = workload{
	name: "queue", doc: "the order in which tasks of one P run: length of its queue, overflow, polls of the global queue",
	metric: "first_at", unit: "place", better: "lower", tasks: 258, tasksMin: 1, tasksMax: 100000,
	params: []param{
		{name: "net", kind: "int", min: 0, max: 1, value: "0",
			doc: "1: one more task, made ready by the network before the others are made"},
		{name: "woken", kind: "int", min: 0, max: 1, value: "0",
			doc: "1: the tasks wait on a channel and are woken by as many sends"},
	},
	run: func(pt *point) {
		order, at, waited := make([]int64, pt.tasks), make([]int64, pt.tasks), make([]int64, pt.tasks)
		var gaps, netAt, ordered []int64
		var next, waiting, total int64
		net, begun := pt.params.int("net") == 1, false
		var gate chan struct{}
		if pt.params.int("woken") == 1 && pt.tasks > 1 {
			gate = make(chan struct{})
		}
		batch := func() float64 {
			var wg sync.WaitGroup
			next, waiting = 0, 0
			if net {
				startReader(pt, &wg, func() {
					if begun {
						netAt = append(netAt, atomic.LoadInt64(&next))
					}
				})
			}
			wg.Add(len(at))
			for i := range at {
				slot, place := &at[i], &waited[i]
				go func() {
					if gate != nil {
						*place = atomic.AddInt64(&waiting, 1) - 1
						<-gate
					}
					*slot = atomic.AddInt64(&next, 1) - 1
					wg.Done()
				}()
			}
			if gate != nil {
				wakeAll(gate, &waiting, pt.tasks)
			}
			wg.Wait()
			for i, place := range at {
				order[place] = int64(i)
			}
			total += next
			begun = len(pt.phases) > 1
			if gate != nil {
				if begun {
					ordered = append(ordered, pairsInOrder(waited, at))
				}
			} else if gap := displacedGap(order); begun && gap > 0 {
				gaps = append(gaps, gap)
			}
			return float64(at[0])
		}
		pt.once(batch, func() int64 { return total })
		quoteRank(pt, "tick_gap", gaps, 1, "tasks",
			"fewer than two tasks came from a global queue before the local one was empty")
		quoteRank(pt, "net_at_percent", netAt, 100/float64(pt.tasks), "%", "net=0")
		quoteRank(pt, "in_order_percent", ordered, 100/float64(pt.tasks-1), "%", "woken=0")
	},
}

func wakeAll(gate chan struct{}, waiting *int64, n int64) {
	for time.Sleep(time.Millisecond); atomic.LoadInt64(waiting) < n; {
		time.Sleep(time.Millisecond)
	}
	for i := int64(0); i < n; i++ {
		gate <- struct{}{}
	}
}

// pairsInOrder: see note_order in queue.c.
func pairsInOrder(waited, at []int64) int64 {
	ran := make([]int64, len(at))
	for i, place := range waited {
		ran[place] = at[i]
	}
	pairs := int64(0)
	for i := 1; i < len(ran); i++ {
		if ran[i] > ran[i-1] {
			pairs++
		}
	}
	return pairs
}

func quoteRank(pt *point, name string, v []int64, scale float64, unit, why string) {
	if len(v) > 0 {
		pt.setMetric(name, rank(v, 0.5)*scale, unit, "lower")
	} else {
		pt.unavailable(name, why)
	}
}

// startReader starts a goroutine that waits in the poller, and makes its descriptor readable.
func startReader(pt *point, wg *sync.WaitGroup, then func()) {
	r, w, err := os.Pipe()
	if err != nil {
		pt.fail("a pipe could not be made: %v", err)
		return
	}
	var entered sync.WaitGroup
	entered.Add(1)
	wg.Add(1)
	go func() {
		var b [1]byte
		entered.Done()
		r.Read(b[:])
		then()
		r.Close()
		w.Close()
		wg.Done()
	}()
	entered.Wait()
	time.Sleep(time.Millisecond)
	var fd uintptr
	if raw, err := w.SyscallConn(); err == nil {
		raw.Control(func(f uintptr) { fd = f })
	}
	syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(ptr(&[]byte{0})), 1)
}

// displacedGap: see note_gap in queue.c; 0 where there is none.
func displacedGap(order []int64) int64 {
	if len(order) < 2 || order[1] <= 1 {
		return 0
	}
	first, newest, last := order[1], int64(0), 0
	for i := 1; i < len(order); i++ {
		if order[i] >= first && order[i] >= newest {
			newest, last = order[i], i
		}
	}
	previous := -1
	for i := 1; i < last; i++ {
		if order[i] == 0 {
			previous = i
		} else if order[i] == 1 && previous >= 0 {
			return int64(i - previous)
		}
	}
	return 0
}

// requeue: benches/workloads/requeue.c.
var requeue = workload{
	name: "requeue", doc: "a preempted hog before short tasks: how many of them run until it is back",
	metric: "ran_meanwhile", unit: "tasks", better: "lower", tasks: 250, tasksMin: 1, tasksMax: 100000,
	params: []param{{name: "hog_ms", kind: "int", min: 1, max: 60000, value: "100",
		doc: "longest calibrated work of the hog, milliseconds"}},
	run: func(pt *point) {
		const pieceNs = 5000
		iterations, pieces := uint64(calibrate()*pieceNs), pt.params.int("hog_ms")*1000000/pieceNs
		total := int64(0)
		batch := func() float64 {
			var wg sync.WaitGroup
			var ran, jump int64
			wg.Add(int(pt.tasks) + 1)
			go func() {
				before := atomic.LoadInt64(&ran)
				for i := int64(0); i < pieces && jump == 0; i++ {
					atomic.AddUint64(&sink, burst(iterations, uint64(i)))
					jump = atomic.LoadInt64(&ran) - before
				}
				wg.Done()
			}()
			for i := int64(0); i < pt.tasks; i++ {
				go func() {
					atomic.AddInt64(&ran, 1)
					wg.Done()
				}()
			}
			wg.Wait()
			total += ran
			return float64(jump)
		}
		pt.once(batch, func() int64 { return total })
	},
}

// progress: benches/workloads/progress.c.
var progress = workload{
	name: "progress", doc: "computing tasks beside others in blocking calls: do they go on?",
	metric: "computed_ns", unit: "ns", better: "lower", tasks: 100, tasksMin: 1, tasksMax: 100000,
	params: []param{
		{name: "blocked", kind: "int", min: 0, max: 10000, value: "10", doc: "tasks in blocking calls"},
		{name: "hold_ms", kind: "int", min: 1, max: 10000, value: "200", doc: "how long their calls last"},
		{name: "work_us", kind: "int", min: 1, max: 1000000, value: "200", doc: "calibrated work of a computing task, microseconds"},
	},
	run: func(pt *point) {
		workNs, hold := float64(pt.params.int("work_us"))*1000, pt.params.int("hold_ms")*1000000
		iterations, total := uint64(calibrate()*workNs), int64(0)
		calls := make([]*timerWait, pt.params.int("blocked"))
		for i := range calls {
			calls[i] = newTimerWait(pt, false)
		}
		batch := func() float64 {
			var computing, blocked sync.WaitGroup
			blocked.Add(len(calls))
			computing.Add(int(pt.tasks))
			start := now()
			for _, c := range calls {
				c := c
				go func() {
					c.wait(hold)
					blocked.Done()
				}()
			}
			runtime.Gosched()
			for i := int64(0); i < pt.tasks; i++ {
				go func() {
					if burst(iterations, 1) != 0 {
						atomic.AddInt64(&total, 1)
					}
					computing.Done()
				}()
			}
			computing.Wait()
			elapsed := now() - start
			blocked.Wait()
			return float64(elapsed)
		}
		if pt.status == "ok" {
			pt.once(batch, func() int64 { return atomic.LoadInt64(&total) })
		}
		pt.setMetric("ideal_ns", workNs*float64(pt.tasks)/float64(pt.procs), "ns", "lower")
	},
}

// matrix: benches/workloads/matrix.c.
var matrix = workload{
	name: "matrix", doc: "the rows of a matrix by a task each, or by one worker a processor",
	metric: "total_ns", unit: "ns", better: "lower", tasks: 50000, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "mode", kind: "choice", value: "tasks", choices: []string{"tasks", "pool"}, doc: "a task a row, or procs workers"},
		{name: "row_bytes", kind: "int", min: 64, max: 65536, value: "512", doc: "of a row"},
		{name: "passes", kind: "int", min: 1, max: 1000, value: "4", doc: "over each row"},
	},
	run: func(pt *point) {
		rowCells, passes, rows := int(pt.params.int("row_bytes"))/8, int(pt.params.int("passes")), int(pt.tasks)
		cells, expected, total, shares := make([]uint64, rows*rowCells), uint64(0), int64(0), rows
		for i := range cells {
			cells[i] = uint64(i % 251)
			expected += cells[i] * uint64(passes)
		}
		if pt.params.text("mode") == "pool" {
			shares = pt.procs
		}
		batch := func() float64 {
			var wg sync.WaitGroup
			sums := make([]uint64, shares)
			wg.Add(shares)
			start := now()
			for s := 0; s < shares; s++ {
				own, from, to := &sums[s], rows*s/shares, rows*(s+1)/shares
				go func() {
					sum := uint64(0)
					for row := from; row < to; row++ {
						for p := 0; p < passes; p++ {
							for _, v := range cells[row*rowCells : (row+1)*rowCells] {
								sum += v
							}
						}
					}
					*own = sum
					wg.Done()
				}()
			}
			wg.Wait()
			elapsed := now() - start
			all := uint64(0)
			for _, sum := range sums {
				all += sum
			}
			if all == expected {
				total += pt.tasks
			}
			return float64(elapsed)
		}
		pt.once(batch, func() int64 { return total })
	},
}
