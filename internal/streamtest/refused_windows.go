package streamtest

import "net"

// bound was a port for a moment; it may be another's later.
type bound struct{ address string }

func boundSocket() (bound, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return bound{}, err
	}
	defer ln.Close()
	return bound{ln.Addr().String()}, nil
}

func (bound) close() {}
