package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"
)

var oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// MatchesHost tells whether a certificate is for a host, the way OpenSSL's
// X509_check_host does. Unlike package x509 it takes the common names of a
// certificate without names of hosts, never looks at addresses, and compares
// the names of hosts with whatever name is asked for. No certificate is for "".
func MatchesHost(cert *x509.Certificate, host string) bool {
	names := cert.DNSNames
	if len(names) == 0 {
		names = commonNames(cert)
	}
	for _, name := range names {
		if host != "" && name != "" && matchName(name, host) {
			return true
		}
	}
	return false
}

func commonNames(cert *x509.Certificate) (names []string) {
	for _, part := range cert.Subject.Names {
		if text, ok := part.Value.(string); ok && part.Type.Equal(oidCommonName) {
			names = append(names, text)
		}
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
		return len(pattern) >= len(host) && sameName(pattern[len(pattern)-len(host):], host)
	}
	if star := validStar(pattern); star >= 0 {
		return matchStar(pattern[:star], pattern[star+1:], host)
	}
	return sameName(pattern, host)
}

// sameName compares without regard to the case of ASCII letters.
func sameName(pattern, host string) bool {
	return len(pattern) == len(host) && !strings.Contains(pattern, "\x00") && lowerASCII(pattern) == lowerASCII(host)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
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
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || !onlyLabelBytes(label) {
			return -1
		}
	}
	return star
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
