package regex

const hexDigits = "0123456789abcdef"

// set is a set of bytes.
type set [4]uint64

func (s *set) has(c byte) bool { return s[c>>6]>>(c&63)&1 != 0 }
func (s *set) add(c byte)      { s[c>>6] |= 1 << (c & 63) }

func (s *set) addRange(lo, hi byte) {
	for c := int(lo); c <= int(hi); c++ {
		s.add(byte(c))
	}
}

func (s *set) addSet(t *set) {
	for i := range s {
		s[i] |= t[i]
	}
}

func (s *set) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

// fold adds the other case of every ASCII letter.
func (s *set) fold() {
	for c := byte('a'); c <= 'z'; c++ {
		if s.has(c) || s.has(c&^0x20) {
			s.add(c)
			s.add(c &^ 0x20)
		}
	}
}

// setOf returns the bytes for which f is true.
func setOf(f func(c byte) bool) *set {
	s := &set{}
	for c := range 256 {
		if f(byte(c)) {
			s.add(byte(c))
		}
	}
	return s
}

// append writes the set as a class that both engines understand alike, the
// shorter of "[...]" and "[^...]".
func (s *set) append(out []byte) []byte {
	inverse := *s
	inverse.invert()
	if len(s.ranges()) <= len(inverse.ranges()) && *s != (set{}) {
		return appendRanges(append(out, '['), s.ranges())
	}
	if inverse == (set{}) {
		return append(out, `(?s:.)`...)
	}
	return appendRanges(append(out, '[', '^'), inverse.ranges())
}

// ranges returns the runs of bytes in the set.
func (s *set) ranges() (runs [][2]byte) {
	for c := 0; c < 256; c++ {
		if !s.has(byte(c)) {
			continue
		}
		lo := c
		for c < 255 && s.has(byte(c+1)) {
			c++
		}
		runs = append(runs, [2]byte{byte(lo), byte(c)})
	}
	return runs
}

func appendRanges(out []byte, runs [][2]byte) []byte {
	for _, r := range runs {
		out = appendByte(out, r[0])
		if r[1] > r[0] {
			out = append(out, '-')
			out = appendByte(out, r[1])
		}
	}
	return append(out, ']')
}

// appendByte writes a byte so that it stands for itself, inside and outside
// of classes. An escaped hyphen begins no range for regexp2, so that becomes hex.
func appendByte(out []byte, c byte) []byte {
	switch {
	case isWord(c):
		return append(out, c)
	case c > ' ' && c < 0x7f && c != '-':
		return append(out, '\\', c)
	}
	return append(out, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}
