package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is all that is printed.
type report struct {
	Environment environment `json:"environment"`
	Tables      []table     `json:"tables"`
}

// environment is where the figures come from.
type environment struct {
	Kernel   string            `json:"kernel"`
	CPUs     int               `json:"cpus"`
	Rounds   int               `json:"rounds"`
	Duration string            `json:"duration"`
	Proxies  map[string]string `json:"proxies"` // name to version
}

// table is the result for one metric.
type table struct {
	metric
	Rows []row `json:"proxies"`
}

// row is the result of one proxy.
type row struct {
	Proxy  string    `json:"proxy"`
	Values []float64 `json:"values"`
	spread
	Ratio *spread `json:"ratioToNginx,omitempty"`
}

// newTable evaluates the values by proxy, each a value per round.
func newTable(m metric, values map[string][]float64) table {
	t := table{metric: m}
	for _, name := range proxyNames() {
		v, ok := values[name]
		if !ok {
			continue
		}
		r := row{Proxy: name, Values: v, spread: spreadOf(v)}
		if nginx := values["nginx"]; name != "nginx" && len(nginx) == len(v) {
			ratio := spreadOf(ratios(v, nginx))
			r.Ratio = &ratio
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// print writes the report in the form asked for.
func (r report) print(w io.Writer, o options) error {
	switch {
	case o.json:
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case o.markdown:
		return r.markdown(w)
	}
	return r.text(w)
}

// heads are the columns of a table: the value, and its ratio to nginx's.
var heads = []string{"", "min", "median", "max", "ratio min", "ratio median", "ratio max"}

func (r row) cells() []string {
	cells := append([]string{r.Proxy}, r.spread.cells()...)
	if r.Ratio == nil {
		return append(cells, "", "", "")
	}
	return append(cells, r.Ratio.cells()...)
}

func (r report) text(w io.Writer) error {
	fmt.Fprintln(w, r.Environment)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, t := range r.Tables {
		fmt.Fprintf(tw, "\n%s, %s\n%s\t\n", t.Name, t.Unit, strings.Join(heads, "\t"))
		for _, row := range t.Rows {
			fmt.Fprintf(tw, "%s\t\n", strings.Join(row.cells(), "\t"))
		}
	}
	return tw.Flush()
}

func (r report) markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Environment)
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n**%s**, %s\n\n| %s |\n|---%s|\n", t.Name, t.Unit, strings.Join(heads, " | "), strings.Repeat("|--:", len(heads)-1))
		for _, row := range t.Rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row.cells(), " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String describes the environment in one paragraph.
func (e environment) String() string {
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(e.Proxies)) {
		versions = append(versions, name+" ("+e.Proxies[name]+")")
	}
	return fmt.Sprintf("%s; Linux %s, %d CPUs; %d rounds of %s", strings.Join(versions, ", "), e.Kernel, e.CPUs, e.Rounds, e.Duration)
}
