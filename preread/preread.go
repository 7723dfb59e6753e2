// Package preread looks at the first bytes of a connection without taking them:
// it reads the TLS ClientHello for the server name, the application protocols
// (ALPN) and the protocol version, as nginx's ssl_preread module does.
//
// [ClientHello] works on bytes that were peeked at. [Conn] is for those who
// have a [net.Conn] and a goroutine: it peeks, and gives the same bytes again
// to whoever reads from it.
package preread

import (
	"errors"
	"fmt"
)

// Errors of [ClientHello]. Those about malformed hellos wrap ErrMalformed and
// say what is wrong.
var (
	// ErrNeedMore means that the bytes are fine but do not decide yet.
	ErrNeedMore = errors.New("preread: need more data")

	// ErrNotTLS means that this is some other protocol.
	ErrNotTLS = errors.New("preread: not TLS")

	// ErrMalformed means that a hello begins here but breaks the rules.
	ErrMalformed = errors.New("preread: malformed ClientHello")
)

var (
	errNotHello    = fmt.Errorf("%w: another handshake message", ErrMalformed)
	errLength      = fmt.Errorf("%w: a field is longer than the message", ErrMalformed)
	errNameType    = fmt.Errorf("%w: the server name is not a host name", ErrMalformed)
	errNameLength  = fmt.Errorf("%w: the server name is longer than its list", ErrMalformed)
	errEmptyProto  = fmt.Errorf("%w: empty protocol name in ALPN", ErrMalformed)
	errProtoLength = fmt.Errorf("%w: a protocol name is longer than the ALPN list", ErrMalformed)
)
