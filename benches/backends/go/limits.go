package main

import (
	"sort"
	"sync"
	"time"
)

// limiter: benches/workloads/limiter.c.
var limiter = workload{
	name: "limiter", doc: "requests to a service with a rate limit: unlimited, token bucket, adaptive, a bucket a tenant",
	metric: "success_percent", unit: "%", better: "higher", tasks: 100, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "policy", kind: "choice", value: "bucket", choices: []string{"none", "bucket", "adaptive", "tenants", "shared"}, doc: "of the clients"},
		{name: "limit", kind: "real", min: 1, max: 1000000, value: "1000", doc: "queries a second that the service answers"},
		{name: "burst", kind: "int", min: 1, max: 1000000, value: "20", doc: "queries that the service answers at once after a pause"},
		{name: "service_us", kind: "int", min: 0, max: 10000000, value: "1000", doc: "what an answered query takes, microseconds"},
		{name: "workers", kind: "int", min: 1, max: 100000, value: "50", doc: "tasks that share the requests, with policy=tenants or shared"},
	},
	run: runLimiter,
}

// A bucket gives out start times a gap apart, from now on at the earliest.
type bucket struct {
	lock sync.Mutex
	next int64
	rate float64
}

func (b *bucket) wait() {
	n := now()
	b.lock.Lock()
	at := max64(b.next, n)
	b.next = at + int64(1e9/b.rate)
	b.lock.Unlock()
	time.Sleep(time.Duration(at - n))
}

func (b *bucket) adapt(limit float64, ok bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.rate *= 0.5; ok {
		b.rate *= 2.2
	}
	if b.rate < 0.1 {
		b.rate = 0.1
	}
	if b.rate > 100*limit {
		b.rate = 100 * limit
	}
}

type limited struct {
	started, ended int64
	tenant, status int
}

func runLimiter(pt *point) {
	policy, limit, us := pt.params.text("policy"), pt.params.real("limit"), uint32(pt.params.int("service_us"))
	rate, tenants := limit, policy == "tenants" || policy == "shared"
	if tenants {
		rate = 0
	}
	s := startService(pt, 0, rate, pt.params.int("burst"))
	if s == nil {
		return
	}
	defer s.stop()
	m := openMux(pt, s)
	defer m.close()
	limits := [3]float64{limit / 10, limit, limit * 10}
	buckets := [3]bucket{{rate: limit}, {rate: limits[1]}, {rate: limits[2]}}
	switch policy {
	case "tenants":
		buckets[0].rate = limits[0]
	case "shared":
		buckets[0].rate = limits[0] + limits[1] + limits[2]
	case "adaptive":
		buckets[0].rate = 10 * limit
	}
	requests := make([]limited, pt.tasks)
	request := func(r *limited) {
		r.started = now()
		r.status = m.call(us)
		r.ended = now()
		if policy == "adaptive" {
			buckets[0].adapt(limit, r.status == serviceOK)
		}
	}
	var wg sync.WaitGroup
	pt.begin()
	if tenants {
		queue := make(chan *limited, 1)
		for w := int64(0); w < pt.params.int("workers"); w++ {
			wg.Add(1)
			go func() {
				for r := range queue {
					if policy == "shared" {
						buckets[0].wait()
					} else {
						buckets[r.tenant].wait()
					}
					request(r)
				}
				wg.Done()
			}()
		}
		for i := range requests {
			requests[i].tenant = i % len(buckets)
			queue <- &requests[i]
		}
		close(queue)
	} else {
		for i := range requests {
			r := &requests[i]
			if policy != "none" {
				buckets[0].wait()
			}
			wg.Add(1)
			go func() { request(r); wg.Done() }()
		}
	}
	wg.Wait()
	pt.end()
	pt.judgeLimiter(requests, limits[:], s.counts())
}

// rateOf is successes a second between the first and the last start of a tenant's; 0: too few.
func rateOf(requests []limited, tenant int) float64 {
	var at []int64
	for _, r := range requests {
		if r.tenant == tenant && r.status == serviceOK {
			at = append(at, r.started)
		}
	}
	sort.Slice(at, func(i, j int) bool { return at[i] < at[j] })
	if n := len(at); n > 1 && at[n-1] > at[0] {
		return float64(n-1) * 1e9 / float64(at[n-1]-at[0])
	}
	return 0
}

func (pt *point) quoteRate(name string, rate, limit float64) {
	if rate > 0 {
		pt.setMetric(name, rate/limit, "of limit", "higher")
	} else {
		pt.unavailable(name, "fewer than two requests succeeded")
	}
}

func (pt *point) judgeLimiter(requests []limited, limits []float64, counts []int64) {
	h, ended, succeeded := pt.hist("latency"), int64(0), int64(0)
	for _, r := range requests {
		if r.ended > 0 {
			ended++
			h.record(r.ended - r.started)
		}
		if r.ended > 0 && r.status == serviceOK {
			succeeded++
		}
	}
	limit := pt.params.real("limit")
	pt.samples = append(pt.samples, 100*float64(succeeded)/float64(pt.tasks))
	pt.operations(pt.tasks, ended)
	pt.check("successes_were_answered", succeeded == counts[countAnswered], float64(counts[countAnswered]), float64(succeeded))
	pt.setMetric("rate", float64(succeeded)*1e9/float64(pt.elapsedNs), "1/s", "higher")
	pt.setMetric("refused", float64(counts[countLimited]), "1", "lower")
	if policy := pt.params.text("policy"); policy == "tenants" || policy == "shared" {
		for t, name := range []string{"tenant_1_of_limit", "tenant_2_of_limit", "tenant_3_of_limit"} {
			pt.quoteRate(name, rateOf(requests, t), limits[t])
		}
	} else {
		pt.quoteRate("rate_of_limit", rateOf(requests, 0), limit)
		pt.quoteRate("settled_of_limit", rateOf(requests[len(requests)/2:], 0), limit)
	}
	pt.quotePercentiles("latency", h)
}
