package pki

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"time"
)

// Result is what came of checking a certificate: one of OpenSSL's X509_V
// numbers, of which 0 is success.
type Result int

// The results that [Verifier.Verify] can have.
const (
	OK                    Result = 0
	noIssuer              Result = 2
	noCRL                 Result = 3
	badSignature          Result = 7
	badCRLSignature       Result = 8
	notYetValid           Result = 9
	expired               Result = 10
	crlNotYetValid        Result = 11
	crlExpired            Result = 12
	selfSigned            Result = 18
	selfSignedInChain     Result = 19
	noLocalIssuer         Result = 20
	unableToVerifyLeaf    Result = 21
	revoked               Result = 23
	pathLengthExceeded    Result = 25
	unsuitablePurpose     Result = 26
	untrusted             Result = 27
	noCertificateSign     Result = 32
	unhandledExtension    Result = 34
	forbiddenName         Result = 47
	invalidCA             Result = 79
	maxCertificatesOfPeer        = 100
)

var verifyTexts = map[Result]string{
	OK:                 "ok",
	noIssuer:           "unable to get issuer certificate",
	noCRL:              "unable to get certificate CRL",
	badSignature:       "certificate signature failure",
	badCRLSignature:    "CRL signature failure",
	notYetValid:        "certificate is not yet valid",
	expired:            "certificate has expired",
	crlNotYetValid:     "CRL is not yet valid",
	crlExpired:         "CRL has expired",
	selfSigned:         "self-signed certificate",
	selfSignedInChain:  "self-signed certificate in certificate chain",
	noLocalIssuer:      "unable to get local issuer certificate",
	unableToVerifyLeaf: "unable to verify the first certificate",
	revoked:            "certificate revoked",
	pathLengthExceeded: "path length constraint exceeded",
	unsuitablePurpose:  "unsuitable certificate purpose",
	untrusted:          "certificate not trusted",
	noCertificateSign:  "key usage does not include certificate signing",
	unhandledExtension: "unhandled critical extension",
	forbiddenName:      "permitted subtree violation",
	invalidCA:          "invalid CA certificate",
}

// String is OpenSSL's text, such as "self-signed certificate".
func (r Result) String() string { return verifyTexts[r] }

// Optional tells whether nothing is wrong with the certificate but that it is not
// known who issued it: what "ssl_verify_client optional_no_ca" lets pass.
func (r Result) Optional() bool {
	switch r {
	case selfSigned, selfSignedInChain, noLocalIssuer, unableToVerifyLeaf, untrusted:
		return true
	}
	return false
}

// Verifier checks the certificates of the other side as OpenSSL does. Like nginx
// it goes on after a failed check, so the result is that of the last one.
type Verifier struct {
	Roots []*x509.Certificate
	CRLs  []*x509.RevocationList // if there is one, every issuer needs one
	Depth int                    // how many certificates may stand between the first and the root

	// Purpose is what the certificate must be good for:
	// x509.ExtKeyUsageClientAuth or x509.ExtKeyUsageServerAuth.
	Purpose x509.ExtKeyUsage
}

// check is the checking of one chain.
type check struct {
	*Verifier
	now     time.Time
	chain   []*x509.Certificate
	trusted bool // the chain ends in a root
	fromPin int  // index of the first certificate that is one of Roots
	result  Result
}

// Verify checks the certificate peer[0] with the others that the peer has sent.
// It returns the chain that it has found too, complete or not.
func (v *Verifier) Verify(peer []*x509.Certificate, now time.Time) ([]*x509.Certificate, Result) {
	c := &check{Verifier: v, now: now}
	c.build(peer)
	for i := range c.chain {
		c.checkExtensions(i)
	}
	c.checkNames()
	if len(c.CRLs) > 0 {
		for i := range c.chain {
			c.checkRevocation(i)
		}
	}
	c.checkSignatures()
	return c.chain, c.result
}

