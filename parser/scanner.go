package parser

import (
	"strings"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// maxWord is the size of nginx's read buffer, which a word, a comment, or a
// quoted string has to fit in.
const maxWord = 4096

// ending is what ended a scanned directive.
type ending int

const (
	broken     ending = iota // see scanner.err
	semicolon                // words ;
	blockStart               // words {
	blockEnd                 // }
	endOfText
)

// What a byte can be where it matters.
const (
	blank   = 1 << iota // separates words
	special             // not an ordinary byte of an unquoted word
)

// classes is a constant table in all but name: Go has no constant arrays.
var classes = [256]uint8{
	' ': blank | special, '\t': blank | special, '\r': blank | special, '\n': blank | special,
	';': special, '{': special, '\\': special, '$': special,
}

// scanner cuts a text into directives. Words are substrings of the text.
type scanner struct {
	file string
	text string
	pos  int
	line int // of pos
	// param: the text comes from -g, was never in a read buffer, and so has no
	// limit on words; it has no lines to report either.
	param bool

	// The directive read last.
	words     []config.Parameter // lines relative to startLine
	startLine int                // of the first word
	leading   []comment          // before the first word, and of blocks that ended
	inner     []comment          // after the first word; lines relative, of the word before
	err       *Error
}

type comment struct {
	text string
	line int
}

func newScanner(file, text string) *scanner {
	s := &scanner{file: file, text: text, line: 1, param: file == CommandLine}
	s.words = make([]config.Parameter, 0, 16)
	return s
}

// next reads up to and including the end of the next directive or block.
func (s *scanner) next() ending {
	s.words, s.inner = s.words[:0], s.inner[:0]
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '\n':
			s.line++
			s.pos++
		case classes[c]&blank != 0:
			s.pos++
		case c == ';' || c == '{' || c == '}':
			return s.terminator(c)
		case c == '#':
			if !s.comment() {
				return broken
			}
		case c == '"' || c == '\'':
			if !s.quoted(c) {
				return broken
			}
		default:
			if !s.word() {
				return broken
			}
		}
	}
	if len(s.words) > 0 {
		s.err = s.unfinished()
		return broken
	}
	return endOfText
}

func (s *scanner) terminator(c byte) ending {
	if (c == '}') != (len(s.words) == 0) {
		s.err = s.unexpected(c)
		return broken
	}
	s.pos++
	switch c {
	case ';':
		return semicolon
	case '{':
		return blockStart
	}
	return blockEnd
}

// word reads an unquoted word, which begins at pos.
func (s *scanner) word() bool {
	line := s.line
	return s.endWord(s.pos, s.pos, s.unquotedEnd(), line)
}

// quoted reads a quoted word, and looks at the byte after it, which has to
// end the word.
func (s *scanner) quoted(quote byte) bool {
	raw, line := s.pos, s.line
	end := s.quotedEnd(quote)
	if s.overflow(raw+1, end) {
		return s.tooLong(raw+1, line, quote)
	}
	if !s.endWord(raw, raw+1, end+1, line) {
		return false
	}
	switch c := s.text[s.pos]; {
	case classes[c]&blank != 0, c == ';', c == '{', c == ')':
		return true
	default:
		s.err = s.unexpected(c)
		return false
	}
}

// unquotedEnd is the end of the unquoted word at pos.
func (s *scanner) unquotedEnd() int {
	text, i := s.text, s.pos
	for i < len(text) {
		c := text[i]
		if classes[c]&special == 0 {
			i++
			continue
		}
		switch c {
		case '\\': // hides the next byte
			if i+1 < len(text) && text[i+1] == '\n' {
				s.line++
			}
			i += 2
		case '$': // ${ does not start a block, and neither does ${{
			for i++; i < len(text) && text[i] == '{'; i++ {
			}
		default:
			return i
		}
	}
	return len(text)
}

// quotedEnd is the place of the quote that closes the one at pos.
func (s *scanner) quotedEnd(quote byte) int {
	text := s.text
	for i := s.pos + 1; i < len(text); i++ {
		c := text[i]
		if c == quote {
			return i
		}
		if c == '\\' && i+1 < len(text) {
			i++
			c = text[i]
		}
		if c == '\n' {
			s.line++
		}
	}
	return len(text)
}

// endWord keeps text[raw:end] as a word of the directive, unless it cannot be
// one. From start on it was in nginx's buffer, and it stays there until nginx
// has seen one more byte after a blank.
func (s *scanner) endWord(raw, start, end, line int) bool {
	last := end
	if end < len(s.text) && classes[s.text[end]]&blank != 0 {
		last++
	}
	if s.overflow(start, last) {
		return s.tooLong(start, line, 0)
	}
	if end >= len(s.text) {
		s.err = s.unfinished()
		return false
	}
	if len(s.words) == 0 {
		s.startLine = line
	}
	s.words = append(s.words, config.Parameter{Value: s.text[raw:end], RelativeLineIndex: line - s.startLine})
	s.pos = end
	return true
}

// comment reads up to the end of the line, which stays.
func (s *scanner) comment() bool {
	start := s.pos
	end := strings.IndexByte(s.text[start:], '\n') + start
	if end < start {
		end = len(s.text)
	}
	if s.overflow(start, end) {
		return s.tooLong(start, s.line, 0)
	}
	text := strings.TrimSuffix(s.text[start:end], "\r")
	if n := len(s.words); n > 0 {
		s.inner = append(s.inner, comment{text, s.words[n-1].RelativeLineIndex})
	} else {
		s.leading = append(s.leading, comment{text, s.lineNumber()})
	}
	s.pos = end
	return true
}

// overflow reports whether nginx's buffer is full before the byte at last can
// be read, given that the bytes from start on must be kept in it.
func (s *scanner) overflow(start, last int) bool {
	return last-start >= maxWord && start+maxWord < len(s.text) && !s.param
}

// tooLong is about what began at start. quote is the quote still open or 0.
func (s *scanner) tooLong(start, line int, quote byte) bool {
	s.line = line
	if quote != 0 {
		s.err = s.failure(`too long parameter, probably missing terminating "` + string(rune(quote)) + `" character`)
	} else {
		s.err = s.failure(`too long parameter "` + s.text[start:start+10] + `..." started`)
	}
	return false
}

func (s *scanner) unexpected(c byte) *Error {
	return s.failure(`unexpected "` + string([]byte{c}) + `"`)
}

func (s *scanner) unfinished() *Error {
	if s.param {
		return s.failure(`unexpected end of parameter, expecting ";"`)
	}
	return s.failure(`unexpected end of file, expecting ";" or "}"`)
}

func (s *scanner) unclosed() *Error {
	return s.failure(`unexpected end of file, expecting "}"`)
}

func (s *scanner) failure(msg string) *Error {
	return &Error{File: s.file, Line: s.lineNumber(), Msg: msg}
}

// lineNumber is the line to report for what was read last.
func (s *scanner) lineNumber() int {
	if s.param {
		return 0
	}
	return s.line
}
