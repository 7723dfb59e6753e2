package pki

import "github.com/gostream/gostream/internal/ber"

// Object identifiers of extensions, as they are encoded.
const (
	idReason            = "\x55\x1d\x15"
	idDelta             = "\x55\x1d\x1b"
	idIssuingPoint      = "\x55\x1d\x1c"
	idCertificateIssuer = "\x55\x1d\x1d"
	idAuthorityKey      = "\x55\x1d\x23"
)

// crlExtension is an extension of a list or of one of its entries.
type crlExtension struct {
	id       []byte
	critical bool
	value    []byte
}

// readCRLExtensions appends what the contents of Extensions are.
func readCRLExtensions(all []crlExtension, in []byte) ([]crlExtension, bool) {
	for len(in) > 0 {
		v, rest, ok := ber.ReadTLV(in)
		if !ok || !v.Is(ber.SequenceTag) || !v.Constructed {
			return all, false
		}
		x, ok := readCRLExtension(v.Content)
		if !ok {
			return all, false
		}
		all, in = append(all, x), rest
	}
	return all, true
}

func readCRLExtension(in []byte) (x crlExtension, ok bool) {
	id, rest, ok := ber.ReadTLV(in)
	if !ok || !id.Is(ber.Object) || !id.Valid(id.Number) {
		return x, false
	}
	v, rest, ok := ber.ReadTLV(rest)
	if ok && v.Is(ber.Boolean) {
		if !v.Valid(v.Number) {
			return x, false
		}
		x.critical = v.Content[0] != 0
		v, rest, ok = ber.ReadTLV(rest)
	}
	if !ok || !v.Is(ber.OctetString) || len(rest) > 0 {
		return x, false
	}
	x.id = id.Content
	x.value, ok = v.Text()
	return x, ok
}

// findExtension returns the first extension with an identifier, and how many
// have it. OpenSSL uses those only that are there once.
func findExtension(all []crlExtension, id string) (value []byte, count int) {
	for _, x := range all {
		if string(x.id) != id {
			continue
		}
		if count++; count == 1 {
			value = x.value
		}
	}
	return value, count
}

// readOwn looks at the extensions of the list itself (RFC 5280, section 5.2).
// Malformed ones and those that come twice are as if they were not there.
func (crl *CRL) readOwn(all []crlExtension) {
	if value, count := findExtension(all, idIssuingPoint); count == 1 {
		crl.scope.read(value, string(crl.issuer))
	}
	if value, count := findExtension(all, idAuthorityKey); count == 1 {
		var read extensions
		if read.readAuthorityKeyID(value) {
			crl.key = read.issuerKeyID
		}
	}
	if value, count := findExtension(all, idDelta); count == 1 {
		v, _, ok := ber.ReadTLV(value)
		crl.delta = ok && v.Is(ber.Integer) && v.Valid(v.Number)
	}
	for _, x := range all {
		switch string(x.id) {
		case idIssuingPoint, idAuthorityKey, idDelta:
		default:
			crl.critical = crl.critical || x.critical
		}
	}
}
