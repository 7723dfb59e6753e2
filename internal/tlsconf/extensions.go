package tlsconf

import (
	"bytes"
	"crypto/tls"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
)

// Numbers of extensions that are asked for by them.
const (
	extensionServerName = 0
	extensionStatus     = 5
	extensionSRTP       = 14
	extensionALPN       = 16
	extensionEMS        = 23
	extensionPSK        = 41
	extensionVersions   = 43
	extensionKeyModes   = 45
	extensionKeyShare   = 51
)

// extensionRule says how OpenSSL reads an extension of a ClientHello.
type extensionRule struct {
	kind uint16
	in   era                                      // others ignore it
	read func(*Hello, cryptobyte.String) *Refusal // nil: there is nothing to it
}

// era is a set of versions.
type era uint8

const (
	before13 era = 1 << iota // TLS 1.2 and older
	in13                     // TLS 1.3
	always   = before13 | in13
)

// extensionTable has the extensions that OpenSSL knows, in the order in which it
// reads them.
var extensionTable = []extensionRule{
	{0xff01, before13, readRenegotiation},
	{extensionServerName, always, (*Hello).readName},
	{1, always, readFragment},
	{12, before13, readSRP},
	{11, before13, readPointFormats},
	{10, always, (*Hello).readGroups},
	{35, before13, nil}, // session ticket
	{extensionStatus, always, (*Hello).readStatus},
	{13172, before13, nil}, // next protocol negotiation
	{extensionALPN, always, (*Hello).readProtocols},
	{22, before13, nil}, // encrypt then MAC
	{18, always, nil},   // signed certificate timestamps
	{extensionEMS, before13, readEmpty},
	{50, always, (*Hello).readCertSignatures},
	{49, in13, readPostAuth},
	{13, always, (*Hello).readSignatures},
	{extensionVersions, always, nil}, // read ahead of others
	{extensionKeyModes, in13, (*Hello).readKeyModes},
	{extensionKeyShare, in13, nil}, // read by the choice of a group
	{44, in13, nil},                // cookie
	{0xfde8, before13, nil},
	{42, in13, readEmpty},
	{47, in13, readAuthorities},
	{21, always, nil}, // padding
	{extensionPSK, in13, (*Hello).readPSK},
}

// readExtension reads one ahead of the others.
func (h *Hello) readExtension(kind uint16, now era) *Refusal {
	for i := range extensionTable {
		if rule := &extensionTable[i]; rule.kind == kind {
			return h.read(rule, h.extensions[i], now)
		}
	}
	return nil
}

func (h *Hello) read(rule *extensionRule, e extension, now era) *Refusal {
	if !e.sent || rule.in&now == 0 || rule.read == nil {
		return nil
	}
	return rule.read(h, e.data)
}

func readEmpty(_ *Hello, s cryptobyte.String) *Refusal {
	if !s.Empty() {
		return refuseExtension
	}
	return nil
}

// readRenegotiation reads what must be empty, for nothing is renegotiated.
func readRenegotiation(_ *Hello, s cryptobyte.String) *Refusal {
	var verify cryptobyte.String
	switch {
	case !s.ReadUint8LengthPrefixed(&verify):
		return refuseRenegotiation
	case !verify.Empty():
		return refuseRenegotiationKey
	}
	return nil
}

func (h *Hello) readName(cryptobyte.String) *Refusal {
	h.ServerName = string(h.Name)
	return nil
}

// readFragment reads a maximum length of fragments, which is otherwise ignored.
func readFragment(_ *Hello, s cryptobyte.String) *Refusal {
	switch {
	case len(s) != 1:
		return refuseExtension
	case s[0] < 1 || s[0] > 4:
		return refuseFragment
	}
	return nil
}

// readSRP reads the name of a user, which is otherwise ignored.
func readSRP(_ *Hello, s cryptobyte.String) *Refusal {
	var name cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&name) || !s.Empty() || bytes.IndexByte(name, 0) >= 0 {
		return refuseExtension
	}
	return nil
}

