package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// HandshakeError is what OpenSSL says to an error of [tls.Conn.HandshakeContext]
// or of a read or write: "error:0A000102:SSL routines::unsupported protocol",
// which nginx logs as `SSL_do_handshake() failed (SSL: ...)`. Where OpenSSL has
// nothing like it, these are the words of crypto/tls.
func HandshakeError(err error) string {
	var header tls.RecordHeaderError
	var op *net.OpError
	if r, refused := errors.AsType[*Refusal](err); refused {
		return r.Error()
	}
	switch {
	case errors.As(err, &header):
		return headerError(&header)
	case errors.As(err, &op) && op.Op == "remote error":
		return alertError(alertNumber(op.Err))
	case errors.As(err, &op) && op.Op == "local error":
		return localError(alertNumber(op.Err), op.Err)
	}
	text := err.Error()
	for _, e := range handshakeErrors {
		if strings.Contains(text, e.text) {
			return sslError(e.reason, e.words)
		}
	}
	return text
}

// errUnexpected is about a message at the wrong time.
var errUnexpected = sslError(0xF4, "unexpected message")

// Closed reports whether an error means no more than that the other side has
// gone, be it in the middle of something. nginx does not ask for more.
func Closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// sslError is an error of OpenSSL's SSL library by its number.
func sslError(reason int, words string) string {
	return fmt.Sprintf("error:0A%06X:SSL routines::%s", reason, words)
}

// handshakeErrors are OpenSSL's errors by texts of crypto/tls.
var handshakeErrors = []struct {
	text   string
	reason int
	words  string
}{
	{"offered only unsupported versions", 0x102, "unsupported protocol"},
	{"no cipher suite supported", 0xC1, "no shared cipher"},
	{"unsupported application protocols", 0xEB, "no application protocol"},
	{"no key exchanges supported", 0x65, "no suitable key share"},
	{"signature algorithms", 0x76, "no suitable signature algorithm"},
	{"inappropriate protocol fallback", 0x175, "inappropriate fallback"},
	{"cannot be used with the selected cipher suite", 0xC1, "no shared cipher"},
	{"invalid ClientKeyExchange message", 0x9F, "length mismatch"},
	{"unexpected handshake message", 0xF4, "unexpected message"},
	{"invalid signature by the", 0x7B, "bad signature"},
	{"Finished message is incorrect", 0x95, "digest check failed"},
	{"invalid client finished hash", 0x95, "digest check failed"},
	{"invalid server finished hash", 0x95, "digest check failed"},
	{"invalid PSK binder", 0xFD, "binder does not verify"},
	{"handshake message of length", 0x98, "excessive message size"},
	{"failed to parse", 0x8000D, "ASN1 lib"},
	{"server selected unsupported protocol version", 0x102, "unsupported protocol"},
	{"server chose an unconfigured cipher suite", 0xF8, "wrong cipher returned"},
}

// headerError is about a record that is none.
func headerError(e *tls.RecordHeaderError) string {
	start := string(e.RecordHeader[:])
	switch {
	case strings.HasPrefix(start, "GET "), strings.HasPrefix(start, "POST "), strings.HasPrefix(start, "HEAD "), strings.HasPrefix(start, "PUT "):
		return sslError(0x9C, "http request")
	case strings.HasPrefix(start, "CONNE"):
		return sslError(0x9B, "https proxy request")
	case strings.Contains(e.Msg, "oversized"):
		return sslError(0xC6, "packet length too long")
	case start[0] >= recordAlert-1 && start[0] <= recordAlert+2 && start[1] == 3:
		return errUnexpected
	}
	return sslError(0x10B, "wrong version number")
}

// alertTexts are OpenSSL's names of the alerts that the other side may send.
var alertTexts = map[int]string{
	10: "ssl/tls alert unexpected message", 20: "ssl/tls alert bad record mac",
	21: "tlsv1 alert decryption failed", 22: "tlsv1 alert record overflow",
	30: "sslv3 alert decompression failure", 40: "sslv3 alert handshake failure",
	42: "sslv3 alert bad certificate", 43: "sslv3 alert unsupported certificate",
	44: "sslv3 alert certificate revoked", 45: "sslv3 alert certificate expired",
	46: "sslv3 alert certificate unknown", 47: "sslv3 alert illegal parameter",
	48: "tlsv1 alert unknown ca", 49: "tlsv1 alert access denied",
	50: "tlsv1 alert decode error", 51: "tlsv1 alert decrypt error",
	60: "tlsv1 alert export restriction", 70: "tlsv1 alert protocol version",
	71: "tlsv1 alert insufficient security", 80: "tlsv1 alert internal error",
	86: "tlsv1 alert inappropriate fallback", 90: "tlsv1 alert user cancelled",
	100: "tlsv1 alert no renegotiation", 109: "tlsv13 alert missing extension",
	110: "tlsv1 unsupported extension", 111: "tlsv1 certificate unobtainable",
	112: "tlsv1 unrecognized name", 113: "tlsv1 bad certificate status response",
	114: "tlsv1 bad certificate hash value", 116: "tlsv13 alert certificate required",
	120: "tlsv1 alert no application protocol",
}

// alertReason is the number of OpenSSL's error for alert 0.
const alertReason = 1000

func alertError(alert int) string {
	text, ok := alertTexts[alert]
	if !ok {
		return fmt.Sprintf("error:0A%06X:SSL routines::reason(%d):SSL alert number %[3]d", alertReason+alert, alertReason+alert, alert)
	}
	return fmt.Sprintf("%s:SSL alert number %d", sslError(alertReason+alert, text), alert)
}

// localError is about what has made crypto/tls send an alert.
func localError(alert int, err error) string {
	switch alert {
	case 10:
		return errUnexpected
	case 20:
		return sslError(0x119, "decryption failed or bad record mac")
	case 22:
		return sslError(0xC6, "packet length too long")
	case 50:
		return sslError(0xA0, "length too short")
	case 70:
		return sslError(0x102, "unsupported protocol")
	case 109:
		return sslError(0x70, "missing sigalgs extension")
	}
	return err.Error()
}

// alertNumbers finds the number of an alert by its text; its type is not
// exported.
var alertNumbers = sync.OnceValue(func() map[string]int {
	m := map[string]int{}
	for n := 255; n >= 0; n-- {
		m[tls.AlertError(n).Error()] = n
	}
	return m
})

func alertNumber(err error) int {
	n, ok := alertNumbers()[err.Error()]
	if !ok {
		return -1
	}
	return n
}
