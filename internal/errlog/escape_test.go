package errlog

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestControlBytesAreEscaped(t *testing.T) {
	l, b := memory(Debug)
	write := func(level Level, text string) string {
		b.Reset()
		l.Write(level, Record{Text: text, Err: syscall.ENOENT, Context: func(b []byte) []byte { return append(b, ", name: "+text...) }})
		return plain(b.String())
	}
	assert.Equal(t, `error: a\x0Ab (2: No such file or directory), name: a\x0Ab`+"\n", write(Error, "a\nb"))
	assert.Equal(t, `debug: \x00\x09\x0D\x1B[31m\x1F\x7F (2: No such file or directory)`+"\n", write(Debug, "\x00\t\r\x1b[31m\x1f\x7f"))
	for _, same := range []string{"", " ~", `\x0A "quoted" \`, "h\u00e9 \u2028 \U0001F600", "\x80\x9f\xff"} {
		assert.Equal(t, "error: "+same+" (2: No such file or directory), name: "+same+"\n", write(Error, same))
	}

	// What they take more room for is cut off like any text.
	b.Reset()
	l.Write(Error, Record{Text: strings.Repeat("\n", 3000), Err: syscall.ENOENT})
	assert.Regexp(t, `(\\x0A)+[\\x0A]{0,3}\.\.\. \(2: No such file or directory\)\n$`, b.String())
	assert.LessOrEqual(t, b.Len(), maxLine)

	b.Reset()
	l.Unescaped().Write(Error, Record{Text: "a\n\x1bb"})
	assert.Equal(t, "error: a\n\x1bb\n", plain(b.String()))
}

// TestStack is shown in lines, behind the one that tells of the panic.
func TestStack(t *testing.T) {
	l, b := memory(Debug)
	l.Write(Alert, Record{Conn: 3, Text: "panic: a\nb", Context: context, Stack: []byte("goroutine 1 [running]:\nmain.main()\n\t/x/main.go:7 +0x1\n")})
	assert.Equal(t, `alert: *3 panic: a\x0Ab while testing, client: x`+"\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:7 +0x1\n", plain(b.String()))
}

// FuzzLine writes whatever text: it makes one line, which is the text itself if
// that is harmless.
func FuzzLine(f *testing.F) {
	f.Add("plain", "client: x", uint8(Error))
	f.Add("a\nb\x00\x1b[2J\x7f", "\r\n2026/01/01 00:00:00 [alert] 1#1: forged", uint8(Info))
	f.Add(strings.Repeat("\x01", 600), "\xc3\xa9\u2028", uint8(Debug))
	f.Fuzz(func(t *testing.T, text, around string, level uint8) {
		var line []byte
		l := New(Sink{Level: Debug, Write: func(b []byte, _ Level, _ time.Time) { line = bytes.Clone(b) }})
		r := Record{Text: text, Err: syscall.ENOENT, Context: func(b []byte) []byte { return append(b, around...) }}
		at := Emerg + Level(level%uint8(Debug))
		l.Write(at, r)
		assert.LessOrEqual(t, len(line), maxLine)
		assert.Equal(t, len(line)-1, bytes.IndexFunc(line, func(c rune) bool { return c < ' ' || c == 0x7f }), "%q", line)
		if !strings.ContainsFunc(text+around, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			escaped := line
			l.Unescaped().Write(at, r)
			assert.Equal(t, plain(string(line)), plain(string(escaped)))
		}
	})
}

// TestHasControls tries every byte at every place.
func TestHasControls(t *testing.T) {
	for n := range 20 {
		text := bytes.Repeat([]byte{' '}, n)
		assert.False(t, hasControls(text))
		for i := range text {
			for c := range 256 {
				for _, other := range []byte{' ', '~', 0x80, 0xff} {
					text := bytes.Repeat([]byte{other}, n)
					text[i] = byte(c)
					assert.Equal(t, isControl(byte(c)), hasControls(text), "%q", text)
				}
			}
		}
	}
}

func BenchmarkLine(b *testing.B) {
	l := New(Sink{Level: Info, Write: func([]byte, Level, time.Time) {}})
	r := Record{Conn: 7, Text: "connect() failed", Err: syscall.ECONNREFUSED, Context: func(b []byte) []byte {
		return append(b, ` while connecting to upstream, client: 192.0.2.1, server: 0.0.0.0:443, upstream: "192.0.2.2:443", bytes from/to client:0/0, bytes from/to upstream:0/0`...)
	}}
	for b.Loop() {
		l.Write(Error, r)
	}
}
