package parser

import (
	"errors"
	"strconv"
	"syscall"
	"unicode"

	"github.com/tufanbarisyildirim/gonginx/config"
)

// Error is a mistake in a configuration and the place of it, worded as nginx
// words it.
type Error struct {
	File string // as opened; CommandLine for -g; empty if there is no place
	Line int    // from 1; 0 if there is none, as on the command line
	Msg  string // without the place

	// Level is the level nginx logs the error at, "" being emerg. "crit" is
	// used for a file that can be opened but not read.
	Level string

	// Err is the cause outside of the configuration, usually a
	// syscall.Errno; nil if there is none. Msg includes its text.
	Err error
}

// maxMessage is where nginx cuts the text of a configuration error.
const maxMessage = 1024

// Error is Msg followed by " in FILE:LINE", as far as those are known. As in
// nginx, Msg is cut at 1024 bytes.
func (e *Error) Error() string {
	msg := e.Msg[:min(len(e.Msg), maxMessage)]
	if e.File == "" {
		return msg
	}
	if e.Line == 0 {
		return msg + " in " + e.File
	}
	return msg + " in " + e.File + ":" + strconv.Itoa(e.Line)
}

// Unwrap gives Err, so that errors.Is(err, fs.ErrNotExist) works.
func (e *Error) Unwrap() error { return e.Err }

// Broken is a directive that could not be read. It stands last in the
// innermost block that was open, in place of everything that would follow,
// and has neither name nor parameters.
type Broken struct {
	config.Directive
	Err *Error
}

func newBroken(err *Error, line int) *Broken {
	return &Broken{Err: err, Directive: config.Directive{Line: line}}
}

// systemError words a failed call like nginx: `open() "x" failed (2: No such
// file or directory)`. The number must not be lost, so a long path is cut.
func systemError(call, path string, err error) *Error {
	const roomForNumber = 50
	msg := call + `() "` + path + `" failed`
	if len(msg) > maxMessage-roomForNumber {
		msg = msg[:maxMessage-roomForNumber] + "..."
	}
	return &Error{Msg: msg + errnoText(err), Err: err}
}

// errnoText is " (2: No such file or directory)". Go spells the texts of the
// C library with a small first letter.
func errnoText(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return " (" + err.Error() + ")"
	}
	text := []rune(errno.Error())
	text[0] = unicode.ToUpper(text[0])
	return " (" + strconv.Itoa(int(errno)) + ": " + string(text) + ")"
}
