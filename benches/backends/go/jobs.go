package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fanout: benches/workloads/fanout.c.
var fanout = workload{
	name: "fanout", doc: "independent jobs at once: a task each, shared by workers, or one after the other",
	metric: "elapsed_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "shape", kind: "choice", value: "each", choices: []string{"each", "workers", "sequential"},
			doc: "each: a task a job; workers: tasks that share them; sequential"},
		{name: "workers", kind: "int", min: 1, max: 100000, value: "100", doc: "tasks that share the jobs, with shape=workers"},
		{name: "service_us", kind: "int", min: 1, max: 10000000, value: "10000", doc: "what a job takes, microseconds"},
		{name: "via", kind: "choice", value: "wait", choices: []string{"wait", "service"},
			doc: "wait: the job sleeps; service: it connects and queries a service"},
		{name: "connections", kind: "int", min: 0, max: 100000, value: "0", doc: "that the service accepts at once; 0: no limit"},
	},
	run: runFanout,
}

type fanJob struct {
	done int64
	ok   bool
}

func askOnce(addr string, us int64) bool {
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	return linkQuery(c, uint32(us)) == serviceOK
}

func runFanout(pt *point) {
	us, shape := pt.params.int("service_us"), pt.params.text("shape")
	var s *service
	if pt.params.text("via") == "service" {
		if !pt.needFds(pt.tasks) {
			return
		}
		if s = startService(pt, pt.params.int("connections"), 0, 0); s == nil {
			return
		}
		defer s.stop()
	}
	jobs := make([]fanJob, pt.tasks)
	for i := range jobs {
		jobs[i].done = 0
	}
	useNow()
	before, start := useNow(), int64(0)
	peak, threads := before, 0.0
	look := func() { peak.peak(useNow()); threads = kernelThreads() }
	finish := func(j *fanJob) {
		j.ok = true
		if s == nil {
			time.Sleep(time.Duration(us) * time.Microsecond)
		} else {
			j.ok = askOnce(s.addr, us)
		}
		j.done = now() - start
	}
	pt.begin()
	start = now()
	var wg sync.WaitGroup
	switch shape {
	case "each":
		wg.Add(len(jobs))
		for i := range jobs {
			j := &jobs[i]
			go func() { finish(j); wg.Done() }()
		}
		look()
	case "workers":
		queue := make(chan *fanJob, pt.params.int("workers"))
		for w := int64(0); w < pt.params.int("workers"); w++ {
			wg.Add(1)
			go func() {
				for j := range queue {
					finish(j)
				}
				wg.Done()
			}()
		}
		for i := range jobs {
			queue <- &jobs[i]
			if i == len(jobs)/2 {
				look()
			}
		}
		close(queue)
	default:
		for i := range jobs {
			finish(&jobs[i])
		}
		look()
	}
	wg.Wait()
	pt.end()
	pt.judgeFanout(jobs, s, us)
	pt.setMetric("threads", threads, "threads", "lower")
	pt.quoteUse(before, peak)
}

func (pt *point) judgeFanout(jobs []fanJob, s *service, us int64) {
	ended, succeeded, early, h := int64(0), int64(0), 0, pt.hist("latency")
	for _, j := range jobs {
		if j.done > 0 {
			ended++
		}
		if j.ok {
			succeeded++
			h.record(j.done)
			if j.done < us*1000-us-1000 {
				early++
			}
		}
	}
	pt.samples = append(pt.samples, float64(pt.elapsedNs))
	pt.operations(pt.tasks, ended)
	pt.check("none_early", early == 0, 0, float64(early))
	if s != nil {
		c := s.counts()
		pt.check("successes_were_answered", succeeded <= c[countAnswered], float64(c[countAnswered]), float64(succeeded))
		pt.setMetric("connections_peak", float64(c[countConnections]), "1", "lower")
	}
	pt.quotePercentiles("latency", h)
	pt.setMetric("success_percent", 100*float64(succeeded)/float64(pt.tasks), "%", "higher")
	pt.setMetric("throughput", float64(succeeded)*1e9/float64(pt.elapsedNs), "1/s", "higher")
}

// pipeline: benches/workloads/pipeline.c; the same entries, by encoding/json.
var pipeline = workload{
	name: "pipeline", doc: "log entries through stages that parse, enrich and write JSON: workers at every stage, or one task",
	metric: "elapsed_ns", unit: "ns", better: "lower", tasks: 1000, tasksMin: 1, tasksMax: 10000000,
	params: []param{
		{name: "shape", kind: "choice", value: "pipeline", choices: []string{"pipeline", "sequential"},
			doc: "pipeline: workers at every stage; sequential: one task does all"},
		{name: "workers", kind: "int", min: 1, max: 1000, value: "4", doc: "tasks at each stage"},
		{name: "stages_us", kind: "text", value: "0+0+0+0+0",
			doc: "what each stage waits beside its work, microseconds, joined by +"},
		{name: "buffer", kind: "int", min: 0, max: 100000, value: "64", doc: "entries that each channel between two stages holds"},
	},
	prepare: func(pt *point) error {
		if timesUs(pt.params.text("stages_us")) == nil {
			return fmt.Errorf("parameter stages_us: '%s' is not 1 to 8 times in microseconds joined by +, such as 100+2000",
				pt.params.text("stages_us"))
		}
		return nil
	},
	run: runPipeline,
}

