package loop

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/gostream/gostream/internal/streamtest"
)

// testLimit is how long a test waits for what must happen.
const testLimit = 20 * time.Second

// running is a loop at work until the test ends.
func running(t testing.TB, opt Options) *Loop {
	t.Helper()
	l, err := New(opt)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		assert.NoError(t, <-done)
	})
	return l
}

// do runs a function on the loop and waits for it.
func (l *Loop) do(fn func()) {
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		fn()
	})
	<-done
}

// job is a function as a task.
type job func()

func (j job) Run() { j() }

// perform runs a function as a task and waits until it is through.
func (l *Loop) perform(t testing.TB, fn func()) {
	t.Helper()
	done := make(chan struct{})
	l.Post(func() {
		l.Go(job(func() {
			defer close(done)
			fn()
		}))
	})
	select {
	case <-done:
	case <-time.After(testLimit):
		require.FailNow(t, "the task did not end")
	}
}

// pair is two connected sockets; the caller closes the second.
func pair(t testing.TB) (int, int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	return fds[0], fds[1]
}

// file makes a descriptor one of the test's own goroutine, closed with the test.
func file(t testing.TB, fd int) *os.File {
	f := os.NewFile(uintptr(fd), "")
	t.Cleanup(func() { f.Close() })
	return f
}

func TestPost(t *testing.T) {
	l, err := New(Options{})
	require.NoError(t, err)
	var order []int
	l.Post(func() { order = append(order, 1) }) // before it runs
	done := make(chan error)
	go func() { done <- l.Run() }()
	l.do(func() { order = append(order, 2) })

	const posters, each = 8, 500
	var wg sync.WaitGroup
	count := 0
	for range posters {
		wg.Go(func() {
			for range each {
				l.Post(func() { count++ })
			}
		})
	}
	wg.Wait()
	l.do(func() {})
	assert.Equal(t, []int{1, 2}, order)
	assert.Equal(t, posters*each, count)

	l.Stop()
	assert.NoError(t, <-done)
}

// Its descriptors are closed when the loop has ended.
func TestRunClosesDescriptors(t *testing.T) {
	l, err := New(Options{Events: 1})
	require.NoError(t, err)
	l.Stop()
	require.NoError(t, l.Run())
	for _, fd := range []int{l.epfd, l.wake} {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		assert.Equal(t, unix.EBADF, err)
	}
}

func TestScratchGrows(t *testing.T) {
	l := &Loop{}
	assert.Len(t, l.Scratch(10), 10)
	big := l.Scratch(100)
	assert.Len(t, big, 100)
	assert.Same(t, &big[0], &l.Scratch(10)[0])
}

// Ended coroutines serve the next task: one is enough for tasks in a row.
func TestCoroutinesAreReused(t *testing.T) {
	l := running(t, Options{})
	for range 100 {
		l.perform(t, func() {})
	}
	l.do(func() { assert.Len(t, l.spare, 1) })
	l.do(func() {
		l.Go(job(func() {
			l.Go(job(func() { l.Go(job(func() {})) })) // tasks that start tasks
		}))
	})
	l.do(func() { assert.Len(t, l.spare, 3); assert.Nil(t, l.current) })
}

