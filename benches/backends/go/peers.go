package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// fib: benches/workloads/fib.c.
var fib = workload{
	name: "fib", doc: "fork-join: fib(n) with a task for every call",
	metric: "task_ns", unit: "ns", better: "lower", tasks: 1, tasksMin: 1, tasksMax: 1,
	params: []param{{name: "n", kind: "int", min: 2, max: 40, value: "12", doc: "which Fibonacci number"}},
	run: func(pt *point) {
		n := int(pt.params.int("n"))
		a, b := uint64(0), uint64(1)
		for i := 0; i < n; i++ {
			a, b = b, a+b
		}
		expected, tasks, counted, wrong := a, int64(b-1), int64(0), false
		batch := func(rounds int64) float64 {
			start := now()
			for i := int64(0); i < rounds; i++ {
				value, made := fibOf(n)
				counted += int64(made)
				wrong = wrong || value != expected
			}
			return float64(now()-start) / float64(rounds*tasks)
		}
		pt.measure(plan{batch, 1, false, tasks, func() int64 { return counted }})
		pt.check("sum", !wrong, float64(expected), map[bool]float64{false: float64(expected)}[wrong])
		if wrong {
			pt.fail("a sum was not fib(%d) = %d", n, expected)
		}
	},
}

func fibOf(n int) (value, made uint64) {
	if n < 2 {
		return uint64(n), 0
	}
	var left struct { // one object, as the record of a call in C
		wg          sync.WaitGroup
		value, made uint64
	}
	left.wg.Add(1)
	go func() {
		left.value, left.made = fibOf(n - 1)
		left.wg.Done()
	}()
	right, rightMade := fibOf(n - 2)
	left.wg.Wait()
	return left.value + right, left.made + rightMade + 1
}

// skynet: benches/workloads/skynet.c.
var skynet = workload{
	name: "skynet", doc: "a tree of tasks, ten a node, sums its leaves through channels",
	metric: "leaf_ns", unit: "ns", better: "lower", tasks: 100, tasksMin: 10, tasksMax: 1000000,
	prepare: func(pt *point) error {
		power := int64(10)
		for power < pt.tasks {
			power *= 10
		}
		if power != pt.tasks {
			return errors.New("skynet: --tasks must be a power of ten: the leaves of a tree")
		}
		return nil
	},
	run: func(pt *point) {
		counted := int64(0)
		batch := func(rounds int64) float64 {
			start := now()
			for i := int64(0); i < rounds; i++ {
				up := make(chan int64)
				go skynetNode(up, 0, pt.tasks)
				if <-up == pt.tasks*(pt.tasks-1)/2 {
					counted += pt.tasks
				}
			}
			return float64(now()-start) / float64(rounds*pt.tasks)
		}
		pt.measure(plan{batch, 1, false, pt.tasks, func() int64 { return counted }})
	},
}

func skynetNode(up chan int64, first, leaves int64) {
	if leaves == 1 {
		up <- first
		return
	}
	c, sum := make(chan int64), int64(0)
	for i := int64(0); i < 10; i++ {
		go skynetNode(c, first+i*(leaves/10), leaves/10)
	}
	for i := 0; i < 10; i++ {
		sum += <-c
	}
	up <- sum
}

// chanbuf: benches/workloads/chanbuf.c.
var chanbuf = workload{
	name: "chanbuf", doc: "senders and receivers share one buffered channel: what a value costs",
	metric: "value_ns", unit: "ns", better: "lower", tasks: 2, tasksMin: 2, tasksMax: 100000,
	params: []param{{name: "cap", kind: "int", min: 0, max: 65536, value: "128",
		doc: "capacity of the channel; 0: a rendezvous"}},
	prepare: func(pt *point) error {
		if pt.tasks%2 != 0 {
			return errors.New("chanbuf: --tasks must be even: half send, half receive")
		}
		return nil
	},
	run: func(pt *point) {
		senders, c := pt.tasks/2, make(chan uint64, pt.params.int("cap"))
		counted, lost := int64(0), false
		batch := func(n int64) float64 {
			g, sums, got := newGate(int(pt.tasks)), make([][8]uint64, senders), make([][8]int64, senders)
			for i := int64(0); i < senders; i++ {
				sum, done := &sums[i][0], &got[i][0]
				go func() {
					g.wait()
					s := uint64(0)
					for i := int64(0); i < n; i++ {
						s += <-c
					}
					*sum, *done = s, n
					g.left.Done()
				}()
				go func() {
					g.wait()
					for i := int64(0); i < n; i++ {
						c <- uint64(i)
					}
					g.left.Done()
				}()
			}
			elapsed, sum := g.run(), uint64(0)
			for i := range sums {
				sum += sums[i][0]
				counted += got[i][0]
			}
			lost = lost || sum != uint64(senders*(n*(n-1)/2))
			return float64(elapsed) / float64(n*senders)
		}
		pt.measure(plan{batch, 100, false, senders, func() int64 { return counted }})
		pt.checkSum(lost)
	},
}

