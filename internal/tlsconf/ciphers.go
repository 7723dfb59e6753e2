package tlsconf

import (
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// cipherTable lists the cipher suites that OpenSSL 3.0 has, in its order of
// preference: number, name, oldest protocol, key exchange, authentication,
// encryption, message authentication.
//
//go:embed ciphers.txt
var cipherTable string

// suite is a cipher suite as OpenSSL describes it.
type suite struct {
	id                                 uint16
	name, protocol, kx, auth, enc, mac string
	bits                               int
}

var allSuites = sync.OnceValue(func() (all []*suite) {
	for line := range strings.Lines(cipherTable) {
		f := strings.Fields(line)
		id, err := strconv.ParseUint(f[0], 16, 16)
		if err != nil {
			panic(err)
		}
		s := &suite{id: uint16(id), name: f[1], protocol: f[2], kx: f[3], auth: f[4], enc: f[5], mac: f[6]}
		if _, bits, ok := strings.Cut(s.enc, "("); ok {
			s.bits, _ = strconv.Atoi(strings.TrimSuffix(bits, ")"))
		}
		all = append(all, s)
	}
	return all
})

var suitesByID = sync.OnceValue(func() map[uint16]*suite {
	m := map[uint16]*suite{}
	for _, s := range allSuites() {
		m[s.id] = s
	}
	return m
})

// supportedSuites are those of crypto/tls, by number; the value reports whether
// one is for TLS 1.3.
var supportedSuites = sync.OnceValue(func() map[uint16]bool {
	m := map[uint16]bool{}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		m[s.ID] = slices.Contains(s.SupportedVersions, tls.VersionTLS13)
	}
	return m
})

// CipherName is OpenSSL's name of a cipher suite, or of a signal that clients
// put among them, or the number.
func CipherName(id uint16) string {
	switch id {
	case 0x00ff:
		return "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
	case tls.TLS_FALLBACK_SCSV:
		return "TLS_FALLBACK_SCSV"
	}
	if s := suitesByID()[id]; s != nil {
		return s.name
	}
	return fmt.Sprintf("0x%04x", id)
}

// Suite says what a cipher suite of TLS 1.2 or older needs.
type Suite struct {
	ECDHE bool // a curve that both sides have
	ECDSA bool // a certificate with an elliptic curve key, and not with an RSA one
	TLS12 bool // TLS 1.2 itself
}

// SuiteByID describes a suite that crypto/tls has; false for others and those
// of TLS 1.3.
func SuiteByID(id uint16) (Suite, bool) {
	if tls13, ok := supportedSuites()[id]; !ok || tls13 {
		return Suite{}, false
	}
	s := suitesByID()[id]
	if s == nil {
		return Suite{}, false
	}
	return Suite{s.kx == "ECDH", s.auth == "ECDSA", s.protocol == "TLSv1.2"}, true
}

// errNoCipher is what OpenSSL says about a list without any cipher.
var errNoCipher = errors.New("(SSL: error:0A0000B9:SSL routines::no cipher match)")

var errCipherCommand = errors.New("(SSL: error:0A000118:SSL routines::invalid command)")

// Ciphers reads an OpenSSL cipher list, of the kind of ssl_ciphers, and returns
// the suites of TLS 1.2 and older that crypto/tls has, in the order of the
// list. missing are names of suites, given as such, that OpenSSL has and
// crypto/tls does not. If there is nothing but those, no suite is found.
//
// An error is what OpenSSL adds to `SSL_CTX_set_cipher_list("...") failed `.
func Ciphers(list string) (found []uint16, missing []string, err error) {
	l, err := readCiphers(list)
	if err != nil {
		return nil, nil, err
	}
	return l.found(), l.missing(), nil
}

func readCiphers(list string) (*cipherList, error) {
	l := newCipherList()
	if err := l.read(list); err != nil {
		return nil, err
	}
	l.active = slices.DeleteFunc(l.active, func(s *suite) bool { return s.protocol == "TLSv1.3" })
	if len(l.active) == 0 {
		return nil, errNoCipher
	}
	return l, nil
}

