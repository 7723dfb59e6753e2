package relay

import (
	"fmt"
	"io"
	"testing"
)

// One message there and back.
func BenchmarkEcho(b *testing.B) {
	for name, start := range engines {
		for _, size := range []int{64, 4 << 10} {
			b.Run(fmt.Sprint(name, " ", size), func(b *testing.B) {
				r := start(b, usual)
				go func() { _, _ = io.Copy(r.upstream, r.upstream) }()
				buf := make([]byte, size)
				b.SetBytes(int64(2 * size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.client.Write(buf); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(r.client, buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// As much as goes, one way.
func BenchmarkBulk(b *testing.B) {
	const chunk = 1 << 20
	for name, start := range engines {
		b.Run(name, func(b *testing.B) {
			r := start(b, usual)
			go func() { _, _ = io.Copy(r.upstream, zeros{}) }()
			buf := make([]byte, chunk)
			b.SetBytes(chunk)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.ReadFull(r.client, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
