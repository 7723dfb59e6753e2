package tlsconf

import (
	"bytes"
	"fmt"
	"os"
)

// maxPassword is the size of nginx's buffer for a line of a password file, in
// bytes. Without its end the line must be shorter.
const maxPassword = 4096

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
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) >= maxPassword {
			return nil, fmt.Errorf("too long line in \"%s\"", name)
		}
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
			found = append(found, string(line))
		}
	}
	if found == nil {
		found = []string{""}
	}
	return found, nil
}
