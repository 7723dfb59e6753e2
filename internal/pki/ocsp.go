package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/gostream/gostream/internal/ber"
)

// OCSPStatus is what a responder says of a certificate.
type OCSPStatus int

// The values of OCSPStatus. The zero value is OCSPGood.
const (
	OCSPGood OCSPStatus = iota
	OCSPRevoked
	OCSPUnknown
)

// String is OpenSSL's word.
func (s OCSPStatus) String() string { return [...]string{"good", "revoked", "unknown"}[s] }

// OCSPAnswer is a response that was checked.
type OCSPAnswer struct {
	Status OCSPStatus
	Valid  time.Time // until then; zero: there is no end
}

// OCSPQuestion is what is asked about a certificate, and whose answers count.
type OCSPQuestion struct {
	Cert, Issuer *x509.Certificate

	// Chain is where the signer of a response is looked for, before the
	// certificates in it: for the certificate of a client its chain, for our own
	// one what stands after it in its file.
	Chain []*x509.Certificate

	// Verifier has what a signer must be traced back to. Its depth, its
	// security level and its purpose do not count. Nil: it need not be.
	Verifier *Verifier

	// TrustChain takes signers in Chain without a check.
	TrustChain bool
}

// OCSPError is a failed call of OpenSSL as nginx logs it.
type OCSPError struct {
	Call  string   // "OCSP_basic_verify() failed"
	Queue []string // "error:13800076:OCSP routines::signer certificate not found"
}

// Error implements error.
func (e *OCSPError) Error() string {
	if len(e.Queue) == 0 {
		return e.Call
	}
	return e.Call + " (SSL: " + strings.Join(e.Queue, " ") + ")"
}

// OCSPRequest encodes the question for a responder.
func OCSPRequest(cert, issuer *x509.Certificate) ([]byte, error) {
	return ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
}

// Check reads a response and checks it. Bytes after its end do not matter. Errors
// are *[OCSPError].
func (q *OCSPQuestion) Check(der []byte, now time.Time) (*OCSPAnswer, error) {
	r, err := parseOCSP(der)
	if err != nil {
		return nil, err
	}
	queue, ok := q.verify(r, now)
	if !ok {
		return nil, ocspError("OCSP_basic_verify() failed", queue...)
	}
	single := q.find(r)
	if single == nil {
		return nil, ocspError("certificate status not found in the OCSP response")
	}
	if problems := single.validity(now); problems != nil {
		return nil, ocspError("OCSP_check_validity() failed", append(queue, problems...)...)
	}
	answer := &OCSPAnswer{Status: single.status}
	if single.nextUpdate != nil {
		if answer.Valid, ok = printableTime(single.nextUpdate); !ok {
			return nil, ocspError("invalid nextUpdate time in certificate status")
		}
	}
	return answer, nil
}

func ocspError(call string, queue ...string) error {
	if n := len(queue) - maxQueue; n > 0 {
		queue = queue[n:]
	}
	return &OCSPError{call, queue}
}

// maxQueue is how many errors OpenSSL keeps, the last ones.
const maxQueue = 15

// basicResponse is the usual kind of response (RFC 6960, section 4.2.1).
type basicResponse struct {
	signature signature
	name      []byte // of the responder, encoded
	keyHash   []byte // or that of its key
	singles   []singleResponse
	certs     []*x509.Certificate
}

// singleResponse is about one certificate.
type singleResponse struct {
	id                     certID
	status                 OCSPStatus
	thisUpdate, nextUpdate []byte // as they are encoded; nextUpdate may be nil
}

// certID names a certificate.
type certID struct {
	hash              string // its identifier
	nameHash, keyHash []byte // of the issuer
	serial            *big.Int
}

// parseOCSP reads a response that has an answer.
func parseOCSP(der []byte) (*basicResponse, error) {
	v, _, problems := ber.Decode(der, responseType)
	if problems != nil {
		return nil, ocspError("d2i_OCSP_RESPONSE() failed", problems...)
	}
	if n := enumerated(v.Parts[0].Bytes); n != 0 {
		return nil, ocspError(fmt.Sprintf("OCSP response not successful (%d: %s)", n, refusal(n)))
	}
	r, problems := parseBasic(v.Parts[1])
	if problems != nil {
		return nil, ocspError("OCSP_response_get1_basic() failed", problems...)
	}
	return r, nil
}

