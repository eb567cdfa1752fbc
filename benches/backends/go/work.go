package main

import (
	"math"
	"sync"
	"sync/atomic"
)

// sink keeps results alive, so that the compiler cannot fold the work away.
var sink uint64

//go:noinline
func burst(iterations uint64, seed uint64) uint64 {
	x := seed | 1
	for i := uint64(0); i < iterations; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

// calibrate is iterations a nanosecond: the fastest of several tries, since a slower one was disturbed.
func calibrate() float64 {
	const tries, iterations = 10, 400000
	best := int64(math.MaxInt64)
	for i := 0; i < tries; i++ {
		start := now()
		atomic.AddUint64(&sink, burst(iterations, uint64(i)))
		if d := now() - start; d < best {
			best = d
		}
	}
	return iterations / math.Max(float64(best), 1)
}

// rng is splitmix64, as in the C drivers: the same seed gives the same arrivals.
type rng struct{ state uint64 }

func (r *rng) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (r *rng) exponential(mean float64) float64 {
	return -mean * math.Log((float64(r.next()>>11)+1)/(1<<53))
}

// A gate lets goroutines gather, so that making them stays outside of what is measured.
type gate struct {
	ready, open, left sync.WaitGroup
}

func newGate(n int) *gate {
	g := &gate{}
	g.ready.Add(n)
	g.left.Add(n)
	g.open.Add(1)
	return g
}

func (g *gate) wait() {
	g.ready.Done()
	g.open.Wait()
}

func (g *gate) run() int64 {
	g.ready.Wait()
	start := now()
	g.open.Done()
	g.left.Wait()
	return now() - start
}

// hogs compute beside what is measured, until stopped.
type hogs struct {
	stop int32
	wg   sync.WaitGroup
}

func startHogs(n int64) *hogs {
	h := &hogs{}
	h.wg.Add(int(n))
	for i := int64(0); i < n; i++ {
		go func() {
			for atomic.LoadInt32(&h.stop) == 0 {
				burst(1000, 1)
			}
			h.wg.Done()
		}()
	}
	return h
}

func (h *hogs) end() {
	atomic.StoreInt32(&h.stop, 1)
	h.wg.Wait()
}
