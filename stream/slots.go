package stream

import (
	"sync/atomic"

	"github.com/gostream/gostream/internal/errlog"
)

// slots counts the connections, to clients and to upstreams, of one event loop,
// or of all goroutines that no loop accepts for. worker_connections bounds
// them.
type slots struct{ used atomic.Int64 }

// take counts one more connection; false if there are as many as allowed.
func (n *slots) take(gen *generation) bool {
	if n.used.Add(1) <= gen.room {
		return true
	}
	n.used.Add(-1)
	return false
}

// takeClient is take for a new client; it logs that there is no room.
func (n *slots) takeClient(at *places) bool {
	ok := n.take(at.gen)
	if !ok {
		at.log().Write(errlog.Alert, errlog.Record{Text: at.gen.noConnections()})
	}
	return ok
}

func (n *slots) release() { n.used.Add(-1) }
