package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// dbpool: benches/workloads/dbpool.c. SQLite needs cgo, which this driver does without.
var dbpool = workload{
	name: "dbpool", doc: "requests over a pool of database connections, by a network, a blocking or an embedded driver",
	metric: "elapsed_ns", unit: "ns", better: "lower", tasks: 100, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "driver", kind: "choice", value: "network", choices: []string{"network", "blocking", "sqlite"},
			doc: "network: through the poller; blocking: blocking reads; sqlite"},
		{name: "connections", kind: "int", min: 0, max: 10000, value: "20", doc: "in the pool; 0: no pool, each request opens its own"},
		{name: "queries_us", kind: "text", value: "5000", doc: "what the queries of a request take, microseconds, joined by +"},
		{name: "timeout_ms", kind: "int", min: 0, max: 600000, value: "0", doc: "most wait for a connection; 0: no limit"},
	},
	prepare: func(pt *point) error {
		if timesUs(pt.params.text("queries_us")) == nil {
			return fmt.Errorf("parameter queries_us: '%s' is not 1 to 8 times in microseconds joined by +, such as 100+2000",
				pt.params.text("queries_us"))
		}
		return nil
	},
	run: runDbpool,
}

// A blockingConn is a socket that the poller does not know: each read and write blocks a thread.
type blockingConn struct {
	net.Conn
	fd int
}

func (c blockingConn) Read(b []byte) (int, error)  { return syscall.Read(c.fd, b) }
func (c blockingConn) Write(b []byte) (int, error) { return syscall.Write(c.fd, b) }
func (c blockingConn) Close() error                { return syscall.Close(c.fd) }

func dialBlocking(addr string) (net.Conn, error) {
	to, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	sa := &syscall.SockaddrInet4{Port: to.Port}
	copy(sa.Addr[:], to.IP.To4())
	if err := syscall.Connect(fd, sa); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	return blockingConn{fd: fd}, nil
}

type dbRequest struct {
	wait, latency int64
	outcome       int // 1 served, 2 failed, 3 late
}

type dbCounts struct{ waiting, waitingPeak, querying, queryingPeak int64 }

func countUp(count, peak *int64) {
	n := atomic.AddInt64(count, 1)
	for most := atomic.LoadInt64(peak); n > most && !atomic.CompareAndSwapInt64(peak, most, n); {
		most = atomic.LoadInt64(peak)
	}
}

func runDbpool(pt *point) {
	if pt.params.text("driver") == "sqlite" {
		pt.notApplicable("SQLite needs cgo, and this driver uses the standard library alone")
		return
	}
	n := pt.params.int("connections")
	fds := n
	if n == 0 {
		fds = pt.tasks
	}
	if !pt.needFds(fds) {
		return
	}
	s := startService(pt, 0, 0, 0)
	if s == nil {
		return
	}
	defer s.stop()
	dial := func() (net.Conn, error) {
		if pt.params.text("driver") == "blocking" {
			return dialBlocking(s.addr)
		}
		return net.Dial("tcp4", s.addr)
	}
	pool := make(chan net.Conn, max64(n, 1))
	for i := int64(0); i < n; i++ {
		c, err := dial()
		if err != nil {
			pt.fail("connection %d could not be opened: %v", i, err)
			return
		}
		pool <- c
	}
	pt.runRequests(pool, n, dial)
	for i := int64(0); i < n; i++ {
		(<-pool).Close()
	}
}

func (pt *point) runRequests(pool chan net.Conn, n int64, dial func() (net.Conn, error)) {
	queries, timeout := timesUs(pt.params.text("queries_us")), pt.params.int("timeout_ms")*1000000
	requests, counts, threads, done := make([]dbRequest, pt.tasks), &dbCounts{}, 0.0, int32(0)
	one := func(r *dbRequest) {
		var c net.Conn
		var err error
		start := now()
		if n > 0 {
			countUp(&counts.waiting, &counts.waitingPeak)
			c = <-pool
			atomic.AddInt64(&counts.waiting, -1)
		}
		r.wait = now() - start
		r.outcome = 3
		if timeout == 0 || r.wait <= timeout {
			r.outcome = 1
			if n == 0 {
				c, err = dial()
			}
			for i := 0; i < len(queries) && r.outcome == 1; i++ {
				countUp(&counts.querying, &counts.queryingPeak)
				if err != nil || linkQuery(c, uint32(queries[i]/time.Microsecond)) != serviceOK {
					r.outcome = 2
				}
				atomic.AddInt64(&counts.querying, -1)
			}
		}
		if n > 0 {
			pool <- c
		} else if c != nil {
			c.Close()
		}
		r.latency = now() - start
	}
	useNow()
	before := useNow()
	peak := before
	var wg, watcher sync.WaitGroup
	watcher.Add(1)
	go func() {
		for atomic.LoadInt32(&done) == 0 {
			if t := kernelThreads(); t > threads {
				threads = t
			}
			time.Sleep(3 * time.Millisecond)
		}
		watcher.Done()
	}()
	pt.begin()
	wg.Add(len(requests))
	for i := range requests {
		r := &requests[i]
		go func() { one(r); wg.Done() }()
	}
	peak.peak(useNow())
	wg.Wait()
	pt.end()
	atomic.StoreInt32(&done, 1)
	watcher.Wait()
	pt.judgeDbpool(requests, counts, n)
	pt.setMetric("threads", threads, "threads", "lower")
	pt.quoteUse(before, peak)
}

