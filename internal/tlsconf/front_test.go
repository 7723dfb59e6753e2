package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guarded is a server behind a Front.
type guarded struct {
	settings *Settings
	cert     string
	auth     tls.ClientAuthType
}

// answer is what the server makes of what a client sends: the first thing that it
// sends itself, and what it logs.
func (g *guarded) answer(t *testing.T, sent string) (first, text string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	logged := make(chan string, 1)
	go func() { logged <- g.serve(listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, sent)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	got, _ := io.ReadAll(conn) // which may end with a reset
	switch {
	case len(got) == 0:
		first = "nothing"
	case got[0] == recordHandshake:
		first = "hello" + alertIn(string(got))
	default:
		first = fmt.Sprintf("%x", got[:min(7, len(got))])
	}
	return first, <-logged
}

// alertIn is the last record of an answer if it is an alert in clear text.
func alertIn(got string) string {
	if len(got) > 7 && got[len(got)-7] == recordAlert {
		return fmt.Sprintf(" %x", got[len(got)-7:])
	}
	return ""
}

func (g *guarded) serve(listener net.Listener) string {
	conn, err := listener.Accept()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	var config *tls.Config
	front := NewFront(conn, func(f *Front, h *Hello) error {
		choice, err := h.Negotiate(termsOf(g.settings, g.cert))
		if err != nil {
			return err
		}
		f.ClientCertificate, f.Retry = g.auth != tls.NoClientCert, choice.Retry
		config = &tls.Config{
			Certificates: []tls.Certificate{choice.Certificate}, ClientAuth: g.auth,
			MinVersion: h.Version, MaxVersion: h.Version, CurvePreferences: []tls.CurveID{choice.Group},
		}
		if choice.Suite != 0 {
			config.CipherSuites = []uint16{choice.Suite}
		}
		return nil
	})
	err = tls.Server(front, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config, nil }}).Handshake()
	_, _ = io.Copy(io.Discard, conn) // so that there is no reset
	if err == nil || Closed(err) || errors.Is(err, net.ErrClosed) {
		return ""
	}
	text, unusual := front.HandshakeError(err)
	text = strings.TrimPrefix(text, "error:")
	if unusual {
		text += " [crit]"
	}
	return text
}

// Pieces of what clients send.
const (
	emptyRecord = "\x16\x03\x01\x00\x00"
	fatal       = "\x02\x28"
)

// plain is a record after the hello.
func plain(kind byte, data string) string {
	return string([]byte{kind, 3, 3}) + prefixed16(data)
}

// message is a handshake message.
func message(kind byte, data string) string { return string([]byte{kind, 0}) + prefixed16(data) }

