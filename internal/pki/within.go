package pki

// within.go - whether a name is in the subtree of another: RFC 5280, section
// 4.2.1.10, in OpenSSL's reading.

import (
	"bytes"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// within returns OK for a name in the subtree of base, forbiddenName for one
// outside, and otherwise why the two cannot be compared.
func (n *generalName) within(base generalName) Result {
	name, limit := string(n.value), string(base.value)
	switch n.kind {
	case nameOther:
		if n.isMailbox() {
			return mailboxWithin(n.value, limit)
		}
	case nameDirectory:
		return inside(strings.HasPrefix(name, limit))
	case nameDNS:
		return inside(hostWithin(name, limit))
	case nameEmail:
		return emailWithin(name, limit)
	case nameURI:
		return uriWithin(name, limit)
	case nameAddress:
		return addressWithin(n.value, base.value)
	}
	return unknownConstraint
}

func inside(yes bool) Result {
	if yes {
		return OK
	}
	return forbiddenName
}

// hostWithin reports whether a host is the one of the constraint or below it.
func hostWithin(host, limit string) bool {
	above, ok := cutSuffixFold(host, limit)
	return ok && (above == "" || limit == "" || limit[0] == '.' || strings.HasSuffix(above, "."))
}

// cutSuffixFold is [strings.CutSuffix] without regard to the case of ASCII
// letters.
func cutSuffixFold(s, suffix string) (before string, found bool) {
	n := len(s) - len(suffix)
	if n < 0 || lowerASCII(s[n:]) != lowerASCII(suffix) {
		return s, false
	}
	return s[:n], true
}

// emailWithin compares an address with a constraint: an address, a host, or a
// domain that begins with a dot.
func emailWithin(email, limit string) Result {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return badNameSyntax
	}
	limitAt := strings.LastIndexByte(limit, '@')
	if limitAt < 0 && strings.HasPrefix(limit, ".") {
		above, ok := cutSuffixFold(email, limit)
		return inside(ok && above != "")
	}
	if limitAt > 0 {
		local, limitLocal := email[:at], limit[:limitAt]
		switch {
		case len(local) != len(limitLocal):
			return forbiddenName
		case strings.Contains(local+limitLocal, "\x00"):
			return badNameSyntax
		case local != limitLocal:
			return forbiddenName
		}
	}
	return inside(lowerASCII(email[at+1:]) == lowerASCII(limit[limitAt+1:]))
}

// uriWithin compares the host in a URI with a constraint: a host, or a domain
// that begins with a dot.
func uriWithin(uri, limit string) Result {
	_, rest, _ := strings.Cut(uri, ":")
	host, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return badNameSyntax
	}
	// A colon ends the host wherever it stands, a slash only if there is none.
	if before, _, port := strings.Cut(host, ":"); port {
		host = before
	} else {
		host, _, _ = strings.Cut(host, "/")
	}
	if host == "" {
		return badNameSyntax
	}
	above, ok := cutSuffixFold(host, limit)
	return inside(ok && (above != "") == strings.HasPrefix(limit, "."))
}

// addressWithin compares an IP address with an address and a mask, which need not
// be one of leading bits.
func addressWithin(address, limit []byte) Result {
	n := len(address)
	if n != 4 && n != 16 || len(limit) != 8 && len(limit) != 32 {
		return badNameSyntax
	}
	if len(limit) != 2*n {
		return forbiddenName
	}
	for i, mask := range limit[n:] {
		if (address[i]^limit[i])&mask != 0 {
			return forbiddenName
		}
	}
	return OK
}

// maxHost bounds the host of a constraint in UTF-8, in bytes.
const maxHost = 254

// mailboxWithin compares a mailbox in UTF-8, an encoded value, with a constraint
// on addresses, in which international names are encoded (RFC 8398, section 6).
func mailboxWithin(der []byte, limit string) Result {
	input := cryptobyte.String(der)
	var mailbox cryptobyte.String
	at := -1
	if input.ReadASN1(&mailbox, asn1.UTF8String) {
		at = bytes.LastIndexByte(mailbox, '@')
	}
	if at < 0 || strings.Contains(limit, "\x00") {
		return badNameSyntax
	}
	host, ok := unicodeHost(limit)
	domain := strings.HasPrefix(limit, ".")
	if domain {
		host = "." + host // OpenSSL has one dot too many, so that hardly a mailbox is in a domain
	}
	if !ok || len(host) > maxHost {
		return unspecified
	}
	above, ok := cutSuffixFold(string(mailbox), host)
	return inside(ok && above != "" && (domain || len(above) == at+1))
}
