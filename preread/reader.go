package preread

import (
	"encoding/binary"
	"errors"
)

// reader reads the fields of one handshake message through the records that
// carry it.
type reader struct {
	input  []byte // from the next record on
	record []byte // what is left of the current one
	left   int    // what is left of the message, by its own length

	ssl2Version uint16
}

const (
	typeHandshake   = 22
	recordHeaderLen = 5 // type, version in two bytes, length in two bytes
)

// errSSL2 ends the reading: where a record should be there is an SSL 2 hello.
var errSSL2 = errors.New("SSL 2 hello")

// nextRecord goes on to the next record, which has to be complete.
func (r *reader) nextRecord() error {
	b := r.input
	if len(b) < recordHeaderLen {
		return ErrNeedMore
	}
	if version, ok := ssl2(b); ok {
		r.ssl2Version = version
		return errSSL2
	}
	if b[0] != typeHandshake || b[1] != 3 {
		return ErrNotTLS
	}
	end := recordHeaderLen + int(binary.BigEndian.Uint16(b[3:]))
	if end > len(b) {
		return ErrNeedMore
	}
	r.record, r.input = b[recordHeaderLen:end], b[end:]
	return nil
}

// ssl2 reports whether a record header is the beginning of an SSL 2 hello: two
// bytes of length with the high bit set, the message type, and the version.
func ssl2(b []byte) (version uint16, ok bool) {
	ok = b[0]&0x80 != 0 && b[2] == typeClientHello && (b[3] == 0 || b[3] == 3)
	return binary.BigEndian.Uint16(b[3:]), ok
}

// take reads n bytes. The result is a part of the input, or a copy if it had to
// be put together from several records; it is never nil.
func (r *reader) take(n int) ([]byte, error) {
	if n > r.left {
		return nil, errLength
	}
	if n <= len(r.record) {
		b := r.record[:n:n]
		r.record = r.record[n:]
		r.left -= n
		return b, nil
	}
	b := []byte{}
	return b, r.each(n, func(part []byte) { b = append(b, part...) })
}

// skip passes over n bytes.
func (r *reader) skip(n int) error {
	return r.each(n, func([]byte) {})
}

// number reads a big-endian number of n bytes.
func (r *reader) number(n int) (int, error) {
	v := 0
	err := r.each(n, func(part []byte) {
		for _, c := range part {
			v = v<<8 | int(c)
		}
	})
	return v, err
}

// skipVector passes over a field that begins with its length, of size bytes.
func (r *reader) skipVector(size int) error {
	n, err := r.number(size)
	if err != nil {
		return err
	}
	return r.skip(n)
}

// each reads n bytes and hands them over in as many parts as records carry
// them. A length that cannot be right is refused before the bytes are there.
func (r *reader) each(n int, f func(part []byte)) error {
	if n > r.left {
		return errLength
	}
	r.left -= n
	for n > 0 {
		for len(r.record) == 0 {
			if err := r.nextRecord(); err != nil {
				return err
			}
		}
		part := r.record[:min(n, len(r.record))]
		f(part)
		r.record = r.record[len(part):]
		n -= len(part)
	}
	return nil
}
