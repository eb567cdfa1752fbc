package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// conns: benches/workloads/conns.c.
var conns = workload{
	name: "conns", doc: "long-lived connections, a task each: memory of one, and messages sent to all",
	metric: "connection_bytes", unit: "bytes", better: "lower", tasks: 100, tasksMin: 1, tasksMax: 100000,
	params: []param{
		{name: "messages", kind: "int", min: 0, max: 1000, value: "20", doc: "sent to all clients, one after the other"},
		{name: "gap_us", kind: "int", min: 0, max: 10000000, value: "1000", doc: "between two messages, microseconds"},
	},
	run: runConns,
}

// listenFor starts a listener and a program outside that connects to it, and accepts all of its connections.
func (pt *point) listenFor(n int64, args ...string) (*outside, []net.Conn) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		pt.fail("no socket could listen on 127.0.0.1: %v", err)
		return nil, nil
	}
	defer listener.Close()
	args = append([]string{args[0], fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)}, args[1:]...)
	o := startOutside(pt, nil, args...)
	if o == nil {
		return nil, nil
	}
	useNow() // the first reading touches what reads
	o.before = useNow()
	list := make([]net.Conn, 0, n)
	for int64(len(list)) < n {
		listener.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
		c, err := listener.Accept()
		if err != nil {
			pt.fail("connection %d was not accepted: %v", len(list), err)
			break
		}
		list = append(list, c)
	}
	if said := o.line(); said != "connected" && pt.status == "ok" {
		pt.fail("connection over loopback failed: %s", said)
	}
	return o, list
}

func runConns(pt *point) {
	if !pt.needFds(pt.tasks) {
		return
	}
	messages := pt.params.int("messages")
	o, list := pt.listenFor(pt.tasks, "clients", fmt.Sprint(pt.tasks), fmt.Sprint(messages), fmt.Sprint(pt.params.int("gap_us")))
	var wg sync.WaitGroup
	var speaking sync.Mutex
	for _, c := range list {
		c := c
		wg.Add(1)
		go func() {
			defer wg.Done()
			var message [32]byte
			for {
				if _, err := io.ReadFull(c, message[:]); err != nil {
					return
				}
				speaking.Lock()
				for _, to := range list {
					to.Write(message[:])
				}
				speaking.Unlock()
			}
		}()
	}
	if pt.status == "ok" {
		pt.chat(o, o.before, messages, int64(len(list)))
	}
	o.stop()
	wg.Wait()
	for _, c := range list {
		c.Close()
	}
}

func (pt *point) chat(o *outside, before use, messages, made int64) {
	time.Sleep(5 * time.Millisecond)
	idle, threads, h := useNow(), kernelThreads(), pt.hist("latency")
	pt.begin()
	o.tell("chat")
	told := o.numbers(2)
	pt.end()
	for i := int64(0); i < told[0]; i++ {
		h.record(o.numbers(1)[0])
	}
	pt.samples = append(pt.samples, float64(idle.private-before.private)/float64(pt.tasks))
	pt.operations(pt.tasks*(1+messages), made+told[0])
	pt.check("none_corrupted", told[1] == 0, 0, float64(told[1]))
	pt.setMetric("threads", threads, "threads", "lower")
	pt.setMetric("deliveries", float64(told[0])*1e9/float64(pt.elapsedNs), "1/s", "higher")
	pt.quotePercentiles("latency", h)
	pt.quoteUse(before, idle)
}

