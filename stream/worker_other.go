//go:build !linux

package stream

// worker_other.go - systems without event loops of ours: sessions run on
// goroutines.

// workers are none.
type workers struct{}

func (*workers) none() bool          { return true }
func (*workers) start(*Server) error { return nil }
func (*workers) stop()               {}
func (*workers) endSessions()        {}

// acceptors are none.
type acceptors struct{}

func (acceptors) close()          {}
func (*listener) startAcceptors() {}

// packetSockets are there for event loops only.
type packetSockets struct{}

func (packetSockets) close()      {}
func (*listener) startDatagrams() {}

// loopTransport is nothing.
type loopTransport struct{}
