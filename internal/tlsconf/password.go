package tlsconf

import (
	"bytes"
	"fmt"
	"os"
)

// maxPassword is how long a line of a password file may be, in bytes, with its
// end: nginx's buffer for it.
const maxPassword = 512

// Passwords reads a file with a pass phrase on each line. Empty lines do not
// count, but a file without any has one empty pass phrase, so that the result
// is never nil. The file may be a pipe. Errors of the system are as package os
// makes them.
func Passwords(name string) ([]string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParsePasswords(name, text)
}

// ParsePasswords is [Passwords] for a file that has been read.
func ParsePasswords(name string, text []byte) ([]string, error) {
	var found []string
	for line := range bytes.Lines(text) {
		if len(line) > maxPassword {
			return nil, fmt.Errorf("too long line in \"%s\"", name)
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
			found = append(found, string(line))
		}
	}
	if found == nil {
		found = []string{""}
	}
	return found, nil
}