// What nginx answers and logs was recorded, of 1.31.5 with OpenSSL 3.0.22.
func TestFrontRefuses(t *testing.T) {
	hello, old, again := usual().message(), usual().old(0x303).message(), usual().with(sharesPart()).message()
	const unexpected, alert10 = "0A0000F4:SSL routines::unexpected message", "1503030002020a"
	for _, tt := range []struct{ name, sent, first, text string }{
		{"good", recordOf(hello), "hello", ""},
		{"byte by byte", pieces(hello, 1), "hello", ""},
		{"32 empty records", strings.Repeat(emptyRecord, 32) + recordOf(hello), "hello", ""},
		{"33 empty records", strings.Repeat(emptyRecord, 33) + recordOf(hello), alert10, "0A00012A:SSL routines::record too small"},
		{"32 and 32 empty records", strings.Repeat(emptyRecord, 32) + recordOf(hello[:3]) + strings.Repeat(emptyRecord, 32) + recordOf(hello[3:]), "hello", ""},
		{"an empty record", emptyRecord, "nothing", ""},
		{"half a hello", recordOf(hello)[:100], "nothing", ""},
		{"text", "plain text\n", "nothing", "0A00010B:SSL routines::wrong version number"},
		{"HTTP", "GET / HTTP/1.0\r\n\r\n", "nothing", "0A00009C:SSL routines::http request"},
		{"HTTP of a proxy", "CONNECT x HTTP/1.0\r\n", "nothing", "0A00009B:SSL routines::https proxy request"},
		{"HTTP after a piece", recordOf(hello[:20]) + "GET / HTTP/1.0\r\n", "15030300020246", "0A00010B:SSL routines::wrong version number"},
		{"version 2.0", "\x16\x02\x00" + recordOf(hello)[3:], "nothing", "0A00010B:SSL routines::wrong version number"},
		{"version 3.9", "\x16\x03\x09" + recordOf(hello)[3:], "hello", ""},
		{"alert", "\x15\x03\x02\x00\x02" + fatal, "1503020002020a", unexpected},
		{"data", plain(23, "abcd"), alert10, unexpected},
		{"unknown type", plain(99, "abcd"), alert10, unexpected},
		{"empty alert", plain(21, ""), alert10, unexpected},
		{"change cipher spec", plain(20, "\x01") + recordOf(hello), alert10, unexpected},
		{"empty change cipher spec", plain(20, "") + recordOf(hello), "hello", ""},
		{"wrong change cipher spec", plain(20, "\x02"), alert10, "0A000067:SSL routines::bad change cipher spec"},
		{"change cipher spec within", recordOf(hello[:20]) + plain(20, "\x01"), alert10, unexpected},
		{"huge record", "\x16\x03\x01\xff\xff", "15030300020216", "0A0000C6:SSL routines::packet length too long"},
		{"large record", "\x16\x03\x01\x41\x41", "15030300020216", "0A000096:SSL routines::encrypted length too long"},
		{"record too large", recordOf(strings.Repeat("x", 16385)), "15030300020216", "0A000092:SSL routines::data length too long"},
		{"another message", recordOf("\x02" + hello[1:]), alert10, unexpected},
		{"hello too long", recordOf("\x01\x02\x01\x45"), "1503030002022f", "0A000098:SSL routines::excessive message size"},
		{"something after the hello", recordOf(hello + "x"), alert10, "0A0000B6:SSL routines::not on record boundary [crit]"},
		{"name with a NUL", recordOf(usual(namePart("a\x00b")).message()), "15030300020270", "0A0000EA:SSL routines::callback failed"},
		{"long name", recordOf(usual(namePart(strings.Repeat("x", 256))).message()), "15030300020270", "0A0000EA:SSL routines::callback failed"},
		{"two names", recordOf(usual(part(0, prefixed16("\x00\x00\x01a\x00\x00\x01b"))).message()), "15030300020232", "0A0000EA:SSL routines::callback failed"},
		{"version too old", recordOf(usual().old(0x300).message()), "15030000020228", "0A00018C:SSL routines::version too low"},
		{"old version", recordOf(usual().old(0x302).message()), "15030200020246", "0A000102:SSL routines::unsupported protocol"},
		{"no such version", recordOf(usual().with(versionsPart(0x302)).message()), "15030300020246", "0A000102:SSL routines::unsupported protocol"},
		{"newer version", recordOf(usual().old(0x305).message()), "hello", ""},
		{"SSL 2", "\x80\x1f\x01\x03\x03\x00\x06\x00\x00\x00\x10\x00\xc0\x2f\x00\x00\x9c" + strings.Repeat("r", 16), "15030300020228", "0A000076:SSL routines::no suitable signature algorithm"},
		{"SSL 2, no TLS", "\x80\x1f\x01\x00\x02\x00\x06\x00\x00\x00\x10\x00\xc0\x2f\x00\x00\x9c" + strings.Repeat("r", 16), "15030300020246", "0A0000FC:SSL routines::unknown protocol"},
		{"SSL 2, short", "\x80\x05\x01\x03\x01\x00\x00", "15030300020232", "0A0000A0:SSL routines::length too short"},
		{"no ciphers", recordOf((&offer{parts: usual().parts}).message()), "1503030002022f", "0A0000B7:SSL routines::no ciphers specified"},
		{"twice", recordOf(usual(part(23, ""), part(23, "")).message()), "1503030002022f", "0A00006E:SSL routines::bad extension"},
		{"no signatures", recordOf(usual().without(13).message()), "1503030002026d", "0A000070:SSL routines::missing sigalgs extension"},
		{"no groups", recordOf(usual().without(10).message()), "1503030002026d", "0A0000D1:SSL routines::missing supported groups extension [crit]"},
		{"share of another group", recordOf(usual().with(groupsPart(tls.CurveP256)).message()), "1503030002022f", "0A00006C:SSL routines::bad key share"},
		{"no key modes", recordOf(usual().old(0x303).with(part(41, "")).message()), "15030300020228", "0A000136:SSL routines::missing psk kex modes extension [crit]"},

		{"finished", recordOf(old) + plain(22, message(20, "x")), "hello " + alert10, unexpected},
		{"garbage", recordOf(old) + plain(22, strings.Repeat("z", 16)), "hello " + alert10, unexpected},
		{"data later", recordOf(old) + plain(23, "abcd"), "hello " + alert10, "0A0000F5:SSL routines::unexpected record"},
		{"fatal alert later", recordOf(old) + plain(21, fatal), "hello", "0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40"},
		{"warnings", recordOf(old) + strings.Repeat(plain(21, "\x01\x5a"), 5), "hello " + alert10, "0A000199:SSL routines::too many warn alerts"},
		{"short alert", recordOf(old) + plain(21, "\x01"), "hello " + alert10, "0A0000CD:SSL routines::invalid alert"},
		{"odd alert", recordOf(old) + plain(21, "\x03\x30"), "hello 1503030002022f", "0A0000F6:SSL routines::unknown alert type"},
		{"no renegotiation", recordOf(old) + plain(21, "\x01\x64"), "hello 15030300020228", "0A000153:SSL routines::no renegotiation"},
		{"change cipher spec within a key", recordOf(old) + plain(22, message(16, strings.Repeat("x", 33))[:20]) + plain(20, "\x01"), "hello " + alert10, "0A000085:SSL routines::ccs received early"},
		{"long key", recordOf(old) + plain(22, "\x10\x00\x08\x01"), "hello 1503030002022f", "0A000098:SSL routines::excessive message size"},
		{"certificate that nobody asked for", recordOf(old) + plain(22, message(11, "\x00\x00\x00")), "hello " + alert10, unexpected},
		{"version of records changes", recordOf(old) + "\x16\x03\x01\x00\x04\x10\x00\x00\x00", "hello 15030100020246", "0A00010B:SSL routines::wrong version number"},
		{"version of an alert changes", recordOf(old) + "\x15\x03\x01\x00\x02" + fatal, "hello", "0A00010B:SSL routines::wrong version number"},
		{"32 empty records later", recordOf(old) + strings.Repeat(plain(22, ""), 32) + plain(22, message(20, "x")), "hello " + alert10, unexpected},
		{"33 empty records later", recordOf(old) + strings.Repeat(plain(22, ""), 33), "hello " + alert10, "0A00012A:SSL routines::record too small"},

		{"another hello that is none", recordOf(again) + plain(22, strings.Repeat("z", 16)), "hello " + alert10, unexpected},
		{"another hello behind an empty record", recordOf(again) + plain(22, "") + recordOf(again), "hello " + alert10, "0A00010F:SSL routines::bad length"},
		{"another hello that is long", recordOf(again) + plain(22, "\x01\x02\x01\x45"), "hello 1503030002022f", "0A000098:SSL routines::excessive message size"},
		{"TLS 1.3, message in clear text", recordOf(hello) + plain(22, message(20, "x")), "hello", "0A0001BB:SSL routines::bad record type"},
		{"TLS 1.3, alert in clear text", recordOf(hello) + plain(21, "\x02\x30"), "hello", "0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48"},
		{"TLS 1.3, end in clear text", recordOf(hello) + plain(21, "\x01\x00"), "hello", ""},
		{"TLS 1.3, change cipher spec", recordOf(hello) + plain(20, "\x02"), "hello", "0A000104:SSL routines::invalid ccs message [crit]"},
		{"TLS 1.3, change cipher spec, message", recordOf(hello) + plain(20, "\x01") + plain(22, "x"), "hello", "0A0001BB:SSL routines::bad record type"},
	} {
		g := &guarded{settings: settings(t, "HIGH"), cert: "rsa"}
		first, text := g.answer(t, tt.sent)
		assert.Equal(t, [2]string{tt.first, tt.text}, [2]string{first, text}, tt.name)
	}
}