func (pt *point) checkSum(lost bool) {
	pt.check("sum", !lost, 1, map[bool]float64{false: 1}[lost])
	if lost {
		pt.fail("the values received do not add up to those sent")
	}
}

// mutex: benches/workloads/mutex.c.
var mutex = workload{
	name: "mutex", doc: "tasks lock and unlock one mutex: what a round costs",
	metric: "lock_ns", unit: "ns", better: "lower", tasks: 1, tasksMin: 1, tasksMax: 100000,
	run: func(pt *point) {
		var guarded struct {
			_ [64]byte
			sync.Mutex
			counted int64
			_       [64]byte
		}
		batch := func(n int64) float64 {
			g := newGate(int(pt.tasks))
			for t := int64(0); t < pt.tasks; t++ {
				go func() {
					g.wait()
					for i := int64(0); i < n; i++ {
						guarded.Lock()
						guarded.counted++
						guarded.Unlock()
					}
					g.left.Done()
				}()
			}
			return float64(g.run()) / float64(n*pt.tasks)
		}
		pt.measure(plan{batch, 100, false, pt.tasks, func() int64 { return guarded.counted }})
	},
}

// idle: benches/workloads/idle.c.
var idle = workload{
	name: "idle", doc: "parked tasks and one timer: processor time burnt, wake-ups a tick",
	metric: "cpu_us_per_s", unit: "us/s", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 1000000,
	params: []param{{name: "period_ms", kind: "int", min: 1, max: 60000, value: "1000",
		doc: "between two ticks of the timer, milliseconds"}},
	run: func(pt *point) {
		var before, after syscall.Rusage
		period := time.Duration(pt.params.int("period_ms")) * time.Millisecond
		ticks := pt.opt.measureMs / period.Milliseconds()
		if ticks < 1 {
			ticks = 1
		}
		g := newGate(int(pt.tasks))
		for i := int64(0); i < pt.tasks; i++ {
			go func() {
				g.wait()
				g.left.Done()
			}()
		}
		g.ready.Wait()
		pt.begin()
		time.Sleep(20 * time.Millisecond) // begin stops the world, and whoever that woke looks for work a while
		syscall.Getrusage(syscall.RUSAGE_SELF, &before)
		start, ticked := now(), int64(0)
		for ; ticked < ticks; ticked++ {
			time.Sleep(period)
		}
		elapsed := now() - start
		syscall.Getrusage(syscall.RUSAGE_SELF, &after)
		pt.end()
		used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
		pt.samples = append(pt.samples, float64(used)*1e6/float64(elapsed))
		if time.Duration(elapsed+elapsed/2000) < time.Duration(ticks)*period { // the clocks' rates differ by 500 ppm at most
			ticked = 0
		}
		pt.operations(ticks, ticked)
		pt.setMetric("wakes_per_operation", float64(after.Nvcsw-before.Nvcsw)/float64(ticks), "1", "lower")
		g.open.Done()
		g.left.Wait()
	},
}

// bareSwitch: benches/workloads/bare_switch.c.
var bareSwitch = workload{
	name: "switch", doc: "the bare context switch, without a scheduler",
	metric: "bare_switch_ns", unit: "ns", better: "lower", tasks: 1, tasksMin: 1, tasksMax: 1,
	lacks: "no context switch of its own to show",
}

