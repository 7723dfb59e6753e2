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

// opensslError is a failed call of OpenSSL as nginx logs it: the name of the
// call, and the queue of errors.
type opensslError struct {
	call  string   // "PEM_read_bio_X509() failed"
	queue []string // "error:0480006C:PEM routines::no start line"
}

// Error implements error.
func (e *opensslError) Error() string { return withQueue(e.call, e.queue...) }

// withQueue adds OpenSSL's errors to a text.
func withQueue(text string, queue ...string) string {
	if len(queue) == 0 {
		return text
	}
	return text + " (SSL: " + strings.Join(queue, " ") + ")"
}

// Errors of OpenSSL about PEM texts.
const (
	errNoStartLine = "error:0480006C:PEM routines::no start line:Expecting: "
	errBadEndLine  = "error:04800066:PEM routines::bad end line"
	errBadBase64   = "error:04800064:PEM routines::bad base64 decode"
)

// dataPrefix marks a name that is the contents.
const dataPrefix = "data:"

// IsData tells whether a name of a certificate or key is none, but has the PEM
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
	reason := "error:10080002:BIO routines::system lib"
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
	kind    string
	headers map[string]string
	der     []byte
}

// pemReader takes the blocks of a PEM text one by one. It finds what OpenSSL
// finds, except that lines may have any length.
type pemReader struct{ rest []byte }

// next returns the next block of one of the kinds, others are passed over. The
// error is OpenSSL's; expecting is the kind that it names.
func (r *pemReader) next(expecting string, kinds ...string) (*pemBlock, string) {
	for {
		b, problem := r.block()
		switch {
		case problem == errNoStartLine:
			return nil, errNoStartLine + expecting
		case problem != "":
			return nil, problem
		case slices.Contains(kinds, b.kind):
			return b, ""
		}
	}
}

const pemBegin, pemEnd, pemDashes = "-----BEGIN ", "-----END ", "-----"

// block reads up to the end of the next block.
func (r *pemReader) block() (*pemBlock, string) {
	b := &pemBlock{}
	for b.kind == "" {
		line, ok := r.line()
		if !ok {
			return nil, errNoStartLine
		}
		if after, ok := bytes.CutPrefix(line, []byte(pemBegin)); ok && bytes.HasSuffix(after, []byte(pemDashes)) {
			b.kind = string(after[:len(after)-len(pemDashes)])
		}
	}
	var text []byte
	for {
		line, ok := r.line()
		if !ok {
			return nil, errBadEndLine
		}
		if end, ok := bytes.CutPrefix(line, []byte(pemEnd)); ok {
			if string(end) != b.kind+pemDashes {
				return nil, errBadEndLine
			}
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && len(text) == 0 {
			b.addHeader(string(name), string(value))
			continue
		}
		text = append(text, line...)
	}
	var err error
	if b.der, err = base64.StdEncoding.AppendDecode(nil, text); err != nil {
		return nil, errBadBase64
	}
	return b, ""
}

func (b *pemBlock) addHeader(name, value string) {
	if b.headers == nil {
		b.headers = map[string]string{}
	}
	b.headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
}

// line returns the next line without blanks at its end; false at the end of the
// text.
func (r *pemReader) line() ([]byte, bool) {
	if len(r.rest) == 0 {
		return nil, false
	}
	line, rest, _ := bytes.Cut(r.rest, []byte("\n"))
	r.rest = rest
	return bytes.TrimRight(line, " \t\r"), true
}
