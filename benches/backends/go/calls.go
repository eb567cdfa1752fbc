package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// phases are the calls of a request: benches/workloads/phases.h.
type phases struct {
	us         [][]uint32
	sequential bool
}

var phasesParam = param{name: "phases_us", kind: "text", value: "2000/3000+2000",
	doc: "microseconds of each call; calls side by side joined by +, phases by /"}
var orderParam = param{name: "order", kind: "choice", value: "parallel", choices: []string{"parallel", "sequential"},
	doc: "of the calls of one phase"}

func parsePhases(text string) ([][]uint32, error) {
	var all [][]uint32
	for _, phase := range strings.Split(text, "/") {
		var list []uint32
		for _, word := range strings.Split(phase, "+") {
			us, err := strconv.ParseInt(word, 10, 64)
			if err != nil || us < 0 || us > 60000000 || len(list) == 8 || len(all) == 6 {
				return nil, fmt.Errorf("parameter phases_us: '%s' is not times in microseconds such as 100000/150000+100000", text)
			}
			list = append(list, uint32(us))
		}
		all = append(all, list)
	}
	return all, nil
}

func preparePhases(pt *point) error {
	_, err := parsePhases(pt.params.text("phases_us"))
	return err
}

func newPhases(pt *point) *phases {
	us, _ := parsePhases(pt.params.text("phases_us"))
	return &phases{us, pt.params.text("order") == "sequential"}
}

func (p *phases) leastNs() (sum int64) {
	for _, phase := range p.us {
		most, all := int64(0), int64(0)
		for _, us := range phase {
			all += int64(us)
			most = max64(most, int64(us))
		}
		if p.sequential {
			most = all
		}
		sum += most
	}
	return sum * 1000
}

// A phasesRun is one request's calls, so that another goroutine can cancel them.
type phasesRun struct {
	m         *mux
	lock      sync.Mutex
	cancelled bool
	under     map[uint32]bool
}

func (r *phasesRun) call(us uint32) int {
	r.lock.Lock()
	if r.cancelled {
		r.lock.Unlock()
		return serviceCanceled
	}
	id, answer := r.m.begin(us)
	if r.under == nil {
		r.under = map[uint32]bool{}
	}
	r.under[id] = true
	r.lock.Unlock()
	status := <-answer
	r.lock.Lock()
	delete(r.under, id)
	r.lock.Unlock()
	return status
}

func (r *phasesRun) cancel() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.cancelled = true
	for id := range r.under {
		r.m.cancel(id)
	}
}

func (r *phasesRun) sideBySide(list []uint32) int {
	status := make([]int, len(list))
	var wg sync.WaitGroup
	for i := 1; i < len(list); i++ {
		i := i
		wg.Add(1)
		go func() { status[i] = r.call(list[i]); wg.Done() }()
	}
	status[0] = r.call(list[0])
	wg.Wait()
	for _, s := range status {
		if s != serviceOK {
			return s
		}
	}
	return serviceOK
}

func (p *phases) make(r *phasesRun) int {
	for _, phase := range p.us {
		if !p.sequential {
			if s := r.sideBySide(phase); s != serviceOK {
				return s
			}
			continue
		}
		for _, us := range phase {
			if s := r.call(us); s != serviceOK {
				return s
			}
		}
	}
	return serviceOK
}

// calls: benches/workloads/calls.c.
var calls = workload{
	name: "calls", doc: "requests that call services in phases, side by side or in turn, with and without a deadline",
	metric: "request_ns", unit: "ns", better: "lower", tasks: 20, tasksMin: 1, tasksMax: 100000,
	params: []param{phasesParam, orderParam,
		{name: "clients", kind: "int", min: 1, max: 100000, value: "1", doc: "tasks that make the requests, each one at a time"},
		{name: "deadline_us", kind: "int", min: 0, max: 60000000, value: "0", doc: "after which a request is cancelled; 0: never"},
	},
	prepare: preparePhases,
	run:     runCalls,
}

type callRequest struct {
	latency int64
	status  int
	ended   bool
}

func runCalls(pt *point) {
	s := startService(pt, 0, 0, 0)
	if s == nil {
		return
	}
	defer s.stop()
	m, p := openMux(pt, s), newPhases(pt)
	defer m.close()
	requests, deadline := make([]callRequest, pt.tasks), time.Duration(pt.params.int("deadline_us"))*time.Microsecond
	clients, next := pt.params.int("clients"), int64(-1)
	var wg sync.WaitGroup
	pt.begin()
	for c := int64(0); c < clients && c < pt.tasks; c++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := atomic.AddInt64(&next, 1); i < pt.tasks; i = atomic.AddInt64(&next, 1) {
				r, run, start := &requests[i], &phasesRun{m: m}, now()
				if deadline > 0 {
					time.AfterFunc(deadline, run.cancel)
				}
				r.status = p.make(run)
				r.latency, r.ended = now()-start, true
			}
		}()
	}
	wg.Wait()
	pt.end()
	left := m.outstanding()
	time.Sleep(2 * time.Millisecond)
	pt.judgeCalls(requests, p.leastNs(), int64(deadline), left, s.counts())
}

func (pt *point) judgeCalls(requests []callRequest, least, deadline int64, left int, counts []int64) {
	h, ended, ok, cancelled, early, sum := pt.hist("latency"), int64(0), int64(0), int64(0), 0, 0.0
	for _, r := range requests {
		if r.ended {
			ended++
		}
		if r.status == serviceOK {
			ok++
			if r.latency < least-least/1000-1000 {
				early++
			}
		} else if r.status == serviceCanceled {
			cancelled++
		}
		h.record(r.latency)
		sum += float64(r.latency)
		pt.samples = append(pt.samples, float64(r.latency))
	}
	n := float64(pt.tasks)
	pt.operations(pt.tasks, ended)
	pt.check("all_ended_as_told", ok+cancelled == pt.tasks, n, float64(ok+cancelled))
	pt.check("none_early", early == 0, 0, float64(early))
	pt.setMetric("request_mean_ns", sum/n, "ns", "lower")
	pt.setMetric("throughput", float64(ok)*1e9/float64(pt.elapsedNs), "1/s", "higher")
	pt.setMetric("cancelled_percent", 100*float64(cancelled)/n, "%", "lower")
	pt.setMetric("cancelled_in_service", float64(counts[countCancelled]), "1", "higher")
	pt.setMetric("calls_after", float64(left), "1", "lower")
	pt.setMetric("pending_after", float64(counts[countPending]), "1", "lower")
	if deadline > 0 {
		pt.setMetric("past_deadline_max_ns", float64(h.max)-float64(deadline), "ns", "lower")
	}
	pt.quotePercentiles("latency", h)
}
