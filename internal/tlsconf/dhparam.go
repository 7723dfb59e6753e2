package tlsconf

import (
	"errors"
	"math/big"
	"strings"

	"github.com/gostream/gostream/internal/ber"
)

// CheckDHParams looks whether a file has parameters for DHE that are strong
// enough for a security level. crypto/tls has no use for them. Its error is a
// complete message.
func CheckDHParams(name string, level int) error {
	text, queue := readFile(name, "r")
	if queue != nil {
		return errors.New(withQueue("BIO_new_file(\""+name+"\") failed", queue...))
	}
	r := pemReader{rest: text}
	b, err := r.next("DH PARAMETERS", "DH PARAMETERS", "X9.42 DH PARAMETERS")
	reached := 0
	if err == nil {
		reached, err = dhLevel(b)
	}
	if err != nil {
		return failed("PEM_read_bio_DHparams(\""+name+"\") failed", err)
	}
	if reached < max(level, 1) { // level 0 asks for as much as level 1
		return failed("SSL_CTX_set_tmp_dh(\""+name+"\") failed", opensslQueue(sslError(0x18A, "dh key too small")))
	}
	return nil
}

// dhLevel is the security level that parameters reach.
func dhLevel(b *pemBlock) (int, error) {
	t, prime, order := dhType, "params.p", "length"
	if strings.HasPrefix(b.kind, "X9.42") {
		t, prime, order = dhxType, "p", "q"
	}
	v, _, problems := ber.Decode(b.der, t)
	if problems != nil {
		return 0, encodingProblem(problems)
	}
	level := primeLevel(ber.BigInt(v.Field(prime).Bytes).BitLen())
	size := new(big.Int)
	if found := v.Field(order); found != nil {
		size = ber.BigInt(found.Bytes)
	}
	switch {
	case size.Sign() == 0:
	case t == dhxType:
		level = min(level, orderLevel(size.BitLen()))
	case size.Cmp(big.NewInt(1<<16)) < 0:
		level = min(level, orderLevel(int(size.Int64())))
	}
	return level, nil
}
