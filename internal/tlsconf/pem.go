package tlsconf

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// opensslQueue is the queue of OpenSSL's errors after a failure, the oldest one
// first: "error:0480006C:PEM routines::no start line". There may be none.
type opensslQueue string

// Error implements error.
func (q opensslQueue) Error() string { return string(q) }

// opensslError is a failed call of OpenSSL as nginx logs it: the name of the
// call, and the queue of errors.
type opensslError struct {
	call  string // "PEM_read_bio_X509() failed"
	queue []string
}

// Error implements error.
func (e *opensslError) Error() string { return withQueue(e.call, e.queue...) }

// failed is the failure of a call with what is left in the queue.
func failed(call string, queue error) error {
	if queue.Error() == "" {
		return &opensslError{call, nil}
	}
	return &opensslError{call, []string{queue.Error()}}
}

// withQueue adds OpenSSL's errors to a text.
func withQueue(text string, queue ...string) string {
	if len(queue) == 0 {
		return text
	}
	return text + " (SSL: " + strings.Join(queue, " ") + ")"
}

// Errors of OpenSSL about PEM texts.
const (
	errNoStartLine = "error:0480006C:PEM routines::no start line:"
	errBadEndLine  = "error:04800066:PEM routines::bad end line"
	errBadBase64   = "error:04800064:PEM routines::bad base64 decode"
)

const errSystemLib = "error:10080002:BIO routines::system lib"

// dataPrefix marks a name that is the contents.
const dataPrefix = "data:"

// IsData reports whether a name of a certificate or key is none, but has the PEM
// text itself, behind "data:".
func IsData(name string) bool { return strings.HasPrefix(name, dataPrefix) }

// readPEM reads a file, or what stands behind "data:". A folder reads as an
// empty file.
func readPEM(name string) ([]byte, error) {
	if text, ok := strings.CutPrefix(name, dataPrefix); ok {
		return []byte(text), nil
	}
	text, queue := readFile(name, "r")
	if queue != nil {
		return nil, &opensslError{"BIO_new_file() failed", queue}
	}
	return text, nil
}

// readFile reads a file, or returns OpenSSL's errors about it.
func readFile(name, mode string) (text []byte, queue []string) {
	text, err := os.ReadFile(name)
	var errno syscall.Errno
	switch {
	case err == nil:
		return text, nil
	case !errors.As(err, &errno):
		errno = syscall.EIO
	case errno == syscall.EISDIR:
		return nil, nil
	}
	reason := errSystemLib
	if errno == syscall.ENOENT || errno == syscall.ENXIO {
		reason = "error:10000080:BIO routines::no such file"
	}
	return nil, []string{systemError(errno) + ":calling fopen(" + name + ", " + mode + ")", reason}
}

// systemError is an errno among OpenSSL's errors.
func systemError(e syscall.Errno) string {
	code := strings.ToUpper(strconv.FormatUint(0x80000000|uint64(e), 16))
	return "error:" + code + ":system library::" + capitalized(e.Error())
}

func capitalized(text string) string {
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}

// pemBlock is a part of a PEM text.
type pemBlock struct {
	kind   string
	header string // lines in front of the contents
	der    []byte
	line   int // of its beginning, from 1
}

// pemReader takes the blocks of a PEM text one by one, as OpenSSL does.
type pemReader struct {
	rest  []byte
	read  int  // lines so far
	ended bool // the last one was read to its end
}

// next returns the next block of one of the kinds, others are passed over. The
// error is an [opensslQueue]; expecting is the kind that it names. Contents
// that are encrypted count as an error.
func (r *pemReader) next(expecting string, kinds ...string) (*pemBlock, error) {
	for {
		b, err := r.block()
		switch {
		case isNoStartLine(err):
			return nil, opensslQueue(errNoStartLine + "Expecting: " + expecting)
		case err != nil:
			return nil, err
		case !slices.Contains(kinds, b.kind):
			continue
		}
		cipher, err := b.encryption()
		if cipher != nil {
			err = opensslQueue(errNoPassword)
		}
		return b, err
	}
}

// isNoStartLine reports whether an error says that there are no more blocks.
func isNoStartLine(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), errNoStartLine)
}