// pieces are the records of a message in pieces of n bytes.
func pieces(message string, n int) string {
	var all strings.Builder
	for ; len(message) > n; message = message[n:] {
		all.WriteString(recordOf(message[:n]))
	}
	return all.String() + recordOf(message)
}

// A client that is asked for a certificate must send one, be it empty.
func TestFrontWantsCertificate(t *testing.T) {
	g := &guarded{settings: settings(t, "HIGH"), cert: "rsa", auth: tls.RequestClientCert}
	old := recordOf(usual().old(0x303).message())
	_, text := g.answer(t, old+plain(22, message(16, strings.Repeat("x", 33))))
	assert.Equal(t, "0A0000F4:SSL routines::unexpected message", text)
	_, text = g.answer(t, old+plain(22, message(11, "\x00\x00\x00")+message(20, "x")))
	assert.Equal(t, "0A0000F4:SSL routines::unexpected message", text)
	_, text = g.answer(t, old+plain(22, message(11, "\x00\x00\x00"))+plain(22, "\x10\x00\x00"))
	assert.Empty(t, text, "there is more to come")
}

// Real clients come through, whatever the pieces in which their bytes arrive.
func TestFrontServes(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		g := &guarded{settings: settings(t, "HIGH"), cert: "P-256", auth: tls.RequestClientCert}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		logged := make(chan string, 1)
		go func() { logged <- g.serve(listener) }()
		raw, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		cert := made()["rsa"]
		conn := tls.Client(&dripping{raw}, &tls.Config{
			InsecureSkipVerify: true, MaxVersion: version, Certificates: []tls.Certificate{cert}, CurvePreferences: []tls.CurveID{tls.CurveP256, tls.X25519},
		})
		require.NoError(t, conn.Handshake())
		require.NoError(t, conn.Close())
		assert.Empty(t, <-logged)
		listener.Close()
	}
}

