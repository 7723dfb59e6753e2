//go:build unix

package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
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
func (s *stage) handshake(args []string) error {
	p, args := s.peers[args[0]], args[1:]
	if p == nil {
		return errors.New("no such connection")
	}
	p.sessions = tls.NewLRUClientSessionCache(1)
	if name := option(args, "resume"); name != "" {
		p.sessions = s.peers[name].sessions
	}
	config := &tls.Config{
		// What the server shows is recorded; whether to trust it is not the question.
		InsecureSkipVerify: true,
		ServerName:         option(args, "sni"),
		MinVersion:         min(tls.VersionTLS12, tlsVersions[option(args, "max")]),
		MaxVersion:         tlsVersions[option(args, "max")],
		ClientSessionCache: p.sessions,
	}
	if list := option(args, "groups"); list != "" {
		for name := range strings.SplitSeq(list, ",") {
			config.CurvePreferences = append(config.CurvePreferences, tlsGroups[name])
		}
	}
	if list := option(args, "alpn"); list != "" {
		config.NextProtos = strings.Split(list, ",")
	}
	if name := option(args, "cert"); name != "" {
		pair, err := scriptKey(name)
		if err != nil {
			return err
		}
		// Whatever authorities the server asks for.
		config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			p.asked = authorities(info.AcceptableCAs)
			return &pair, nil
		}
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

// authorities are the common names that a server wants certificates from.
func authorities(names [][]byte) string {
	var list []string
	for _, der := range names {
		var parts pkix.RDNSequence
		var name pkix.Name
		if _, err := asn1.Unmarshal(der, &parts); err == nil {
			name.FillFromRDNSequence(&parts)
		}
		list = append(list, name.CommonName)
	}
	return strings.Join(list, ",")
}

var tlsVersions = map[string]uint16{"1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

var tlsGroups = map[string]tls.CurveID{"X25519": tls.X25519, "P-256": tls.CurveP256, "P-384": tls.CurveP384, "P-521": tls.CurveP521}

// backendTLS is one for all, for the server to resume sessions of a backend.
var backendTLS = &tls.Config{
	ClientAuth:     tls.RequestClientCert,
	NextProtos:     []string{"one", "two"},
	GetCertificate: certificateFor,
}

// certificateFor returns the one whose file is the first label of the name that
// a client wants, "one" if there is none.
func certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name, _, _ := strings.Cut(hello.ServerName, ".")
	pair, err := scriptKey(name)
	if err != nil {
		pair, err = scriptKey("one")
	}
	return &pair, err
}

// secured is the server side of a backend's connection. It asks for a
// certificate; a PROXY protocol header may come first.
func secured(conn net.Conn) net.Conn {
	return tls.Server(&headed{Conn: conn}, backendTLS)
}

// headed is a connection on which a line of the PROXY protocol may come first.
type headed struct {
	net.Conn
	begun  bool
	header string
}

func (c *headed) Read(b []byte) (int, error) {
	if !c.begun {
		c.begun = true
		if n, err := c.Conn.Read(b[:1]); err != nil || b[0] != 'P' {
			return n, err
		}
		for b[0] != '\n' {
			c.header += string(b[:1])
			if _, err := io.ReadFull(c.Conn, b[:1]); err != nil {
				return 0, err
			}
		}
		c.header += "\n"
	}
	return c.Conn.Read(b)
}

// NetConn returns the connection without TLS and header, as that of [tls.Conn].
func (c *headed) NetConn() net.Conn { return c.Conn }

// agreed tells what came of a handshake, empty without TLS.
func (p *peer) agreed() string {
	c, ok := p.conn.(*tls.Conn)
	if !ok {
		return ""
	}
	text := ""
	if h, ok := c.NetConn().(*headed); ok && h.header != "" {
		text = fmt.Sprintf("%q ", h.header)
	}
	state := c.ConnectionState()
	if !state.HandshakeComplete {
		return text + "no TLS "
	}
	text += tls.VersionName(state.Version) + " "
	if state.DidResume {
		text += "resumed "
	}
	if len(state.OCSPResponse) > 0 {
		text += "stapled "
	}
	for _, part := range [][2]string{
		{"sni", state.ServerName}, {"alpn", state.NegotiatedProtocol},
		{"cert", commonName(state.PeerCertificates)}, {"asked", p.asked},
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