const pemBegin, pemEnd, pemDashes = "-----BEGIN ", "-----END ", "-----"

// block reads up to the end of the next block.
func (r *pemReader) block() (*pemBlock, error) {
	b := &pemBlock{}
	bom := []byte("\xEF\xBB\xBF")
	for first := true; b.line == 0; first = false {
		piece, ok := r.piece()
		if !ok {
			return nil, opensslQueue(errNoStartLine)
		}
		if first && len(piece) > len(bom) {
			piece = bytes.TrimPrefix(piece, bom)
		}
		text := trimEnd(piece)
		if after, ok := bytes.CutPrefix(text, []byte(pemBegin)); ok && bytes.HasSuffix(after, []byte(pemDashes)) {
			b.kind, b.line = string(after[:len(after)-len(pemDashes)]), r.read
		}
	}
	text, err := r.contents(b)
	if err != nil {
		return nil, err
	}
	if b.der, err = decodeBase64(text); err != nil {
		return nil, err
	}
	return b, nil
}

// contents reads up to the end of a block: the header, if there is a line with a
// colon or an empty one, and the text behind the empty line.
func (r *pemReader) contents(b *pemBlock) (text []byte, err error) {
	const headerLine = 64 // the only length of lines behind a header, but for the last one
	var parts [2][]byte
	parts[0] = make([]byte, 0, max(0, bytes.Index(r.rest, []byte(pemEnd)))) // revocation lists can be large
	part, colon, ended, partly := 0, false, false, false
	for {
		piece, ok := r.piece()
		if !ok {
			return nil, opensslQueue(errBadEndLine)
		}
		within := partly
		partly = len(piece) == maxPiece && piece[maxPiece-1] != '\n'
		colon = colon || part == 0 && bytes.IndexByte(piece, ':') >= 0
		line := trimEnd(piece)
		switch end, ok := bytes.CutPrefix(line, []byte(pemEnd)); {
		case len(line) == 0 && within: // the end of a long line
			continue
		case len(line) == 0 && part == 0:
			part = 1
			continue
		case ok && string(end) == b.kind+pemDashes && part == 0 && !colon:
			return parts[0], nil
		case ok && string(end) == b.kind+pemDashes:
			b.header = string(parts[0])
			return parts[1], nil
		case len(line) == 0, ok, ended:
			return nil, opensslQueue(errBadEndLine)
		}
		parts[part] = append(append(parts[part], line...), '\n')
		if part == 1 && len(line) > headerLine {
			return nil, opensslQueue("")
		}
		ended = part == 1 && len(line) < headerLine
	}
}

// maxPiece is how many bytes OpenSSL reads of a line at once.
const maxPiece = 254

// piece returns the next line with its end, or as much of it as is read at once;
// false at the end of the text. What follows a NUL is lost.
func (r *pemReader) piece() ([]byte, bool) {
	piece := r.rest[:min(len(r.rest), maxPiece)]
	if i := bytes.IndexByte(piece, '\n'); i >= 0 {
		piece = piece[:i+1]
	}
	if fresh := r.read == 0 || r.ended; fresh && len(piece) > 0 {
		r.read++
	}
	r.ended = bytes.HasSuffix(piece, []byte("\n"))
	r.rest = r.rest[len(piece):]
	piece, _, _ = bytes.Cut(piece, []byte{0})
	return piece, len(piece) > 0
}

// trimEnd takes blanks, and whatever else is no visible ASCII, off the end of a
// line.
func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] <= ' ' || line[len(line)-1] >= 0x80) {
		line = line[:len(line)-1]
	}
	return line
}

// decodeBase64 decodes the text of a block, which ends with its first hyphen. It
// takes the blanks out of text.
func decodeBase64(text []byte) ([]byte, error) {
	if i := bytes.IndexByte(text, '-'); i >= 0 {
		text = text[:i]
	}
	digits := text[:0]
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			digits = append(digits, c)
		}
	}
	der, err := base64.StdEncoding.AppendDecode(nil, digits)
	switch {
	case err != nil:
		return nil, opensslQueue(errBadBase64)
	case len(der) == 0:
		return nil, opensslQueue("")
	}
	return der, nil
}