func readPointFormats(_ *Hello, s cryptobyte.String) *Refusal {
	var list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&list) || !s.Empty() || list.Empty() {
		return refuseExtension
	}
	return nil
}

// numbers reads a list of numbers that is not empty, and nothing else.
func numbers[T ~uint16](s cryptobyte.String) (found []T, ok bool) {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() || list.Empty() || len(list)%2 != 0 {
		return nil, false
	}
	for n := uint16(0); list.ReadUint16(&n); {
		found = append(found, T(n))
	}
	return found, true
}

func (h *Hello) readGroups(s cryptobyte.String) *Refusal {
	var ok bool
	if h.Groups, ok = numbers[tls.CurveID](s); !ok {
		return refuseExtension
	}
	return nil
}

func (h *Hello) readSignatures(s cryptobyte.String) *Refusal {
	return h.keepSignatures(s, &h.Signatures, &h.signaturesGiven)
}

func (h *Hello) readCertSignatures(s cryptobyte.String) *Refusal {
	return h.keepSignatures(s, &h.certSignatures, &h.certSigsGiven)
}

// keepSignatures reads a list that means nothing before TLS 1.2.
func (h *Hello) keepSignatures(s cryptobyte.String, to *[]tls.SignatureScheme, given *bool) *Refusal {
	found, ok := numbers[tls.SignatureScheme](s)
	if !ok {
		return refuseExtension
	}
	if h.Version >= tls.VersionTLS12 {
		*to, *given = found, true
	}
	return nil
}

func (h *Hello) readProtocols(s cryptobyte.String) *Refusal {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() || len(list) < 2 {
		return refuseExtension
	}
	var found []string
	for !list.Empty() {
		var name cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&name) || name.Empty() {
			return refuseExtension
		}
		found = append(found, string(name))
	}
	h.Protocols = found
	return nil
}

// readStatus reads status_request, of whose kinds there is one, OCSP.
func (h *Hello) readStatus(s cryptobyte.String) *Refusal {
	var kind uint8
	if !s.ReadUint8(&kind) {
		return refuseExtension
	}
	if h.Status = kind == 1; !h.Status {
		return nil
	}
	var ids, extensions cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&ids) {
		return refuseExtension
	}
	for !ids.Empty() {
		var id cryptobyte.String
		if !ids.ReadUint16LengthPrefixed(&id) || !isDER(id) {
			return refuseExtension
		}
	}
	if !s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() || !extensions.Empty() && !isDER(extensions) {
		return refuseExtension
	}
	return nil
}

// isDER reports whether a text is one element of ASN.1.
func isDER(s cryptobyte.String) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(s, &v)
	return err == nil && len(rest) == 0
}

func readPostAuth(_ *Hello, s cryptobyte.String) *Refusal {
	if !s.Empty() {
		return refusePostAuth
	}
	return nil
}

func (h *Hello) readKeyModes(s cryptobyte.String) *Refusal {
	var modes cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&modes) || !s.Empty() || modes.Empty() {
		return refuseExtension
	}
	for _, mode := range modes {
		h.dheResumption = h.dheResumption || mode == 1
	}
	return nil
}

// readAuthorities reads names of authorities, which are otherwise ignored.
func readAuthorities(_ *Hello, s cryptobyte.String) *Refusal {
	var names, name cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&names) {
		return refuseLength
	}
	for !names.Empty() {
		if !names.ReadUint16LengthPrefixed(&name) {
			return refuseLength
		}
		if !isDER(name) {
			return refuseCANames
		}
	}
	if !s.Empty() {
		return refuseExtension
	}
	return nil
}

// readPSK looks at the form of tickets. What is in them is for crypto/tls.
func (h *Hello) readPSK(s cryptobyte.String) *Refusal {
	var identities, identity cryptobyte.String
	if !h.dheResumption {
		return nil
	}
	if !s.ReadUint16LengthPrefixed(&identities) {
		return refuseExtension
	}
	for !identities.Empty() {
		if !identities.ReadUint16LengthPrefixed(&identity) || !identities.Skip(4) || identity.Empty() {
			return refuseExtension
		}
	}
	return nil
}
