//go:build unix

package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRedis puts a pool of three Redis servers behind a port.
func TestRedis(t *testing.T) {
	p := takePorts(t, "A", "B", "C", "Listen")
	startRedis(t, p["A"])
	b := startRedis(t, p["B"])
	startRedis(t, p["C"])
	proxy := startProxy(t, "redis", p)

	t.Run("least connections", func(t *testing.T) {
		served := map[int]int{}
		for range 9 {
			c, err := dialRedis(p["Listen"])
			require.NoError(t, err)
			defer c.Close()
			port, err := c.port()
			require.NoError(t, err)
			served[port]++
		}
		assert.Equal(t, map[int]int{p["A"]: 3, p["B"]: 3, p["C"]: 3}, served)
	})

	t.Run("one killed and restarted", func(t *testing.T) {
		load := startLoad(p["Listen"])
		defer load.stop()
		for _, name := range []string{"A", "B", "C"} {
			eventually(t, "service by "+name, func() bool { return load.served(p[name]) >= 20 })
		}

		b.stop(syscall.SIGKILL)
		gone := time.Now()
		refused := fmt.Sprintf("Connection refused) while connecting to upstream, client: 127.0.0.1, "+
			`server: 127.0.0.1:%d, upstream: "127.0.0.1:%d"`, p["Listen"], p["B"])
		eventually(t, "detection", func() bool { return strings.Contains(proxy.read("logs/error.log"), refused) })
		before := load.served(p["A"]) + load.served(p["C"])
		eventually(t, "service without B", func() bool { return load.served(p["A"])+load.served(p["C"]) >= before+300 })

		startRedis(t, p["B"])
		restarted := load.served(p["B"])
		eventually(t, "service by B again", func() bool { return load.served(p["B"]) >= restarted+20 })

		// A client whose server is killed cannot be helped. All that came
		// later could, the one that found out included.
		for _, failure := range load.stop() {
			assert.True(t, failure.began.Before(gone), "%v", failure.err)
		}
		attempts := strings.Count(proxy.read("logs/error.log"), refused)
		assert.GreaterOrEqual(t, attempts, 2, "max_fails=2")
	})
}

// startRedis serves on a port.
func startRedis(t *testing.T, port int) *process {
	t.Helper()
	p := start(t, exec.Command(need(t, "redis-server"), "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", t.TempDir()))
	p.await(t, func() bool { return accepts(port) })
	return p
}

// redis is a client of a Redis server.
type redis struct {
	net.Conn
	r *bufio.Reader
}

func dialRedis(port int) (*redis, error) {
	c, err := net.Dial("tcp", local(port))
	if err != nil {
		return nil, err
	}
	return &redis{c, bufio.NewReader(c)}, c.SetDeadline(time.Now().Add(patience))
}

// do sends a command and returns the reply, its elements if it is an array.
func (c *redis) do(args ...string) ([]string, error) {
	request := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		request = fmt.Appendf(request, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	return c.reply()
}

func (c *redis) reply() ([]string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, text := line[0], strings.TrimSpace(line[1:])
	n, _ := strconv.Atoi(text)
	switch kind {
	case '+', ':':
		return []string{text}, nil
	case '$':
		data := make([]byte, n+len("\r\n"))
		_, err := io.ReadFull(c.r, data)
		return []string{string(data[:n])}, err
	case '*':
		var all []string
		for range n {
			one, err := c.reply()
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("reply %q", line)
}

// port asks the server which one it is.
func (c *redis) port() (int, error) {
	reply, err := c.do("CONFIG", "GET", "port")
	if err != nil {
		return 0, err
	}
	if len(reply) != 2 {
		return 0, fmt.Errorf("reply %q", reply)
	}
	return strconv.Atoi(reply[1])
}

// load is a number of clients that come and go.
type load struct {
	mu       sync.Mutex
	count    map[int]int // by the server's port
	failures []failure
	ended    atomic.Bool
	clients  sync.WaitGroup
}

// failure is a client that was not served.
type failure struct {
	began time.Time
	err   error
}

// startLoad makes four clients connect a hundred times a second each. More
// would leave too many connections in TIME_WAIT.
func startLoad(port int) *load {
	l := &load{count: map[int]int{}}
	for range 4 {
		l.clients.Go(func() {
			for range time.Tick(10 * time.Millisecond) {
				if l.ended.Load() {
					return
				}
				l.client(port)
			}
		})
	}
	return l
}

func (l *load) client(port int) {
	began := time.Now()
	served, err := useRedis(port)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failures = append(l.failures, failure{began, err})
		return
	}
	l.count[served]++
}

// useRedis is what a client does. It returns the port of its server.
func useRedis(port int) (int, error) {
	c, err := dialRedis(port)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := c.do("INCR", "visits"); err != nil {
		return 0, err
	}
	return c.port()
}

// served is how many clients a server has served.
func (l *load) served(port int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[port]
}

// stop ends the clients and returns which were not served.
func (l *load) stop() []failure {
	l.ended.Store(true)
	l.clients.Wait()
	return l.failures
}
