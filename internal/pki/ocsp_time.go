package pki

import (
	"bytes"
	"time"

	"github.com/gostream/gostream/internal/ber"
)

// ocspLeeway is by how much clocks may differ.
const ocspLeeway = 300 * time.Second

// validity returns what is wrong with the times of an answer. A time that is no
// time of RFC 5280 is neither too early nor too late.
func (s *singleResponse) validity(now time.Time) (problems []string) {
	now = now.Truncate(time.Second)
	if t := generalizedTime(s.thisUpdate); !t.known {
		problems = append(problems, errThisUpdate)
	} else if t.exact && t.moment().After(now.Add(ocspLeeway)) {
		problems = append(problems, errNotYetValid)
	}
	if s.nextUpdate == nil {
		return problems
	}
	if t := generalizedTime(s.nextUpdate); !t.known {
		problems = append(problems, errNextUpdate)
	} else if t.exact && !t.moment().After(now.Add(-ocspLeeway)) {
		problems = append(problems, errExpired)
	}
	if before(s.nextUpdate, s.thisUpdate) {
		problems = append(problems, errUpdateOrder)
	}
	return problems
}

// before compares times as texts: the shorter one comes first.
func before(a, b []byte) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return bytes.Compare(a, b) < 0
}

// generalizedTime reads the contents of a GeneralizedTime.
func generalizedTime(text []byte) encodedTime {
	return readTime(ber.TLV{Tag: ber.Tag{Number: ber.GeneralizedTime}, Content: text})
}

// printableTime reads a time as nginx does, who has OpenSSL write it as a text
// first and cannot read that with a fraction of seconds in it.
func printableTime(text []byte) (time.Time, bool) {
	const fraction = len("20060102150405")
	read := generalizedTime(text)
	t := read.moment()
	if len(text) > fraction+1 && text[fraction] == '.' || t.Year() < 1 || t.Year() > 9999 {
		return t, false
	}
	return t, read.known
}
