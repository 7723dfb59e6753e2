package pki

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"
)

// checkNames checks the names of each certificate against the constraints of all
// authorities above it, trusted or not. One that an authority has issued to
// itself is exempt, unless it is that of the peer.
func (c *check) checkNames() {
	var above []*constraints
	for i, cert := range slices.Backward(c.certs) {
		if i == 0 || !cert.selfIssued {
			if cert.proxy && !cert.isNamedAsProxy() {
				c.fail(proxyNameViolation)
			}
			c.checkNamesOf(cert, i == 0, above)
		}
		if cert.limits != nil {
			above = append(above, cert.limits)
		}
	}
}

func (c *check) checkNamesOf(cert *certificate, peer bool, above []*constraints) {
	if len(above) == 0 {
		return
	}
	names := namesOf(cert, peer)
	for _, authority := range above {
		if r := names.check(authority); r != OK {
			c.fail(r)
		}
	}
}

// names are all names of a certificate that can be constrained.
type names struct {
	list  []generalName
	count int // how many OpenSSL says there are: parts of the subject and alternatives
}

// namesOf finds the names of a certificate: the subject, addresses in it,
// alternative names, and names of hosts among the common names. The last ones
// count only in the certificate of a peer without alternative names of hosts.
func namesOf(cert *certificate, peer bool) *names {
	subject, _ := readName(cert.RawSubject)
	n := &names{count: len(subject) + len(cert.alternatives)}
	if len(subject) > 0 {
		n.list = append(n.list, generalName{kind: nameDirectory, value: cert.subject})
	}
	for _, a := range subject {
		if a.id == idEmailAddress {
			n.list = append(n.list, addressIn(a))
		}
	}
	n.list = append(n.list, cert.alternatives...)
	if !peer || slices.ContainsFunc(cert.alternatives, func(g generalName) bool { return g.kind == nameDNS }) {
		return n
	}
	for _, a := range subject {
		if a.id == idCommonName {
			n.list = appendHost(n.list, a)
		}
	}
	return n
}

// addressIn is the address that an attribute of the subject is.
func addressIn(a attribute) generalName {
	if a.tag != asn1.IA5String {
		return generalName{flaw: badNameSyntax}
	}
	return generalName{kind: nameEmail, value: a.value}
}

// appendHost appends a common name if it looks like the name of a host.
func appendHost(list []generalName, a attribute) []generalName {
	text, _ := a.text()
	text = strings.TrimRight(text, "\x00") // some authorities have counted the end of a C string
	switch {
	case strings.Contains(text, "\x00"):
		return append(list, generalName{flaw: badNameSyntax})
	case looksLikeHost(text):
		return append(list, generalName{kind: nameDNS, value: []byte(text)})
	}
	return list
}

// looksLikeHost reports whether a text has at least two well-formed labels.
func looksLikeHost(text string) bool {
	labels := strings.Split(text, ".")
	return len(labels) > 1 && !slices.ContainsFunc(labels, func(label string) bool {
		return !isLabel(strings.ReplaceAll(label, "_", "0"))
	})
}

// maxComparisons bounds how many names times constraints are looked at.
const maxComparisons = 1 << 20

// check returns what is wrong with the first name that an authority may not give.
func (n *names) check(authority *constraints) Result {
	if n.count > 0 && len(authority.permitted)+len(authority.excluded) > maxComparisons/n.count {
		return unspecified
	}
	for _, name := range n.list {
		if r := authority.check(name); r != OK {
			return r
		}
	}
	return OK
}

// isNamedAsProxy reports whether a proxy certificate has the name of its issuer
// with one common name more: RFC 3820, section 3.4.
func (c *certificate) isNamedAsProxy() bool {
	subject, _ := readName(c.RawSubject)
	issuer, _ := readName(c.RawIssuer)
	last := len(subject) - 1
	return last > 0 && last == len(issuer) && subject[last].set != subject[last-1].set && subject[last].id == idCommonName &&
		bytes.Equal(canonicalOf(subject[:last]), c.issuer)
}
