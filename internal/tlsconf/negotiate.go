package tlsconf

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"slices"

	"github.com/gostream/gostream/internal/pki"
)

// Terms is what a server has to offer to one client.
type Terms struct {
	// Own are the settings of the server that the client has named, Default those
	// of the default server of the address. As in nginx the groups, and the
	// oldest and the newest version, are always those of the latter.
	Own, Default *Settings

	Certificates func() ([]tls.Certificate, error) // called at most once
	Protocols    []string                          // of ALPN, the preferred one first; none: whatever the client has
}

// Choice is what a handshake is to agree on.
type Choice struct {
	Suite uint16      // of TLS 1.2 or older; 0: crypto/tls chooses
	Group tls.CurveID // 0: none is needed
	Retry bool        // the client has to say hello again, with a share of the group

	// Certificate is the one to show, limited to one way of signing.
	Certificate tls.Certificate
}

func (c *Choice) certificate(cert *tls.Certificate, s *scheme) {
	c.Certificate = *cert
	if s != nil && s.tls {
		c.Certificate.SupportedSignatureAlgorithms = []tls.SignatureScheme{s.id}
	}
}

// negotiation is a hello while it is being answered.
type negotiation struct {
	hello    *Hello
	own, def *Settings
	choice   *Choice
	certs    []tls.Certificate
	suite    Suite
	shared   []*scheme
	usableEC bool // the certificate with an elliptic curve key
}

func (n *negotiation) tls13() bool { return n.hello.Version == tls.VersionTLS13 }

func (n *negotiation) era() era {
	if n.tls13() {
		return in13
	}
	return before13
}

// Negotiate makes the choices that OpenSSL makes, in its order, so that the first
// thing that is wrong is the same. Its error is a [*Refusal], or that of
// Terms.Certificates. A hello can be answered once.
func (h *Hello) Negotiate(t *Terms) (*Choice, error) {
	n := &negotiation{hello: h, own: t.Own, def: t.Default, choice: &Choice{}}
	if r := n.chooseVersion(); r != nil {
		return nil, r
	}
	for _, step := range []func() *Refusal{
		n.checkBoundary, h.readCiphers, n.checkFallback, n.checkSuites13, n.readEarly, n.checkCompression, n.readRest,
		func() *Refusal { return n.finish(t) }, n.shareSchemes,
	} {
		if r := step(); r != nil {
			return nil, r
		}
	}
	var err error
	if n.certs, err = t.Certificates(); err != nil {
		return nil, err
	}
	for _, step := range []func() *Refusal{
		n.chooseSuite, n.chooseSignature,
		func() *Refusal { return n.chooseProtocol(t.Protocols) },
	} {
		if r := step(); r != nil {
			return nil, r
		}
	}
	h.Name, h.ciphers, h.compressions, h.extensions = nil, nil, nil, nil // which keep the message
	return n.choice, nil
}

// chooseVersion takes the newest one that both sides have. A hello without the
// extension for it stands for the versions up to the one in front, TLS 1.2 at
// most.
func (n *negotiation) chooseVersion() *Refusal {
	h := n.hello
	if h.old && h.Legacy>>8 != 3 {
		return refuseUnknownProtocol
	}
	e := h.extension(extensionVersions)
	if !e.sent {
		newest := min(h.Legacy, tls.VersionTLS12)
		n.hello.Version = n.own.Usable(n.def).Newest(newest)
		switch {
		case n.hello.Version != 0:
		case newest > versionSSL3:
			return refuseVersion
		default:
			return refuseVersionTooLow
		}
		return nil
	}
	list := e.data
	switch {
	case len(list) == 0 || int(list[0]) != len(list)-1:
		return refuseVersionList
	case h.Legacy <= versionSSL3:
		return refuseLegacyVersion
	case len(list)%2 == 0:
		return refuseVersionList
	}
	for c := range slices.Chunk(list[1:], 2) {
		version := uint16(c[0])<<8 | uint16(c[1])
		if n.own.Usable(n.def).Has(version) {
			n.hello.Version = max(n.hello.Version, version)
		}
	}
	if n.hello.Version == 0 {
		return refuseVersion
	}
	return nil
}

// checkBoundary refuses what would follow a hello without encryption.
func (n *negotiation) checkBoundary() *Refusal {
	if n.tls13() && n.hello.InPieces {
		return refuseBoundary
	}
	return nil
}

// versionSSL3 is the oldest version in the form of which hellos are.
const versionSSL3 = 0x0300

// checkFallback refuses clients that offer less than they could, after what
// they took for a failure, where more would have been possible.
func (n *negotiation) checkFallback() *Refusal {
	if slices.Contains(n.hello.Ciphers, tls.TLS_FALLBACK_SCSV) && n.hello.Version != n.own.Usable(n.def).Newest(tls.VersionTLS13) {
		return refuseFallback
	}
	return nil
}

// checkSuites13 looks whether there is a suite of TLS 1.3 that both sides have.
func (n *negotiation) checkSuites13() *Refusal {
	if !n.tls13() || slices.ContainsFunc(n.hello.Ciphers, func(id uint16) bool {
		return supportedSuites()[id] && n.own.allows(id)
	}) {
		return nil
	}
	return refuseCipher
}