// echo: benches/workloads/echo.c, with the same client process.
var echo = workload{
	name: "echo", doc: "TCP echo for a client process: requests a second of processor time, and their latency",
	metric: "requests_per_cpu_s", unit: "1/s", better: "higher", tasks: 100, tasksMin: 1, tasksMax: 50000,
	params: []param{{name: "bytes", kind: "int", min: 1, max: 4096, value: "64", doc: "of a request and of its answer"}},
	run:    runEcho,
}

const noWindow = "switches are counted from the first connection to the last, requests in the client's window"

type echoReport struct {
	StartNs     int64 `json:"start_ns"`
	EndNs       int64 `json:"end_ns"`
	Sent        int64 `json:"sent"`
	Answered    int64 `json:"answered"`
	Requests    int64 `json:"requests"`
	ServerCPUNs int64 `json:"server_cpu_ns"`
	ClientCPUNs int64 `json:"client_cpu_ns"`
	Latency     struct {
		Min, Max uint64
		Mean     float64
		Buckets  [][2]uint64
	} `json:"latency"`
}

func startEchoClient(pt *point, port int) (*exec.Cmd, chan []byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	args := []string{strconv.Itoa(port)}
	for _, v := range []int64{pt.tasks, pt.params.int("bytes"), pt.opt.warmupMs, pt.opt.measureMs, int64(os.Getpid())} {
		args = append(args, strconv.FormatInt(v, 10))
	}
	if pt.cpus != "" {
		args = append(args, pt.cpus)
	}
	client := exec.Command(filepath.Join(filepath.Dir(self), "trine-echo-client"), args...)
	client.Stderr = os.Stderr
	printed := make(chan []byte, 1)
	pipe, err := client.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err = client.Start(); err != nil {
		return nil, nil, err
	}
	go func() {
		text := make([]byte, 0, 1<<16)
		buf := make([]byte, 1<<16)
		for {
			n, err := pipe.Read(buf)
			text = append(text, buf[:n]...)
			if err != nil {
				printed <- text
				return
			}
		}
	}()
	return client, printed, nil
}

func runEcho(pt *point) {
	if !pt.needFds(pt.tasks + 8) {
		return
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		pt.fail("no socket could listen on 127.0.0.1: %v", err)
		return
	}
	client, printed, err := startEchoClient(pt, listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		listener.Close()
		pt.fail("trine-echo-client could not be started: %v", err)
		return
	}
	pt.begin()
	var wg sync.WaitGroup
	var refused int64
	for i := int64(0); i < pt.tasks; i++ {
		conn, err := listener.Accept()
		if err != nil {
			atomic.AddInt64(&refused, 1)
			break
		}
		wg.Add(1)
		go func() {
			echoServer(conn, 4096)
			conn.Close()
			wg.Done()
		}()
	}
	listener.Close()
	wg.Wait()
	pt.end()
	text := <-printed
	var r echoReport
	if err := client.Wait(); err != nil || refused > 0 || json.Unmarshal(text, &r) != nil {
		pt.fail("the client failed, or a connection could not be accepted")
		return
	}
	h := pt.hist("latency")
	for _, b := range r.Latency.Buckets {
		h.counts[b[0]] = b[1]
		h.count += b[1]
	}
	h.min, h.max, h.sum = r.Latency.Min, r.Latency.Max, uint64(r.Latency.Mean*float64(h.count))
	// The window is the client's: what was counted around it contains the connecting and the warm-up.
	pt.phases[len(pt.phases)-1] = phase{"measure", r.StartNs, r.EndNs}
	pt.elapsedNs = r.EndNs - r.StartNs
	seconds, cpu := float64(pt.elapsedNs)/1e9, float64(r.ServerCPUNs)/1e9
	pt.samples = append(pt.samples, float64(r.Requests)/cpu)
	pt.operations(r.Sent, r.Answered)
	pt.unavailable("switches_per_operation", noWindow)
	pt.unavailable("kernel_switches_per_operation", noWindow)
	pt.setMetric("throughput", float64(r.Requests)/seconds, "1/s", "higher")
	pt.setMetric("server_cpus", cpu/seconds, "CPUs", "lower")
	pt.setMetric("client_cpus", float64(r.ClientCPUNs)/1e9/seconds, "CPUs", "lower")
	pt.quotePercentiles("latency", h)
}
