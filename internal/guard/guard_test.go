package guard

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

func burn() { panic("fire") }

// A panic is told of, with the stack of where it was, and goes no further.
func TestPanic(t *testing.T) {
	told := make(chan *Panic, 1)
	report := func(p *Panic) { told <- p }
	for name, start := range map[string]func(){
		"run":   func() { assert.False(t, Run("kitchen", report, burn)) },
		"go":    func() { Go("kitchen", report, burn) },
		"timer": func() { AfterFunc(0, "kitchen", report, burn) },
	} {
		start()
		p := streamtest.Receive(t, told)
		assert.EqualError(t, p, "panic in kitchen: fire", name)
		assert.Contains(t, string(p.Stack), "guard.burn", name)
	}
}

func TestReturned(t *testing.T) {
	called := false
	assert.True(t, Run("kitchen", func(*Panic) { t.Error("there was none") }, func() { called = true }))
	assert.True(t, called)
}

// What nobody is told of, or cannot be, is on standard error.
func TestStandardError(t *testing.T) {
	for name, report := range map[string]Report{
		"nobody":      nil,
		"panics, too": func(*Panic) { panic("smoke") },
	} {
		read, write, err := os.Pipe()
		require.NoError(t, err)
		before := os.Stderr
		os.Stderr = write
		Run("kitchen", report, burn)
		os.Stderr = before
		write.Close()
		text, err := io.ReadAll(read)
		read.Close()
		require.NoError(t, err)
		assert.Contains(t, string(text), "panic in kitchen: fire\n", name)
		assert.Contains(t, string(text), "guard.burn", name)
	}
}