// dripping sends byte by byte.
type dripping struct{ net.Conn }

func (d *dripping) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// FuzzFront has a Front read anything: it must come to an end, and what it gives to
// crypto/tls must be what came, without records that are empty.
func FuzzFront(f *testing.F) {
	hello, old := usual().message(), usual().old(0x303).message()
	for _, sent := range []string{
		recordOf(hello), pieces(old, 7), emptyRecord + recordOf(old) + plain(22, message(16, "x")) + plain(20, "\x01") + "rest",
		recordOf(hello) + plain(20, "\x01") + plain(23, "x"), recordOf(hello) + plain(21, fatal),
		"\x80\x1f\x01\x03\x03\x00\x06\x00\x00\x00\x10\x00\xc0\x2f\x00\x00\x9c" + strings.Repeat("r", 16),
		recordOf(usual(namePart("a.b"), part(5, "\x01\x00\x00\x00\x00"), part(45, "\x01\x01"), part(47, "\x00\x04\x00\x02\x30\x00"), part(41, prefixed16("\x00\x01x\x00\x00\x00\x00"))).message()),
	} {
		f.Add([]byte(sent))
	}
	s := &Settings{Protocols: TLSv1 | TLSv11 | TLSv12 | TLSv13}
	if err := s.SetCiphers("HIGH:@SECLEVEL=0"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		decided := 0
		front := NewFront(&bytesConn{in: sent}, func(_ *Front, h *Hello) error {
			decided++
			_, err := h.Negotiate(termsOf(s, "rsa", "P-256", "ed25519"))
			return err
		})
		got, err := io.ReadAll(front)
		if decided > 1 || len(got) > len(sent) || len(got) > 0 && decided == 0 {
			t.Errorf("%d hellos, %d bytes of %d, %v", decided, len(got), len(sent), err)
		}
	})
}

// bytesConn is a connection on which some bytes come.
type bytesConn struct {
	net.Conn
	in []byte
}

func (c *bytesConn) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *bytesConn) Write(p []byte) (int, error) { return len(p), nil }
