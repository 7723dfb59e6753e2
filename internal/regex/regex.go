// Package regex matches the regular expressions of a configuration the way
// nginx does with PCRE2: on bytes, not characters, and with PCRE2's error texts.
//
// A pattern is read by PCRE2's rules and written anew for one of two engines:
// Go's regexp, which needs linear time, or, for what that cannot do (look-around,
// back references, atomic groups), github.com/dlclark/regexp2, which may take
// exponential time and is therefore stopped after a second. Recursion, callouts
// and control verbs such as (*SKIP) exist in neither and are refused.
package regex

import (
	"regexp"
	"sync"
	"time"

	"github.com/dlclark/regexp2"
)

// timeout ends a match that backtracks without end. PCRE2 has a limit of steps
// instead, which takes it a similar time to reach.
const timeout = time.Second

// Regexp is a compiled pattern. Many goroutines may use it.
type Regexp struct {
	pattern  string
	captures int
	names    []Name

	// fast is nil if the pattern needs the other engine.
	fast *regexp.Regexp

	// trailing tells that a newline at the end of the string matters: "$" is
	// true before it, to PCRE2. Go's regexp cannot express that without taking
	// the newline along, so strings that end in one are given to the other
	// engine, which is compiled when the first one turns up.
	trailing bool
	slow     func() (*regexp2.Regexp, error)
}

// Name is a named group, "(?<name>...)".
type Name struct {
	Name  string
	Group int // counted from 1
}

// Compile compiles a pattern; caseless is for "~*". The error is nginx's, such as
// `pcre2_compile() failed: missing closing parenthesis in "("`, and of type *Error
// unless an engine cannot cope with the size of the pattern.
func Compile(pattern string, caseless bool) (*Regexp, error) {
	p := parse(pattern, caseless, nil)
	if p.err != nil {
		return nil, p.err
	}
	re := &Regexp{pattern: pattern, captures: p.captures, names: p.sortedNames(), trailing: p.trailing}
	re.slow = sync.OnceValues(func() (*regexp2.Regexp, error) {
		return compileSlow(pattern, caseless)
	})
	if !p.slow {
		// It fails for repetitions above 1000, for instance.
		if fast, err := regexp.Compile(string(p.out)); err == nil {
			re.fast = fast
			return re, nil
		}
	}
	if _, err := re.slow(); err != nil {
		return nil, &Error{Pattern: pattern, Offset: len(pattern), Msg: err.Error()}
	}
	return re, nil
}

// compileSlow compiles a pattern that is known to be well-formed for regexp2.
func compileSlow(pattern string, caseless bool) (*regexp2.Regexp, error) {
	p := parse(pattern, caseless, parse(pattern, caseless, nil))
	re, err := regexp2.Compile(string(p.out), regexp2.None)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = timeout
	return re, nil
}

// String returns the pattern.
func (re *Regexp) String() string { return re.pattern }

// NumCaptures returns the number of groups that capture.
func (re *Regexp) NumCaptures() int { return re.captures }

// Names returns the named groups in alphabetical order. nginx turns each into a
// variable. The slice must not be changed.
func (re *Regexp) Names() []Name { return re.names }