// timesUs reads "100+2000"; nil when text is anything else.
func timesUs(text string) (list []time.Duration) {
	for _, word := range strings.Split(text, "+") {
		us, err := strconv.ParseInt(word, 10, 64)
		if err != nil || us < 0 || us > 60000000 || len(list) == 8 {
			return nil
		}
		list = append(list, time.Duration(us)*time.Microsecond)
	}
	return list
}

type logEntry struct {
	number, started, done int64
	parsed                map[string]interface{}
	digest                uint64
}

func (e *logEntry) parse() bool {
	levels := [...]string{"debug", "info", "warning", "error"}
	rng := rng{uint64(e.number)}
	r := rng.next()
	line := fmt.Sprintf(`{"time":%d,"level":"%s","service":"checkout-%d","client":"10.%d.%d.%d","status":%d,"ms":%d.%d,"tags":["web","eu"]}`,
		1700000000+e.number, levels[r%4], (r>>8)%16, (r>>16)%256, (r>>24)%256, (r>>32)%256, 200+(r>>40)%4*100,
		(r>>44)%1000, (r>>54)%10)
	e.parsed = nil
	return json.Unmarshal([]byte(line), &e.parsed) == nil
}

func (e *logEntry) work(stage, stages int) bool {
	ok := stage > 0 || e.parse()
	if ok && stage > 0 && stage < stages-1 {
		status, _ := e.parsed["status"].(float64)
		e.parsed[fmt.Sprintf("stage_%d", stage)] = status >= 500 || stage%2 == 1
	}
	if ok && stage == stages-1 {
		text, err := json.Marshal(e.parsed) // sorts the keys
		h := fnv.New64a()
		h.Write(text)
		e.digest, e.parsed, ok = h.Sum64(), nil, err == nil
	}
	return ok
}

type pipeStage struct {
	busy, done int64
	in         chan *logEntry
	left       sync.WaitGroup
}

func runPipeline(pt *point) {
	waits, sequential := timesUs(pt.params.text("stages_us")), pt.params.text("shape") == "sequential"
	n, workers := len(waits), pt.params.int("workers")
	entries, stages, expected := make([]logEntry, pt.tasks), make([]pipeStage, n), uint64(0)
	for i := range entries {
		entries[i].number = int64(i)
		for s := range stages {
			entries[i].work(s, n)
		}
		expected += entries[i].digest
		entries[i].digest = 0
	}
	pass := func(s int, e *logEntry) {
		start := now()
		if s == 0 {
			e.started = start
		}
		ok := e.work(s, n)
		if waits[s] > 0 {
			time.Sleep(waits[s])
		}
		end := now()
		if ok && s == n-1 {
			e.done = end
		}
		atomic.AddInt64(&stages[s].busy, end-start)
		atomic.AddInt64(&stages[s].done, 1)
	}
	for s := range stages {
		stages[s].in = make(chan *logEntry, pt.params.int("buffer"))
	}
	pt.begin()
	if sequential {
		workers = 1
		for i := range entries {
			for s := range stages {
				pass(s, &entries[i])
			}
		}
	} else {
		passPipeline(stages, entries, workers, pass)
	}
	pt.end()
	pt.judgePipeline(stages, entries, expected, float64(workers))
}

func passPipeline(stages []pipeStage, entries []logEntry, workers int64, pass func(int, *logEntry)) {
	for s := range stages {
		s := s
		for w := int64(0); w < workers; w++ {
			stages[s].left.Add(1)
			go func() {
				for e := range stages[s].in {
					pass(s, e)
					if s+1 < len(stages) {
						stages[s+1].in <- e
					}
				}
				stages[s].left.Done()
			}()
		}
	}
	for i := range entries {
		stages[0].in <- &entries[i]
	}
	for s := range stages {
		close(stages[s].in)
		stages[s].left.Wait()
	}
}

func (pt *point) judgePipeline(stages []pipeStage, entries []logEntry, expected uint64, workers float64) {
	sum, through, h, least, most := uint64(0), int64(0), pt.hist("latency"), 100.0, 0.0
	for _, e := range entries {
		if e.done > 0 {
			through++
			sum += e.digest
			h.record(e.done - e.started)
		}
	}
	for s := range stages {
		busy := 100 * float64(stages[s].busy) / (float64(pt.elapsedNs) * workers)
		if busy < least {
			least = busy
		}
		if busy > most {
			most = busy
		}
		pt.check("stage_saw_all", stages[s].done == pt.tasks, float64(pt.tasks), float64(stages[s].done))
	}
	pt.samples = append(pt.samples, float64(pt.elapsedNs))
	pt.operations(pt.tasks, through)
	const exact = 1<<53 - 1 // what a float64 holds
	pt.check("digests_add_up", sum == expected, float64(expected&exact), float64(sum&exact))
	pt.setMetric("throughput", float64(through)*1e9/float64(pt.elapsedNs), "1/s", "higher")
	pt.setMetric("entry_ns", float64(pt.elapsedNs)/float64(pt.tasks), "ns", "lower")
	pt.setMetric("busiest_stage_percent", most, "%", "higher")
	pt.setMetric("idlest_stage_percent", least, "%", "higher")
	pt.quotePercentiles("latency", h)
}
