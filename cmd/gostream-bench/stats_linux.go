package main

import (
	"slices"
	"strconv"
)

// spread sums up the values of several rounds.
type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of at least one value. The median of an even
// number of values is the mean of the two in the middle.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]}
}

// ratios divides the values of each round.
func ratios(values, by []float64) []float64 {
	r := make([]float64, len(values))
	for i := range r {
		r[i] = values[i] / by[i]
	}
	return r
}

func (s spread) cells() []string {
	return []string{figure(s.Min), figure(s.Median), figure(s.Max)}
}

// figure writes a number with three significant digits.
func figure(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
