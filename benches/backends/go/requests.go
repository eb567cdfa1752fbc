package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// netEcho: benches/workloads/net.c.
var netEcho = workload{
	name: "net", doc: "echo over loopback connections: requests a second and latency",
	metric: "throughput", unit: "1/s", better: "higher", tasks: 16, tasksMin: 1, tasksMax: 20000,
	params: []param{
		{name: "bytes", kind: "int", min: 1, max: 4096, value: "64", doc: "of a request and of its answer"},
		{name: "rate", kind: "real", min: 0, max: 10000000, value: "0", doc: "open loop: requests a second in all; 0: closed loop"},
	},
	run: runNet,
}

func echoServer(c net.Conn, size int64) {
	buf := make([]byte, size)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if _, werr := c.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func openConnections(pt *point, servers *sync.WaitGroup, size int64) (clients []net.Conn) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		pt.fail("no socket could listen on 127.0.0.1: %v", err)
		return nil
	}
	defer listener.Close()
	for i := int64(0); i < pt.tasks; i++ {
		client, err := net.Dial("tcp4", listener.Addr().String())
		if err != nil {
			pt.fail("connection %d over loopback failed: %v", i, err)
			return clients
		}
		clients = append(clients, client)
		server, err := listener.Accept()
		if err != nil {
			pt.fail("connection %d could not be accepted: %v", i, err)
			return clients
		}
		servers.Add(1)
		go func() {
			echoServer(server, size)
			server.Close()
			servers.Done()
		}()
	}
	return clients
}

func runNet(pt *point) {
	size, rate := pt.params.int("bytes"), pt.params.real("rate")
	if !pt.needFds(2*pt.tasks + 1) {
		return
	}
	var servers sync.WaitGroup
	clients := openConnections(pt, &servers, size)
	gap := 0.0
	if rate > 0 {
		gap = 1e9 * float64(pt.tasks) / rate
	}
	seeds, h := rng{uint64(pt.seed)}, pt.hist("latency")
	rngs, done := make([]rng, pt.tasks), make([][8]int64, pt.tasks)
	for i := range rngs {
		rngs[i] = rng{seeds.next()}
	}
	batch := func(n int64) float64 {
		var wg sync.WaitGroup
		ns := make([]int64, pt.tasks*n)
		wg.Add(len(clients))
		start := now()
		for t := range clients {
			t := t
			go func() {
				defer wg.Done()
				buf, next := make([]byte, size), float64(now())
				for i := int64(0); i < n; i++ {
					from := now()
					if gap > 0 {
						next += rngs[t].exponential(gap)
						time.Sleep(time.Duration(int64(next) - from))
						from = int64(next)
					}
					if _, err := clients[t].Write(buf); err != nil || !readWhole(clients[t], buf) {
						return
					}
					ns[int64(t)*n+i] = now() - from
					done[t][0]++
				}
			}()
		}
		wg.Wait()
		elapsed := now() - start
		for _, l := range ns {
			h.record(l)
		}
		return float64(pt.tasks*n) * 1e9 / float64(elapsed)
	}
	counted := func() (all int64) {
		for t := range done {
			all += done[t][0]
		}
		return all
	}
	if pt.status == "ok" {
		pt.measure(plan{batch, 10, false, pt.tasks, counted})
		pt.quotePercentiles("latency", h)
	}
	for _, c := range clients {
		c.Close()
	}
	servers.Wait()
}

// latency: benches/workloads/latency.c. The arrivals are those of the C drivers for the same seed.
var latency = workload{
	name: "latency", doc: "open loop: Poisson arrivals at a share of capacity, latency from the intended time",
	metric: "latency_p99_ns", unit: "ns", better: "lower", tasks: 1, tasksMin: 1, tasksMax: 1,
	params: []param{
		{name: "load", kind: "real", min: 0.01, max: 2, value: "0.5", doc: "offered load as a share of procs / service_us"},
		{name: "service_us", kind: "int", min: 1, max: 1000000, value: "100", doc: "calibrated computing of a request, microseconds"},
		{name: "hogs", kind: "int", min: 0, max: 1024, value: "0", doc: "computing tasks that run beside the requests"},
		{name: "loop", kind: "choice", value: "open", choices: []string{"open", "closed"}, doc: "open: arrivals by the clock; closed: the next when the last is answered"},
	},
	run: runLatency,
}

