package conf

import (
	"math"
	"strings"
	"time"
)

// ParseNumber reads a decimal number without sign.
func ParseNumber(s string) (int64, bool) { return ParseFixed(s, 0) }

// ParseFixed reads a decimal number with at most so many digits behind the
// point, and returns it multiplied by 10^digits: ParseFixed("33.33", 2) is 3333.
func ParseFixed(s string, digits int) (int64, bool) {
	if s == "" {
		return 0, false
	}
	var v int64
	point, ok := digits == 0, true // point: no "." may follow
	behind := false
	for i := 0; i < len(s); i++ {
		if s[i] == '.' && !point {
			point, behind = true, true
			continue
		}
		if v, ok = appendDigit(v, s[i]); !ok || behind && digits == 0 {
			return 0, false
		}
		if behind {
			digits--
		}
	}
	for ; digits > 0; digits-- {
		if v > math.MaxInt64/10 {
			return 0, false
		}
		v *= 10
	}
	return v, true
}

// appendDigit returns 10v+c; false if c is no digit or the result too large.
func appendDigit(v int64, c byte) (int64, bool) {
	digit := int64(c) - '0'
	if digit < 0 || digit > 9 || v > (math.MaxInt64-digit)/10 {
		return 0, false
	}
	return v*10 + digit, true
}

// ParseSize reads a number of bytes: digits and perhaps k or m, in either case.
func ParseSize(s string) (int64, bool) { return parseBytes(s, false) }

// ParseOffset reads a number of bytes like [ParseSize], and also knows g.
func ParseOffset(s string) (int64, bool) { return parseBytes(s, true) }

func parseBytes(s string, giga bool) (int64, bool) {
	if s == "" {
		return 0, false
	}
	scale := int64(1)
	switch unit := s[len(s)-1] | 0x20; { // lower case
	case unit == 'k':
		scale = 1 << 10
	case unit == 'm':
		scale = 1 << 20
	case unit == 'g' && giga:
		scale = 1 << 30
	}
	if scale > 1 {
		s = s[:len(s)-1]
	}
	v, ok := ParseNumber(s)
	if !ok || v > math.MaxInt64/scale {
		return 0, false
	}
	return v * scale, true
}

// ParseMsec reads a time of nginx's millisecond directives: numbers with the
// units w d h m s ms in this order; a number without unit is seconds. Times
// beyond what a Duration holds (292 years) become the longest Duration.
func ParseMsec(s string) (time.Duration, bool) {
	v, ok := parseTime(s, 1000)
	return saturate(v, time.Millisecond), ok
}

// ParseSec reads a time of nginx's second directives: numbers with the units
// y M w d h m s in this order. Overlong times become the longest Duration.
func ParseSec(s string) (time.Duration, bool) {
	v, ok := parseTime(s, 1)
	return saturate(v, time.Second), ok
}

func saturate(v int64, unit time.Duration) time.Duration {
	if v > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(v) * unit
}

// timeUnits are in the order in which they may follow each other.
var timeUnits = [...]struct {
	name    byte
	seconds int64
}{{'y', 365 * 86400}, {'M', 30 * 86400}, {'w', 7 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}

// Ranks in timeUnits that the syntax treats specially.
const (
	rankWeek   = 2
	rankSecond = 6
	rankMsec   = 7
	rankLast   = 8 // after a blank: only a bare number may follow
)

// parseTime sums up s in units of which a second has perSecond: 1 or 1000.
func parseTime(s string, perSecond int64) (total int64, ok bool) {
	next := 0 // rank of the largest unit still allowed
	if perSecond > 1 {
		next = rankWeek
	}
	digits := false
	for s != "" {
		var v int64
		for s != "" && s[0] >= '0' && s[0] <= '9' {
			if v, ok = appendDigit(v, s[0]); !ok {
				return 0, false
			}
			s, digits = s[1:], true
		}
		scale := perSecond
		if s != "" {
			if s, next, scale = timeUnit(s, next, perSecond); scale == 0 {
				return 0, false
			}
		}
		if v > (math.MaxInt64-total)/scale {
			return 0, false
		}
		total += v * scale
	}
	return total, digits
}

// timeUnit takes a unit and the blanks behind it from s. It returns the rest,
// the rank that the next unit must have at least, and the unit's scale: 0 if
// there is no unit or one of a lower rank than next.
func timeUnit(s string, next int, perSecond int64) (rest string, after int, scale int64) {
	rank := 0
	switch {
	case strings.HasPrefix(s, "ms"):
		s, rank, scale = s[1:], rankMsec, perSecond/1000
	case s[0] == ' ':
		rank, scale = rankSecond, perSecond
	default:
		for rank < len(timeUnits)-1 && timeUnits[rank].name != s[0] {
			rank++
		}
		if timeUnits[rank].name == s[0] {
			scale = timeUnits[rank].seconds * perSecond
		}
	}
	if rank < next {
		return "", 0, 0
	}
	if s[0] == ' ' {
		rank = rankLast
	}
	return strings.TrimLeft(s[1:], " "), rank + 1, scale
}
