package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// An outside is a process of trine-outside beside this one: a service, a load generator, or clients.
type outside struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader

	before use // what this process held when the program outside was up and nothing had connected yet
}

// startOutside: extra are its descriptors from 3 on.
func startOutside(pt *point, extra []*os.File, args ...string) *outside {
	self, err := os.Executable()
	if err != nil {
		pt.fail("the driver's own path is unknown: %v", err)
		return nil
	}
	o := &outside{cmd: exec.Command(filepath.Join(filepath.Dir(self), "trine-outside"), args...)}
	o.cmd.Stderr, o.cmd.ExtraFiles = os.Stderr, extra
	o.in, _ = o.cmd.StdinPipe()
	out, _ := o.cmd.StdoutPipe()
	o.out = bufio.NewReader(out)
	if err := o.cmd.Start(); err != nil {
		pt.fail("trine-outside, which stands beside the drivers, did not start: %v", err)
		return nil
	}
	if pt.cpus != "" { // bound with us, it would take its time from what it measures
		affinity(syscall.SYS_SCHED_SETAFFINITY, o.cmd.Process.Pid, &unbound)
	}
	return o
}

func (o *outside) line() string {
	text, _ := o.out.ReadString('\n')
	return strings.TrimSpace(text)
}

func (o *outside) tell(word string) { fmt.Fprintln(o.in, word) }

// numbers reads a line of numbers; fewer than n at the end of what it says.
func (o *outside) numbers(n int) []int64 {
	var list []int64
	for _, w := range strings.Fields(o.line()) {
		v, err := strconv.ParseInt(w, 10, 64)
		if err == nil {
			list = append(list, v)
		}
	}
	for len(list) < n {
		list = append(list, 0)
	}
	return list
}

func (o *outside) stop() {
	if o != nil {
		o.in.Close()
		o.cmd.Wait()
	}
}

// The service's counts, in the order that trine-outside prints them.
const (
	countAnswered = iota
	countLimited
	countCancelled
	countConnections
	countPending
	nCounts
)

const (
	serviceOK       = 0
	serviceGone     = -1
	serviceCanceled = -2
	cancelQuery     = ^uint32(0)
)

type service struct {
	*outside
	addr string
}

func startService(pt *point, connections int64, rate float64, burst int64) *service {
	o := startOutside(pt, nil, "service", fmt.Sprint(connections), fmt.Sprint(rate), fmt.Sprint(burst))
	if o == nil {
		return nil
	}
	return &service{o, "127.0.0.1:" + o.line()}
}

func (s *service) counts() []int64 {
	s.tell("counts")
	return s.numbers(nCounts)
}

func queryBytes(id, waitUs uint32) []byte {
	var q [8]byte
	binary.LittleEndian.PutUint32(q[:4], id)
	binary.LittleEndian.PutUint32(q[4:], waitUs)
	return q[:]
}

// linkQuery makes one query over a connection of one's own.
func linkQuery(c net.Conn, waitUs uint32) int {
	var reply [8]byte
	if _, err := c.Write(queryBytes(1, waitUs)); err != nil {
		return serviceGone
	}
	if _, err := io.ReadFull(c, reply[:]); err != nil {
		return serviceGone
	}
	return int(binary.LittleEndian.Uint32(reply[4:]))
}

// A mux carries the calls of many goroutines over a few connections: benches/workloads/mux.h.
type mux struct {
	lock    sync.Mutex
	next    uint32
	waiting map[uint32]chan int
	conns   [4]net.Conn
	writing [4]sync.Mutex
	left    sync.WaitGroup
}

func openMux(pt *point, s *service) *mux {
	m := &mux{waiting: map[uint32]chan int{}}
	for i := range m.conns {
		c, err := net.Dial("tcp4", s.addr)
		if err != nil {
			pt.fail("the service could not be reached: %v", err)
			return m
		}
		m.conns[i] = c
		m.left.Add(1)
		go m.read(c)
	}
	return m
}

func (m *mux) settle(id uint32, status int) bool {
	m.lock.Lock()
	c := m.waiting[id]
	delete(m.waiting, id)
	m.lock.Unlock()
	if c != nil {
		c <- status
	}
	return c != nil
}

func (m *mux) read(c net.Conn) {
	defer m.left.Done()
	r := bufio.NewReader(c)
	var reply [8]byte
	for {
		if _, err := io.ReadFull(r, reply[:]); err != nil {
			return
		}
		m.settle(binary.LittleEndian.Uint32(reply[:4]), int(binary.LittleEndian.Uint32(reply[4:])))
	}
}

func (m *mux) send(id, waitUs uint32) {
	i := id % uint32(len(m.conns))
	m.writing[i].Lock()
	_, err := m.conns[i].Write(queryBytes(id, waitUs))
	m.writing[i].Unlock()
	if err != nil {
		m.settle(id, serviceGone)
	}
}

func (m *mux) begin(waitUs uint32) (uint32, chan int) {
	c := make(chan int, 1)
	m.lock.Lock()
	m.next++
	id := m.next
	m.waiting[id] = c
	m.lock.Unlock()
	m.send(id, waitUs)
	return id, c
}

func (m *mux) call(waitUs uint32) int {
	_, c := m.begin(waitUs)
	return <-c
}

func (m *mux) cancel(id uint32) {
	if m.settle(id, serviceCanceled) {
		m.send(id, cancelQuery)
	}
}

func (m *mux) outstanding() int {
	m.lock.Lock()
	defer m.lock.Unlock()
	return len(m.waiting)
}

func (m *mux) close() {
	for _, c := range m.conns {
		if c != nil {
			c.Close()
		}
	}
	m.left.Wait()
}

// use is what this process holds of the machine: private memory and address space, in bytes.
type use struct{ private, space int64 }

func useNow() use {
	private, _ := procKiB("/proc/self/smaps_rollup", "Private_Clean:", "Private_Dirty:")
	space, _ := procKiB("/proc/self/status", "VmSize:")
	return use{private, space}
}

func (u *use) peak(now use) {
	if now.private > u.private {
		u.private = now.private
	}
	if now.space > u.space {
		u.space = now.space
	}
}

func (pt *point) quoteUse(before, peak use) {
	pt.setMetric("memory_bytes", float64(max64(peak.private-before.private, 0)), "bytes", "lower")
	pt.setMetric("address_space_bytes", float64(max64(peak.space-before.space, 0)), "bytes", "lower")
}

func max64(a, b int64) int64 {
	if a > b {
		return a
	}
	return b
}

func kernelThreads() float64 {
	list, _ := os.ReadDir("/proc/self/task")
	return float64(len(list))
}
