package pki

// Result is what came of checking a certificate: one of OpenSSL's X509_V
// numbers, of which 0 is success.
type Result int

// The results that [Verifier.Verify] can have.
const (
	OK                    Result = 0
	noIssuer              Result = 2
	noCRL                 Result = 3
	badSignature          Result = 7
	badCRLSignature       Result = 8
	notYetValid           Result = 9
	expired               Result = 10
	crlNotYetValid        Result = 11
	crlExpired            Result = 12
	selfSigned            Result = 18
	selfSignedInChain     Result = 19
	noLocalIssuer         Result = 20
	unableToVerifyLeaf    Result = 21
	revoked               Result = 23
	pathLengthExceeded    Result = 25
	unsuitablePurpose     Result = 26
	untrusted             Result = 27
	noCertificateSign     Result = 32
	unhandledExtension    Result = 34
	forbiddenName         Result = 47
	invalidCA             Result = 79
	maxCertificatesOfPeer        = 100
)

var verifyTexts = map[Result]string{
	OK:                 "ok",
	noIssuer:           "unable to get issuer certificate",
	noCRL:              "unable to get certificate CRL",
	badSignature:       "certificate signature failure",
	badCRLSignature:    "CRL signature failure",
	notYetValid:        "certificate is not yet valid",
	expired:            "certificate has expired",
	crlNotYetValid:     "CRL is not yet valid",
	crlExpired:         "CRL has expired",
	selfSigned:         "self-signed certificate",
	selfSignedInChain:  "self-signed certificate in certificate chain",
	noLocalIssuer:      "unable to get local issuer certificate",
	unableToVerifyLeaf: "unable to verify the first certificate",
	revoked:            "certificate revoked",
	pathLengthExceeded: "path length constraint exceeded",
	unsuitablePurpose:  "unsuitable certificate purpose",
	untrusted:          "certificate not trusted",
	noCertificateSign:  "key usage does not include certificate signing",
	unhandledExtension: "unhandled critical extension",
	forbiddenName:      "permitted subtree violation",
	invalidCA:          "invalid CA certificate",
}

// String is OpenSSL's text, such as "self-signed certificate".
func (r Result) String() string { return verifyTexts[r] }

// Optional tells whether nothing is wrong with the certificate but that it is not
// known who issued it: what "ssl_verify_client optional_no_ca" lets pass.
func (r Result) Optional() bool {
	switch r {
	case selfSigned, selfSignedInChain, noLocalIssuer, unableToVerifyLeaf, untrusted:
		return true
	}
	return false
}
