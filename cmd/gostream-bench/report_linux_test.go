package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sample() report {
	return report{
		environment{Kernel: "6.1", CPUs: 2, Rounds: 2, Duration: "3s", Proxies: map[string]string{"nginx": "nginx/1.31.5", "gostream": "v1"}},
		[]table{newTable(metric{"connect", "µs"}, map[string][]float64{"gostream": {60, 90}, "nginx": {80, 100}})},
	}
}

func print(t *testing.T, o options) string {
	var b strings.Builder
	require.NoError(t, sample().print(&b, o))
	return b.String()
}

func TestText(t *testing.T) {
	want := `gostream (v1), nginx (nginx/1.31.5); Linux 6.1, 2 CPUs; 2 rounds of 3s

connect, µs
             min  median   max  ratio min  ratio median  ratio max
     nginx  80.0    90.0   100
  gostream  60.0    75.0  90.0       0.75          0.82       0.90
`
	var lines []string
	for line := range strings.Lines(print(t, options{})) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	assert.Equal(t, want, strings.Join(lines, "\n")+"\n")
}

func TestMarkdown(t *testing.T) {
	assert.Equal(t, `gostream (v1), nginx (nginx/1.31.5); Linux 6.1, 2 CPUs; 2 rounds of 3s

**connect**, µs

|  | min | median | max | ratio min | ratio median | ratio max |
|---|--:|--:|--:|--:|--:|--:|
| nginx | 80.0 | 90.0 | 100 |  |  |  |
| gostream | 60.0 | 75.0 | 90.0 | 0.75 | 0.82 | 0.90 |
`, print(t, options{markdown: true}))
}

func TestJSON(t *testing.T) {
	var got report
	require.NoError(t, json.Unmarshal([]byte(print(t, options{json: true})), &got))
	assert.Equal(t, sample(), got)
	assert.Contains(t, print(t, options{json: true}), `"ratioToNginx"`)
}

func TestTableWithoutNginx(t *testing.T) {
	table := newTable(metric{}, map[string][]float64{"haproxy": {1}})
	require.Len(t, table.Rows, 1)
	assert.Nil(t, table.Rows[0].Ratio)
}