// web: benches/workloads/web.c, with as much of HTTP as the C drivers have, so that the runtimes are compared and not the
// libraries.
var web = workload{
	name: "web", doc: "an HTTP service that asks other services, under open-loop load, with or without admission control",
	metric: "latency_p50_ns", unit: "ns", better: "lower", tasks: 100, tasksMin: 1, tasksMax: 20000,
	params: []param{
		{name: "rate", kind: "real", min: 0, max: 1000000, value: "2000", doc: "requests a second, Poisson; 0: all at once"},
		{name: "requests", kind: "int", min: 1, max: 10000000, value: "200", doc: "in all"},
		phasesParam, orderParam,
		{name: "cpu_us", kind: "int", min: 0, max: 1000000, value: "0", doc: "what a request computes, microseconds"},
		{name: "admission", kind: "choice", value: "unlimited", choices: []string{"unlimited", "limit", "pool"},
			doc: "unlimited, limit (503), or pool (queue and time-out)"},
		{name: "limit", kind: "int", min: 1, max: 100000, value: "64", doc: "requests under way, or workers of the pool"},
		{name: "queue", kind: "int", min: 1, max: 100000, value: "256", doc: "requests that wait for a worker of the pool"},
		{name: "queue_timeout_ms", kind: "int", min: 1, max: 600000, value: "100", doc: "most wait there"},
		{name: "space_mib", kind: "int", min: 0, max: 1048576, value: "0",
			doc: "address space that this process may have; 0: as much as the machine gives"},
		{name: "generator", kind: "choice", value: "open", choices: []string{"open", "wrk"},
			doc: "open: requests at their times; wrk: that program, closed-loop"},
		{name: "wrk_threads", kind: "int", min: 1, max: 64, value: "1", doc: "of wrk"},
		{name: "wrk_s", kind: "int", min: 1, max: 3600, value: "1", doc: "how long wrk runs, seconds"},
	},
	prepare: prepareWeb,
	run:     runWeb,
}

func (pt *point) isWrk() bool { return pt.params.text("generator") == "wrk" }

func prepareWeb(pt *point) error {
	if pt.isWrk() && pt.params.int("wrk_threads") > pt.tasks {
		return fmt.Errorf("parameter wrk_threads: each thread of wrk has a connection, and there are %d tasks", pt.tasks)
	}
	return preparePhases(pt)
}

type admission struct {
	policy             string
	limit, under, peak int64
	timeout            int64
	jobs               chan *admitted
	workers            sync.WaitGroup
	handle             func() int
}

type admitted struct {
	queued int64
	done   chan int
}

func newAdmission(pt *point, handle func() int) *admission {
	a := &admission{policy: pt.params.text("admission"), limit: pt.params.int("limit"),
		timeout: pt.params.int("queue_timeout_ms") * 1000000, handle: handle, jobs: make(chan *admitted, pt.params.int("queue"))}
	for w := int64(0); a.policy == "pool" && w < a.limit; w++ {
		a.workers.Add(1)
		go func() {
			defer a.workers.Done()
			for j := range a.jobs {
				if now()-j.queued > a.timeout {
					j.done <- 504
				} else {
					j.done <- a.count()
				}
			}
		}()
	}
	return a
}

func (a *admission) count() int {
	n := atomic.AddInt64(&a.under, 1)
	defer atomic.AddInt64(&a.under, -1)
	if a.policy == "limit" && n > a.limit {
		return 503
	}
	for most := atomic.LoadInt64(&a.peak); n > most && !atomic.CompareAndSwapInt64(&a.peak, most, n); {
		most = atomic.LoadInt64(&a.peak)
	}
	return a.handle()
}

func (a *admission) run() int {
	if a.policy != "pool" {
		return a.count()
	}
	j := &admitted{now(), make(chan int, 1)}
	select {
	case a.jobs <- j:
		return <-j.done
	default:
		return 503
	}
}

