package preread

import (
	"errors"
	"iter"
)

// Hello is what a ClientHello says.
type Hello struct {
	// ServerName is the SNI host name as sent: $ssl_preread_server_name. It is
	// empty if there is none. Nothing checks that it is a name.
	ServerName []byte

	// ALPN is the list of application protocols as sent, each preceded by a
	// byte with its length. It is empty if there is none.
	ALPN []byte

	// Version is the highest protocol version on offer, as TLS numbers it. A
	// hello with a supported_versions extension counts as TLS 1.3 (0x0304)
	// whatever the extension says, else this is the version field of the hello.
	Version uint16
}

// Types of the extensions that matter here.
const (
	extServerName        = 0
	extALPN              = 16
	extSupportedVersions = 43
)

const (
	typeClientHello = 1
	versionTLS13    = 0x0304
)

// ClientHello reads the ClientHello that a connection begins with. b is all
// that has come so far; after [ErrNeedMore] call it again with the same bytes
// and those that came since. Nothing is decided before 5 bytes are there.
//
// The hello may be spread over any number of TLS records, of which each must
// be complete. Hellos in the form of SSL 2 are recognised, but only their
// version is read. As in nginx, the length of an extension is not compared
// with the lengths inside it.
//
// The error is nil, [ErrNeedMore], [ErrNotTLS], or wraps [ErrMalformed]. With
// ErrNeedMore the Hello has what the records that are there say; its ALPN ends
// with an empty name if more names are to come. In the last two cases it is zero, and nginx
// goes on with the session as if there had been nothing to read.
//
// ServerName and ALPN are parts of b and only good as long as b stays the same.
// Only if records end inside of them they are copies.
func ClientHello(b []byte) (Hello, error) {
	var h Hello
	r := reader{input: b}
	err := r.hello(&h)
	if errors.Is(err, errSSL2) {
		h.Version = r.ssl2Version
		return h, nil
	}
	if err != nil && err != ErrNeedMore {
		return Hello{}, err
	}
	return h, err
}

// hello reads the message field by field.
func (r *reader) hello(h *Hello) error {
	if err := r.header(); err != nil {
		return err
	}
	shift := 8 // the second byte of the version may be in another record
	if err := r.each(2, func(part []byte) {
		for _, c := range part {
			h.Version |= uint16(c) << shift
			shift -= 8
		}
	}); err != nil {
		return err
	}
	if err := r.skip(32); err != nil { // random
		return err
	}
	for _, size := range [...]int{1, 2, 1} { // session id, cipher suites, compression methods
		if err := r.skipVector(size); err != nil {
			return err
		}
	}
	if r.left == 0 {
		return nil
	}
	if err := r.skip(2); err != nil { // length of all extensions
		return err
	}
	for r.left > 0 {
		if err := r.extension(h); err != nil {
			return err
		}
	}
	return nil
}

// header reads the type of the message, and its length: nothing is known to be
// left before that.
func (r *reader) header() error {
	r.left = 4
	n, err := r.number(4)
	if err != nil {
		return err
	}
	if n>>24 != typeClientHello {
		return errNotHello
	}
	r.left = n & 0xffffff
	return nil
}

// extension reads one extension. Of those that occur twice the first counts.
func (r *reader) extension(h *Hello) error {
	n, err := r.number(4)
	if err != nil {
		return err
	}
	switch typ := n >> 16; {
	case typ == extServerName && h.ServerName == nil:
		h.ServerName, err = r.serverName()
		return err
	case typ == extALPN && h.ALPN == nil:
		h.ALPN, err = r.protocols()
		return err
	case typ == extSupportedVersions:
		size, err := r.number(1)
		if err != nil {
			return err
		}
		h.Version = versionTLS13
		return r.skip(size)
	}
	return r.skip(n & 0xffff)
}

// serverName reads a list of names, of which only the first is looked at.
func (r *reader) serverName() ([]byte, error) {
	list, err := r.number(2)
	if err != nil {
		return nil, err
	}
	head, err := r.number(3)
	if err != nil {
		return nil, err
	}
	if head>>16 != 0 {
		return nil, errNameType
	}
	size := head & 0xffff
	if list < 3+size {
		return nil, errNameLength
	}
	name, err := r.take(size)
	if err != nil {
		return nil, err
	}
	return name, r.skip(list - 3 - size)
}

// protocols reads the ALPN list, and checks that it is made of names. With
// ErrNeedMore it returns those that are there.
func (r *reader) protocols() ([]byte, error) {
	size, err := r.number(2)
	if err != nil {
		return nil, err
	}
	check := *r
	for left := size; ; {
		n, err := check.number(1)
		switch {
		case err != nil:
			return r.firstProtocols(size - left), err
		case n == 0:
			return nil, errEmptyProto
		case left < 1+n:
			return nil, errProtoLength
		}
		if err := check.skip(n); err != nil {
			return r.firstProtocols(size - left), err
		}
		if left -= 1 + n; left == 0 {
			return r.take(size)
		}
	}
}

// firstProtocols is the beginning of a list, with the mark that more is to come.
func (r *reader) firstProtocols(size int) []byte {
	if size == 0 {
		return nil
	}
	list, err := r.take(size)
	if err != nil {
		return nil
	}
	return append(list, 0)
}

// Protocol names the version: $ssl_preread_protocol. It is empty for a version
// without a name.
func (h *Hello) Protocol() string {
	switch h.Version {
	case 0x0002:
		return "SSLv2"
	case 0x0300:
		return "SSLv3"
	case 0x0301:
		return "TLSv1"
	case 0x0302:
		return "TLSv1.1"
	case 0x0303:
		return "TLSv1.2"
	case versionTLS13:
		return "TLSv1.3"
	}
	return ""
}

// Protocols yields the application protocols one by one. They are parts of ALPN.
func (h *Hello) Protocols() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for list := h.ALPN; len(list) > 0; {
			n := min(1+int(list[0]), len(list))
			if !yield(list[1:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// AppendALPN appends the application protocols, joined by commas:
// $ssl_preread_alpn_protocols.
func (h *Hello) AppendALPN(dst []byte) []byte {
	first := true
	for p := range h.Protocols() {
		if !first {
			dst = append(dst, ',')
		}
		dst, first = append(dst, p...), false
	}
	return dst
}
