package ber

import "fmt"

// Errors of OpenSSL about encodings.
var (
	errBadHeader       = Error(102, "bad object header")
	errBooleanLength   = Error(106, "boolean is wrong length")
	errExplicitLength  = Error(119, "explicit length mismatch")
	errExplicitTag     = Error(120, "explicit tag not constructed")
	errFieldMissing    = Error(121, "field missing")
	errHeaderTooLong   = Error(123, "header too long")
	errInvalidUTF8     = Error(134, "invalid utf8string")
	errCharacters      = Error(124, "illegal characters")
	errMissingEnd      = Error(137, "missing eoc")
	errNotUniversal    = Error(139, "mstring not universal")
	errStringTag       = Error(140, "mstring wrong tag")
	errNoChoice        = Error(143, "no matching choice type")
	errNullLength      = Error(144, "null is wrong length")
	errSequenceLength  = Error(148, "sequence length mismatch")
	errNoSequence      = Error(149, "sequence not constructed")
	errStringTooShort  = Error(152, "string too short")
	errTooLong         = Error(155, "too long")
	errNotConstructed  = Error(156, "type not constructed")
	errUnexpectedEnd   = Error(159, "unexpected eoc")
	errWrongTag        = Error(168, "wrong tag")
	errNotPrimitive    = Error(195, "type not primitive")
	errNestedString    = Error(197, "nested asn1 string")
	errTooDeep         = Error(201, "nested too deep")
	errBMPLength       = Error(214, "bmpstring is wrong length")
	errUniversalLength = Error(215, "universalstring is wrong length")
	errObject          = Error(216, "invalid object encoding")
	errBitsLeft        = Error(220, "invalid bit string bits left")
	errPadding         = Error(221, "illegal padding")
	errZeroContent     = Error(222, "illegal zero content")
	errTooSmall        = Error(224, "too small")
	errNested          = Error(0x8010A, "nested asn1 error")
)

// library is OpenSSL's number of its ASN.1.
const library = 13

// Error writes an error of OpenSSL's ASN.1 as its queue has it:
// "error:068000A8:asn1 encoding routines::wrong tag".
func Error(reason int, text string) string {
	return fmt.Sprintf("error:%08X:asn1 encoding routines::%s", library<<23|reason, text)
}