// found are the suites that crypto/tls has.
func (l *cipherList) found() (ids []uint16) {
	for _, s := range l.active {
		if _, ok := supportedSuites()[s.id]; ok {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// missing are the suites that it does not have and the list names.
func (l *cipherList) missing() (names []string) {
	for _, s := range l.active {
		if _, ok := supportedSuites()[s.id]; !ok && slices.Contains(l.named, s.name) {
			names = append(names, s.name)
		}
	}
	return names
}

// cipherList is a list while it is read. Suites that are in none of the slices
// have been removed for good.
type cipherList struct {
	active, rest []*suite
	named        []string // words of the list
	level        int      // the last one that it sets; -1: none
}

func newCipherList() *cipherList { return &cipherList{rest: slices.Clone(allSuites()), level: -1} }

// defaultCiphers is what the word DEFAULT stands for.
const defaultCiphers = "ALL:!COMPLEMENTOFDEFAULT:!eNULL"

// read applies the rules of a list one after the other.
func (l *cipherList) read(list string) error {
	if after, ok := strings.CutPrefix(list, "DEFAULT"); ok {
		if err := l.read(defaultCiphers); err != nil {
			return err
		}
		list = after
	}
	for list != "" {
		if strings.IndexByte(listSeparators, list[0]) >= 0 {
			list = list[1:]
			continue
		}
		var err error
		if list, err = l.rule(list); err != nil {
			return err
		}
	}
	return nil
}

const listSeparators = ":;, "

// rule applies the rule that a list begins with and returns the rest. There need
// not be a separator between two rules. What follows a word that nobody knows
// does not matter up to the next separator, as in OpenSSL.
func (l *cipherList) rule(list string) (rest string, err error) {
	op := list[0]
	if strings.IndexByte("!-+@", op) >= 0 {
		list = list[1:]
	} else {
		op = 0
	}
	var words []string
	for {
		n := wordLength(list)
		if n == 0 {
			return "", errCipherCommand
		}
		word := list[:n]
		list = list[n:]
		if op == '@' {
			return skipItem(list), l.command(word)
		}
		if !isCipherWord(word) {
			return skipItem(list), nil
		}
		words = append(words, word)
		if !strings.HasPrefix(list, "+") {
			break
		}
		list = list[1:]
	}
	l.apply(op, words)
	return list, nil
}

// wordLength is the length of the word that a text begins with.
func wordLength(text string) int {
	n := strings.IndexFunc(text, func(c rune) bool {
		return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("-.=", c))
	})
	if n < 0 {
		return len(text)
	}
	return n
}

// skipItem returns a list from its next separator on.
func skipItem(list string) string {
	return strings.TrimLeftFunc(list, func(c rune) bool { return !strings.ContainsRune(listSeparators, c) })
}

// apply does to the suites that all words stand for what the operator says.
func (l *cipherList) apply(op byte, words []string) {
	matches := func(s *suite) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !s.is(w) })
	}
	switch op {
	case 0:
		l.named = append(l.named, words...)
		l.add(matches)
	case '!':
		l.active = slices.DeleteFunc(l.active, matches)
		l.rest = slices.DeleteFunc(l.rest, matches)
	case '-':
		gone, stay := split(l.active, matches)
		l.active, l.rest = stay, append(gone, l.rest...)
	case '+':
		moved, stay := split(l.active, matches)
		l.active = append(stay, moved...)
	}
}

func (l *cipherList) add(matches func(*suite) bool) {
	added, rest := split(l.rest, matches)
	l.active, l.rest = append(l.active, added...), rest
}

// split parts a list in two without changing it.
func split(list []*suite, matches func(*suite) bool) (yes, no []*suite) {
	for _, s := range list {
		if matches(s) {
			yes = append(yes, s)
		} else {
			no = append(no, s)
		}
	}
	return yes, no
}

// command is "@STRENGTH" or "@SECLEVEL=N".
func (l *cipherList) command(word string) error {
	if word == "STRENGTH" {
		slices.SortStableFunc(l.active, func(a, b *suite) int { return b.bits - a.bits })
		return nil
	}
	level, ok := strings.CutPrefix(word, "SECLEVEL=")
	if !ok || len(level) != 1 || level[0] < '0' || level[0] > '5' {
		return errCipherCommand
	}
	l.level = int(level[0] - '0')
	return nil
}

// is reports whether the suite is one of those that a word of a list stands for.
func (s *suite) is(word string) bool {
	if word == s.name {
		return true
	}
	is, known := cipherWords[word]
	return known && is(s)
}

// isCipherWord reports whether a word of a list stands for any suite.
func isCipherWord(word string) bool {
	_, known := cipherWords[word]
	return known || slices.ContainsFunc(allSuites(), func(s *suite) bool { return s.name == word && s.protocol != "TLSv1.3" })
}
