package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// handshake connects a client and a server of crypto/tls and returns what each
// says.
func handshake(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	done := make(chan error)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		c := tls.Server(conn, server)
		err = c.Handshake()
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	c := tls.Client(conn, client)
	if err = c.Handshake(); err == nil {
		_, err = c.Write([]byte("x"))
	}
	serverErr = <-done
	if err == nil {
		_, err = io.ReadAll(c)
	}
	conn.Close()
	return err, serverErr
}

func TestHandshakeErrors(t *testing.T) {
	var id Identity
	require.NoError(t, id.Load("testdata/plain.crt", "testdata/plain.key", Loader{Level: DefaultLevel}))
	server := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: id.Certificates()}
		change(c)
		return c
	}
	anybody := &tls.Config{InsecureSkipVerify: true}
	for _, tt := range []struct {
		what           string
		client, server *tls.Config
		atServer       string
		atClient       string
	}{
		{
			"version", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
			server(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }),
			"error:0A000102:SSL routines::unsupported protocol",
			"error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70",
		},
		{
			"protocol", &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"a"}},
			server(func(c *tls.Config) { c.NextProtos = []string{"b"} }),
			"error:0A0000EB:SSL routines::no application protocol",
			"error:0A000460:SSL routines::tlsv1 alert no application protocol:SSL alert number 120",
		},
		{
			"cipher", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
			server(func(*tls.Config) {}),
			"error:0A0000C1:SSL routines::no shared cipher",
			"error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40",
		},
		{
			"group", &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.CurveP256}},
			server(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }),
			"error:0A000065:SSL routines::no suitable key share",
			"error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40",
		},
		{
			"certificate", &tls.Config{ServerName: "test"}, server(func(*tls.Config) {}),
			"error:0A000412:SSL routines::sslv3 alert bad certificate:SSL alert number 42", "",
		},
		{
			"name", anybody, &tls.Config{},
			"tls: no certificates configured",
			"error:0A000458:SSL routines::tlsv1 unrecognized name:SSL alert number 112",
		},
	} {
		client, server := handshake(t, tt.client, tt.server)
		require.Error(t, server, tt.what)
		assert.Equal(t, tt.atServer, HandshakeError(server), tt.what)
		if tt.atClient != "" {
			require.Error(t, client, tt.what)
			assert.Equal(t, tt.atClient, HandshakeError(client), tt.what)
		}
	}
}

func TestPlainTextInPlaceOfTLS(t *testing.T) {
	for text, want := range map[string]string{
		"GET / HTTP/1.0\r\n":                   "error:0A00009C:SSL routines::http request",
		"CONNECT x HTTP/1.0\r\n":               "error:0A00009B:SSL routines::https proxy request",
		"\x17\x03\x03\x00\x01\x00":             "error:0A0000F4:SSL routines::unexpected message",
		"nonsense\r\n":                         "error:0A00010B:SSL routines::wrong version number",
		"\x16\x03\x01\xff\xff\x01\x01":         "error:0A0000C6:SSL routines::packet length too long",
		"\x16\x03\x01\x00\x04\x01\x00\x00\x00": "error:0A0000A0:SSL routines::length too short",
		"\x15\x03\x01\x00\x02\x02\x30":         "error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48",
		"\x15\x03\x01\x00\x02\x02\xfe":         "error:0A0004E6:SSL routines::reason(1254):SSL alert number 254",
	} {
		here, there := net.Pipe()
		go func() {
			_, _ = io.WriteString(there, text)
			_, _ = io.Copy(io.Discard, there)
		}()
		err := tls.Server(here, &tls.Config{}).Handshake()
		here.Close()
		there.Close()
		require.Error(t, err)
		assert.Equal(t, want, HandshakeError(err), "%q: %s", text, err)
	}
}

func TestClosed(t *testing.T) {
	assert.True(t, Closed(io.EOF))
	assert.True(t, Closed(fmt.Errorf("x: %w", io.ErrUnexpectedEOF)))
	assert.False(t, Closed(errors.New("x")))
}

// A client of TLS 1.3 that is done with the server may say so in plain text.