func (pt *point) judgeDbpool(requests []dbRequest, counts *dbCounts, n int64) {
	latency, wait := pt.hist("latency"), pt.hist("wait")
	var outcomes [4]int64
	for _, r := range requests {
		outcomes[r.outcome]++
		wait.record(r.wait)
		if r.outcome == 1 {
			latency.record(r.latency)
		}
	}
	pt.samples = append(pt.samples, float64(pt.elapsedNs))
	pt.operations(pt.tasks, outcomes[1]+outcomes[2]+outcomes[3])
	if n > 0 {
		pt.check("no_more_than_the_pool", counts.queryingPeak <= n, float64(n), float64(counts.queryingPeak))
	}
	pt.setMetric("querying_peak", float64(counts.queryingPeak), "1", "higher")
	pt.setMetric("waiting_peak", float64(counts.waitingPeak), "1", "lower")
	pt.setMetric("success_percent", 100*float64(outcomes[1])/float64(pt.tasks), "%", "higher")
	pt.setMetric("late_percent", 100*float64(outcomes[3])/float64(pt.tasks), "%", "lower")
	pt.setMetric("throughput", float64(outcomes[1])*1e9/float64(pt.elapsedNs), "1/s", "higher")
	pt.quotePercentiles("wait", wait)
	pt.quotePercentiles("latency", latency)
}

// kinds: benches/workloads/kinds.c.
var kinds = workload{
	name: "kinds", doc: "service calls, database queries and blocking file work at once: memory, threads and processor time",
	metric: "elapsed_ns", unit: "ns", better: "lower", tasks: 100, tasksMin: 10, tasksMax: 100000,
	params: []param{
		{name: "api_us", kind: "int", min: 0, max: 10000000, value: "5000", doc: "what a call to the service takes, microseconds"},
		{name: "db_us", kind: "int", min: 0, max: 10000000, value: "1000", doc: "what a query takes, microseconds"},
		{name: "connections", kind: "int", min: 1, max: 10000, value: "20", doc: "in the pool of the database"},
		{name: "file_kib", kind: "int", min: 1, max: 1024, value: "16", doc: "size of a file"},
	},
	run: runKinds,
}

func useFile(folder string, index, size int64, direct *int64) bool {
	path, want := filepath.Join(folder, fmt.Sprint(index)), bytes.Repeat([]byte{byte(index % 127)}, int(size))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0600)
	if err != nil {
		return false
	}
	defer os.Remove(path)
	defer f.Close()
	if _, err := f.Write(want); err != nil || f.Sync() != nil {
		return false
	}
	got, err := readDirect(path, int(size))
	if err == nil {
		atomic.AddInt64(direct, 1)
	} else {
		got = make([]byte, size)
		_, err = f.ReadAt(got, 0)
	}
	return err == nil && bytes.Equal(got, want)
}

// readDirect reads a file past the page cache, where its file system can.
func readDirect(path string, size int) ([]byte, error) {
	const align = 4096
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	room := (size + align - 1) / align * align
	raw := make([]byte, room+align)
	from := (align - int(uintptr(unsafe.Pointer(&raw[0]))%align)) % align
	n, err := f.Read(raw[from : from+room])
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return raw[from : from+n], err
}

func cpuNs() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func runKinds(pt *point) {
	folder, err := os.MkdirTemp("/tmp", "trine-kinds-")
	if err != nil {
		pt.fail("no folder could be made in /tmp: %v", err)
		return
	}
	defer os.RemoveAll(folder)
	connections := pt.params.int("connections")
	if !pt.needFds(pt.tasks + connections) {
		return
	}
	s := startService(pt, 0, 0, 0)
	if s == nil {
		return
	}
	defer s.stop()
	m, pool := openMux(pt, s), make(chan net.Conn, connections)
	defer m.close()
	for i := int64(0); i < connections; i++ {
		c, err := net.Dial("tcp4", s.addr)
		if err != nil {
			pt.fail("connection %d could not be opened: %v", i, err)
			return
		}
		defer c.Close()
		pool <- c
	}
	pt.measureKinds(m, pool, folder)
}

func (pt *point) measureKinds(m *mux, pool chan net.Conn, folder string) {
	api, db, size := uint32(pt.params.int("api_us")), uint32(pt.params.int("db_us")), pt.params.int("file_kib")*1024
	var ok, direct int64
	one := func(i int64) bool {
		switch part := i % 10; {
		case part < 3:
			return m.call(api) == serviceOK
		case part < 7:
			c := <-pool
			status := linkQuery(c, db)
			pool <- c
			return status == serviceOK
		}
		return useFile(folder, i, size, &direct)
	}
	useNow()
	before, cpu := useNow(), cpuNs()
	peak := before
	var wg sync.WaitGroup
	pt.begin()
	wg.Add(int(pt.tasks))
	for i := int64(0); i < pt.tasks; i++ {
		i := i
		go func() {
			if one(i) {
				atomic.AddInt64(&ok, 1)
			}
			wg.Done()
		}()
	}
	peak.peak(useNow())
	threads := kernelThreads()
	wg.Wait()
	pt.end()
	cpu = cpuNs() - cpu
	pt.samples = append(pt.samples, float64(pt.elapsedNs))
	pt.operations(pt.tasks, ok)
	pt.setMetric("throughput", float64(ok)*1e9/float64(pt.elapsedNs), "1/s", "higher")
	pt.setMetric("cpu_ns", float64(cpu), "ns", "lower")
	pt.setMetric("cpu_per_request_ns", float64(cpu)/float64(pt.tasks), "ns", "lower")
	pt.setMetric("threads", threads, "threads", "lower")
	pt.setMetric("direct_reads", float64(direct), "reads", "higher")
	pt.quoteUse(before, peak)
}
