//go:build unix

package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// The keys and certificates of scripts are in testdata/tls, see the README of
// the scripts; a prefix whose configuration names that folder has a copy.
const tlsFolder = "testdata/tls"

func copyKeys(dir string) error { return os.CopyFS(filepath.Join(dir, "tls"), os.DirFS(tlsFolder)) }

func scriptKey(name string) (tls.Certificate, error) {
	name = filepath.Join(tlsFolder, name)
	return tls.LoadX509KeyPair(name+".pem", name+".key")
}

// handshake makes TLS of a client's connection, which nobody has read yet. What
// was agreed on is recorded, an error as the connection's end.
func handshake(p *peer, args []string) error {
	config := &tls.Config{
		// What the server shows is recorded; whether to trust it is not the question.
		InsecureSkipVerify: true,
		ServerName:         option(args, "sni"),
		MaxVersion:         tlsVersions[option(args, "max")],
	}
	if list := option(args, "alpn"); list != "" {
		config.NextProtos = strings.Split(list, ",")
	}
	if name := option(args, "cert"); name != "" {
		pair, err := scriptKey(name)
		if err != nil {
			return err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	conn := tls.Client(p.conn, config)
	if err := conn.Handshake(); err != nil {
		p.end, p.told = ending(err), true
		p.conn.Close()
		return nil
	}
	p.conn = conn
	p.read(nil)
	return nil
}

var tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// secured is the server side of a backend's connection. It asks for a
// certificate, and shows the one for the name.
func secured(conn net.Conn) net.Conn {
	return tls.Server(conn, &tls.Config{
		ClientAuth: tls.RequestClientCert,
		NextProtos: []string{"one", "two"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := scriptKey(map[bool]string{true: "two", false: "one"}[hello.ServerName == "two.example.com"])
			return &pair, err
		},
	})
}

// agreed tells what came of a handshake, empty without TLS.
func agreed(conn net.Conn) string {
	c, ok := conn.(*tls.Conn)
	if !ok {
		return ""
	}
	state := c.ConnectionState()
	if !state.HandshakeComplete {
		return "no TLS "
	}
	text := tls.VersionName(state.Version) + " "
	for _, part := range [][2]string{
		{"sni", state.ServerName}, {"alpn", state.NegotiatedProtocol}, {"cert", commonName(state.PeerCertificates)},
	} {
		if part[1] != "" {
			text += fmt.Sprintf("%s=%q ", part[0], part[1])
		}
	}
	return text
}

func commonName(chain []*x509.Certificate) string {
	if len(chain) == 0 {
		return ""
	}
	return chain[0].Subject.CommonName
}
