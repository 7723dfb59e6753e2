//go:build unix

package conformance

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	numbers  = regexp.MustCompile(`\d+`)
	volatile = []struct {
		pattern *regexp.Regexp
		name    string
	}{
		{regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`), "TIME"},
		{regexp.MustCompile(`\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}`), "TIME"},
		{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d`), "TIME"},
		{regexp.MustCompile(`\b\d{10}\.\d{3}\b`), "TIME"},
		{regexp.MustCompile(`(^|[^.\d])\d\.\d{3}\b`), "${1}DURATION"},
		{regexp.MustCompile(`(\.\d+:)(?:1[6-9]|[2-6]\d)\d{3}\b`), "${1}EPHEMERAL"},
		{regexp.MustCompile(`\[(\w+)\] \d+#\d+: `), "[$1] "},
		// What the TLS library says differs between its versions, too.
		{regexp.MustCompile(`\(SSL: .*?\)( while|\n|$)`), "(SSL: REASON)$1"},
	}
	logLine   = regexp.MustCompile(`^TIME \[(\w+)\] (?:\*(\d+) )?(.*)$`)
	proxied   = regexp.MustCompile(`( proxy \S+:)(\d+)( connected to \S+:)(\d+)`)
	control   = regexp.MustCompile(`[\x00-\x1f\x7f]`)
	connected = regexp.MustCompile(`^(?:\S+ )?client [\d.]+:\$(\w+) connected to `)
)

// normal replaces what is different each time: the prefix, ports, times and
// processes. Ports of peers become their names.
func (s *stage) normal(text string) string {
	text = strings.ReplaceAll(text, s.dir, "$DIR")
	text = proxied.ReplaceAllStringFunc(text, func(line string) string {
		m := proxied.FindStringSubmatch(line)
		if name := s.sources[source{m[2], m[4]}]; name != "" {
			return m[1] + "$" + name + m[3] + m[4]
		}
		return line
	})
	text = numbers.ReplaceAllStringFunc(text, func(n string) string {
		if name := s.numbers[n]; name != "" {
			return "$" + name
		}
		return n
	})
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	return text
}

// normalLog is the error log by session: those of named clients first, in the
// order in which they came. The master's and worker's notices are left out.
// Control bytes are escaped, as gostream does and nginx does not.
func (s *stage) normalLog(text string) string {
	lines, names := map[string][]string{}, map[string]string{}
	order := slices.Clone(s.clients)
	last := ""
	for line := range strings.Lines(s.normal(text)) {
		m := logLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			lines[last] = append(lines[last], strings.TrimSuffix(line, "\n"))
			continue
		}
		level, number, message := m[1], m[2], control.ReplaceAllStringFunc(m[3], func(c string) string { return fmt.Sprintf(`\x%02X`, c) })
		last = ""
		if number == "" {
			if !slices.Contains([]string{"notice", "info", "debug"}, level) {
				lines[""] = append(lines[""], fmt.Sprintf("[%s] %s", level, message))
			}
			continue
		}
		if c := connected.FindStringSubmatch(message); c != nil {
			names[number] = c[1]
		} else if names[number] == "" {
			names[number] = strconv.Itoa(len(names) + 1)
		}
		if !slices.Contains(order, names[number]) {
			order = append(order, names[number])
		}
		last = names[number]
		lines[last] = append(lines[last], fmt.Sprintf("[%s] *%s %s", level, last, message))
	}
	var out strings.Builder
	for _, name := range append(order, "") {
		for _, line := range lines[name] {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// outcome is what the server did, once it has ended.
func (s *stage) outcome() outcome {
	o := outcome{}
	o.set("stderr", s.normal(s.server.output.String()))
	if code := s.server.cmd.ProcessState.ExitCode(); code != 0 {
		o.set("status", strconv.Itoa(code))
	}
	o.set("error.log", s.normalLog(readText(filepath.Join(s.dir, "error.log"))))
	access := slices.Collect(strings.Lines(s.normal(readText(filepath.Join(s.dir, "access.log")))))
	slices.Sort(access)
	o.set("access.log", strings.Join(access, ""))
	var out strings.Builder
	for _, name := range s.named {
		if text := s.peers[name].summary(s); text != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, text)
		}
	}
	o.set("output", out.String())
	return o
}
