package preread_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gostream/gostream/preread"
)

// A server that picks the backend by the name the client asks for, and passes
// the connection on as it came.
func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	go tls.Dial("tcp", l.Addr().String(), &tls.Config{ServerName: "db.example.com", NextProtos: []string{"postgresql"}})

	accepted, err := l.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	conn := preread.NewConn(accepted, 0)
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	hello, err := conn.ClientHello()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s\n", hello.ServerName, hello.AppendALPN(nil))

	var first [1]byte
	io.ReadFull(conn, first[:])
	fmt.Println("the hello is still there:", first[0] == 22)
	// Output:
	// db.example.com postgresql
	// the hello is still there: true
}

func ExampleClientHello() {
	_, err := preread.ClientHello([]byte("\x16\x03\x01"))
	fmt.Println(err)
	_, err = preread.ClientHello([]byte("GET / HTTP/1.1\r\n"))
	fmt.Println(err)
	_, err = preread.ClientHello([]byte("\x16\x03\x01\x00\x04\x02\x00\x00\x00"))
	fmt.Println(err, errors.Is(err, preread.ErrMalformed))
	// Output:
	// preread: need more data
	// preread: not TLS
	// preread: malformed ClientHello: another handshake message true
}
