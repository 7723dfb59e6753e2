package pki

import (
	"strings"
	"time"

	"github.com/gostream/gostream/internal/ber"
)

// encodedTime is a UTCTime or GeneralizedTime of a list or a response.
type encodedTime struct {
	seconds int64 // since 1970
	known   bool  // it can be read, in one of the ways that ASN.1 has for times
	exact   bool  // it has the form that RFC 5280, section 5.1.2.4, demands
}

// after reports whether a known time is later than another known one.
func (t encodedTime) after(u encodedTime) bool { return t.known && u.known && t.seconds > u.seconds }

// moment is the time.
func (t encodedTime) moment() time.Time { return time.Unix(t.seconds, 0).UTC() }

// readTime reads a UTCTime or GeneralizedTime. Seconds may be missing, and the
// zone may be any; of a GeneralizedTime there may be parts of a second.
func readTime(v ber.TLV) (t encodedTime) {
	text, ok := v.Text()
	if !ok {
		return t
	}
	s := string(text)
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	s, zone := s[:digits], s[digits:]
	if v.Is(ber.UTCTime) {
		s = century(s) + s
	}
	layout := "20060102150405"
	switch len(s) {
	case len(layout):
	case len(layout) - 2:
		layout = layout[:len(s)]
	default:
		return t
	}
	moment, err := time.Parse(layout, s)
	if err != nil {
		return t
	}
	t.exact = zone == "Z" && len(s) == len("20060102150405")
	if v.Is(ber.GeneralizedTime) && len(s) == len("20060102150405") {
		if zone, ok = withoutFraction(zone); !ok {
			return t
		}
	}
	offset, ok := offsetOf(zone)
	t.seconds, t.known = moment.Unix()-offset, ok
	t.exact = t.exact && ok
	return t
}

// century is what the year of a UTCTime lacks.
func century(s string) string {
	if s < "50" {
		return "20"
	}
	return "19"
}

func withoutFraction(zone string) (string, bool) {
	fraction, ok := strings.CutPrefix(zone, ".")
	if !ok {
		return zone, true
	}
	rest := strings.TrimLeft(fraction, "0123456789")
	return rest, len(rest) < len(fraction)
}

// offsetOf is how many seconds a zone is before UTC: "Z" or, for half past one,
// "+0130".
func offsetOf(zone string) (seconds int64, ok bool) {
	if zone == "Z" {
		return 0, true
	}
	if len(zone) != len("+0130") || strings.Trim(zone[1:], "0123456789") != "" {
		return 0, false
	}
	hours := int64(zone[1]-'0')*10 + int64(zone[2]-'0')
	minutes := int64(zone[3]-'0')*10 + int64(zone[4]-'0')
	seconds = hours*3600 + minutes*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, hours <= 12 && minutes < 60 && (zone[0] == '+' || zone[0] == '-')
}
