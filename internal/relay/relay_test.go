package relay

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// closeWrite ends the direction away from a far end.
func closeWrite(conn net.Conn) {
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
}

// blob writes random bytes in pieces of random sizes and returns their hash.
func blob(conn net.Conn, seed uint64, size int) [32]byte {
	random := rand.New(rand.NewPCG(seed, 1))
	hash := sha256.New()
	piece := make([]byte, 300<<10)
	for i := range piece {
		piece[i] = byte(random.Uint32())
	}
	for size > 0 {
		n := min(1+random.IntN(len(piece)), size)
		if random.IntN(3) == 0 {
			n = min(1+random.IntN(100), size)
		}
		hash.Write(piece[:n])
		if _, err := conn.Write(piece[:n]); err != nil {
			return [32]byte{}
		}
		size -= n
	}
	closeWrite(conn)
	return [32]byte(hash.Sum(nil))
}

// Both directions at once, in sizes that make every path take part: single
// messages, full buffers, pipes.
func TestBytesArriveAsTheyWere(t *testing.T) {
	sizes := []int{1, 100, 16<<10 - 1, 16 << 10, 16<<10 + 1, 3 << 20}
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		for _, network := range []string{"tcp", "unix"} {
			for i, up := range sizes {
				down := sizes[len(sizes)-1-i]
				t.Run(fmt.Sprint(network, " ", up, " ", down), func(t *testing.T) {
					s := usual
					s.network, s.opt.HalfClose = network, true
					r := start(t, s)
					var sent, got [2][32]byte
					var n [2]int64
					var all sync.WaitGroup
					all.Go(func() { sent[Client] = blob(r.client, uint64(up), up) })
					all.Go(func() { sent[Upstream] = blob(r.upstream, uint64(down)+7, down) })
					for side, conn := range map[Side]net.Conn{Upstream: r.client, Client: r.upstream} {
						all.Go(func() {
							h := sha256.New()
							n[side], _ = io.Copy(h, conn)
							got[side] = [32]byte(h.Sum(nil))
						})
					}
					all.Wait()
					end := r.end(t)
					assert.Contains(t, []End{ClientDisconnected, UpstreamDisconnected}, end)
					assert.Equal(t, [2]int64{Client: int64(up), Upstream: int64(down)}, n)
					assert.Equal(t, sent, got)
					assert.Empty(t, r.errors)
					c := r.counters()
					assert.Equal(t, Counters{FromClient: int64(up), ToUpstream: int64(up), FromUpstream: int64(down), ToClient: int64(down), FirstByte: c.FirstByte}, c)
					assert.False(t, c.FirstByte.IsZero())
				})
			}
		}
	})
}

// Without proxy_half_close the end of one side is the end of the session, once
// what it had sent is delivered.
func TestEndWithoutHalfClose(t *testing.T) {
	const size = 5 << 20
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		for side, want := range map[Side]End{Client: ClientDisconnected, Upstream: UpstreamDisconnected} {
			r := start(t, usual)
			from, to := r.client, r.upstream
			if side == Upstream {
				from, to = to, from
			}
			go blob(from, 1, size)
			n, _ := io.Copy(io.Discard, to)
			assert.EqualValues(t, size, n)
			assert.Equal(t, want, r.end(t))
			_, err := from.Read(make([]byte, 1))
			assert.Error(t, err, "closed to the one who ended, too")
		}
	})
}

// With it the other direction goes on.
func TestHalfClose(t *testing.T) {
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		s := usual
		s.opt.HalfClose = true
		r := start(t, s)
		_, err := r.client.Write([]byte("question"))
		require.NoError(t, err)
		closeWrite(r.client)
		got, err := io.ReadAll(r.upstream)
		require.NoError(t, err)
		assert.Equal(t, "question", string(got))
		_, err = r.upstream.Write([]byte("answer"))
		require.NoError(t, err)
		r.upstream.Close()
		got, err = io.ReadAll(r.client)
		require.NoError(t, err)
		assert.Equal(t, "answer", string(got))
		assert.Equal(t, UpstreamDisconnected, r.end(t))
	})
}

// The header goes first and is no byte of the client's; what was read before
// comes next and is.
func TestHeaderAndEarly(t *testing.T) {
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		for _, c := range []struct{ header, early string }{{"PROXY\r\n", "early"}, {"", "early"}, {"PROXY\r\n", ""}} {
			s := usual
			s.header, s.early = c.header, c.early
			r := start(t, s)
			_, err := r.client.Write([]byte(" and late"))
			require.NoError(t, err)
			closeWrite(r.client)
			got, err := io.ReadAll(r.upstream)
			require.NoError(t, err)
			assert.Equal(t, c.header+c.early+" and late", string(got))
			assert.Equal(t, ClientDisconnected, r.end(t))
			counters := r.counters()
			assert.EqualValues(t, len(c.early+" and late"), counters.FromClient)
			assert.EqualValues(t, len(c.header+c.early+" and late"), counters.ToUpstream)
		}
	})
}

