package parser

import (
	"fmt"
	"strings"
	"testing"
)

// largeConfig is 3.6 MB: a map of 100,000, 5,000 upstreams, 300 servers.
func largeConfig() string {
	var b strings.Builder
	b.WriteString("events { }\nstream {\n    map $ssl_preread_server_name $name {\n")
	for i := range 100000 {
		fmt.Fprintf(&b, "        host-%06d.example.com   u%d;\n", i, i%5000)
	}
	b.WriteString("    }\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "    upstream u%d { server 127.0.0.1:%d max_fails=2; }\n", i, 1024+i)
	}
	for i := range 300 {
		fmt.Fprintf(&b, "    server {\n        listen 127.0.0.1:%d;\n        proxy_pass $name;\n    }\n", 10000+i)
	}
	b.WriteString("}\n")
	return b.String()
}

func BenchmarkParseLarge(b *testing.B) {
	text := largeConfig()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseString("nginx.conf", text, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanLarge is the share of the scanner in BenchmarkParseLarge.
func BenchmarkScanLarge(b *testing.B) {
	text := largeConfig()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s := newScanner("nginx.conf", text)
		for s.next() != endOfText {
		}
		if s.err != nil {
			b.Fatal(s.err)
		}
	}
}
