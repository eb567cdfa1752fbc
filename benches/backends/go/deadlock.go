package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// pooldead: benches/workloads/pooldead.c. The child is this program again, told by its environment, and writes a byte to stdout
// for each job accepted.
var pooldead = workload{
	name: "pooldead", doc: "a producer-consumer pool that deadlocks: jobs accepted until then, and whether the runtime tells",
	metric: "accepted", unit: "jobs", better: "higher", tasks: 50, tasksMin: 1, tasksMax: 1000000,
	params: []param{
		{name: "workers", kind: "int", min: 1, max: 1000, value: "3", doc: "tasks that take jobs and send results"},
		{name: "jobs", kind: "int", min: 0, max: 10000, value: "4", doc: "capacity of the channel of jobs"},
		{name: "results", kind: "int", min: 0, max: 10000, value: "6", doc: "capacity of the channel of results"},
		{name: "decoupled", kind: "int", min: 0, max: 1, value: "0", doc: "1: results are read by a task of its own, from the start"},
		{name: "settle_ms", kind: "int", min: 1, max: 10000, value: "200",
			doc: "how long the count must stand still before the child is ended"},
	},
	run: runPoolDead,
}

const deadPoolEnvironment = "TRINE_GO_DEADPOOL"

// deadPoolChild runs the pool when this process is the child of runPoolDead, and does not return then.
func deadPoolChild() {
	var n, workers, jobs, results, decoupled int
	if _, err := fmt.Sscan(os.Getenv(deadPoolEnvironment), &n, &workers, &jobs, &results, &decoupled); err != nil {
		return
	}
	queue, out, consumed := make(chan int, jobs), make(chan int, results), make(chan bool)
	for w := 0; w < workers; w++ {
		go func() {
			for job := range queue {
				out <- job
			}
		}()
	}
	consume := func() {
		for i := 0; i < n; i++ {
			<-out
			os.Stdout.Write([]byte("c"))
		}
		close(consumed)
	}
	if decoupled == 1 {
		go consume()
	}
	for i := 0; i < n; i++ {
		queue <- i
		os.Stdout.Write([]byte("a"))
	}
	close(queue)
	if decoupled == 0 {
		consume()
	}
	<-consumed
	os.Exit(0)
}

func runPoolDead(pt *point) {
	self, err := os.Executable()
	if err != nil {
		pt.fail("the driver's own path is unknown: %v", err)
		return
	}
	var said, words bytes.Buffer
	child := exec.Command(self)
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d %d %d", deadPoolEnvironment, pt.tasks, pt.params.int("workers"),
		pt.params.int("jobs"), pt.params.int("results"), pt.params.int("decoupled")))
	child.Stdout, child.Stderr = &said, &words
	pt.begin()
	if err := child.Start(); err != nil {
		pt.fail("the child did not start: %v", err)
		return
	}
	// A goroutine of the runtime's own kind cannot look into the child's buffer while it runs: the limit is on the whole.
	late := time.AfterFunc(10*time.Second+time.Duration(pt.params.int("settle_ms"))*time.Millisecond, func() { child.Process.Kill() })
	failed := child.Wait() != nil
	ended := late.Stop()
	pt.end()
	accepted, consumed := strings.Count(said.String(), "a"), strings.Count(said.String(), "c")
	reported := failed && ended && strings.Contains(words.String(), "deadlock")
	finished := int64(consumed) == pt.tasks
	pt.samples = append(pt.samples, float64(accepted))
	operations := int64(0)
	if finished || reported || !ended {
		operations = 1
	}
	pt.operations(1, operations)
	pt.setMetric("capacity", float64(pt.params.int("results")+pt.params.int("workers")+pt.params.int("jobs")), "jobs", "higher")
	pt.setMetric("finished", oneIf(finished), "1", "higher")
	pt.setMetric("reported", oneIf(reported), "1", "higher")
	pt.setMetric("consumed", float64(consumed), "jobs", "higher")
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
