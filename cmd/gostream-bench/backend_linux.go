package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
)

// service is something that the backend offers on a port of its own. Every
// proxy has the same ports at another offset, and passes them on.
type service int

const (
	echo   service = iota // gives back what it gets
	sink                  // takes blocks and confirms each with one byte
	source                // gives a block for each byte that it gets
	byName                // answers a ClientHello with 64 bytes; proxied by server name
	services
)

// Of datagrams there is one service, echo. Proxies have it at two ports: one
// where a session lasts, and one where each datagram is answered once and that
// is all.
const (
	packets = echo
	queries = sink
)

const (
	messageSize = 64
	blockSize   = 32 << 20 // of bulk transfers; the pause between two of them must not matter
	chunkSize   = 256 << 10
)

// portsNeeded is a range of ten for the backend and each proxy.
const portsNeeded = 40

// address of a service, where ports begin at base.
func (s service) address(base int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(base+int(s)))
}

// addresses of all services, where ports begin at base.
func addresses(base int) (all []string) {
	for s := range services {
		all = append(all, s.address(base))
	}
	return all
}

// runBackend serves all services until it is killed.
func runBackend(args []string) int {
	runtime.GOMAXPROCS(1) // more would spend CPU on waking each other up
	var base int
	fmt.Sscan(args[0], &base)
	var listeners []net.Listener
	for _, address := range addresses(base) {
		l, err := net.Listen("tcp", address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		listeners = append(listeners, l)
	}
	for s, l := range listeners {
		go serve(l, service(s))
	}
	packets, err := net.ListenPacket("udp", echo.address(base))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go servePackets(packets)
	fmt.Println("ready")
	select {}
}

// serve accepts connections until the listener is closed.
func serve(l net.Listener, s service) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			s.handle(c)
		}()
	}
}

// handle talks to a client until either of them has enough.
func (s service) handle(c net.Conn) error {
	switch s {
	case echo:
		return serveEcho(c)
	case sink:
		return serveSink(c)
	case source:
		return serveSource(c)
	}
	return serveHello(c)
}

func serveEcho(c net.Conn) error {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return err
		}
	}
}

// servePackets gives back datagrams until the socket is closed.
func servePackets(c net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.(*net.UDPConn).ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		_, _ = c.(*net.UDPConn).WriteToUDPAddrPort(buf[:n], from)
	}
}

func serveSink(c net.Conn) error {
	buf := make([]byte, chunkSize)
	for {
		if err := readBlock(c, buf); err != nil {
			return err
		}
		if _, err := c.Write(buf[:1]); err != nil {
			return err
		}
	}
}

func serveSource(c net.Conn) error {
	buf := make([]byte, chunkSize)
	for {
		if _, err := c.Read(buf[:1]); err != nil {
			return err
		}
		if err := writeBlock(c, buf); err != nil {
			return err
		}
	}
}

// readBlock takes a block from c and throws it away.
func readBlock(c net.Conn, buf []byte) error {
	for left := blockSize; left > 0; {
		n, err := c.Read(buf[:min(left, len(buf))])
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// writeBlock sends a block of no particular content.
func writeBlock(c net.Conn, buf []byte) error {
	for left := blockSize; left > 0; {
		n, err := c.Write(buf[:min(left, len(buf))])
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// serveHello takes TLS records, and answers each.
func serveHello(c net.Conn) error {
	buf := make([]byte, 5+1<<16)
	for {
		if _, err := io.ReadFull(c, buf[:5]); err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint16(buf[3:]))
		if _, err := io.ReadFull(c, buf[5:5+n]); err != nil {
			return err
		}
		if _, err := c.Write(buf[:messageSize]); err != nil {
			return err
		}
	}
}
