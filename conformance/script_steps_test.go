//go:build unix

package conformance

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/streamtest"
)

// do runs the steps. The error names the line.
func (s *stage) do(steps []string) error {
	for i, line := range steps {
		words, err := splitWords(s.expandNames(s.expand(line)))
		if err == nil && len(words) > 0 {
			err = s.step(words[0], words[1:])
		}
		if err != nil {
			return fmt.Errorf("step %d: %s: %w", i+1, line, err)
		}
	}
	return nil
}

var variable = regexp.MustCompile(`\$[a-z]\w*`)

// expandNames replaces the names of connections, as in $a, by the ports that the
// clients have, or the server towards backends.
func (s *stage) expandNames(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		if p := s.peers[name[1:]]; p != nil {
			return p.port
		}
		return name
	})
}

// splitWords splits a line at blanks. Text in quotes is as in Go.
func splitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		var word string
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, err
			}
			word, _ = strconv.Unquote(quoted)
			line = line[len(quoted):]
		} else {
			word, line, _ = strings.Cut(line, " ")
		}
		words = append(words, word)
	}
}

// steps are the words of the language, with the least number of arguments.
var steps map[string]struct {
	least int
	run   func(*stage, []string) error
}

func init() {
	type row = struct {
		least int
		run   func(*stage, []string) error
	}
	onPeer := func(least int, f func(*peer, []string) error) row {
		return row{least, func(s *stage, args []string) error {
			p := s.peers[args[0]]
			if p == nil {
				return fmt.Errorf("no connection %s", args[0])
			}
			return f(p, args[1:])
		}}
	}
	steps = map[string]row{
		"backend":    {3, (*stage).backend},
		"kill":       {1, (*stage).kill},
		"accept":     {2, (*stage).accept},
		"connect":    {2, (*stage).connect},
		"refused":    {1, (*stage).refused},
		"wait":       {2, (*stage).wait},
		"signal":     {1, (*stage).signal},
		"copy":       {2, (*stage).copy},
		"tls":        {1, (*stage).handshake},
		"exit":       {0, func(s *stage, _ []string) error { return s.until("end", s.gone) }},
		"may":        {2, func(s *stage, a []string) error { _ = s.step(a[0], a[1:]); return nil }},
		"send":       onPeer(2, send),
		"hello":      onPeer(1, hello),
		"proxy":      onPeer(2, proxyHeader),
		"try-send":   onPeer(2, func(p *peer, a []string) error { _ = send(p, a); return nil }),
		"expect":     onPeer(2, func(p *peer, a []string) error { return p.expect(a[0]) }),
		"until":      onPeer(2, func(p *peer, a []string) error { return p.until(a[0]) }),
		"try":        onPeer(2, func(p *peer, a []string) error { return p.try(a[0]) }),
		"eof":        onPeer(1, func(p *peer, _ []string) error { return p.expectEnd("eof") }),
		"end":        onPeer(1, func(p *peer, _ []string) error { return p.expectEnd("") }),
		"done":       onPeer(1, func(p *peer, _ []string) error { return p.ended() }),
		"close":      onPeer(1, func(p *peer, _ []string) error { return p.conn.Close() }),
		"half-close": onPeer(1, func(p *peer, _ []string) error { return p.halfClose() }),
		"reset":      onPeer(1, func(p *peer, _ []string) error { p.reset(); return nil }),
		"receive": onPeer(2, func(p *peer, a []string) error {
			n, err := strconv.Atoi(a[0])
			if err != nil {
				return err
			}
			_, err = p.receive(n)
			return err
		}),
	}
}

func (s *stage) step(name string, args []string) error {
	row, ok := steps[name]
	if !ok || len(args) < row.least {
		return errors.New("no such step")
	}
	return row.run(s, args)
}

// option finds NAME=VALUE among words.
func option(args []string, name string) string {
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, name+"="); ok {
			return v
		}
	}
	return ""
}

func (s *stage) backend(args []string) error {
	b, err := newBackend(args[0], args[1], args[2], strings.Join(args[3:], " "))
	if err == nil {
		s.backends[args[0]] = b
	}
	return err
}

func (s *stage) kill(args []string) error {
	b := s.backends[args[0]]
	if b == nil {
		return fmt.Errorf("no backend %s", args[0])
	}
	b.close()
	b.killed = true
	return nil
}

