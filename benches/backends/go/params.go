package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A param is a declared parameter of a workload or of the backend; the same declarations as in the C drivers.
type param struct {
	name, kind string // kind: int, real, choice
	min, max   float64
	value      string // the default
	choices    []string
	doc        string
}

type paramSet struct {
	defs   []param
	values map[string]string
}

func newParamSet(defs []param) paramSet {
	s := paramSet{defs, map[string]string{}}
	for _, d := range defs {
		s.values[d.name] = d.value
	}
	return s
}

func (s paramSet) set(name, value string) error {
	var names []string
	for _, d := range s.defs {
		if d.name == name {
			if err := d.check(value); err != nil {
				return err
			}
			s.values[name] = value
			return nil
		}
		names = append(names, d.name)
	}
	return fmt.Errorf("unknown parameter '%s'%s (see --describe)", name, didYouMean(name, names))
}

func (d param) check(value string) error {
	var v float64
	switch d.kind {
	case "choice":
		for _, c := range d.choices {
			if c == value {
				return nil
			}
		}
		return fmt.Errorf("parameter %s: '%s' is none of %s", d.name, value, strings.Join(d.choices, ", "))
	case "int":
		i, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("parameter %s: '%s' is not a whole number", d.name, value)
		}
		v = float64(i)
	case "real":
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return fmt.Errorf("parameter %s: '%s' is not a number", d.name, value)
		}
		v = f
	}
	if d.kind == "text" {
		return nil
	}
	if v < d.min || v > d.max {
		return fmt.Errorf("parameter %s: %s is out of range: expected %.15g to %.15g", d.name, value, d.min, d.max)
	}
	return nil
}

func (s paramSet) int(name string) int64 {
	v, err := strconv.ParseInt(s.values[name], 10, 64)
	if err != nil {
		panic("parameter never declared: " + name)
	}
	return v
}

func (s paramSet) real(name string) float64 {
	v, err := strconv.ParseFloat(s.values[name], 64)
	if err != nil {
		panic("parameter never declared: " + name)
	}
	return v
}

func (s paramSet) text(name string) string { return s.values[name] }

func (d param) describe() map[string]interface{} {
	o := map[string]interface{}{"name": d.name, "type": d.kind, "default": d.value, "doc": d.doc}
	if d.kind == "int" || d.kind == "real" {
		o["min"], o["max"] = d.min, d.max
	} else if d.kind == "choice" {
		o["choices"] = d.choices
	}
	return o
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			best := diagonal
			if a[i-1] != b[j-1] {
				best++
			}
			diagonal = row[j]
			if row[j]+1 < best {
				best = row[j] + 1
			}
			if row[j-1]+1 < best {
				best = row[j-1] + 1
			}
			row[j] = best
		}
	}
	return row[len(b)]
}

// didYouMean is ": did you mean X?" for the nearest candidate, or empty when none is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		if d := editDistance(word, c); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}
