package tlsconf

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// The type of OCSP responses (RFC 6960), as far as OpenSSL reads it at once.
var (
	itemEnumerated   = &asn1Item{name: "ASN1_ENUMERATED", tags: []int{tagEnumerated}}
	itemOCSPBytes    = &asn1Item{name: "OCSP_RESPBYTES", kind: asn1Sequence, fields: []asn1Field{{name: "responseType", item: itemObject}, {name: "response", item: itemOctets}}}
	itemOCSPResponse = &asn1Item{name: "OCSP_RESPONSE", kind: asn1Sequence, fields: []asn1Field{
		{name: "responseStatus", item: itemEnumerated}, {name: "responseBytes", item: itemOCSPBytes, optional: true, context: 1, explicit: true},
	}}
)

// ReadOCSPFile reads the response of ssl_stapling_file. It has to be a response;
// what it says, and what follows it, does not matter. Errors are complete
// messages.
func ReadOCSPFile(name string) ([]byte, error) {
	der, queue := readFile(name, "rb")
	call := "d2i_OCSP_RESPONSE_bio(\"" + name + "\") failed"
	if queue != nil {
		return nil, errors.New(withQueue("BIO_new_file(\""+name+"\") failed", queue...))
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, errors.New(withQueue(call, systemError(syscall.EISDIR)+":calling fread() "+errSystemLib+" "+errNotEnough))
	}
	problem := incomplete(der)
	if problem != "" || len(der) == 0 {
		return nil, failed(call, opensslQueue(problem))
	}
	d, rest, ok := decodeASN1(der, itemOCSPResponse)
	if !ok {
		return nil, errors.New(withQueue(call, d.queue...))
	}
	return der[:len(der)-len(rest)], nil
}

// Errors of OpenSSL about the reading of an encoding from a file.
const (
	errSystemLib = "error:10080002:BIO routines::system lib"
	errNotEnough = "error:0680008E:asn1 encoding routines::not enough data"
	errTooLong   = "error:0680009B:asn1 encoding routines::too long"
)

// incomplete is what OpenSSL says while it reads an encoding that is longer than
// the file. Empty: it is not.
func incomplete(der []byte) string {
	if len(der) < 2 {
		if len(der) == 0 {
			return ""
		}
		return errNotEnough
	}
	h := &asn1Header{}
	length, rest, ok := h.length(der[1:])
	switch {
	case der[1] > 0x80 && der[1]&0x7f > 8 || length > math.MaxInt32:
		return errTooLong
	case !ok || length > len(rest):
		return errNotEnough
	case h.indefinite:
		if _, result := (&asn1Decoder{}).findEnd(rest); result != asn1OK {
			return errNotEnough
		}
	}
	return ""
}