// readEarly reads the extensions that a session is resumed with.
func (n *negotiation) readEarly() *Refusal {
	for _, kind := range []uint16{extensionEMS, extensionKeyModes, extensionPSK} {
		if r := n.hello.readExtension(kind, n.era()); r != nil {
			return r
		}
	}
	return nil
}

func (n *negotiation) checkCompression() *Refusal {
	if !slices.Contains(n.hello.compressions, 0) {
		return refuseNoCompression
	}
	return nil
}

// readRest reads the other extensions.
func (n *negotiation) readRest() *Refusal {
	for i := range extensionTable {
		rule := &extensionTable[i]
		var r *Refusal
		switch rule.kind {
		case extensionEMS, extensionKeyModes, extensionPSK:
		case extensionKeyShare:
			r = n.readShares()
		default:
			r = n.hello.read(rule, n.hello.extensions[i], n.era())
		}
		if r != nil {
			return r
		}
	}
	return nil
}

// finish looks at what may not be missing, and chooses for TLS 1.3 what
// extensions are about.
func (n *negotiation) finish(t *Terms) *Refusal {
	h := n.hello
	if n.tls13() {
		if r := n.chooseProtocol(t.Protocols); r != nil {
			return r
		}
		if !h.signaturesGiven {
			return refuseSigAlgsMissing
		}
		if r := n.chooseShare(); r != nil {
			return r
		}
	}
	switch {
	case h.extension(extensionPSK).sent && !h.extension(extensionKeyModes).sent:
		return refuseKeyModes
	case n.tls13() && len(h.compressions) != 1:
		return refuseCompression
	}
	return nil
}

// shareSchemes finds the ways of signing that both sides know.
func (n *negotiation) shareSchemes() *Refusal {
	if !n.hello.signaturesGiven && !n.hello.certSigsGiven || n.hello.Version < tls.VersionTLS12 {
		return nil
	}
	if n.shared = n.sharedSchemes(); len(n.shared) == 0 {
		return refuseSharedSigAlgs
	}
	return nil
}

// chooseProtocol chooses for ALPN.
func (n *negotiation) chooseProtocol(own []string) *Refusal {
	if len(own) == 0 || len(n.hello.Protocols) == 0 {
		return nil
	}
	for _, name := range own {
		if slices.Contains(n.hello.Protocols, name) {
			n.hello.Protocol = name
			return nil
		}
	}
	return refuseProtocol
}

// chooseSuite chooses one of TLS 1.2 or older. There has to be a certificate for
// it, and a group if it needs one.
func (n *negotiation) chooseSuite() *Refusal {
	if n.tls13() {
		return nil
	}
	authRSA := n.certificate(kindRSA) != nil
	n.usableEC = n.canUseEC()
	authEC := n.usableEC && n.signsEC() || n.certificate(kindEd25519) != nil && n.hello.Version == tls.VersionTLS12 && n.shares(kindEd25519)
	group := n.sharedGroup()
	order, other := n.hello.Ciphers, n.own.Ciphers
	if n.own.ServerOrder {
		order, other = other, order
	}
	for _, id := range order {
		suite, ok := SuiteByID(id)
		switch {
		case !ok || !slices.Contains(other, id) || !n.own.allows(id):
		case suite.TLS12 && n.hello.Version < tls.VersionTLS12:
		case suite.ECDHE && group == 0:
		case suite.ECDSA && !authEC || !suite.ECDSA && !authRSA:
		default:
			n.choice.Suite, n.suite = id, suite
			if suite.ECDHE {
				n.choice.Group = group
			}
			return nil
		}
	}
	return refuseCipher
}

// certificate is the one with a kind of key.
func (n *negotiation) certificate(kind int) *tls.Certificate {
	for i := range n.certs {
		if kindOf(n.certs[i].Leaf.PublicKey) == kind {
			return &n.certs[i]
		}
	}
	return nil
}

// shares reports whether both sides have a way of signing with a kind of key.
func (n *negotiation) shares(kind int) bool {
	return slices.ContainsFunc(n.shared, func(s *scheme) bool { return s.key == kind })
}

// canUseEC reports whether the client knows the curve of the certificate with an
// elliptic curve key, which may be used to sign.
func (n *negotiation) canUseEC() bool {
	c := n.certificate(kindECDSA)
	if c == nil || c.Leaf.KeyUsage != 0 && c.Leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return false
	}
	curve := groupOf(c.Leaf.PublicKey.(*ecdsa.PublicKey))
	return curve != 0 && groupBits[curve] >= pki.LevelBits(n.own.Level) && (len(n.hello.Groups) == 0 || slices.Contains(n.hello.Groups, curve))
}

// signsEC reports whether the client can check signatures with elliptic curves.
func (n *negotiation) signsEC() bool {
	switch {
	case n.hello.Version < tls.VersionTLS12:
		return true
	case !n.hello.signaturesGiven && !n.hello.certSigsGiven:
		return oldBits >= pki.LevelBits(n.own.Level)
	}
	return n.shares(kindECDSA)
}
