package tlsconf

import (
	"bytes"
	"crypto/tls"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Hello is a ClientHello. [ParseHello] finds its parts, and [Hello.Negotiate]
// reads those that concern the version which is chosen: fields of others stay
// empty, as in OpenSSL, which shows in the log.
type Hello struct {
	// Legacy is the version in front, which is not the newest that is offered
	// where there is an extension for that.
	Legacy uint16
	// Name is that of the server, as it was sent. HasName reports whether one
	// was sent, be it empty.
	Name    []byte
	HasName bool

	// Version is the one that is chosen, 0 until then. Ciphers are read after that.
	Version uint16
	Ciphers []uint16
	// ServerName is Name once the handshake has come so far that OpenSSL keeps it.
	ServerName string
	Groups     []tls.CurveID
	Signatures []tls.SignatureScheme
	Protocols  []string // of ALPN
	Protocol   string   // of these, the one that is chosen
	Status     bool     // the client wants to see the status of the server's certificate

	// InPieces reports whether something follows in the record in which the
	// hello ends.
	InPieces bool

	old             bool // in the form of SSL 2
	ciphers         []byte
	compressions    []byte
	extensions      []extension // in the order of extensionTable
	certSignatures  []tls.SignatureScheme
	signaturesGiven bool
	certSigsGiven   bool
	dheResumption   bool // psk_key_exchange_modes has that with a key exchange
}

// extension is one that was sent, or not.
type extension struct {
	sent bool
	data []byte
}

// ParseHello takes a message apart that begins with its type and length. It
// keeps parts of message.
func ParseHello(message []byte) (*Hello, *Refusal) {
	s := cryptobyte.String(message)
	h := &Hello{extensions: make([]extension, len(extensionTable))}
	var session, extensions cryptobyte.String
	s.Skip(4)
	if !s.ReadUint16(&h.Legacy) {
		return nil, refuseShort
	}
	if !s.Skip(32) || !s.ReadUint8LengthPrefixed(&session) || len(session) > 32 ||
		!s.ReadUint16LengthPrefixed((*cryptobyte.String)(&h.ciphers)) ||
		!s.ReadUint8LengthPrefixed((*cryptobyte.String)(&h.compressions)) {
		return nil, refuseLength
	}
	if !s.Empty() && (!s.ReadUint16LengthPrefixed(&extensions) || !s.Empty()) {
		return nil, refuseLength
	}
	if r := h.collect(extensions); r != nil {
		return nil, r
	}
	return h, h.findName()
}

// parseOldHello takes the message of SSL 2 apart that clients once began with to
// be understood by everybody: the version in it counts, and there are no
// extensions.
func parseOldHello(message []byte) (*Hello, *Refusal) {
	s := cryptobyte.String(message)
	h := &Hello{old: true, compressions: []byte{0}, extensions: make([]extension, len(extensionTable))}
	s.Skip(1)
	if !s.ReadUint16(&h.Legacy) {
		return nil, refuseShort
	}
	var ciphers, session, challenge uint16
	if !s.ReadUint16(&ciphers) || !s.ReadUint16(&session) || !s.ReadUint16(&challenge) {
		return nil, refuseOldLength
	}
	if session > 32 {
		return nil, refuseOldSession
	}
	if !s.ReadBytes(&h.ciphers, int(ciphers)) || !s.Skip(int(session)) || !s.Skip(int(challenge)) || !s.Empty() {
		return nil, refuseOldLength
	}
	return h, nil
}

// collect finds the extensions that OpenSSL knows. Those that it does not may be
// there twice.
func (h *Hello) collect(all cryptobyte.String) *Refusal {
	for !all.Empty() {
		var kind uint16
		var data cryptobyte.String
		if !all.ReadUint16(&kind) || !all.ReadUint16LengthPrefixed(&data) {
			return refuseExtension
		}
		if kind == extensionSRTP || kind == extensionPSK && !all.Empty() {
			return refuseExtensionTwice // not for TLS, or not the last one
		}
		i := slices.IndexFunc(extensionTable, func(e extensionRule) bool { return e.kind == kind })
		if i < 0 {
			continue
		}
		if h.extensions[i].sent {
			return refuseExtensionTwice
		}
		h.extensions[i] = extension{true, data}
	}
	return nil
}

func (h *Hello) extension(kind uint16) extension {
	for i := range extensionTable {
		if extensionTable[i].kind == kind {
			return h.extensions[i]
		}
	}
	return extension{}
}

// maxName is the length of the longest name of a server.
const maxName = 255

// findName looks at the name of the server as nginx does, before everything
// else: there is one name, of the kind of a host.
func (h *Hello) findName() *Refusal {
	e := h.extension(extensionServerName)
	if !e.sent {
		return nil
	}
	p := e.data
	if len(p) < 5 || int(p[0])<<8+int(p[1])+2 != len(p) || p[2] != 0 || int(p[3])<<8+int(p[4])+5 != len(p) {
		return NameMalformed
	}
	h.Name, h.HasName = p[5:], true
	if len(h.Name) > maxName || bytes.IndexByte(h.Name, 0) >= 0 {
		return NameRefused
	}
	return nil
}

// readCiphers reads the cipher suites.
func (h *Hello) readCiphers() *Refusal {
	size := 2
	if h.old {
		size = 3
	}
	switch {
	case len(h.ciphers) == 0:
		return refuseNoCiphers
	case len(h.ciphers)%size != 0:
		return refuseCipherList
	}
	for c := range slices.Chunk(h.ciphers, size) {
		if h.old && c[0] != 0 {
			continue // one of SSL 2
		}
		c = c[size-2:]
		h.Ciphers = append(h.Ciphers, uint16(c[0])<<8|uint16(c[1]))
	}
	return nil
}
