package pki

import (
	encoding "encoding/asn1"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gostream/gostream/internal/ber"
)

// Identifiers of extensions.
const (
	oidKeyID              = "2.5.29.14"
	oidKeyUsage           = "2.5.29.15"
	oidSubjectAltName     = "2.5.29.17"
	oidIssuerAltName      = "2.5.29.18"
	oidBasicConstraints   = "2.5.29.19"
	oidNameConstraints    = "2.5.29.30"
	oidDistributionPoints = "2.5.29.31"
	oidPolicies           = "2.5.29.32"
	oidPolicyMappings     = "2.5.29.33"
	oidAuthorityKeyID     = "2.5.29.35"
	oidPolicyConstraints  = "2.5.29.36"
	oidExtKeyUsage        = "2.5.29.37"
	oidInhibitAnyPolicy   = "2.5.29.54"
	oidNetscapeType       = "2.16.840.1.113730.1.1"
	oidAddresses          = "1.3.6.1.5.5.7.1.7" // and the next one, numbers of systems: RFC 3779
	oidSystems            = "1.3.6.1.5.5.7.1.8"
	oidProxyInfo          = "1.3.6.1.5.5.7.1.14"
	oidNoCheck            = "1.3.6.1.5.5.7.48.1.5" // nobody need look whether the certificate was revoked
)

// extensionReaders read the values of extensions that the checks need. They
// report whether the value can be read. What follows the value does not matter.
var extensionReaders = map[string]func(*extensions, cryptobyte.String) bool{
	oidBasicConstraints:   (*extensions).readBasicConstraints,
	oidProxyInfo:          (*extensions).readProxyInfo,
	oidKeyUsage:           (*extensions).readKeyUsage,
	oidExtKeyUsage:        (*extensions).readExtKeyUsage,
	oidNetscapeType:       (*extensions).readNetscapeType,
	oidKeyID:              (*extensions).readKeyID,
	oidAuthorityKeyID:     (*extensions).readAuthorityKeyID,
	oidSubjectAltName:     (*extensions).readAlternativeNames,
	oidNameConstraints:    (*extensions).readNameConstraints,
	oidDistributionPoints: func(_ *extensions, v cryptobyte.String) bool { return validDistributionPoints(v) },
}

// supportedCritical are the extensions that may be critical. Nothing is made of
// those without a reader: nginx has OpenSSL check no policies.
var supportedCritical = map[string]bool{
	oidNetscapeType: true, oidKeyUsage: true, oidSubjectAltName: true, oidBasicConstraints: true, oidNameConstraints: true,
	oidDistributionPoints: true, oidPolicies: true, oidPolicyMappings: true, oidPolicyConstraints: true, oidExtKeyUsage: true,
	oidInhibitAnyPolicy: true, oidProxyInfo: true, oidAddresses: true, oidSystems: true, oidNoCheck: true,
}

// readExtensions reads a list of extensions.
func (e *extensions) readExtensions(list cryptobyte.String) {
	seen := map[string]bool{}
	for !list.Empty() {
		id, critical, value, ok := readExtension(&list)
		if !ok {
			e.invalid = true
			return
		}
		if reader := extensionReaders[id]; reader != nil && (seen[id] || !reader(e, value)) {
			e.invalid = true
		}
		seen[id] = true
		e.noCheck = e.noCheck || id == oidNoCheck
		e.unhandled = e.unhandled || critical && !supportedCritical[id]
	}
	if e.proxy && (e.authority || seen[oidSubjectAltName] || seen[oidIssuerAltName]) { // RFC 3820, 3.5 to 3.7
		e.invalid = true
	}
}

func readExtension(list *cryptobyte.String) (id string, critical bool, value cryptobyte.String, ok bool) {
	var one cryptobyte.String
	var oid oidValue
	ok = list.ReadASN1(&one, asn1.SEQUENCE) && one.ReadASN1ObjectIdentifier(&oid) &&
		readFlag(&one, &critical) && one.ReadASN1(&value, asn1.OCTET_STRING) && one.Empty()
	return oid.String(), critical, value, ok
}

// readFlag reads a BOOLEAN that is false if it is left out.
func readFlag(s *cryptobyte.String, flag *bool) bool {
	return !s.PeekASN1Tag(asn1.BOOLEAN) || s.ReadASN1Boolean(flag)
}

func (e *extensions) readBasicConstraints(value cryptobyte.String) bool {
	var seq cryptobyte.String
	e.constraints = true
	if !value.ReadASN1(&seq, asn1.SEQUENCE) || !readFlag(&seq, &e.authority) {
		return false
	}
	length, ok := readLimit(&seq)
	e.pathLength = length
	return ok && seq.Empty()
}

