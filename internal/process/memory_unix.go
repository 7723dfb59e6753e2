//go:build unix && !linux

package process

import "os"

// Memory makes a file that nobody else can open.
func Memory(name string) (*os.File, error) {
	f, err := os.CreateTemp("", name)
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
