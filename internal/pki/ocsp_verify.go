package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cryptobyte_asn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// OCSP errors of OpenSSL.
var (
	errVerify        = ocspQueued(101, "certificate verify error")
	errSigningUsage  = ocspQueued(103, "missing ocspsigning usage")
	errNotBasic      = ocspQueued(104, "not basic response")
	errNoData        = ocspQueued(108, "no response data")
	errNoRevocation  = ocspQueued(111, "response contains no revocation data")
	errRootTrust     = ocspQueued(112, "root ca not trusted")
	errSignature     = ocspQueued(117, "signature failure")
	errNoSigner      = ocspQueued(118, "signer certificate not found")
	errUnknownDigest = ocspQueued(119, "unknown message digest")
	errNextUpdate    = ocspQueued(122, "error in nextupdate field")
	errThisUpdate    = ocspQueued(123, "error in thisupdate field")
	errUpdateOrder   = ocspQueued(124, "nextupdate before thisupdate")
	errExpired       = ocspQueued(125, "status expired")
	errNotYetValid   = ocspQueued(126, "status not yet valid")
)

func ocspQueued(reason int, text string) string {
	return fmt.Sprintf("error:%08X:OCSP routines::%s", 39<<23|reason, text)
}

// verify looks who has signed a response, and whether he may. The queue is
// OpenSSL's errors; there may be some when all is well, too.
func (q *OCSPQuestion) verify(r *basicResponse, now time.Time) (queue []string, ok bool) {
	signer, known := r.signerAmong(q.Chain), true
	if signer == nil {
		signer, known = r.signerAmong(r.certs), false
	}
	if signer == nil {
		return []string{errNoSigner}, false
	}
	if problems := r.signature.problems(keyOf(signer)); problems != nil {
		return append(problems, errSignature), false
	}
	if q.Verifier == nil || known && q.TrustChain {
		return nil, true
	}
	chain, problems := q.verifySigner(signer, r, now)
	if problems != nil {
		return problems, false
	}
	switch queue, match := r.matchIssuer(chain); match {
	case mismatch:
		if q.Verifier.trustsSigners(chain[len(chain)-1]) {
			return queue, true
		}
		return append(queue, errRootTrust), false
	default:
		return queue, match == matches
	}
}

// signerAmong finds the certificate of the responder by its name or by the hash
// of its key.
func (r *basicResponse) signerAmong(certs []*x509.Certificate) *x509.Certificate {
	name, _ := canonicalName(r.name)
	for _, c := range certs {
		if r.name == nil && bytes.Equal(r.keyHash, hashOf(crypto.SHA1, keyBits(c))) {
			return c
		}
		if subject, ok := canonicalName(c.RawSubject); r.name != nil && ok && bytes.Equal(name, subject) {
			return c
		}
	}
	return nil
}

// verifySigner traces the signer back to the authorities.
func (q *OCSPQuestion) verifySigner(signer *x509.Certificate, r *basicResponse, now time.Time) ([]*x509.Certificate, []string) {
	v := q.Verifier
	if len(v.CRLs) > 0 && read(signer).noCheck {
		v = &Verifier{Roots: v.Roots, Trust: v.Trust}
	}
	chain, result := v.VerifySigner(signer, slices.Concat(r.certs, q.Chain), now)
	if result == OK {
		return chain, nil
	}
	problem := errVerify + ":Verify error: " + result.String()
	if result == badSignature {
		return nil, append(chainProblems(chain), problem)
	}
	return nil, []string{problem}
}

// chainProblems returns what OpenSSL says about the first bad signature from the
// root down.
func chainProblems(chain []*x509.Certificate) []string {
	for i := len(chain) - 2; i >= 0; i-- {
		c := read(chain[i])
		s := &signature{algorithm: c.algorithm, text: c.RawTBSCertificate, bytes: c.Signature, whole: c.signatureBits}
		if problems := s.problems(keyOf(chain[i+1])); problems != nil {
			return problems
		}
	}
	return nil
}

// trustsSigners reports whether a root is trusted for signing responses about
// anybody's certificates. None is, unless settings say so.
func (v *Verifier) trustsSigners(root *x509.Certificate) bool {
	settings := v.Trust[root]
	return settings != nil && !includes(settings.Rejected, oidOCSPSigning) && includes(settings.Accepted, oidOCSPSigning)
}

// match is what came of a comparison.
type match int

const (
	unmatchable match = iota
	mismatch
	matches
)

// matchIssuer looks whether the signer may speak for the issuer of the
// certificates in the response: it is that itself, or it was issued by that for
// signing responses.
func (r *basicResponse) matchIssuer(chain []*x509.Certificate) ([]string, match) {
	ids := r.issuers()
	switch {
	case len(r.singles) == 0:
		return []string{errNoRevocation}, unmatchable
	case ids == nil:
		return nil, mismatch
	}
	if len(chain) > 1 {
		switch queue, m := matchAll(ids, chain[1]); m {
		case unmatchable:
			return queue, unmatchable
		case matches:
			if use := read(chain[0]).extKeyUsage; use == nil || !use.allows(extUseOCSPSigning) {
				return []string{errSigningUsage}, mismatch
			}
			return nil, matches
		}
	}
	return matchAll(ids, chain[0])
}

// issuers are what must match the issuer: one identifier, if all are the same,
// or all of them, if their hashes differ. Nil: they are of several issuers.
func (r *basicResponse) issuers() (ids []*certID) {
	for i := range r.singles {
		ids = append(ids, &r.singles[i].id)
	}
	for i := range ids {
		switch first := ids[0]; {
		case first.sameIssuer(ids[i]):
		case first.hash == ids[i].hash:
			return nil
		default:
			return ids
		}
	}
	return ids[:min(len(ids), 1)]
}

// matchAll looks whether all identifiers name an issuer.
func matchAll(ids []*certID, issuer *x509.Certificate) ([]string, match) {
	for _, id := range ids {
		h, known := hashes[id.hash]
		switch {
		case !known:
			return []string{unsupported(id.hash), errUnknownDigest}, unmatchable
		case !bytes.Equal(id.nameHash, hashOf(h, issuer.RawSubject)), !bytes.Equal(id.keyHash, hashOf(h, keyBits(issuer))):
			return nil, mismatch
		}
	}
	return nil, matches
}

// unsupported is what OpenSSL says about an algorithm that it does not have.
func unsupported(id string) string {
	return "error:0308010C:digital envelope routines::unsupported:Global default library context, Algorithm (" + id + " : 0), Properties (<null>)"
}

func hashOf(h crypto.Hash, text []byte) []byte {
	w := h.New()
	w.Write(text)
	return w.Sum(nil)
}

// keyBits is the key of a certificate as it is hashed, without its algorithm.
func keyBits(cert *x509.Certificate) []byte {
	in := cryptobyte.String(cert.RawSubjectPublicKeyInfo)
	var spki cryptobyte.String
	var bits asn1.BitString
	if !in.ReadASN1(&spki, cryptobyte_asn1.SEQUENCE) || !spki.SkipASN1(cryptobyte_asn1.SEQUENCE) || !spki.ReadASN1BitString(&bits) {
		return nil
	}
	return bits.Bytes
}