// readLimit reads a number that may be left out, and then is -1. A number too
// large to be reached is none either.
func readLimit(s *cryptobyte.String) (int, bool) {
	n := new(big.Int)
	switch {
	case !s.PeekASN1Tag(asn1.INTEGER):
		return -1, true
	case !s.ReadASN1Integer(n) || n.Sign() < 0:
		return -1, false
	case !n.IsInt64():
		return -1, true
	}
	return int(min(n.Int64(), 1<<30)), true
}

func (e *extensions) readProxyInfo(value cryptobyte.String) bool {
	var seq, policy cryptobyte.String
	if !value.ReadASN1(&seq, asn1.SEQUENCE) {
		return false
	}
	length, ok := readLimit(&seq)
	if !ok || !seq.ReadASN1(&policy, asn1.SEQUENCE) || !seq.Empty() || !policy.SkipASN1(asn1.OBJECT_IDENTIFIER) ||
		!policy.SkipOptionalASN1(asn1.OCTET_STRING) || !policy.Empty() {
		return false
	}
	e.proxy, e.proxyLength = true, length
	return true
}

// readBits reads a bit string: the first bit of the first byte is 0x80, the
// first one of the second 0x8000.
func readBits(value cryptobyte.String) (usage, bool) {
	var bits cryptobyte.String
	if !value.ReadASN1(&bits, asn1.BIT_STRING) {
		return 0, false
	}
	return bitsOf(bits)
}

// bitsOf reads the contents of a bit string.
func bitsOf(bits []byte) (usage, bool) {
	if len(bits) == 0 || bits[0] > 7 {
		return 0, false
	}
	unused, bytes := bits[0], bits[1:]
	var set usage
	for i, b := range bytes[:min(len(bytes), 2)] {
		if i == len(bytes)-1 {
			b &= 0xff << unused
		}
		set |= usage(b) << (8 * i)
	}
	return set, true
}

// readKeyUsage wants at least one bit (RFC 5280, 4.2.1.3).
func (e *extensions) readKeyUsage(value cryptobyte.String) bool {
	set, ok := readBits(value)
	e.keyUsage = &set
	return ok && set != 0
}

func (e *extensions) readNetscapeType(value cryptobyte.String) bool {
	set, ok := readBits(value)
	set &= 0xff
	e.netscape = &set
	return ok
}

func (e *extensions) readExtKeyUsage(value cryptobyte.String) bool {
	var list cryptobyte.String
	e.extKeyUsage = new(usage)
	if !value.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var id oidValue
		if !list.ReadASN1ObjectIdentifier(&id) {
			return false
		}
		*e.extKeyUsage |= extUsages[id.String()]
	}
	return true
}

func (e *extensions) readKeyID(value cryptobyte.String) bool {
	var id cryptobyte.String
	ok := value.ReadASN1(&id, asn1.OCTET_STRING)
	e.keyID = notNil(id)
	return ok
}

func (e *extensions) readAuthorityKeyID(value cryptobyte.String) bool {
	var seq, keyID, serial cryptobyte.String
	var hasKeyID, hasSerial bool
	if !value.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadOptionalASN1(&keyID, &hasKeyID, asn1.Tag(0).ContextSpecific()) {
		return false
	}
	if hasKeyID {
		e.issuerKeyID.keyID = notNil(keyID)
	}
	tag := asn1.Tag(1).ContextSpecific().Constructed()
	if seq.PeekASN1Tag(tag) {
		names, ok := readGeneralNames(&seq, tag)
		if !ok {
			return false
		}
		if i := slices.IndexFunc(names, func(n generalName) bool { return n.kind == nameDirectory }); i >= 0 {
			e.issuerKeyID.issuer = notNil(names[i].value)
		}
	}
	if !seq.ReadOptionalASN1(&serial, &hasSerial, asn1.Tag(2).ContextSpecific()) || !seq.Empty() {
		return false
	}
	if !hasSerial {
		return true
	}
	n, ok := readInteger(serial)
	e.issuerKeyID.serial = n
	return ok
}

// readInteger reads the contents of an INTEGER.
func readInteger(contents []byte) (*big.Int, bool) {
	return ber.BigInt(contents), ber.ValidContents(ber.Integer, contents)
}

// notNil is an empty slice if b is nil: something empty is there.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

type oidValue = encoding.ObjectIdentifier

// oidOf is the identifier in dotted form.
func oidOf(text string) (id oidValue) {
	for part := range strings.SplitSeq(text, ".") {
		n, _ := strconv.Atoi(part)
		id = append(id, n)
	}
	return id
}