// build finds a chain. Roots come first, then what the peer has sent.
func (c *check) build(peer []*x509.Certificate) {
	rest := slices.Clone(peer[1:min(len(peer), maxCertificatesOfPeer)])
	c.chain = []*x509.Certificate{peer[0]}
	c.fromPin = len(peer) + 1
	for {
		last := c.chain[len(c.chain)-1]
		if isSelfIssued(last) {
			c.trusted = c.pinned(last)
			break
		}
		if len(c.chain) > c.Depth+1 {
			break
		}
		if i := slices.IndexFunc(c.Roots, func(r *x509.Certificate) bool { return Issued(r, last) }); i >= 0 {
			c.fromPin = min(c.fromPin, len(c.chain))
			c.chain = append(c.chain, c.Roots[i])
			continue
		}
		i := slices.IndexFunc(rest, func(r *x509.Certificate) bool { return Issued(r, last) })
		if i < 0 {
			break
		}
		c.chain = append(c.chain, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	c.judgeEnd()
}

// judgeEnd says what is wrong with a chain that does not end in a root. That it
// is too long is no result of its own: OpenSSL finds the missing root after it.
func (c *check) judgeEnd() {
	n := len(c.chain)
	switch {
	case c.trusted:
	case isSelfIssued(c.chain[n-1]) && n == 1:
		c.result = selfSigned
	case isSelfIssued(c.chain[n-1]):
		c.result = selfSignedInChain
	case c.fromPin < n:
		c.result = noIssuer
	default:
		c.result = noLocalIssuer
	}
}

func (c *check) pinned(cert *x509.Certificate) bool {
	return slices.ContainsFunc(c.Roots, cert.Equal)
}

// Issued tells whether one certificate looks like the issuer of another: by name
// and, if there are any, key identifiers.
func Issued(issuer, cert *x509.Certificate) bool {
	if !bytes.Equal(issuer.RawSubject, cert.RawIssuer) {
		return false
	}
	return len(issuer.SubjectKeyId) == 0 || len(cert.AuthorityKeyId) == 0 || bytes.Equal(issuer.SubjectKeyId, cert.AuthorityKeyId)
}

func isSelfIssued(cert *x509.Certificate) bool { return Issued(cert, cert) }

// checkExtensions looks whether a certificate may be where it is in the chain.
func (c *check) checkExtensions(i int) {
	cert := c.chain[i]
	if len(cert.UnhandledCriticalExtensions) > 0 {
		c.result = unhandledExtension
	}
	if i > 0 && !mayIssue(cert) {
		c.result = invalidCA
	}
	if !c.suits(cert, i > 0) {
		c.result = unsuitablePurpose
	}
	if limit := pathLength(cert); i > 0 && limit >= 0 && c.issuersBelow(i) > limit {
		c.result = pathLengthExceeded
	}
}

// checkNames leaves the constraints that authorities have on names to package
// x509. They matter only in a chain that is trusted.
func (c *check) checkNames() {
	constrained := func(cert *x509.Certificate) bool {
		return slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidNameConstraints) })
	}
	if !c.trusted || !slices.ContainsFunc(c.chain[1:], constrained) {
		return
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: c.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	opts.Roots.AddCert(c.chain[len(c.chain)-1])
	for _, cert := range c.chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	_, err := c.chain[0].Verify(opts)
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason != x509.Expired {
		c.result = forbiddenName
	}
}

var oidNameConstraints = asn1.ObjectIdentifier{2, 5, 29, 30}

// mayIssue tells whether a certificate is one of an authority.
func mayIssue(cert *x509.Certificate) bool {
	switch {
	case cert.BasicConstraintsValid:
		return cert.IsCA
	case cert.Version == 1 && isSelfIssued(cert):
		return true
	}
	return cert.KeyUsage&x509.KeyUsageCertSign != 0
}

// suits tells whether a certificate may be used for the purpose.
func (c *check) suits(cert *x509.Certificate, authority bool) bool {
	if len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) > 0 && !slices.Contains(cert.ExtKeyUsage, c.Purpose) &&
		!slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return false
	}
	if authority || cert.KeyUsage == 0 {
		return true
	}
	usage := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement
	if c.Purpose == x509.ExtKeyUsageServerAuth {
		usage |= x509.KeyUsageKeyEncipherment
	}
	return cert.KeyUsage&usage != 0
}

// pathLength is the limit that a certificate sets to the number of authorities
// below it; -1: none.
func pathLength(cert *x509.Certificate) int {
	if !cert.BasicConstraintsValid || cert.MaxPathLen < 0 || cert.MaxPathLen == 0 && !cert.MaxPathLenZero {
		return -1
	}
	return cert.MaxPathLen
}

// issuersBelow counts the authorities between the first certificate and i that
// do not just renew their own one.
func (c *check) issuersBelow(i int) (n int) {
	for _, cert := range c.chain[1:i] {
		if !bytes.Equal(cert.RawSubject, cert.RawIssuer) {
			n++
		}
	}
	return n
}

// checkSignatures goes down from the end of the chain and looks at signatures
// and times.
func (c *check) checkSignatures() {
	i := len(c.chain) - 1
	parent := c.chain[i]
	switch {
	case isSelfIssued(parent):
		c.checkTime(parent)
	case i == 0:
		c.result = unableToVerifyLeaf
		c.checkTime(parent)
	}
	for i--; i >= 0; i-- {
		cert := c.chain[i]
		if parent.KeyUsage != 0 && parent.KeyUsage&x509.KeyUsageCertSign == 0 {
			c.result = noCertificateSign
		}
		if parent.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
			c.result = badSignature
		}
		c.checkTime(cert)
		parent = cert
	}
}

func (c *check) checkTime(cert *x509.Certificate) {
	switch {
	case c.now.Before(cert.NotBefore):
		c.result = notYetValid
	case c.now.After(cert.NotAfter):
		c.result = expired
	}
}

// checkRevocation looks a certificate up in its issuer's list.
func (c *check) checkRevocation(i int) {
	cert := c.chain[i]
	issuer := c.chain[min(i+1, len(c.chain)-1)]
	crl := c.listOf(cert)
	if crl == nil {
		c.result = noCRL
		return
	}
	switch {
	case crl.CheckSignatureFrom(issuer) != nil:
		c.result = badCRLSignature
	case c.now.Before(crl.ThisUpdate):
		c.result = crlNotYetValid
	case !crl.NextUpdate.IsZero() && c.now.After(crl.NextUpdate):
		c.result = crlExpired
	}
	if lists(crl, cert.SerialNumber) {
		c.result = revoked
	}
}

// listOf finds the newest list of a certificate's issuer.
func (c *check) listOf(cert *x509.Certificate) (found *x509.RevocationList) {
	for _, crl := range c.CRLs {
		if bytes.Equal(crl.RawIssuer, cert.RawIssuer) && (found == nil || crl.ThisUpdate.After(found.ThisUpdate)) {
			found = crl
		}
	}
	return found
}

func lists(crl *x509.RevocationList, serial *big.Int) bool {
	return slices.ContainsFunc(crl.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
		return e.SerialNumber.Cmp(serial) == 0
	})
}