type arrival struct{ intended, lag, latency int64 }

func arrivals(seed int64, gap float64, duration int64) (list []arrival) {
	r := rng{uint64(seed)}
	for at := r.exponential(gap); at < float64(duration); at += r.exponential(gap) {
		list = append(list, arrival{int64(at), 0, -1})
	}
	return list
}

// sendClosed returns when it started: each request waits for the one before, and is measured from its sending.
func sendClosed(list []arrival, iterations uint64) int64 {
	start := now()
	for i := range list {
		a := &list[i]
		time.Sleep(time.Duration(start + a.intended - now()))
		a.intended = now() - start
		answered := make(chan struct{})
		go func() {
			burst(iterations, uint64(a.intended))
			a.latency = now() - start - a.intended
			close(answered)
		}()
		<-answered
	}
	return start
}

// A pacer is benches/outside/pacer.h as a program: it writes a byte into a pipe at each arrival.
type pacer struct {
	*outside
	bell *os.File
}

func startPacer(pt *point) *pacer {
	read, write, err := os.Pipe()
	if err != nil {
		pt.fail("the pacer's pipe: %v", err)
		return nil
	}
	spin := "0"
	if runtime.NumCPU() > pt.procs {
		spin = "1"
	}
	o := startOutside(pt, []*os.File{write}, "pace", spin)
	write.Close()
	if o == nil {
		return nil
	}
	return &pacer{o, read}
}

// sendPaced returns when it started: the requests are sent as the pacer rings.
func (p *pacer) sendPaced(pt *point, list []arrival, iterations uint64) int64 {
	const leadNs = 2000000
	var wg sync.WaitGroup
	wg.Add(len(list))
	text := bytes.NewBufferString(fmt.Sprintln(len(list)))
	for _, a := range list {
		fmt.Fprintln(text, a.intended)
	}
	p.in.Write(text.Bytes())
	start := now() + leadNs
	p.tell(fmt.Sprint(start))
	rings := make([]byte, 256)
	for next := 0; next < len(list); {
		n, err := p.bell.Read(rings)
		if err != nil {
			pt.fail("the pacer's pipe: %v", err)
			return start
		}
		for ; n > 0; n-- {
			a := &list[next]
			next++
			go func() {
				burst(iterations, uint64(a.intended))
				a.latency = now() - start - a.intended
				wg.Done()
			}()
		}
	}
	wg.Wait()
	for i := range list {
		list[i].lag = p.numbers(1)[0]
	}
	return start
}

func (p *pacer) send(pt *point, list []arrival, iterations uint64, closed bool) int64 {
	if closed {
		return sendClosed(list, iterations)
	}
	return p.sendPaced(pt, list, iterations)
}

func runLatency(pt *point) {
	service := float64(pt.params.int("service_us")) * 1000
	gap := service / (pt.params.real("load") * float64(pt.procs))
	iterations := uint64(calibrate() * service)
	p := startPacer(pt)
	if p == nil {
		return
	}
	defer p.stop()
	beside := startHogs(pt.params.int("hogs"))
	closed := pt.params.text("loop") == "closed"
	start := now()
	p.send(pt, arrivals(pt.seed, gap, pt.opt.warmupMs*1000000), iterations, closed)
	pt.phases = append(pt.phases, phase{"warmup", start, now()})
	list := arrivals(pt.seed, gap, pt.opt.measureMs*1000000)
	pt.begin()
	start = p.send(pt, list, iterations, closed)
	pt.end()
	beside.end()
	h, lag, answered := pt.hist("latency"), pt.hist("lag"), int64(0)
	for _, a := range list {
		if a.latency >= 0 {
			answered++
			h.record(a.latency)
			h.recordAt(start, a.intended, a.latency)
			lag.record(a.lag)
		}
	}
	pt.operations(int64(len(list)), answered)
	p99, ok := h.percentile(99)
	if !ok {
		pt.fail("%d requests are too few for a p99 (1,000 and more): raise --measure-ms or load", answered)
		return
	}
	lagP99, _ := lag.percentile(99)
	pt.samples = append(pt.samples, p99)
	pt.check("generator_kept_up", lagP99 <= 0.1*p99, 0.1*p99, lagP99)
	pt.quotePercentiles("latency", h)
	pt.setMetric("lag_p99_ns", lagP99, "ns", "lower")
	pt.setMetric("throughput", float64(answered)*1e9/float64(pt.elapsedNs), "1/s", "higher")
}

