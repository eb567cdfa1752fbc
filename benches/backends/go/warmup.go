package main

import (
	"math"
	"sort"
)

// The rules of benches/driver/warmup.h, which says what they mean and why.
const lookBack = 600

type verdict int

const (
	undecided verdict = iota
	settled
	drifting
)

func steady(batches []float64) bool {
	if len(batches) < 3 {
		return false
	}
	return spread(medians(batches, 1)) <= 0.03 || spread(medians(batches, len(batches)/3)) <= 0.03
}

func medians(batches []float64, width int) (m [3]float64) {
	for i := range m {
		from := len(batches) - (3-i)*width
		window := append([]float64{}, batches[from:from+width]...)
		sort.Float64s(window)
		m[i] = (window[(width-1)/2] + window[width/2]) / 2
	}
	return m
}

func least(m [3]float64) float64 { return math.Min(m[0], math.Min(m[1], m[2])) }

func spread(m [3]float64) float64 {
	low, high := least(m), math.Max(m[0], math.Max(m[1], m[2]))
	if high == low {
		return 0
	}
	if low <= 0 {
		return math.Inf(1)
	}
	return (high - low) / low
}

func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (sorted[below+1]-sorted[below])*(at-float64(below))
}

// scatter is two standard errors of the difference of two windows' medians.
func scatter(v []float64, width int, m [3]float64) float64 {
	if width < 2 || least(m) <= 0 {
		return math.Inf(1)
	}
	off := make([]float64, len(v))
	for i, x := range v {
		off[i] = x/m[i/width] - 1
	}
	sort.Float64s(off)
	deviation := (quantile(off, 0.75) - quantile(off, 0.25)) / 1.349 * math.Sqrt(float64(width)/float64(width-1))
	return 2 * 1.2533 * deviation * math.Sqrt(2/float64(width))
}

func trend(v []float64) float64 {
	rises, n := 0.0, float64(len(v))
	for i, x := range v {
		for _, y := range v[i+1:] {
			if y > x {
				rises++
			} else if y < x {
				rises--
			}
		}
	}
	return rises / math.Sqrt(n*(n-1)*(2*n+5)/18)
}

func judge(batches []float64) (v verdict, drift, noise float64) {
	width := len(batches) / 3
	if width == 0 {
		return undecided, math.NaN(), math.NaN()
	}
	seen := batches[len(batches)-3*width:]
	m, z := medians(seen, width), trend(seen)
	drift, noise = spread(m), scatter(seen, width, m)
	oneWay := (m[0] < m[1] && m[1] < m[2]) || (m[0] > m[1] && m[1] > m[2])
	near, explained := drift <= 0.03, drift <= noise && math.Abs(z) <= 1.96
	switch {
	case width > 1 && !near && oneWay && math.Abs(z) > 3:
		return drifting, drift, noise
	case width == 1 && near, width > 1 && (near || explained) && noise <= 0.10:
		return settled, drift, noise
	}
	return undecided, drift, noise
}

func last(v []float64, n int) []float64 {
	if len(v) > n {
		return v[len(v)-n:]
	}
	return v
}

// judgeMeasured gives the measured batches the last word, as judge_measured of benches/driver/point.c does.
func (pt *point) judgeMeasured() {
	measured := last(pt.samples, lookBack)
	var v verdict
	v, pt.drift, pt.noise = judge(measured)
	pt.drifting = v == drifting
	if pt.drifting {
		pt.steady = false
		return
	}
	if v == settled {
		pt.steady = true
		return
	}
	both := append(append([]float64{}, last(pt.tail, len(measured))...), measured...)
	if v, drift, noise := judge(last(both, lookBack)); v == settled {
		pt.steady, pt.drift, pt.noise = true, drift, noise
	}
}

// warmupObject leaves out what is not finite: too few batches, a figure of 0.
func (pt *point) warmupObject() object {
	o := object{"batches": pt.warmupBatches, "steady": pt.steady, "drifting": pt.drifting, "elapsed_ns": pt.warmupNs}
	for name, v := range map[string]float64{"drift": pt.drift, "noise": pt.noise} {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			o[name] = v
		}
	}
	return o
}
