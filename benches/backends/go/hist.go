package main

import (
	"math"
	"math/bits"
	"sort"
)

// A hist is an HDR histogram of three significant digits with the bucket bounds of the C drivers' (harness/base/hist.h):
// values below 2,048 have a bucket each; above, every doubling is cut into 1,024. Filled by the main goroutine alone.
type hist struct {
	counts        map[uint64]uint64 // by the lowest value of the bucket
	count         uint64
	min, max, sum uint64
	start         int64   // of the first interval, where there are any
	intervals     []*hist // the same samples by the second in which they were due
}

const (
	subBits    = 11
	intervalNs = 1000000000
)

func bucketShift(v uint64) uint { return uint(bits.Len64(v|(1<<subBits-1)) - subBits) }

func newHist() *hist { return &hist{counts: map[uint64]uint64{}} }

func (h *hist) reset() { *h = *newHist() }

func (h *hist) record(ns int64) {
	v := uint64(0)
	if ns > 0 {
		v = uint64(ns)
	}
	s := bucketShift(v)
	h.counts[v>>s<<s]++
	if h.count == 0 || v < h.min {
		h.min = v
	}
	if v > h.max {
		h.max = v
	}
	h.count++
	h.sum += v
}

// recordAt puts the sample into the interval of its due time, ns from start; due times rise.
func (h *hist) recordAt(start, due, ns int64) {
	h.start = start
	for int64(len(h.intervals)) <= due/intervalNs {
		h.intervals = append(h.intervals, newHist())
	}
	h.intervals[due/intervalNs].record(ns)
}

func (h *hist) bucketList() [][2]uint64 {
	buckets := [][2]uint64{}
	for _, k := range h.lowests() {
		buckets = append(buckets, [2]uint64{k, h.counts[k]})
	}
	return buckets
}

func (h *hist) lowests() []uint64 {
	keys := make([]uint64, 0, len(h.counts))
	for k := range h.counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	return keys
}

// percentile is false with fewer than ten samples beyond it.
func (h *hist) percentile(p float64) (float64, bool) {
	exact := p / 100 * float64(h.count)
	rank := uint64(math.Ceil(exact - exact*1e-15)) // 99.9 % of 10,000 is 9,990, though not in binary
	if h.count < 10 || h.count-rank < 10 {
		return 0, false
	}
	seen := uint64(0)
	for _, k := range h.lowests() {
		seen += h.counts[k]
		if seen >= rank {
			top := k + 1<<bucketShift(k) - 1
			if top > h.max {
				top = h.max
			}
			return float64(top), true
		}
	}
	return float64(h.max), true
}

func (h *hist) object(unit string) map[string]interface{} {
	o := map[string]interface{}{"unit": unit, "digits": 3, "count": h.count, "buckets": h.bucketList()}
	if h.intervals != nil {
		list := []map[string]interface{}{}
		for i, w := range h.intervals {
			from := h.start + int64(i)*intervalNs
			list = append(list, map[string]interface{}{"start_ns": from, "end_ns": from + intervalNs, "buckets": w.bucketList()})
		}
		o["intervals"] = list
	}
	if h.count > 0 {
		o["min"], o["max"], o["mean"] = h.min, h.max, float64(h.sum)/float64(h.count)
	}
	return o
}
