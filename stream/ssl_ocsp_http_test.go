package stream

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOCSPReplies has what nginx says to such replies; empty: nothing.
func TestOCSPReplies(t *testing.T) {
	const ok, later = "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n", "\x30\x03\x0a\x01\x03"
	const refused, invalid, early = "OCSP response not successful (3: trylater)", "OCSP responder sent invalid response", "OCSP responder prematurely closed connection"
	const encoding = "d2i_OCSP_RESPONSE() failed (SSL: error:0680%s:asn1 encoding routines::%s"
	r := startResponder(t, "ca")
	s := startTLS(t, ocspServer, "RESPONDER", r.addr)
	for _, tt := range []struct{ reply, want string }{
		{"", early}, {"nonsense\r\n\r\n", invalid}, {"HTTP/1.0 200 OK\r\n", early}, {"HTTP/1.1 200 OK\r\n\r\n" + later, refused},
		{"HTTP/2 200\r\n\r\n", invalid}, {"HTTP/0.9 200\r\n\r\n", invalid}, {"HTTP/1.12  2 00\nx: y\n\n" + later, refused},
		{"HTTP/1.0 2000 OK\r\n\r\n", invalid}, {"HTTP/1.0 200.1 OK\r\n\r\n" + later, refused}, {"HTTP/1.0 200 O\rK\n\n" + later, invalid},
		{"HTTP/1.0 404 Not Found\r\n\r\n" + later, ""}, {"HTTP/1.0 20x\r\n\r\n", invalid},
		{"HTTP/1.0 200\na_b: 1\n\n" + later, invalid}, {"HTTP/1.0 200\nab\n\n" + later, refused}, {"HTTP/1.0 200\n a: b\n\n" + later, invalid},
		{"HTTP/1.0 200\r\n\r" + later, invalid}, {"HTTP/1.0 200\r\na: b\rc\n\n" + later, invalid},
		{"HTTP/1.0 200\nCONTENT-TYPE:   application/OCSP-response  \r\nx:y\r\n\r\n" + later, refused},
		{"HTTP/1.0 200\nContent-Type: application/ocsp-response; x\r\n\r\n", `OCSP responder sent invalid "Content-Type" header: "application/ocsp-response; x"`},
		{"HTTP/1.0 200\nContent-Type:\r\n\r\n", `OCSP responder sent invalid "Content-Type" header: ""`},
		{"HTTP/1.0 200\nContent-Type: a  b \r\n\r\n", `OCSP responder sent invalid "Content-Type" header: "a  b"`},
		{"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + later + "\r\n0\r\n\r\n", fmt.Sprintf(encoding, "00A8", "wrong tag")},
		{ok + later + strings.Repeat("x", 20000), refused}, {ok + "x", fmt.Sprintf(encoding, "007B", "header too long")}, {ok, fmt.Sprintf(encoding, "00E0", "too small")},
		{ok + "\x30\x82\xff\xff" + strings.Repeat("x", 20000), fmt.Sprintf(encoding, "009B", "too long")},
		{ok + "\x30\x03\x0a\x01\x00", "OCSP_response_get1_basic() failed (SSL: error:1380006C:OCSP routines::no response data)"},
	} {
		r.raw.Store(&tt.reply)
		before := len(s.errors("error"))
		assert.Empty(t, s.askTLS("PORT0", showing(t, "client")))
		lines := s.errors("error")[before:]
		if tt.want == "" {
			assert.Empty(t, lines, "%q", tt.reply)
			continue
		}
		if assert.Len(t, lines, 1, "%q", tt.reply) {
			assert.Contains(t, lines[0], tt.want, "%q", tt.reply)
			assert.Contains(t, lines[0], " while requesting certificate status, responder: 127.0.0.1, peer: "+r.addr)
		}
	}
}

// Of several addresses the next one is asked if one has no answer. The status
// code of the first is not forgotten, so that there is never a good one then.
func TestOCSPReplyAfterAnother(t *testing.T) {
	r := &ocspReply{}
	require.Equal(t, errReply, feed(r, "HTTP/1.0 200 OK\r\n \r\n", 3))
	r.again()
	require.NoError(t, feed(r, "HTTP/1.0 200 OK\r\n\r\nbody", 5))
	assert.Equal(t, 200200, r.code)
	assert.Equal(t, "body", string(r.body()))
	r.again()
	assert.Less(t, len(r.room()), maxReply)
}

// FuzzOCSPReply reads what a responder might send, in pieces of any size.
func FuzzOCSPReply(f *testing.F) {
	f.Add("HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n\x30\x03\x0a\x01\x03", 3)
	f.Add("HTTP/1.1 404.1 x\r\nA: b\r\n\r\n", 1)
	f.Add("", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		whole, pieces := &ocspReply{}, &ocspReply{}
		wholeErr, piecesErr := feed(whole, text, len(text)), feed(pieces, text, max(size, 1))
		assert.Equal(t, wholeErr, piecesErr)
		if wholeErr == nil {
			assert.Equal(t, whole.code, pieces.code)
			assert.Equal(t, string(whole.body()), string(pieces.body()))
			assert.True(t, strings.HasSuffix(text, string(whole.body())) || len(text) > maxReply)
		}
	})
}

// feed gives a text to a reply in pieces.
func feed(r *ocspReply, text string, size int) error {
	for len(text) > 0 && len(r.room()) > 0 {
		n := copy(r.room(), text[:min(size, len(text))])
		if err := r.take(n); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}
