//go:build unix

package conformance

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// peer is one end of a connection that the script has: a client's, or a
// backend's. It reads all the time, so that nothing it does not wait for holds
// the server up.
type peer struct {
	conn   net.Conn
	port   string // of the client, or the server towards a backend
	silent bool   // what it receives depends on chance: not recorded

	opening  func(net.Conn)         // done before anything is read; nil: nothing
	sessions tls.ClientSessionCache // of a client, once a step made TLS of it
	asked    string                 // the authorities whose certificates the server wants

	mu      sync.Mutex
	got     []byte        // all that was received
	sizes   []int         // of what came with each read
	seen    int           // how much of it was expected
	end     string        // eof, reset or another error; empty before
	told    bool          // a step saw the end: it is recorded
	changed chan struct{} // closed and replaced when got or end change
}

// newPeer reads a connection.
func newPeer(conn net.Conn, opening func(net.Conn), handle func(*peer, []byte)) *peer {
	p := &peer{conn: conn, opening: opening, changed: make(chan struct{})}
	p.read(handle)
	return p
}

// read reads the connection until it ends; handle, if any, is told of what
// comes, with the end as an empty read.
func (p *peer) read(handle func(*peer, []byte)) {
	conn := p.conn
	go func() {
		if p.opening != nil {
			p.opening(conn)
		}
		buffer := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buffer)
			p.mu.Lock()
			p.got = append(p.got, buffer[:n]...)
			if err != nil {
				p.end = ending(err)
			} else {
				p.sizes = append(p.sizes, n)
			}
			close(p.changed)
			p.changed = make(chan struct{})
			p.mu.Unlock()
			if handle != nil && (n > 0 || err == io.EOF) {
				handle(p, buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
}

func ending(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "eof"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	}
	return err.Error()
}

// wait blocks until a condition on the locked peer holds.
func (p *peer) wait(holds func() bool) error {
	timeout := time.After(scriptPatience)
	p.mu.Lock()
	defer p.mu.Unlock()
	for !holds() {
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
			p.mu.Lock()
		case <-timeout:
			p.mu.Lock()
			return fmt.Errorf("not within %v; received %.500q, end %q", scriptPatience, p.got, p.end)
		}
	}
	return nil
}

// expect waits for the next bytes.
func (p *peer) expect(want string) error {
	got, err := p.receive(len(want))
	if err == nil && got != want {
		err = fmt.Errorf("received %q", got)
	}
	return err
}

// receive waits for a number of bytes, whatever they are.
func (p *peer) receive(count int) (got string, err error) {
	err = p.wait(func() bool {
		if len(p.got)-p.seen < count {
			return p.end != ""
		}
		got = string(p.got[p.seen : p.seen+count])
		p.seen += count
		return true
	})
	if err == nil && len(got) < count {
		err = fmt.Errorf("the end (%s) after %.500q", p.end, p.got[p.seen:])
	}
	return got, err
}

// ended waits for an end that is not recorded.
func (p *peer) ended() error { return p.wait(func() bool { return p.end != "" }) }

// expectEnd waits for an end: eof, reset, or any if kind is empty.
func (p *peer) expectEnd(kind string) error {
	if err := p.ended(); err != nil {
		return err
	}
	p.told = true
	if kind != "" && p.end != kind {
		return fmt.Errorf("ended by %s", p.end)
	}
	return nil
}

// holds reports whether a text was received.
func (p *peer) holds(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Contains(p.got, []byte(text))
}

// reset ends the connection without a word.
func (p *peer) reset() {
	conn := p.conn
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = inner.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	conn.Close()
}

func (p *peer) halfClose() error {
	return p.conn.(interface{ CloseWrite() error }).CloseWrite()
}

// summary is what the peer received, empty if nothing is to be recorded.
func (p *peer) summary(s *stage) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent {
		return ""
	}
	text := s.normal(readableHeader(string(p.got)))
	switch {
	case len(text) > 600:
		text = fmt.Sprintf("%d bytes sha256:%x", len(p.got), sha256.Sum256(p.got))
	case isPackets(p.conn):
		text = p.packets(s)
	default:
		text = strconv.Quote(text)
	}
	text = s.normal(p.agreed()) + text
	if p.told {
		text += " " + p.end
	}
	return text
}