// fill writes until nothing more is taken, for a moment.
func fill(t *testing.T, conn net.Conn) (n int64) {
	t.Helper()
	chunk := make([]byte, 64<<10)
	for {
		require.NoError(t, conn.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
		m, err := conn.Write(chunk)
		n += int64(m)
		if err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			return n
		}
	}
}

// A peer that never reads: no more is in hand than a buffer or a pipe.
func TestBackpressure(t *testing.T) {
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		for _, network := range []string{"tcp", "unix"} {
			s := usual
			s.network = network
			r := start(t, s)
			written := fill(t, r.client)
			c := r.counters()
			assert.LessOrEqual(t, c.FromClient, written)
			assert.Positive(t, c.ToUpstream)
			const most = 1 << 20 // the size of a pipe, which is more than that of a buffer
			assert.LessOrEqual(t, c.FromClient-c.ToUpstream, int64(most))

			// All that was written arrives when the peer reads at last.
			closeWrite(r.client)
			n, err := io.Copy(io.Discard, r.upstream)
			require.NoError(t, err)
			assert.Equal(t, written, n)
			assert.Equal(t, ClientDisconnected, r.end(t))
		}
	})
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// A reset is told of and ends the session, in the middle of data as well as at
// rest.
func TestReset(t *testing.T) {
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		for _, busy := range []bool{false, true} {
			for _, side := range []Side{Client, Upstream} {
				r := start(t, usual)
				conn, other := r.client, r.upstream
				if side == Upstream {
					conn, other = other, conn
				}
				if busy {
					go func() { _, _ = io.Copy(other, zeros{}) }()
					_, err := io.CopyN(io.Discard, conn, 1<<20)
					require.NoError(t, err)
				}
				reset(conn)
				end := r.end(t)
				assert.NotEqual(t, TimedOut, end)
				require.NotEmpty(t, r.errors)
				e := r.errors[0]
				assert.Equal(t, side, e.Side)
				assert.Contains(t, []error{syscall.ECONNRESET, syscall.EPIPE}, e.Err)
				assert.Contains(t, e.Error(), e.Op+" failed")
				names := [...]string{Client: "client", Upstream: "upstream"}
				assert.Contains(t, []string{"proxying and reading from " + names[side], "proxying and sending to " + names[side]}, e.Action())
			}
		}
	})
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSilenceEnds(t *testing.T) {
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		s := usual
		s.opt.Timeout = 20 * time.Millisecond
		r := start(t, s)
		assert.Equal(t, TimedOut, r.end(t))
		_, err := r.client.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
	})
}

func TestStop(t *testing.T) {
	onEngines(t, func(t *testing.T, start func(testing.TB, setup) *rig) {
		r := start(t, usual)
		r.stop()
		assert.Equal(t, Stopped, r.end(t))
		r.stop() // does nothing
	})
}

// broken is a connection that panics.
type broken struct{ net.Conn }

func (broken) Read([]byte) (int, error) { panic("broken") }

func TestPanicOfAConnection(t *testing.T) {
	r := &rig{}
	client, upstream := r.connect(t, usual)
	c := &Copier{Options: usual.opt, Client: client, Upstream: broken{upstream}, Panic: r.relayPanicked}
	assert.Equal(t, Panicked, c.Run())
	assert.Equal(t, []any{"broken"}, r.panics)
	client.Close()
	upstream.Close()

	client, upstream = r.connect(t, usual)
	c = &Copier{Options: usual.opt, Client: broken{client}, Upstream: upstream} // nobody is told
	assert.Equal(t, Panicked, c.Run())
}

// failing is a connection whose calls fail in ways that are no errno.
type failing struct {
	net.Conn
	err error
}

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestErrorsOfForeignConnections(t *testing.T) {
	odd := errors.New("odd")
	for _, c := range []struct{ err, want error }{
		{odd, odd},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, syscall.ECONNRESET},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, os.ErrDeadlineExceeded},
	} {
		r := &rig{}
		client, upstream := r.connect(t, usual)
		relay := &Copier{Options: usual.opt, Client: client, Upstream: failing{upstream, c.err}, Error: r.relayError}
		assert.Equal(t, UpstreamDisconnected, relay.Run())
		require.Len(t, r.errors, 1)
		assert.Equal(t, c.want, r.errors[0].Err)

		client2, upstream2 := r.connect(t, usual)
		relay = &Copier{Options: usual.opt, Client: client2, Upstream: failing{upstream2, c.err}, ToUpstream: bytes.Repeat([]byte("x"), 9)}
		assert.Contains(t, []End{SendFailed, UpstreamDisconnected}, relay.Run())
		for _, conn := range []net.Conn{client, upstream, client2, upstream2} {
			conn.Close()
		}
	}
}
