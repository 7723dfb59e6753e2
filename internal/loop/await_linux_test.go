package loop

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAwait(t *testing.T) {
	l, ours, _ := connected(t)
	notCancelled := func() { t.Error("cancelled") }
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		defer c.Close()
		assert.NoError(t, c.Await(func(done func()) func() {
			done()
			return notCancelled
		}), "at once")
		for range 100 {
			assert.NoError(t, c.Await(func(done func()) func() {
				go done()
				return notCancelled
			}), "from another goroutine")
		}
	})
}

// What comes for a connection does not end the wait for something else, but that
// somebody gives up does.
func TestAwaitEnds(t *testing.T) {
	l, ours, peer := connected(t)
	l.perform(t, func() {
		var c Conn
		c.Init(l, ours)
		defer c.Close()
		_, err := c.Read(make([]byte, 1), l.Now())
		assert.Equal(t, os.ErrDeadlineExceeded, err)
		for _, tt := range []struct {
			give func()
			want error
		}{
			{c.Abort, os.ErrDeadlineExceeded},
			{c.Close, net.ErrClosed},
		} {
			var late func()
			cancelled := 0
			err := c.Await(func(done func()) func() {
				late = done
				l.Post(func() {
					_, _ = peer.Write([]byte("x"))
					l.Post(func() { l.Post(tt.give) })
				})
				return func() { cancelled++ }
			})
			assert.Equal(t, tt.want, err)
			assert.Equal(t, 1, cancelled)
			late()
		}
	})
}
