package stream

// serve_net.go - accepting where sessions run on goroutines.

import (
	"errors"
	"net"
	"os"
	"time"
)

// foreignListener is a ServerConfig.Listener at work.
type foreignListener struct {
	net.Listener
	ln *listener
}

// startForeign begins to serve the listeners that came with the configuration.
func (s *Server) startForeign() {
	for _, c := range s.gen.conf.Servers {
		if c.Listener == nil {
			continue
		}
		ln := &listener{server: s, text: c.Listener.Addr().String()}
		ln.places.Store(&places{gen: s.gen, any: &place{def: s.gen.servers[c]}})
		f := &foreignListener{c.Listener, ln}
		s.foreign = append(s.foreign, f)
		go ln.acceptNet(c.Listener)
	}
}

func (s *Server) stopForeign() {
	for _, f := range s.foreign {
		f.Close()
	}
	s.foreign = nil
}

// startGoroutine accepts on a socket of the system's.
func (ln *listener) startGoroutine() error {
	for _, fd := range ln.socket.fds {
		file := os.NewFile(uintptr(dup(fd)), ln.text)
		l, err := net.FileListener(file)
		file.Close()
		if err != nil {
			return err
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		ln.socket.goroutines = append(ln.socket.goroutines, l)
		go ln.acceptNet(l)
	}
	return nil
}

// acceptNet serves each connection on a goroutine of its own until the listener
// is closed. Other errors are logged once, with a growing pause between tries.
func (ln *listener) acceptNet(l net.Listener) {
	const longest = time.Second
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			if pause == 0 {
				ln.acceptFailed(plainError(err))
			}
			pause = min(max(2*pause, 5*time.Millisecond), longest)
			time.Sleep(pause)
		default:
			pause = 0
			go ln.serveNet(conn)
		}
	}
}

// serveNet runs a session on the calling goroutine.
func (ln *listener) serveNet(conn net.Conn) {
	at := ln.places.Load()
	s := &Session{gen: at.gen, ln: ln, remote: endpointOfNet(conn.RemoteAddr())}
	t := &netTransport{session: s, client: conn}
	s.transport = t
	s.place, s.local = at.find(t.localAddr)
	s.srv = s.place.def
	at.gen.enter()
	s.serve()
}

func (t *netTransport) released() {}
