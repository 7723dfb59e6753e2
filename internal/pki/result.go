package pki

// Result is what came of checking a certificate: one of OpenSSL's X509_V
// numbers, of which 0 is success.
type Result int

// OK is success. The other results have no names outside of this package: what
// matters is their number and text, and [Result.Optional].
const OK Result = 0

// What can be wrong with a certificate or with its chain.
const (
	unspecified          Result = 1
	noIssuer             Result = 2
	noIssuerKey          Result = 6
	badSignature         Result = 7
	notYetValid          Result = 9
	expired              Result = 10
	badNotBefore         Result = 13
	badNotAfter          Result = 14
	selfSigned           Result = 18
	selfSignedInChain    Result = 19
	noLocalIssuer        Result = 20
	unableToVerifyLeaf   Result = 21
	chainTooLong         Result = 22
	pathLengthExceeded   Result = 25
	unsuitablePurpose    Result = 26
	untrusted            Result = 27
	rejected             Result = 28
	noCertificateSign    Result = 32
	unhandledExtension   Result = 34
	invalidNonCA         Result = 37
	proxyLengthExceeded  Result = 38
	noDigitalSignature   Result = 39
	proxyNotAllowed      Result = 40
	forbiddenName        Result = 47
	excludedName         Result = 48
	boundedSubtree       Result = 49
	unknownConstraint    Result = 51
	badNameSyntax        Result = 53
	leafKeyTooSmall      Result = 66
	authorityKeyTooSmall Result = 67
	weakSignature        Result = 68
	proxyNameViolation   Result = 72
	invalidCA            Result = 79
)

// What can be wrong with a revocation list.
const (
	noCRL                 Result = 3
	badCRLSignature       Result = 8
	crlNotYetValid        Result = 11
	crlExpired            Result = 12
	badLastUpdate         Result = 15
	badNextUpdate         Result = 16
	revoked               Result = 23
	noCRLSign             Result = 35
	unhandledCRLExtension Result = 36
	otherScope            Result = 44
)

// verifyTexts are OpenSSL's texts, by number. Those that are left out cannot come
// out of nginx: they are of strict checking, Suite B, DANE and host names.
var verifyTexts = map[Result]string{
	0:  "ok",
	1:  "unspecified certificate verification error",
	2:  "unable to get issuer certificate",
	3:  "unable to get certificate CRL",
	4:  "unable to decrypt certificate's signature",
	5:  "unable to decrypt CRL's signature",
	6:  "unable to decode issuer public key",
	7:  "certificate signature failure",
	8:  "CRL signature failure",
	9:  "certificate is not yet valid",
	10: "certificate has expired",
	11: "CRL is not yet valid",
	12: "CRL has expired",
	13: "format error in certificate's notBefore field",
	14: "format error in certificate's notAfter field",
	15: "format error in CRL's lastUpdate field",
	16: "format error in CRL's nextUpdate field",
	17: "out of memory",
	18: "self-signed certificate",
	19: "self-signed certificate in certificate chain",
	20: "unable to get local issuer certificate",
	21: "unable to verify the first certificate",
	22: "certificate chain too long",
	23: "certificate revoked",
	24: "issuer certificate doesn't have a public key",
	25: "path length constraint exceeded",
	26: "unsuitable certificate purpose",
	27: "certificate not trusted",
	28: "certificate rejected",
	32: "key usage does not include certificate signing",
	33: "unable to get CRL issuer certificate",
	34: "unhandled critical extension",
	35: "key usage does not include CRL signing",
	36: "unhandled critical CRL extension",
	37: "invalid non-CA certificate (has CA markings)",
	38: "proxy path length constraint exceeded",
	39: "key usage does not include digital signature",
	40: "proxy certificates not allowed, please set the appropriate flag",
	41: "invalid or inconsistent certificate extension",
	42: "invalid or inconsistent certificate policy extension",
	43: "no explicit policy",
	44: "different CRL scope",
	45: "unsupported extension feature",
	46: "RFC 3779 resource not subset of parent's resources",
	47: "permitted subtree violation",
	48: "excluded subtree violation",
	49: "name constraints minimum and maximum not supported",
	50: "application verification failure",
	51: "unsupported name constraint type",
	52: "unsupported or invalid name constraint syntax",
	53: "unsupported or invalid name syntax",
	54: "CRL path validation error",
	66: "EE certificate key too weak",
	67: "CA certificate key too weak",
	68: "CA signature digest algorithm too weak",
	72: "proxy subject name violation",
	79: "invalid CA certificate",
}

// String is OpenSSL's text, such as "self-signed certificate".
func (r Result) String() string { return verifyTexts[r] }

// Optional reports whether nothing is wrong with the certificate but that it is
// not known who issued it: what "ssl_verify_client optional_no_ca" lets pass.
func (r Result) Optional() bool {
	switch r {
	case selfSigned, selfSignedInChain, noLocalIssuer, unableToVerifyLeaf, untrusted:
		return true
	}
	return false
}
