package tlsconf

import (
	"crypto/tls"
	"errors"
	"net"
)

// Front stands between a client and the server side of crypto/tls, and does what
// OpenSSL's records do before they are encrypted: it leaves out empty ones, judges
// the hello and refuses what OpenSSL refuses, with its alert. crypto/tls gets the
// records that are good, with their headers.
type Front struct {
	net.Conn

	// ClientCertificate reports whether the client is asked for a certificate. It
	// is for [Decide] to set.
	ClientCertificate bool

	// Retry reports whether the client is asked for another hello, which is left to
	// crypto/tls. It is for [Decide] to set, too.
	Retry bool

	decide  Decide
	state   frontState
	version uint16 // see Version
	in      []byte // has not been judged
	kept    []byte // records of the hello
	ready   []byte // is for crypto/tls
	agreed  bool   // the version is
	begun   bool   // there has been a record
	empty   int    // records in succession
	message []byte // the hello
	hello   *Hello // nil: it is not complete
	flight  flight
	refused bool
	reason  *Refusal // why crypto/tls will refuse a record; nil: not known
}

// Decide says what is to become of a hello. If the error is a [*Refusal] the
// client gets its alert.
type Decide func(*Front, *Hello) error

// NewFront returns a Front for a client that has not been read from. decide is
// called once the hello is complete.
func NewFront(conn net.Conn, decide Decide) *Front {
	return &Front{Conn: conn, decide: decide, version: tls.VersionTLS13}
}

// frontState is what a Front waits for.
type frontState uint8

const (
	wantHello  frontState = iota
	wantFlight            // what the client says in clear text after it
	wantAll               // everything else is for crypto/tls
)

// Read implements net.Conn.
func (f *Front) Read(p []byte) (n int, err error) {
	for len(f.ready) == 0 && f.state != wantAll {
		if f.state == wantHello {
			err = f.readHello()
		} else {
			err = f.readFlight()
		}
		if err != nil {
			return 0, err
		}
	}
	if len(f.ready) > 0 {
		n = copy(p, f.ready)
		f.ready = f.ready[n:]
	} else {
		f.ready = nil
		n, err = f.Conn.Read(p)
	}
	return n, err
}

// Write implements net.Conn. After a refusal nothing more is sent.
func (f *Front) Write(p []byte) (int, error) {
	if f.refused {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

// Refuse tells the client why it goes no further, and returns r.
func (f *Front) Refuse(r *Refusal) error {
	if r.Alert != NoAlert && !f.refused {
		alert, version := r.Alert, f.version
		switch {
		case version == tls.VersionTLS13:
			version = tls.VersionTLS12
		case version == versionSSL3 && alert == alertProtocolVersion, f.old() && alert == alertMissingExtension:
			alert = alertHandshakeFailure
		}
		_, _ = f.Conn.Write((&Refusal{Alert: alert}).Record(version))
	}
	f.refused = true
	return r
}

// Version is the version that OpenSSL would speak of: the newest one until it is
// agreed on, or what the client has said instead of anything that can be agreed on.
func (f *Front) Version() uint16 {
	if f.hello != nil && !f.agreed && f.hello.Version != 0 {
		return f.hello.Version // it is just being answered
	}
	return f.version
}

// old reports whether the version is agreed on and one of those that do not have
// all alerts.
func (f *Front) old() bool { return f.agreed && f.version < tls.VersionTLS13 }

// HandshakeError is [HandshakeError] with what is known of the records. unusual is
// as that of [Refusal.Unusual].
func (f *Front) HandshakeError(err error) (text string, unusual bool) {
	if f.reason != nil {
		err = f.reason
	}
	r, refused := errors.AsType[*Refusal](err)
	return HandshakeError(err), refused && r.Unusual()
}
