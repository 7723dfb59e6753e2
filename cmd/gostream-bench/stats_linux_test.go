package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSpread(t *testing.T) {
	assert.Equal(t, spread{1, 1, 1}, spreadOf([]float64{1}))
	assert.Equal(t, spread{1, 2, 9}, spreadOf([]float64{9, 1, 2}))
	assert.Equal(t, spread{1, 2.5, 9}, spreadOf([]float64{3, 9, 1, 2}))

	values := []float64{3, 1, 2}
	spreadOf(values)
	assert.Equal(t, []float64{3, 1, 2}, values, "rounds stay in order")
}

func TestRatios(t *testing.T) {
	assert.Equal(t, []float64{2, 0.5}, ratios([]float64{4, 1}, []float64{2, 2}))
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{0: "0.00", 0.123: "0.12", 9.994: "9.99", 12.34: "12.3", 123.4: "123", 4321.9: "4322"} {
		assert.Equal(t, want, figure(v))
	}
}
