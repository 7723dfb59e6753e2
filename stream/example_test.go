package stream_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"

	"github.com/gostream/gostream/stream"
	"github.com/gostream/gostream/upstream"
)

// A load balancer for two servers, filled in by hand. Port 0 lets the kernel
// choose, as tests like it.
func Example() {
	one, two := backend("one"), backend("two")
	cfg := &stream.Config{
		Upstreams: []*upstream.Config{{
			Name:    "backend",
			Servers: []upstream.Server{{Address: one}, {Address: two}},
		}},
		Servers: []*stream.ServerConfig{{
			Listen: []stream.Listen{{Address: "127.0.0.1:0"}},
			Proxy:  stream.ProxyConfig{Pass: "backend"},
		}},
	}
	srv, err := stream.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	for range 4 {
		fmt.Println(ask(srv.Addrs()[0].String()))
	}
	fmt.Println(srv.Shutdown(context.Background()))
	// Output:
	// one
	// two
	// one
	// two
	// <nil>
}

// Connections may come from a listener of the program, and go to servers by its
// dialer: a tailnet, or pipes as here.
func ExampleServerConfig_Listener() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	pipe := func(_ context.Context, network, address string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			fmt.Fprintf(there, "you are talking to %s by %s", address, network)
			there.Close()
		}()
		return here, nil
	}
	srv, err := stream.New(&stream.Config{Servers: []*stream.ServerConfig{{
		Listener: ln,
		Proxy:    stream.ProxyConfig{Pass: "192.0.2.1:80", Dial: pipe},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(ask(ln.Addr().String()))
	fmt.Println(srv.Shutdown(context.Background()))
	// Output:
	// you are talking to 192.0.2.1:80 by tcp
	// <nil>
}

// Reload goes over to another configuration without a gap, or leaves everything
// as it was.
func ExampleServer_Reload() {
	answer := func(text string) *stream.Config {
		return &stream.Config{Servers: []*stream.ServerConfig{{
			Listen: []stream.Listen{{Address: "127.0.0.1:0"}},
			Return: &text,
		}}}
	}
	srv, err := stream.New(answer("before, on $protocol"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	if err := srv.Listen(); err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	address := srv.Addrs()[0].String()
	fmt.Println(ask(address))
	fmt.Println(srv.Reload(answer("$nonsense")))
	fmt.Println(ask(address))
	fmt.Println(srv.Reload(answer("after")))
	fmt.Println(ask(address))
	// Output:
	// before, on TCP
	// unknown "nonsense" variable
	// before, on TCP
	// <nil>
	// after
}

// backend sends its name to each client.
func backend(name string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, name)
			conn.Close()
		}
	}()
	return ln.Addr().String()
}

// ask reads what a server says.
func ask(address string) string {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
