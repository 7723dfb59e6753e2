package preread

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// FuzzClientHello compares with crypto/tls, which is stricter: a hello that it
// takes must be read here with the same names. Other inputs must not panic, and
// their verdict must not change when more bytes come.
func FuzzClientHello(f *testing.F) {
	f.Add(realHello(f, &tls.Config{ServerName: "db.example.com", NextProtos: []string{"h2", "http/1.1"}}))
	f.Add(records(helloSpec{legacy: 0x0303, extensions: join(sni("frag.com"), supportedVersions(3, 4), alpn("a", "bc"))}.message(), 50))
	f.Add(records(helloSpec{legacy: 0x0301, none: true}.message(), 100))
	f.Add([]byte{0x80, 0x2e, 1, 3, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ClientHello(b)
		if err == nil {
			h.AppendALPN(nil)
			h.Protocol()
		}
		for _, n := range []int{len(b) / 2, len(b) - 1} {
			checkPrefix(t, b, max(n, 0), err)
		}
		checkTLS(t, b, h, err)
	})
}

func checkPrefix(t *testing.T, b []byte, n int, err error) {
	if _, early := ClientHello(b[:n]); early != ErrNeedMore && early != err {
		t.Fatalf("%d bytes: %v, all %d: %v", n, early, len(b), err)
	}
}

func checkTLS(t *testing.T, b []byte, h Hello, err error) {
	want := parseTLS(b)
	if want == nil || errors.Is(err, ErrNotTLS) { // crypto/tls lets some other records pass
		return
	}
	if err != nil || string(h.ServerName) != want.ServerName {
		t.Fatalf("%v, server name %q, want %q", err, h.ServerName, want.ServerName)
	}
	var protocols []string
	for p := range h.Protocols() {
		protocols = append(protocols, string(p))
	}
	if !slices.Equal(protocols, want.SupportedProtos) {
		t.Fatalf("protocols %q, want %q", protocols, want.SupportedProtos)
	}
}

// parseTLS lets a crypto/tls server read a hello.
func parseTLS(b []byte) (hello *tls.ClientHelloInfo) {
	tls.Server(bytesConn{r: bytes.NewReader(b)}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, io.ErrClosedPipe
		},
	}).Handshake()
	return hello
}

// bytesConn is a connection on which given bytes arrive, and then nothing.
type bytesConn struct {
	net.Conn
	r io.Reader
}

func (c bytesConn) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c bytesConn) Write(p []byte) (int, error)      { return len(p), nil }
func (c bytesConn) Close() error                     { return nil }
func (c bytesConn) SetWriteDeadline(time.Time) error { return nil }
