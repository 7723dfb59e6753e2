//go:build unix && !linux

package process

func keepCapabilities() error { return ErrUnsupported }

func onlyRawSockets() error { return ErrUnsupported }

// AllowDump does nothing here.
func AllowDump() error { return nil }