func serveHTTP(c net.Conn, a *admission, answered *int64) {
	reasons := map[int]string{200: "OK", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
	r := bufio.NewReaderSize(c, 1024)
	for {
		first, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(first, "GET ") || !strings.HasSuffix(first, " HTTP/1.1\r\n") {
			return
		}
		for line := first; line != "\r\n"; {
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		status := a.run()
		body := fmt.Sprintf("{\"status\":\"%s\"}\n", reasons[status])
		atomic.AddInt64(answered, 1) // before the load can have read it
		_, err = fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status,
			reasons[status], len(body), body)
		if err != nil {
			return
		}
	}
}

func runWeb(pt *point) {
	if !pt.needFds(pt.tasks) {
		return
	}
	s := startService(pt, 0, 0, 0)
	if s == nil {
		return
	}
	defer s.stop()
	m, p, iterations := openMux(pt, s), newPhases(pt), uint64(0)
	defer m.close()
	if us := pt.params.int("cpu_us"); us > 0 {
		iterations = uint64(calibrate() * float64(us) * 1000)
	}
	a := newAdmission(pt, func() int {
		status := p.make(&phasesRun{m: m})
		if iterations > 0 {
			atomic.AddUint64(&sink, burst(iterations, 1))
		}
		if status == serviceOK {
			return 200
		}
		return 502
	})
	useNow()
	before, end := useNow(), func() {}
	var load *outside
	var wg sync.WaitGroup
	var answered int64
	serve := func(c net.Conn) {
		wg.Add(1)
		go func() { serveHTTP(c, a, &answered); c.Close(); wg.Done() }()
	}
	if pt.isWrk() {
		load, end = pt.listenForWrk(serve)
	} else {
		var list []net.Conn
		load, list = pt.listenFor(pt.tasks, "load", fmt.Sprint(pt.tasks), fmt.Sprint(pt.params.int("requests")),
			fmt.Sprint(pt.params.real("rate")), fmt.Sprint(pt.seed))
		for _, c := range list {
			serve(c)
		}
	}
	if mib := uint64(pt.params.int("space_mib")); mib > 0 && pt.status == "ok" {
		if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: mib << 20, Max: mib << 20}); err != nil {
			pt.fail("the address space could not be limited: %v", err)
		}
	}
	if pt.status == "ok" {
		pt.measureWeb(load, a, before, p.leastNs(), &answered)
	}
	load.stop()
	end()
	wg.Wait()
	close(a.jobs)
	a.workers.Wait()
}

// listenForWrk accepts what wrk connects, and what it connects again, until the function that it returns is called.
func (pt *point) listenForWrk(serve func(net.Conn)) (*outside, func()) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		pt.fail("no socket could listen on 127.0.0.1: %v", err)
		return nil, func() {}
	}
	done := make(chan bool)
	end := func() { listener.Close(); <-done }
	go func() {
		defer close(done)
		for left := 2*pt.tasks + 64; left > 0; left-- {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serve(c)
		}
	}()
	o := startOutside(pt, nil, "wrk", fmt.Sprint(listener.Addr().(*net.TCPAddr).Port), fmt.Sprint(pt.params.int("wrk_threads")),
		fmt.Sprint(pt.tasks), fmt.Sprint(pt.params.int("wrk_s")))
	if o != nil && o.line() == "absent" {
		pt.notApplicable("wrk: not installed")
	}
	return o, end
}

// unaccounted: of the answers that the server gave, a load read seen and may have left up to unread; how many more, or fewer, there are.
func unaccounted(given, seen, unread int64) int64 {
	switch more := given - seen; {
	case more < 0:
		return more
	case more > unread:
		return more - unread
	}
	return 0
}

// judgeWrk: as in benches/workloads/web.c.
func (pt *point) judgeWrk(load *outside, said string, answered int64) {
	if said != "done" {
		pt.fail("%s", said)
		return
	}
	names := []string{"", "", "latency_mean_ns", "latency_p50_ns", "latency_p75_ns", "latency_p90_ns", "latency_p99_ns", "latency_max_ns",
		"wrk_connect_errors", "wrk_read_errors", "wrk_write_errors", "wrk_timeouts"}
	r := load.numbers(13)
	requests, rate, p50, refused := r[0], r[1], r[3], r[12]
	if requests == 0 {
		pt.fail("wrk had no answer")
		return
	}
	pt.operations(requests, requests+unaccounted(answered, requests, pt.tasks))
	pt.samples = append(pt.samples, float64(p50))
	for i, name := range names {
		if unit := "1"; name != "" {
			if strings.HasSuffix(name, "_ns") {
				unit = "ns"
			}
			pt.setMetric(name, float64(r[i]), unit, "lower")
		}
	}
	pt.unavailable("latency_p99_9_ns", "wrk prints no such percentile")
	pt.setMetric("throughput", float64(rate)/1000, "1/s", "higher")
	pt.setMetric("served_percent", 100*float64(requests-refused)/float64(requests), "%", "higher")
}

