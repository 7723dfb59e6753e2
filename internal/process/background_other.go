//go:build !unix

package process

import "os"

// HasBackground reports whether [Background] works on this system.
const HasBackground = false

func startAgain(*os.File) (*os.Process, error) { return nil, ErrUnsupported }

func childPipe() *os.File { return nil }

// Detach does nothing here.
func (c *Child) Detach(bool) error { return nil }

// RedirectStderr does nothing here.
func RedirectStderr(*os.File) error { return nil }