// What a crowd of waiting tasks has needed is not kept for good, and nothing is
// kept when the loop ends.
func TestCoroutinesAreGivenBack(t *testing.T) {
	const crowd = 4 * maxSpare
	before := runtime.NumGoroutine()
	l, err := New(Options{})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	var waiting []*coroutine
	l.do(func() {
		for range crowd {
			l.Go(job(func() {
				waiting = append(waiting, l.current)
				l.current.wait()
			}))
		}
	})
	l.do(func() {
		for _, c := range waiting {
			c.enter()
		}
		assert.Equal(t, maxSpare, len(l.spare))
	})
	l.Stop()
	require.NoError(t, <-done)
	streamtest.Eventually(t, "the coroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestPanicsAreIsolated(t *testing.T) {
	var got []any
	l := running(t, Options{Panic: func(p any, stack []byte) {
		got = append(got, p)
		assert.Contains(t, string(stack), "loop_linux_test.go")
	}})
	l.Post(func() { panic("posted") })
	l.Post(func() { l.Go(job(func() { panic("task") })) })
	l.do(func() {})
	var timer Timer
	told := make(chan struct{})
	l.do(func() { l.Start(&timer, 0, timeout(func() { defer close(told); panic("timer") })) })
	<-told
	var c Conn
	ours, theirs := pair(t)
	peer := file(t, theirs)
	told2 := make(chan struct{})
	l.do(func() {
		c.Init(l, ours)
		c.SetHandler(ready(func() { defer close(told2); panic("handler") }))
		assert.NoError(t, c.Arm(true, false))
	})
	_, err := peer.Write([]byte("x"))
	require.NoError(t, err)
	<-told2
	l.perform(t, func() {}) // alive
	l.do(func() {
		c.Close()
		assert.Equal(t, []any{"posted", "task", "timer", "handler"}, got)
	})
}

// timeout and ready are functions as handlers.
type timeout func()

func (f timeout) Timeout(*Timer) { f() }

type ready func()

func (f ready) Ready(*Conn) { f() }

// recoverer panics, and is told.
type recoverer struct {
	told  chan any
	again bool // panic then, too
}

func (r *recoverer) Ready(*Conn)    { panic("ready") }
func (r *recoverer) Timeout(*Timer) { panic("timeout") }
func (r *recoverer) Panicked(p any, _ []byte) {
	r.told <- p
	if r.again {
		panic("again")
	}
}

func TestRecoverer(t *testing.T) {
	others := make(chan any, 1)
	l := running(t, Options{Panic: func(p any, _ []byte) { others <- p }})
	r := &recoverer{told: make(chan any, 1)}
	var timer Timer
	l.do(func() { l.Start(&timer, time.Millisecond, r) })
	assert.Equal(t, "timeout", <-r.told)

	var c Conn
	ours, theirs := pair(t)
	file(t, theirs)
	l.do(func() {
		c.Init(l, ours)
		c.SetHandler(r)
		l.Again(&c)
	})
	assert.Equal(t, "ready", <-r.told)
	l.do(func() {
		r.again = true
		l.Again(&c)
	})
	assert.Equal(t, "ready", <-r.told)
	assert.Equal(t, "again", <-others)
	l.do(c.Close)
}

// Again lets others run in between, and forgets closed connections.
func TestAgain(t *testing.T) {
	l := running(t, Options{})
	ours, theirs := pair(t)
	file(t, theirs)
	var c Conn
	calls := 0
	done := make(chan struct{})
	l.do(func() {
		c.Init(l, ours)
		c.SetHandler(ready(func() {
			if calls++; calls < 3 {
				l.Again(&c)
				return
			}
			c.Close()
			l.Again(&c)
			close(done)
		}))
		l.Again(&c)
	})
	<-done
	l.do(func() {})
	l.do(func() { assert.Equal(t, 3, calls) })
}

// An event of a descriptor that was closed within the batch must not reach the
// socket that got its number.
func TestEventsOfClosedDescriptors(t *testing.T) {
	l := running(t, Options{})
	var conns [2]Conn
	var peers [2]*os.File
	fresh := 0
	var replacement Conn
	done := make(chan struct{})
	l.do(func() {
		for i := range conns {
			ours, theirs := pair(t)
			peers[i] = file(t, theirs)
			conns[i].Init(l, ours)
			other := &conns[1-i]
			conns[i].SetHandler(ready(func() {
				number := other.FD()
				other.Close()
				ours, theirs := pair(t)
				file(t, theirs)
				if ours != number {
					unix.Close(number)
					assert.NoError(t, unix.Dup2(ours, number))
					unix.Close(ours)
				}
				replacement.Init(l, number)
				replacement.SetHandler(ready(func() { fresh++ }))
				assert.NoError(t, replacement.Arm(true, false))
				close(done)
			}))
			_, err := unix.Write(theirs, []byte("x"))
			assert.NoError(t, err)
		}
		for i := range conns {
			assert.NoError(t, conns[i].Arm(true, false))
		}
	})
	<-done
	l.do(func() {})
	l.do(func() {
		assert.Zero(t, fresh)
		conns[0].Close()
		conns[1].Close()
		replacement.Close()
	})
}

func TestErrorsAreBare(t *testing.T) {
	l := running(t, Options{})
	l.perform(t, func() {
		var c Conn
		ours, theirs := pair(t)
		unix.Close(theirs)
		c.Init(l, ours)
		_, err := c.Write([]byte("x"), 0)
		assert.Equal(t, unix.EPIPE, err)
		var errno unix.Errno
		assert.True(t, errors.As(err, &errno))
		c.Close()
		c.Close() // does nothing
		assert.False(t, c.Open())
	})
}
