package pkitest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// keys are kept for as long as the tests run: making one of RSA takes long.
var keys struct {
	sync.Mutex
	m map[string]crypto.Signer
}

// keyFor returns a key of a kind for a name, always the same one.
func keyFor(kind, name string) (crypto.Signer, error) {
	if size, ok := strings.CutPrefix(kind, "pss"); ok {
		size, _, _ = strings.Cut(size, ":")
		kind = "rsa" + size
	}
	keys.Lock()
	defer keys.Unlock()
	id := kind + " " + name
	if k := keys.m[id]; k != nil {
		return k, nil
	}
	k, err := newKey(kind)
	if err != nil {
		return nil, err
	}
	if keys.m == nil {
		keys.m = map[string]crypto.Signer{}
	}
	keys.m[id] = k
	return k, nil
}

func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "p224":
		return ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "p521":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ed25519":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	if bits, ok := strings.CutPrefix(kind, "rsa"); ok {
		n, err := strconv.Atoi(bits)
		if err != nil {
			return nil, err
		}
		return newRSA(n)
	}
	return nil, fmt.Errorf("unknown kind of key %q", kind)
}