func (pt *point) measureWeb(load *outside, a *admission, before use, least int64, answered *int64) {
	peak, threads, cpu, said := before, 0.0, cpuNs(), ""
	done := make(chan bool)
	pt.begin()
	load.tell("go")
	go func() { said = load.line(); close(done) }()
	for over := false; !over; {
		peak.peak(useNow())
		if t := kernelThreads(); t > threads {
			threads = t
		}
		select {
		case <-done:
			over = true
		case <-time.After(40 * time.Millisecond):
		}
	}
	pt.end()
	cpu = cpuNs() - cpu
	if pt.isWrk() {
		pt.judgeWrk(load, said, atomic.LoadInt64(answered))
	} else {
		pt.judgeWeb(load, least, atomic.LoadInt64(answered))
	}
	pt.setMetric("under_way_peak", float64(a.peak), "1", "higher")
	pt.unavailable("connections_refused", "a go statement cannot be refused")
	pt.setMetric("threads", threads, "threads", "lower")
	pt.setMetric("cpu_ns", float64(cpu), "ns", "lower")
	pt.quoteUse(before, peak)
}

// judgeGenerator: its own lateness is in each latency; to a tenth of the figure that is no matter.
func (pt *point) judgeGenerator(latency, lag *hist) {
	for _, judged := range []struct {
		p             float64
		check, metric string
	}{{50, "generator_kept_up", "lag_p50_ns"}, {99, "generator_kept_up_p99", "lag_p99_ns"}} {
		of, enough := latency.percentile(judged.p)
		late, known := lag.percentile(judged.p)
		if enough && known {
			pt.check(judged.check, late <= 0.1*of, 0.1*of, late)
			pt.setMetric(judged.metric, late, "ns", "lower")
		}
	}
}

func (pt *point) judgeWeb(load *outside, least, answered int64) {
	h, n, early, sum := pt.hist("latency"), pt.params.int("requests"), 0, 0.0
	counts := map[int64]int64{}
	var lag *hist // nil: all at once
	if pt.params.real("rate") > 0 {
		lag = pt.hist("lag")
	}
	for i := int64(0); i < n; i++ {
		r := load.numbers(3)
		if r[2] >= 0 && lag != nil {
			lag.record(r[2])
		}
		counts[r[1]]++
		if r[1] == 200 {
			h.record(r[0])
			sum += float64(r[0])
			if r[0] < least-least/1000-1000 {
				early++
			}
		}
	}
	ok := counts[200]
	known := ok + counts[503] + counts[504] + counts[0]
	pt.operations(n, n+unaccounted(answered, n-counts[0], counts[0]))
	pt.check("none_failed", known == n, 0, float64(n-known))
	pt.check("none_early", early == 0, 0, float64(early))
	if p50, enough := h.percentile(50); enough {
		pt.samples = append(pt.samples, p50)
	} else {
		pt.fail("%d requests answered are too few for a median", ok)
	}
	if ok > 0 {
		pt.setMetric("latency_mean_ns", sum/float64(ok), "ns", "lower")
	}
	pt.quotePercentiles("latency", h)
	if lag != nil {
		pt.judgeGenerator(h, lag)
	}
	pt.setMetric("throughput", float64(ok)*1e9/float64(pt.elapsedNs), "1/s", "higher")
	for _, share := range []struct {
		name, better string
		status       int64
	}{{"served_percent", "higher", 200}, {"rejected_percent", "lower", 503}, {"late_percent", "lower", 504},
		{"unanswered_percent", "lower", 0}} {
		pt.setMetric(share.name, 100*float64(counts[share.status])/float64(n), "%", share.better)
	}
}
