// Command library balances a port over two servers without a configuration
// file: the structs that an nginx.conf would fill are filled by hand.
//
//	go run ./examples/library
//	nc -d 127.0.0.1 9100
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/gostream/gostream/stream"
	"github.com/gostream/gostream/upstream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "127.0.0.1:9100"); err != nil {
		log.Fatal(err)
	}
}

// run serves an address until the context ends, and then lets the sessions end.
func run(ctx context.Context, address string) error {
	first, err := greeter("first")
	if err != nil {
		return err
	}
	defer first.Close()
	second, err := greeter("second")
	if err != nil {
		return err
	}
	defer second.Close()

	srv, err := stream.New(config(address, first.Addr().String(), second.Addr().String()))
	if err != nil {
		return err
	}
	if err := srv.Listen(); err != nil {
		return err
	}
	if err := srv.Start(); err != nil {
		return err
	}
	log.Println("listening on", srv.Addrs())
	<-ctx.Done()

	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return srv.Shutdown(last)
}

// config is what this block says:
//
//	error_log stderr info;
//	upstream greeters { least_conn; server FIRST max_fails=2; server SECOND max_fails=2; }
//	server { listen ADDRESS; proxy_connect_timeout 5s; proxy_pass greeters; }
func config(address string, servers ...string) *stream.Config {
	group := &upstream.Config{Name: "greeters", Method: upstream.LeastConn}
	for _, s := range servers {
		group.Servers = append(group.Servers, upstream.Server{Address: s, MaxFails: 2, FailTimeout: 10 * time.Second})
	}
	return &stream.Config{
		ErrorLog:  []stream.ErrorLog{{"stderr", "info"}},
		Upstreams: []*upstream.Config{group},
		Servers: []*stream.ServerConfig{{
			Listen: []stream.Listen{{Address: address}},
			Proxy:  stream.ProxyConfig{Pass: group.Name, ConnectTimeout: 5 * time.Second},
		}},
	}
}

// greeter is a server that says its name.
func greeter(name string) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "hello from the %s server\n", name)
			c.Close()
		}
	}()
	return ln, nil
}