// wake: benches/workloads/wake.c.
var wake = workload{
	name: "wake", doc: "from the moment that should wake a task until it runs, by cause",
	metric: "wake_p50_ns", unit: "ns", better: "lower", tasks: 1, tasksMin: 1, tasksMax: 1,
	params: []param{
		{name: "cause", kind: "choice", value: "timer", choices: []string{"timer", "chan", "net", "proc"}, doc: "what wakes the task"},
		{name: "gap_us", kind: "int", min: 1, max: 1000000, value: "1000", doc: "between two wake-ups, microseconds"},
		{name: "busy_us", kind: "int", min: 1, max: 1000000, value: "200",
			doc: "what the waker computes after a wake-up, cause=proc, microseconds"},
		{name: "hogs", kind: "int", min: 0, max: 1024, value: "0", doc: "computing tasks that run beside"},
	},
	run: runWake,
}

func socketPair(pt *point) (ends [2]*os.File) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		pt.fail("a socket pair could not be made: %v", err)
		return ends
	}
	return [2]*os.File{os.NewFile(uintptr(fds[0]), "reader"), os.NewFile(uintptr(fds[1]), "writer")}
}

func runWake(pt *point) {
	const aBatch = 50
	cause, gap := pt.params.text("cause"), time.Duration(pt.params.int("gap_us"))*time.Microsecond
	busy := uint64(calibrate() * float64(pt.params.int("busy_us")) * 1000)
	var ends [2]*os.File
	if cause == "net" {
		if ends = socketPair(pt); pt.status != "ok" {
			return
		}
	}
	stamps, total, h := make(chan int64), int64(0), pt.hist("latency")
	beside := startHogs(pt.params.int("hogs"))
	waitOnce := func(buf []byte) (stamp int64, ok bool) {
		switch cause {
		case "timer":
			stamp = now() + int64(gap)
			time.Sleep(gap)
			return stamp, true
		case "net":
			ok = readWhole(ends[0], buf)
			return int64(binary.LittleEndian.Uint64(buf)), ok
		}
		return <-stamps, true
	}
	batch := func(n int64) float64 {
		var wg sync.WaitGroup
		ns := make([]int64, n)
		wg.Add(1)
		go func() {
			buf := make([]byte, 8)
			for i := range ns {
				stamp, ok := waitOnce(buf)
				if !ok {
					break
				}
				ns[i] = now() - stamp
				total++
			}
			wg.Done()
		}()
		for i := int64(0); cause != "timer" && i < n; i++ {
			time.Sleep(gap)
			if cause == "net" {
				var buf [8]byte
				binary.LittleEndian.PutUint64(buf[:], uint64(now()))
				ends[1].Write(buf[:])
				continue
			}
			stamps <- now()
			if cause == "proc" {
				burst(busy, uint64(i))
			}
		}
		wg.Wait()
		for _, v := range ns {
			h.record(v)
		}
		return rank(ns, 0.5)
	}
	pt.measure(plan{batch, aBatch, true, 1, func() int64 { return total }})
	beside.end()
	pt.quotePercentiles("wake", h)
}
