package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// job tells the client what to do. It travels as JSON.
type job struct {
	Workload    string
	Addresses   []string // of the services, at a proxy
	Connections int
	Duration    time.Duration
}

// outcome is what the client reports: the work that was done.
type outcome struct {
	Units   int64
	Elapsed time.Duration
	Error   string
}

// worker does work on a connection of its own until a point in time, and
// returns how much it was.
type worker func(until time.Time) (int64, error)

// runClient is the client process. It prints "ready" when its connections
// stand, begins at the first line on stdin, prints the outcome, and keeps the
// connections until stdin ends.
func runClient(args []string) int {
	runtime.GOMAXPROCS(1)
	var j job
	if err := json.Unmarshal([]byte(args[0]), &j); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := j.run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (j job) run(in io.Reader, out io.Writer) error {
	workers, err := j.workers()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	var line [1]byte
	if _, err := in.Read(line[:]); err != nil {
		return nil // nothing to do but to keep the connections until now
	}
	if err := json.NewEncoder(out).Encode(do(workers, j.Duration)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	runtime.KeepAlive(workers)
	return err
}

// do lets all workers work at the same time.
func do(workers []worker, d time.Duration) outcome {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total outcome
	)
	begin := time.Now()
	for _, work := range workers {
		wg.Go(func() {
			n, err := work(begin.Add(d))
			mu.Lock()
			defer mu.Unlock()
			total.Units += n
			if err != nil && total.Error == "" {
				total.Error = err.Error()
			}
		})
	}
	wg.Wait()
	total.Elapsed = time.Since(begin)
	return total
}

// workers prepares the workers of a workload.
func (j job) workers() ([]worker, error) {
	var hello []byte
	if j.Workload == "preread" {
		hello = clientHello()
	}
	workers := make([]worker, j.Connections)
	errs := make([]error, j.Connections)
	slots := make(chan struct{}, 64) // a longer queue might not fit the listener's backlog
	var wg sync.WaitGroup
	for i := range workers {
		slots <- struct{}{}
		wg.Go(func() {
			workers[i], errs[i] = j.worker(i, hello)
			<-slots
		})
	}
	wg.Wait()
	return workers, errors.Join(errs...)
}

func (j job) worker(i int, hello []byte) (worker, error) {
	switch j.Workload {
	case "connect":
		return churn(j.Addresses[echo], make([]byte, messageSize)), nil
	case "preread":
		return churn(j.Addresses[byName], withName(hello, i)), nil
	case "bulk-up":
		return kept(dial, j.Addresses[sink], bulkUp, nil)
	case "bulk-down":
		return kept(dial, j.Addresses[source], bulkDown, nil)
	case "udp-echo":
		return kept(dialPackets, j.Addresses[packets], pingPong, pingPong)
	case "udp-query":
		return kept(dialPackets, j.Addresses[queries], pingPong, pingPong)
	}
	return kept(dial, j.Addresses[echo], pingPong, pingPong)
}

// patience is how long any single step may take before it is an error.
const patience = 30 * time.Second

func dial(address string) (net.Conn, error) {
	d := net.Dialer{Timeout: patience, KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}
	return d.Dial("tcp", address)
}

func dialPackets(address string) (net.Conn, error) { return net.Dial("udp", address) }

// churn opens one connection after the other, and sends the request on each.
// The client closes first, when it has read all there is, so that no reset
// spares the proxy the usual way of closing.
func churn(address string, request []byte) worker {
	answer := make([]byte, messageSize)
	once := func() error {
		c, err := dial(address)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		return exchange(c, request, answer)
	}
	return func(until time.Time) (n int64, err error) {
		for ; time.Now().Before(until); n++ {
			if err := once(); err != nil {
				return n, err
			}
		}
		return n, nil
	}
}

// exchange sends a request and waits for the whole answer.
func exchange(c net.Conn, request, answer []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	_, err := io.ReadFull(c, answer)
	return err
}

// step does one unit of work on a connection.
type step func(c net.Conn, buf []byte) (int64, error)

// kept makes a connection, takes the first step if there is one, and returns a
// worker for the others.
func kept(dial func(string) (net.Conn, error), address string, next, first step) (worker, error) {
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	if first != nil {
		c.SetDeadline(time.Now().Add(patience))
		if _, err := first(c, make([]byte, messageSize)); err != nil {
			return nil, err
		}
	}
	return func(until time.Time) (n int64, err error) {
		buf := make([]byte, chunkSize)
		c.SetDeadline(until.Add(patience))
		for err == nil && time.Now().Before(until) {
			var done int64
			done, err = next(c, buf)
			n += done
		}
		return n, err
	}, nil
}

func pingPong(c net.Conn, buf []byte) (int64, error) {
	return 1, exchange(c, buf[:messageSize], buf[:messageSize])
}

func bulkUp(c net.Conn, buf []byte) (int64, error) {
	if err := writeBlock(c, buf); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(c, buf[:1])
	return blockSize, err
}

func bulkDown(c net.Conn, buf []byte) (int64, error) {
	if _, err := c.Write(buf[:1]); err != nil {
		return 0, err
	}
	return blockSize, readBlock(c, buf)
}

// serverName is one of the names that the proxies know.
func serverName(i int) string { return fmt.Sprintf("host%03d.bench.example", i%names) }

const names = 1000

// clientHello returns the first record of a TLS handshake.
func clientHello() []byte {
	r := recorder{}
	tls.Client(&r, &tls.Config{ServerName: serverName(0)}).Handshake()
	return r.first
}

// withName puts another server name into a hello; all have the same length.
func withName(hello []byte, i int) []byte {
	return bytes.Replace(hello, []byte(serverName(0)), []byte(serverName(i*7)), 1)
}

// recorder is a connection that keeps what is written first, and has nothing to
// read.
type recorder struct {
	net.Conn
	first []byte
}

func (r *recorder) Read([]byte) (int, error)         { return 0, io.EOF }
func (r *recorder) Close() error                     { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

func (r *recorder) Write(p []byte) (int, error) {
	if r.first == nil {
		r.first = bytes.Clone(p)
	}
	return len(p), nil
}
