package loop

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestSlots has connections with high numbers: a loop holds as many slots as it
// had connections at once, whatever numbers other loops have got.
func TestSlots(t *testing.T) {
	l := running(t, Options{})
	const high, rounds = 500, 20
	for range rounds {
		var conns [2]Conn
		events := make(chan int, len(conns))
		for i := range conns {
			ours, theirs := pair(t)
			fd, err := unix.FcntlInt(uintptr(ours), unix.F_DUPFD_CLOEXEC, high)
			require.NoError(t, err)
			closeFD(ours)
			l.do(func() {
				c := &conns[i]
				c.Init(l, fd)
				c.SetHandler(ready(func() { events <- i }))
				require.NoError(t, c.Arm(true, false))
			})
			_, err = unix.Write(theirs, []byte("x"))
			require.NoError(t, err)
			assert.Equal(t, i, <-events)
			t.Cleanup(func() { closeFD(theirs) })
		}
		l.do(func() {
			assert.NotEqual(t, conns[0].slot, conns[1].slot)
			conns[0].Close()
			closeFD(conns[1].Release())
		})
	}
	l.do(func() { assert.Len(t, l.sources, 4, "nobody's, the loop's own, two connections'") })
}