// RecodeOCSP reads a file with a response that may mean anything and returns its
// encoding in DER. Nil: OpenSSL could not read it, and has these errors; about an
// empty file it has none.
func RecodeOCSP(text []byte) (der []byte, queue []string) {
	element, problems := ber.Element(text)
	if element == nil {
		return nil, problems
	}
	v, _, problems := ber.Decode(element, responseType)
	if problems != nil {
		return nil, problems
	}
	return v.Encoding, nil
}

// enumerated is a number as nginx sees it, who asks for an int.
func enumerated(c []byte) int {
	n := int64(0)
	switch {
	case len(c) > 8:
		return -1
	case c[0]&0x80 != 0:
		n = -1
	}
	for _, b := range c {
		n = n<<8 | int64(b)
	}
	return int(int32(n))
}

// refusal is OpenSSL's word for a response without an answer.
func refusal(n int) string {
	words := map[int]string{1: "malformedrequest", 2: "internalerror", 3: "trylater", 5: "sigrequired", 6: "unauthorized"}
	if word, ok := words[n]; ok {
		return word
	}
	return "(UNKNOWN)"
}

// idBasic is id-pkix-ocsp-basic.
var idBasic = []byte{0x2b, 6, 1, 5, 5, 7, 48, 1, 1}

func parseBasic(v *ber.Value) (*basicResponse, []string) {
	switch {
	case v == nil:
		return nil, []string{errNoData}
	case !bytes.Equal(v.Parts[0].Bytes, idBasic):
		return nil, []string{errNotBasic}
	}
	b, _, problems := ber.Decode(v.Parts[1].Bytes, basicResponseType)
	if problems != nil {
		return nil, append(problems, ber.Error(110, "decode error"))
	}
	data := b.Parts[0]
	bits := b.Parts[2].Bytes
	r := &basicResponse{signature: signature{algorithmFrom(b.Parts[1]), data.Encoding, bits[1:], bits[0] == 0}}
	responder := data.Parts[1]
	if responder.Selected == 0 {
		r.name = responder.Parts[0].Encoding
	} else {
		r.keyHash = responder.Parts[0].Bytes
	}
	for _, s := range data.Parts[3].Parts {
		r.singles = append(r.singles, parseSingle(s))
	}
	if b.Parts[3] != nil {
		for _, c := range b.Parts[3].Parts {
			if cert, err := x509.ParseCertificate(c.Encoding); err == nil {
				r.certs = append(r.certs, cert)
			}
		}
	}
	return r, nil
}

func parseSingle(v *ber.Value) singleResponse {
	id := v.Parts[0]
	s := singleResponse{
		id:         certID{identifier(id.Parts[0].Parts[0]), id.Parts[1].Bytes, id.Parts[2].Bytes, ber.BigInt(id.Parts[3].Bytes)},
		status:     OCSPStatus(v.Parts[1].Selected),
		thisUpdate: v.Parts[2].Bytes,
	}
	if v.Parts[3] != nil {
		s.nextUpdate = v.Parts[3].Bytes
	}
	return s
}

// find returns the first answer about the certificate that names it by SHA-1, as
// the question does; nil: there is none.
func (q *OCSPQuestion) find(r *basicResponse) *singleResponse {
	want := certID{hash: oidSHA1, nameHash: hashOf(crypto.SHA1, q.Cert.RawIssuer), keyHash: hashOf(crypto.SHA1, keyBits(q.Issuer)), serial: q.Cert.SerialNumber}
	for i := range r.singles {
		if id := &r.singles[i].id; id.sameIssuer(&want) && id.serial.Cmp(want.serial) == 0 {
			return &r.singles[i]
		}
	}
	return nil
}

func (id *certID) sameIssuer(other *certID) bool {
	return id.hash == other.hash && bytes.Equal(id.nameHash, other.nameHash) && bytes.Equal(id.keyHash, other.keyHash)
}
