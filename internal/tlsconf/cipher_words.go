package tlsconf

import "strings"

// cipherWords are the words of OpenSSL's cipher lists that stand for several
// suites.
var cipherWords = map[string]func(*suite) bool{
	"ALL":                 func(s *suite) bool { return s.enc != "None" },
	"COMPLEMENTOFALL":     func(s *suite) bool { return s.enc == "None" },
	"COMPLEMENTOFDEFAULT": notDefault,
	"HIGH":                func(s *suite) bool { return s.bits >= 128 },
	"MEDIUM":              none, // in a build without weak ciphers
	"LOW":                 none,
	"EXPORT":              none,

	"kRSA": kx("RSA"), "kDHE": kx("DH"), "kEDH": kx("DH"), "DH": kx("DH"),
	"kECDHE": kx("ECDH"), "kEECDH": kx("ECDH"), "ECDH": kx("ECDH"),
	"kPSK": kx("PSK"), "kDHEPSK": kx("DHEPSK"), "kECDHEPSK": kx("ECDHEPSK"), "kRSAPSK": kx("RSAPSK"),
	"kSRP": kx("SRP"), "SRP": kx("SRP"),
	"EDH": ephemeral("DH"), "DHE": ephemeral("DH"), "EECDH": ephemeral("ECDH"), "ECDHE": ephemeral("ECDH"),
	"ADH": anonymous("DH"), "AECDH": anonymous("ECDH"),
	"RSA": func(s *suite) bool { return s.kx == "RSA" && s.auth == "RSA" },
	"PSK": func(s *suite) bool { return strings.HasSuffix(s.kx, "PSK") },

	"aRSA": auth("RSA"), "aECDSA": auth("ECDSA"), "ECDSA": auth("ECDSA"), "aPSK": auth("PSK"),
	"aDSS": auth("DSS"), "DSS": auth("DSS"), "aSRP": auth("SRP"),
	"aNULL": func(s *suite) bool { return s.auth == "None" },

	"eNULL": enc("None"), "NULL": enc("None"),
	"AES128": encAES("(128)"), "AES256": encAES("(256)"), "AES": enc("AES"), "AESGCM": enc("AESGCM"),
	"AESCCM": enc("AESCCM"), "AESCCM8": enc("AESCCM8"), "CHACHA20": enc("CHACHA20"),
	"CAMELLIA": enc("Camellia"), "CAMELLIA128": enc("Camellia(128)"), "CAMELLIA256": enc("Camellia(256)"),
	"ARIA": enc("ARIA"), "ARIAGCM": enc("ARIAGCM"), "ARIA128": enc("ARIAGCM(128)"), "ARIA256": enc("ARIAGCM(256)"),
	"CBC": func(s *suite) bool {
		return s.mac != "AEAD" && s.enc != "None"
	},

	"MD5": mac("MD5"), "SHA": mac("SHA1"), "SHA1": mac("SHA1"), "SHA256": mac("SHA256"), "SHA384": mac("SHA384"),

	"SSLv3": protocol("SSLv3"), "TLSv1": protocol("TLSv1"), "TLSv1.0": protocol("TLSv1"), "TLSv1.2": protocol("TLSv1.2"),
}

func none(*suite) bool { return false }

// notDefault are the suites that OpenSSL has but does not use unless asked to.
func notDefault(s *suite) bool {
	return s.enc != "None" && (s.auth == "None" || s.auth == "DSS" ||
		strings.HasPrefix(s.enc, "ARIA") || strings.HasPrefix(s.enc, "AESCCM") || strings.HasPrefix(s.enc, "Camellia"))
}

func kx(name string) func(*suite) bool   { return func(s *suite) bool { return s.kx == name } }
func auth(name string) func(*suite) bool { return func(s *suite) bool { return s.auth == name } }
func mac(name string) func(*suite) bool  { return func(s *suite) bool { return s.mac == name } }
func protocol(name string) func(*suite) bool {
	return func(s *suite) bool { return s.protocol == name }
}
func enc(prefix string) func(*suite) bool {
	return func(s *suite) bool { return strings.HasPrefix(s.enc, prefix) }
}

func encAES(size string) func(*suite) bool {
	return func(s *suite) bool { return strings.HasPrefix(s.enc, "AES") && strings.HasSuffix(s.enc, size) }
}

func ephemeral(name string) func(*suite) bool {
	return func(s *suite) bool { return s.kx == name && s.auth != "None" }
}

func anonymous(name string) func(*suite) bool {
	return func(s *suite) bool { return s.kx == name && s.auth == "None" }
}