// backend is a server behind the proxy.
type backend struct {
	name     string
	listener net.Listener
	killed   bool
	accepted chan *peer    // of a manual one
	ended    chan struct{} // closed when nothing is accepted any more

	mu    sync.Mutex
	peers []*peer
}

// newBackend listens; how tells what its connections do, see the README.
func newBackend(name, address, how, text string) (*backend, error) {
	how, overTLS := strings.CutPrefix(how, "tls-")
	handle, opening, ok := behaviour(how, text)
	if !ok {
		return nil, fmt.Errorf("no behaviour %q", how)
	}
	network, address := endpoint(address)
	listen := net.Listen
	if network == "udp" {
		listen = listenPackets
	}
	listener, err := listen(network, address)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		_ = os.Chmod(address, 0o666)
	}
	b := &backend{name: name, listener: listener, accepted: make(chan *peer, 1000), ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var later func(net.Conn)
			if overTLS { // a handshake needs the other side
				conn, later = secured(conn), opening
			} else {
				opening(conn)
			}
			p := newPeer(conn, later, handle)
			p.silent = slices.Contains([]string{"say", "close", "reset", "mute"}, how)
			b.mu.Lock()
			b.peers = append(b.peers, p)
			b.mu.Unlock()
			b.accepted <- p
		}
	}()
	return b, nil
}

// behaviour returns what a backend does with what it receives, and at first.
func behaviour(how, text string) (handle func(*peer, []byte), opening func(net.Conn), ok bool) {
	say := func(c net.Conn) {
		if text != "" { // which would be a datagram
			_, _ = io.WriteString(c, text)
		}
	}
	nothing := func(net.Conn) {}
	closeAtEnd := func(p *peer, b []byte) {
		if len(b) == 0 {
			p.conn.Close()
		}
	}
	echo := func(p *peer, b []byte) {
		_, _ = p.conn.Write(b)
		closeAtEnd(p, b)
	}
	switch how {
	case "echo":
		return echo, say, true
	case "say":
		return nil, func(c net.Conn) { say(c); _ = c.(interface{ CloseWrite() error }).CloseWrite() }, true
	case "close":
		return nil, func(c net.Conn) { c.Close() }, true
	case "reset":
		return nil, func(c net.Conn) { (&peer{conn: c}).reset() }, true
	case "answer": // the first bytes, then end
		return func(p *peer, _ []byte) { say(p.conn); p.conn.Close() }, nothing, true
	case "reply": // each time
		return func(p *peer, b []byte) {
			if len(b) > 0 {
				say(p.conn)
			}
			closeAtEnd(p, b)
		}, nothing, true
	case "last": // when the client has ended
		return func(p *peer, b []byte) {
			if len(b) == 0 {
				say(p.conn)
			}
			closeAtEnd(p, b)
		}, nothing, true
	case "stub": // repeats what comes until that holds END
		return func(p *peer, b []byte) {
			echo(p, b)
			if p.holds("END") {
				p.conn.Close()
			}
		}, say, true
	case "manual", "mute":
		return nil, nothing, true
	}
	return nil, nil, false
}

// settle returns the connections that the script has given no name, once the
// server is gone and each has ended. The last of them is known by its address.
func (b *backend) settle(dir string) ([]*peer, error) {
	address := b.listener.Addr()
	if address.Network() == "udp" {
		return b.settlePackets()
	}
	dialer := net.Dialer{Timeout: scriptPatience}
	if address.Network() == "unix" {
		dialer.LocalAddr = &net.UnixAddr{Name: filepath.Join(dir, filepath.Base(b.name)+".last"), Net: "unix"}
	}
	last, err := dialer.Dial(address.Network(), address.String())
	if err != nil {
		return nil, err
	}
	defer last.Close()
	var all []*peer
	for p := range b.accepted {
		if p.conn.RemoteAddr().String() == last.LocalAddr().String() {
			break
		}
		if err := p.ended(); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// close ends the backend and its connections.
func (b *backend) close() {
	b.listener.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.peers {
		p.conn.Close()
	}
}

// endpoint splits an address as nginx writes it; a mere port is local.
func endpoint(address string) (network, name string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path
	}
	network = "tcp"
	if packets, ok := strings.CutPrefix(address, "udp:"); ok {
		network, address = "udp", packets
	}
	if !strings.Contains(address, ":") {
		address = "127.0.0.1:" + address
	}
	return network, address
}
