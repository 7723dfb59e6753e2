package regex

import "strings"

// Error is a pattern that cannot be compiled.
type Error struct {
	Pattern string

	// Offset is where PCRE2 stopped reading, in bytes.
	Offset int

	// Msg is PCRE2's description, such as "missing closing parenthesis".
	Msg string
}

// Error returns nginx's text.
func (e *Error) Error() string {
	text := "pcre2_compile() failed: " + e.Msg + " in \"" + e.Pattern + "\""
	if e.Offset < len(e.Pattern) {
		text += " at \"" + e.Pattern[e.Offset:] + "\""
	}
	return text[:min(len(text), maxError)]
}

// maxError is where nginx cuts the text (NGX_MAX_CONF_ERRSTR).
const maxError = 1024

// What PCRE2 10.42 says.
const (
	errBackslashEnd   = `\ at end of pattern`
	errControlEnd     = `\c at end of pattern`
	errEscape         = `unrecognized character follows \`
	errOutOfOrder     = `numbers out of order in {} quantifier`
	errTooBig         = `number too big in {} quantifier`
	errClassEnd       = `missing terminating ] for character class`
	errClassEscape    = `escape sequence is invalid in character class`
	errRangeOrder     = `range out of order in character class`
	errNothingToQuant = `quantifier does not follow a repeatable item`
	errOption         = `unrecognized character after (? or (?-`
	errPosixOutside   = `POSIX named classes are supported only within a class`
	errCollating      = `POSIX collating elements are not supported`
	errMissingParen   = `missing closing parenthesis`
	errReference      = `reference to non-existent subpattern`
	errComment        = `missing ) after (?# comment`
	errNesting        = `parentheses are too deeply nested`
	errUnmatched      = `unmatched closing parenthesis`
	errCondition      = `missing closing parenthesis for condition`
	errLookbehind     = `lookbehind assertion is not fixed length`
	errRelativeZero   = `a relative value of zero is not allowed`
	errBranches       = `conditional subpattern contains more than two branches`
	errAssertion      = `assertion expected after (?( or (?(?C)`
	errSignedDigit    = `digit expected after (?+ or (?-`
	errPosixName      = `unknown POSIX class name`
	errCodePoint      = `character code point value in \x{} or \o{} is too large`
	errUnsupported    = `PCRE2 does not support \F, \L, \l, \N{name}, \U, or \u`
	errAfterP         = `unrecognized character after (?P`
	errNameSyntax     = `syntax error in subpattern name (missing terminator?)`
	errNameTwice      = `two named subpatterns have the same name (PCRE2_DUPNAMES not set)`
	errNameDigit      = `subpattern name must start with a non-digit`
	errProperty       = `malformed \P or \p sequence`
	errPropertyName   = `unknown property after \P or \p`
	errNameLong       = `subpattern name is too long (maximum 32 code units)`
	errClassRange     = `invalid range in character class`
	errOctal          = `octal value is greater than \377 in 8-bit non-UTF-8 mode`
	errOctalBrace     = `missing opening brace after \o`
	errG              = `\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number`
	errRecursionEnd   = `(?R (recursive pattern call) must be followed by a closing parenthesis`
	errVerb           = `(*VERB) not recognized or malformed`
	errNameExpected   = `subpattern name expected`
	errOctalDigit     = `non-octal character in \o{} (closing brace missing?)`
	errGroupNames     = `different names for subpatterns of the same number are not allowed`
	errHexDigit       = `non-hex character in \x{} (closing brace missing?)`
	errControlASCII   = `\c must be followed by a printable ASCII character`
	errK              = `\k is not followed by a braced, angle-bracketed, or quoted name`
	errClassN         = `\N is not supported in a class`
	errNoDigits       = `digits missing in \x{} or \o{} or \N{U+}`
	errUnicodeN       = `\N{U+dddd} is supported only in Unicode (UTF) mode`
	errHyphen         = `invalid hyphen in option setting`
	errKInside        = `\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)`
	errAlphaAssertion = `(*alpha_assertion) not recognized`
)

// notHere describes a feature of PCRE2 that this package lacks.
func notHere(feature string) string { return feature + " is not supported here" }

// isWord reports whether c may be part of a name.
func isWord(c byte) bool {
	return c == '_' || isDigit(c) || isLetter(c)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isSpace(c byte) bool  { return strings.IndexByte(" \t\n\v\f\r", c) >= 0 }
