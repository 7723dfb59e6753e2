package pki

import (
	"crypto/x509"
	"strings"
)

// MatchesHost reports whether a certificate is for a host, the way OpenSSL's
// X509_check_host does. Unlike package x509 it takes the common names of a
// certificate without names of hosts, never looks at addresses, and compares
// the names of hosts with whatever name is asked for. No certificate is for "".
func MatchesHost(cert *x509.Certificate, host string) bool {
	return matchesHost(read(cert), host)
}

func matchesHost(cert *certificate, host string) bool {
	if len(host) > 1 {
		host = strings.TrimSuffix(host, "\x00") // OpenSSL takes it for the end of a C string
	}
	if host == "" || strings.Contains(host, "\x00") {
		return false
	}
	var patterns []string
	for _, name := range cert.alternatives {
		if name.kind == nameDNS {
			patterns = append(patterns, string(name.value))
		}
	}
	if patterns == nil {
		patterns = commonNames(cert.Certificate)
	}
	for _, pattern := range patterns {
		if pattern != "" && matchName(pattern, host) {
			return true
		}
	}
	return false
}

// commonNames are those of the subject, in UTF-8, up to one that has no such
// form.
func commonNames(cert *x509.Certificate) (names []string) {
	subject, _ := readName(cert.RawSubject)
	for _, a := range subject {
		if a.id != idCommonName {
			continue
		}
		text, ok := a.text()
		if !ok {
			break
		}
		names = append(names, text)
	}
	return names
}

// CommonName is the first one in a certificate, which is not the one that
// package x509 has; "": there is none.
func CommonName(cert *x509.Certificate) string {
	if names := commonNames(cert); len(names) > 0 {
		return names[0]
	}
	return ""
}

// matchName compares a name of a certificate. A host that begins with a dot
// stands for all hosts below it.
func matchName(pattern, host string) bool {
	if len(host) > 1 && host[0] == '.' {
		below, ok := cutSuffixFold(pattern, host)
		return ok && !strings.Contains(below, "\x00")
	}
	if star := validStar(pattern); star >= 0 {
		return matchStar(pattern[:star], pattern[star+1:], host)
	}
	return sameName(pattern, host)
}

// sameName compares without regard to the case of ASCII letters.
func sameName(pattern, host string) bool { return lowerASCII(pattern) == lowerASCII(host) }

// lowerASCII makes ASCII letters small and keeps all other bytes.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// validStar returns where a pattern has its wildcard: at the beginning or end
// of the first of at least three well-formed labels. -1: nowhere.
func validStar(pattern string) int {
	labels := strings.Split(pattern, ".")
	star := strings.IndexByte(labels[0], '*')
	if star < 0 || len(labels) < 3 || isIDNA(labels[0][:star]) {
		return -1
	}
	before, after := labels[0][:star], labels[0][star+1:]
	if before != "" && after != "" {
		return -1
	}
	if before != "" {
		labels[0] = before
	} else {
		labels[0] = "x" + after // which may begin with a hyphen
	}
	for _, label := range labels {
		if !isLabel(label) {
			return -1
		}
	}
	return star
}

// isLabel reports whether a text is a well-formed label of the name of a host.
func isLabel(s string) bool {
	return s != "" && s[0] != '-' && s[len(s)-1] != '-' && onlyLabelBytes(s)
}

const labelBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

func onlyLabelBytes(s string) bool {
	for i := range len(s) {
		if strings.IndexByte(labelBytes, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isIDNA(label string) bool { return len(label) >= 4 && strings.EqualFold(label[:4], "xn--") }

// matchStar matches what is before and after a wildcard. That may stand for a
// part of one label only, and for none of an international name.
func matchStar(prefix, suffix, host string) bool {
	if len(host) < len(prefix)+len(suffix) {
		return false
	}
	end := len(host) - len(suffix)
	if !sameName(prefix, host[:len(prefix)]) || !sameName(suffix, host[end:]) {
		return false
	}
	part, whole := host[len(prefix):end], prefix == "" && suffix[0] == '.'
	if whole && part == "" || !whole && isIDNA(host) {
		return false
	}
	return part == "*" || onlyLabelBytes(part)
}
