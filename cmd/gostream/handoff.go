package main

// handoff.go - what a master and a worker have in common: the worker is this
// program, started with the listening sockets and with a file that says the
// rest. A socket pair connects the two.

import (
	"bufio"
	"encoding/gob"
	"io"
	"math"
	"os"
	"strings"

	"github.com/gostream/gostream/internal/process"
	"github.com/gostream/gostream/parser"
)

// workerMark in the environment makes this program a worker. Its value makes
// room for longer titles.
const workerMark = "GOSTREAM_WORKER"

var workerMarkValue = strings.Repeat("-", 40)

// Descriptors of a worker.
const (
	linkFile = 3 + iota
	handoffFile
	memoryFile
	firstSocket
)

// What goes over the link. A worker says once that it is ready, or that it has
// failed and why; the master gives orders.
const (
	linkReady  = 'r'
	linkFailed = 'f'
	linkQuit   = 'q'
	linkStop   = 't'
	linkReopen = 'o'
)

// handoff is what a worker is told by its master.
type handoff struct {
	Args       []string // of the command line
	Snapshot   parser.Snapshot
	Sockets    []int  // how many there are of each address
	Label      string // see label
	Name       string // short name of the process
	Daemonized bool
}

// write puts the handoff into a file that each worker can read from its start.
func (h *handoff) write() (*os.File, error) {
	f, err := process.Memory("gostream-configuration")
	if err != nil {
		return nil, err
	}
	b := bufio.NewWriter(f)
	err = gob.NewEncoder(b).Encode(h)
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readHandoff reads it in the worker. Other workers read the same file, so its
// position is left alone.
func readHandoff(f *os.File) (*handoff, error) {
	h := &handoff{}
	r := bufio.NewReader(io.NewSectionReader(f, 0, math.MaxInt64))
	return h, gob.NewDecoder(r).Decode(h)
}

// sockets are the listening sockets of a worker, address by address.
func (h *handoff) sockets() [][]int {
	all := make([][]int, len(h.Sockets))
	next := firstSocket
	for i, count := range h.Sockets {
		for range count {
			all[i] = append(all[i], next)
			next++
		}
	}
	return all
}

// label is the first word of the titles of processes. Scripts look for
// nginx's.
func label() string {
	if name := os.Getenv("GOSTREAM_PROCESS_NAME"); name != "" {
		return name
	}
	return "nginx"
}

// passedOn are the variables that gostream's own processes get whatever env
// says, because they are about the Go program and not about nginx.
func passedOn(environ []string) (out []string) {
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case workerMark:
		case "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GORACE", "GOCOVERDIR":
			out = append(out, e)
		default:
			if strings.HasPrefix(name, "GOSTREAM_") {
				out = append(out, e)
			}
		}
	}
	return out
}
