package stream

// kit_test.go - a stream block at work, for tests with real connections.

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// site is a server that runs a configuration text.
type site struct {
	*Server
	t     *testing.T
	dir   string
	ports map[string]string // PORT0 and so on: free ports
	extra []string          // more replacements for the text
}

// start serves a stream block. In its text, DIR is a folder of the test,
// PORT0 to PORT9 are free ports, and extra has pairs of further words and what
// to put for them. Errors are logged to DIR/error.log from level info on.
func start(t *testing.T, block string, extra ...string) *site {
	t.Helper()
	return startWith(t, nil, block, extra...)
}

// startWith lets change make what a text cannot say.
func startWith(t *testing.T, change func(*Config), block string, extra ...string) *site {
	t.Helper()
	for range 20 {
		s := &site{t: t, dir: t.TempDir(), ports: map[string]string{}, extra: extra}
		cfg := s.config(block)
		if change != nil {
			change(cfg)
		}
		var err error
		s.Server, err = New(cfg)
		require.NoError(t, err)
		if err = s.Listen(); err == nil {
			require.NoError(t, s.Start())
			t.Cleanup(func() {
				require.NoError(t, s.Close())
				if t.Failed() {
					said, _ := os.ReadFile(filepath.Join(s.dir, "error.log"))
					t.Logf("ports %v, error log:\n%s", s.ports, said)
				}
			})
			return s
		}
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		s.Close()
	}
	require.FailNow(t, "no free ports")
	return nil
}

// config reads a stream block.
func (s *site) config(block string) *Config {
	s.t.Helper()
	_, f := compileText(filepath.Join(s.dir, "conf"), s.text("stream {\nerror_log DIR/error.log info;\n"+block+"\n}\n"))
	for _, line := range f.log {
		require.NotContains(s.t, line, "[emerg]")
	}
	return f.stream
}

var portWord = regexp.MustCompile(`PORT\d`)

// text replaces the words for the folder and for ports.
func (s *site) text(text string) string {
	text = strings.NewReplacer(append([]string{"DIR", s.dir}, s.extra...)...).Replace(text)
	return portWord.ReplaceAllStringFunc(text, func(word string) string {
		if s.ports[word] == "" {
			port := freePort(s.t)
			for slices.Contains(slices.Collect(maps.Values(s.ports)), port) {
				port = freePort(s.t)
			}
			s.ports[word] = port
		}
		return s.ports[word]
	})
}

// freePort is a port that nobody uses now. Somebody may by the time it is
// listened on: start tries again then.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// dial connects to an address in which the words of a configuration may occur:
// "PORT0" alone is one of 127.0.0.1, and "DIR/..." a unix socket.
func (s *site) dial(address string) net.Conn {
	s.t.Helper()
	network := "tcp"
	switch {
	case strings.HasPrefix(address, "DIR/"):
		network = "unix"
	case portWord.MatchString(address) && !strings.Contains(address, ":"):
		address = "127.0.0.1:" + address
	}
	return streamtest.Dial(s.t, network, s.text(address))
}

// ask sends a message and reads until the end.
func (s *site) ask(address, message string) string {
	s.t.Helper()
	c := s.dial(address)
	if message != "" {
		streamtest.Send(s.t, c, message)
	}
	return streamtest.Rest(s.t, c)
}

// askAndEnd asks, and says that there is no more.
func (s *site) askAndEnd(address, message string) string {
	s.t.Helper()
	c := s.dial(address)
	streamtest.Send(s.t, c, message)
	require.NoError(s.t, c.(*net.TCPConn).CloseWrite())
	return streamtest.Rest(s.t, c)
}

// lines waits until a file in the folder has at least n lines, and returns all.
func (s *site) lines(name string, n int) (lines []string) {
	s.t.Helper()
	streamtest.Eventually(s.t, strconv.Itoa(n)+" lines in "+name, func() bool {
		raw, _ := os.ReadFile(filepath.Join(s.dir, name))
		lines = strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
		return len(raw) > 0 && raw[len(raw)-1] == '\n' && len(lines) >= n
	})
	return lines
}

// line is lines for a file that is to have just one.
func (s *site) line(name string) string {
	s.t.Helper()
	lines := s.lines(name, 1)
	require.Len(s.t, lines, 1)
	return lines[0]
}

var logPrefix = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\[\w+\]) \d+#\d+: `)

// errors are the lines of error.log without time and process. Lines of the log
// levels below the one named are left out.
func (s *site) errors(levels ...string) (out []string) {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "error.log"))
	require.NoError(s.t, err)
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSuffix(line, "\n")
		require.Regexp(s.t, logPrefix, line)
		line = logPrefix.ReplaceAllString(line, "$1 ")
		keep := len(levels) == 0
		for _, level := range levels {
			keep = keep || strings.HasPrefix(line, "["+level+"]")
		}
		if keep {
			out = append(out, line)
		}
	}
	return out
}

// shutdown ends the server and waits for its sessions.
func (s *site) shutdown() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), streamtest.Patience)
	defer cancel()
	require.NoError(s.t, s.Shutdown(ctx))
}

// eachTransport runs a test on event loops and on goroutines.
func eachTransport(t *testing.T, test func(t *testing.T, change func(*Config))) {
	for name, workers := range transports {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			test(t, func(cfg *Config) { cfg.Workers = workers })
		})
	}
}

// v2Header is a PROXY header of version 2 for a TCP connection.
func v2Header(t *testing.T, src, dst string, sp, dp uint16, tlvs []byte) string {
	t.Helper()
	from, to := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	family := byte(0x11)
	if from.Is6() {
		family = 0x21
	}
	body := append(from.AsSlice(), to.AsSlice()...)
	body = binary.BigEndian.AppendUint16(body, sp)
	body = binary.BigEndian.AppendUint16(body, dp)
	body = append(body, tlvs...)
	head := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21"), family)
	return string(append(binary.BigEndian.AppendUint16(head, uint16(len(body))), body...))
}

func appendTLV(b []byte, kind byte, text string) []byte {
	return append(append(b, kind, byte(len(text)>>8), byte(len(text))), text...)
}

// pause lets a tenth of a second pass, unless the other side ends before.
func pause(c net.Conn, buf []byte) (ended bool) {
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	_, err := c.Read(buf)
	_ = c.SetReadDeadline(time.Time{})
	return !errors.Is(err, os.ErrDeadlineExceeded)
}
