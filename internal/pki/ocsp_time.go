package pki

import (
	"bytes"
	"strconv"
	"time"
)

// ocspLeeway is by how much clocks may differ.
const ocspLeeway = 300 * time.Second

// validity returns what is wrong with the times of an answer. A time that is no
// time of RFC 5280 is neither too early nor too late.
func (s *singleResponse) validity(now time.Time) (problems []string) {
	now = now.Truncate(time.Second)
	if _, ok := generalizedTime(s.thisUpdate); !ok {
		problems = append(problems, errThisUpdate)
	} else if t, ok := strictTime(s.thisUpdate); ok && t.After(now.Add(ocspLeeway)) {
		problems = append(problems, errNotYetValid)
	}
	if s.nextUpdate == nil {
		return problems
	}
	if _, ok := generalizedTime(s.nextUpdate); !ok {
		problems = append(problems, errNextUpdate)
	} else if t, ok := strictTime(s.nextUpdate); ok && !t.After(now.Add(-ocspLeeway)) {
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

// strictTime reads a time in the form of RFC 5280, YYYYMMDDHHMMSSZ.
func strictTime(text []byte) (time.Time, bool) {
	const form = "20060102150405Z"
	if len(text) != len(form) || !onlyDigits(text[:len(form)-1]) {
		return time.Time{}, false
	}
	return generalizedTime(text)
}

func onlyDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// generalizedTime reads a time of X.680: the seconds may be missing or have a
// fraction, which does not count, and a zone may follow.
func generalizedTime(text []byte) (t time.Time, ok bool) {
	const toMinutes, toSeconds = len("200601021504"), len("20060102150405")
	form, n := "20060102150405", toSeconds
	if len(text) <= toMinutes {
		return t, false
	}
	if c := text[toMinutes]; c == 'Z' || c == '+' || c == '-' {
		form, n = "200601021504", toMinutes
	}
	if len(text) <= n || !onlyDigits(text[:n]) {
		return t, false
	}
	t, err := time.Parse(form, string(text[:n]))
	if err != nil {
		return t, false
	}
	zone := text[n:]
	if zone[0] == '.' {
		fraction := 1
		for fraction < len(zone) && onlyDigits(zone[fraction:fraction+1]) {
			fraction++
		}
		if fraction == 1 || fraction == len(zone) {
			return t, false
		}
		zone = zone[fraction:]
	}
	offset, ok := zoneOffset(string(zone))
	return t.Add(-offset), ok
}

// zoneOffset reads "Z", "+0100" and the like.
func zoneOffset(zone string) (offset time.Duration, ok bool) {
	if zone == "Z" {
		return 0, true
	}
	if len(zone) != len("+0100") || zone[0] != '+' && zone[0] != '-' || !onlyDigits([]byte(zone[1:])) {
		return 0, false
	}
	hours, _ := strconv.Atoi(zone[1:3])
	minutes, _ := strconv.Atoi(zone[3:])
	if hours > 12 || minutes > 59 {
		return 0, false
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if zone[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// printableTime reads a time as nginx does, who has OpenSSL write it as a text
// first and cannot read that with a fraction of seconds in it.
func printableTime(text []byte) (time.Time, bool) {
	const fraction = len("20060102150405")
	t, ok := generalizedTime(text)
	if len(text) > fraction+1 && text[fraction] == '.' || t.Year() < 1 || t.Year() > 9999 {
		return t, false
	}
	return t, ok
}