// accept gives a name to the next connection that a backend has received.
func (s *stage) accept(args []string) error {
	b := s.backends[args[0]]
	if b == nil {
		return fmt.Errorf("no backend %s", args[0])
	}
	select {
	case p := <-b.accepted:
		s.nameSource(args[1], p)
	case <-time.After(scriptPatience):
		return fmt.Errorf("no connection within %v", scriptPatience)
	}
	return nil
}

// name makes a connection known to the script and to the outcome.
func (s *stage) name(name string, p *peer) {
	s.peers[name], s.named = p, append(s.named, name)
}

// nameSource does so with one that a backend has received.
func (s *stage) nameSource(name string, p *peer) {
	s.name(name, p)
	p.port = portOf(p.conn.RemoteAddr())
	s.sources[source{p.port, portOf(p.conn.LocalAddr())}] = name
}

// portOf is the port of an address, empty for that of a unix socket.
func portOf(a net.Addr) string {
	switch a := a.(type) {
	case *net.TCPAddr:
		return strconv.Itoa(a.Port)
	case *net.UDPAddr:
		return strconv.Itoa(a.Port)
	}
	return ""
}

// connect waits until the server has accepted, for sessions to come in order.
// That is known from the log, so "nowait" is for servers that do not log it.
func (s *stage) connect(args []string) error {
	network, address := endpoint(args[1])
	dialer := net.Dialer{Timeout: scriptPatience}
	switch from := net.ParseIP(sourceOf(args, address)); network {
	case "tcp":
		// A port that is bound first is no other client's, whatever that connects to.
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	case "udp":
		dialer.LocalAddr = &net.UDPAddr{IP: from}
	}
	conn, err := dialer.Dial(network, address)
	if err != nil {
		return err
	}
	p := &peer{conn: conn, port: portOf(conn.LocalAddr()), changed: make(chan struct{})}
	if !slices.Contains(args, "tls") {
		p.read(nil)
	}
	s.name(args[0], p)
	s.numbers[p.port] = args[0]
	s.clients = append(s.clients, args[0])
	if network != "tcp" || slices.Contains(args, "nowait") {
		return nil
	}
	return s.wait([]string{"error.log", fmt.Sprintf("client %v connected to ", conn.LocalAddr())})
}

// sourceOf is the address that a client has.
func sourceOf(args []string, to string) string {
	switch from := option(args, "from"); {
	case from != "":
		return from
	case strings.HasPrefix(to, "["):
		return "::1"
	}
	return "127.0.0.1"
}

func (s *stage) refused(args []string) error {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+args[0], scriptPatience)
	if err == nil {
		conn.Close()
		return errors.New("it is accepted")
	}
	return nil
}

// wait waits for a text in a file, a number of times.
func (s *stage) wait(args []string) error {
	count := 1
	if len(args) > 2 {
		count, _ = strconv.Atoi(args[2])
	}
	path := filepath.Join(s.dir, args[0])
	return s.until(fmt.Sprintf("%q in %s", args[1], args[0]), func() bool {
		return strings.Count(readText(path), args[1]) >= count
	})
}

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM,
	"INT": syscall.SIGINT, "USR1": syscall.SIGUSR1, "WINCH": syscall.SIGWINCH,
}

func (s *stage) signal(args []string) error {
	return s.tell(signals[args[0]])
}

// copy puts a new file in the place of an old one, for the server to see either.
func (s *stage) copy(args []string) error {
	text := readText(filepath.Join(s.dir, args[0]))
	whole := filepath.Join(s.dir, args[1]+".copy")
	if err := os.WriteFile(whole, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(whole, filepath.Join(s.dir, args[1]))
}

func send(p *peer, args []string) error {
	text := args[0]
	if n := option(args[1:], "repeat"); n != "" {
		count, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		text = strings.Repeat(text, count)
	}
	_, err := io.WriteString(p.conn, text)
	return err
}

// hello sends a ClientHello, whole or only its first bytes.
func hello(p *peer, args []string) error {
	var protocols []string
	if list := option(args, "alpn"); list != "" {
		protocols = strings.Split(list, ",")
	}
	record := streamtest.ClientHello(option(args, "sni"), protocols...)
	if n, err := strconv.Atoi(option(args, "bytes")); err == nil {
		record = record[:n]
	}
	_, err := p.conn.Write(record)
	return err
}
