package pki

import (
	"bytes"
	"slices"
)

// checkRevocation looks all certificates of the chain up in lists, if there are
// any: that at the end too, and whether the chain is complete or not.
func (c *check) checkRevocation() {
	if len(c.CRLs) == 0 {
		return
	}
	for i, cert := range c.certs {
		if !cert.proxy { // which no list is for
			c.lookUp(i)
		}
	}
}

// lookup is the search for the lists of a certificate.
type lookup struct {
	*check
	index   int // of the certificate in the chain
	cert    *certificate
	points  []distributionPoint
	reasons reasonSet // that are covered
}

// candidate is a list that may be that of a certificate.
type candidate struct {
	*CRL
	score   int
	signer  *certificate
	reasons reasonSet // that are covered with it
}

const useCRLSign usage = 0x02

// What is right with a list, from the most to the least important.
const (
	knownExtensions = 16 >> iota // no critical one is unknown
	inScope                      // it is for such certificates, and at their distribution point
	inTime
	ofIssuer // the certificate's issuer may have signed it, not only one above
	usable   // somebody of the chain may have signed it
)

// lookUp looks a certificate up in lists until all reasons for a revocation are
// covered. As the check goes on after a failure, the last result counts.
func (c *check) lookUp(i int) {
	l := &lookup{check: c, index: i, cert: c.certs[i]}
	l.points = distributionPoints(l.cert)
	for l.reasons != allReasons {
		list := l.best()
		if list == nil {
			c.fail(noCRL)
			return
		}
		list.judge(c)
		if list.critical {
			c.fail(unhandledCRLExtension)
		}
		if list.entries.revokes(serialOf(l.cert), string(l.cert.issuer)) {
			c.fail(revoked)
		}
		if list.reasons == l.reasons {
			c.fail(noCRL)
			return
		}
		l.reasons = list.reasons
	}
}

// best finds the list to use: the one with the highest score, and of several the
// newest; nil: there is none.
func (l *lookup) best() (best *candidate) {
	for _, crl := range l.CRLs {
		found := l.candidate(crl)
		if found != nil && (best == nil || found.score > best.score || found.score == best.score && crl.thisUpdate.after(best.thisUpdate)) {
			best = found
		}
	}
	return best
}

// candidate judges whether a list is one for the certificate; nil: it is not.
// Lists for some reasons only, and indirect ones, need support for extended lists,
// which nginx does not ask for; changes alone are not looked at either.
func (l *lookup) candidate(crl *CRL) *candidate {
	if crl.scope.ambiguous || crl.delta || crl.scope.indirect || crl.scope.someOf || !bytes.Equal(crl.issuer, l.cert.issuer) {
		return nil
	}
	found := &candidate{CRL: crl, reasons: l.reasons}
	if found.signer, found.score = l.signer(crl); found.signer == nil {
		return nil
	}
	if !crl.critical {
		found.score += knownExtensions
	}
	if crl.inTime(l.now.Unix()) {
		found.score += inTime
	}
	if reasons, ok := l.covers(crl); ok {
		if reasons&^l.reasons == 0 {
			return nil
		}
		found.score += inScope
		found.reasons |= reasons
	}
	return found
}

// signer finds the certificate in the chain that should have signed a list: the
// issuer of the one that is looked up, or else one above that has its name.
func (l *lookup) signer(crl *CRL) (*certificate, int) {
	next := min(l.index+1, len(l.certs)-1)
	if crl.key.fits(l.certs[next]) {
		return l.certs[next], usable + ofIssuer
	}
	for _, cert := range l.certs[next+1:] {
		if bytes.Equal(cert.subject, crl.issuer) && crl.key.fits(cert) {
			return cert, usable
		}
	}
	return nil, 0
}

// covers returns for which reasons a list covers the certificate; false: the list
// is not for such a certificate, or from another distribution point.
func (l *lookup) covers(crl *CRL) (reasonSet, bool) {
	only := crl.scope.only
	if only.attributes || only.users && l.cert.authority || only.authorities && !l.cert.authority {
		return 0, false
	}
	for _, p := range l.points {
		if p.issuers != nil && !slices.Contains(p.issuers.directories(), string(crl.issuer)) {
			continue
		}
		if p.names == nil || crl.scope.point == nil || p.names.meets(crl.scope.point) {
			return p.reasons, true
		}
	}
	return allReasons, crl.scope.point == nil
}

// inTime reports whether a list is good at a time.
func (crl *CRL) inTime(now int64) bool {
	return crl.thisUpdate.exact && crl.thisUpdate.seconds <= now && (crl.endless || crl.nextUpdate.exact && crl.nextUpdate.seconds > now)
}

// judge says what is wrong with a list.
func (l *candidate) judge(c *check) {
	if !l.signer.keyUsage.allows(useCRLSign) {
		c.fail(noCRLSign)
	}
	if l.score&inScope == 0 {
		c.fail(otherScope)
	}
	if l.score&inTime == 0 {
		l.judgeTime(c)
	}
	switch {
	case l.signer.key.kind == kindUnknown:
		c.fail(noIssuerKey)
	case !l.isSignedBy(l.signer):
		c.fail(badCRLSignature)
	}
}

func (l *candidate) judgeTime(c *check) {
	now := c.now.Unix()
	switch {
	case !l.thisUpdate.exact:
		c.fail(badLastUpdate)
	case l.thisUpdate.seconds > now:
		c.fail(crlNotYetValid)
	}
	switch {
	case l.endless:
	case !l.nextUpdate.exact:
		c.fail(badNextUpdate)
	case l.nextUpdate.seconds <= now:
		c.fail(crlExpired)
	}
}
