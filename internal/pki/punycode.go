package pki

// punycode.go - international names of hosts: RFC 3492.

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// unicodeHost decodes the international labels of the name of a host. False:
// one of them is malformed.
func unicodeHost(host string) (string, bool) {
	labels := strings.Split(host, ".")
	for i, label := range labels {
		encoded, international := strings.CutPrefix(label, "xn--")
		if !international {
			continue
		}
		decoded, ok := decodePunycode(encoded)
		if !ok {
			return "", false
		}
		labels[i] = decoded
	}
	return strings.Join(labels, "."), true
}

// The parameters of RFC 3492, section 5.
const (
	punyBase, punyMin, punyMax = 36, 1, 26
	punySkew, punyDamp         = 38, 700
	punyBias, punyFirst        = 72, 0x80
	punyMost                   = 1<<32 - 1 // numbers above overflow
	punyRunes                  = 512       // more are refused
)

// decodePunycode decodes a label without its prefix: RFC 3492, section 6.2.
func decodePunycode(encoded string) (string, bool) {
	if strings.ContainsFunc(encoded, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return "", false
	}
	var runes []rune
	if end := strings.LastIndexByte(encoded, '-'); end > 0 {
		runes, encoded = []rune(encoded[:end]), encoded[end+1:]
	}
	next, at, bias := uint64(punyFirst), uint64(0), uint64(punyBias)
	for encoded != "" {
		delta, length := punyNumber(encoded, bias, punyMost-at)
		if length == 0 || len(runes) == punyRunes {
			return "", false
		}
		encoded = encoded[length:]
		count := uint64(len(runes) + 1)
		bias = adaptBias(delta, count, at == 0)
		next, at = next+(at+delta)/count, (at+delta)%count
		if next > utf8.MaxRune {
			return "", false
		}
		runes = slices.Insert(runes, int(at), rune(next))
		at++
	}
	return string(runes), len(runes) <= punyRunes
}

// punyNumber reads a number of variable length, at most limit, and returns how
// many digits it has; 0: it is malformed.
func punyNumber(encoded string, bias, limit uint64) (number uint64, length int) {
	weight := uint64(1)
	for k := uint64(punyBase); length < len(encoded); k += punyBase {
		digit := punyDigit(encoded[length])
		length++
		if digit > (limit-number)/weight {
			return 0, 0
		}
		number += digit * weight
		threshold := min(max(k, bias+punyMin)-bias, punyMax)
		if digit < threshold {
			return number, length
		}
		if weight *= punyBase - threshold; weight > punyMost {
			return 0, 0
		}
	}
	return 0, 0
}

// punyDigit is the value of a digit, or too large a number.
func punyDigit(c byte) uint64 {
	switch {
	case c >= 'a' && c <= 'z':
		return uint64(c - 'a')
	case c >= 'A' && c <= 'Z':
		return uint64(c - 'A')
	case c >= '0' && c <= '9':
		return uint64(c-'0') + 26
	}
	return punyMost + 1
}

func adaptBias(delta, count uint64, first bool) uint64 {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / count
	k := uint64(0)
	for ; delta > (punyBase-punyMin)*punyMax/2; k += punyBase {
		delta /= punyBase - punyMin
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}
