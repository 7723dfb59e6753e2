package stream

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// What nginx tells an upstream about TLS clients, byte by byte. The clients are
// OpenSSL's, since with crypto/tls nobody chooses the cipher.
func TestProxyHeaderOfTLSClients(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip(err)
	}
	replayed := 0
	for _, raw := range rawRecordings(t, "PROXY v2 write") {
		var v struct {
			Input  struct{ Case string }
			Output string
		}
		require.NoError(t, json.Unmarshal(raw, &v))
		args := []string{"s_client", "-quiet", "-servername", "sni.example", "-alpn", "h2", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-connect"}
		switch {
		case strings.HasPrefix(v.Input.Case, "as above plus client cert"):
			dir := tlsFiles(t)
			args = append(args[:len(args)-1:len(args)-1], "-cert", dir+"/client.crt", "-key", dir+"/client.key", "-connect")
		case !strings.HasPrefix(v.Input.Case, "TLS client"):
			continue
		}
		replayed++
		want, err := hex.DecodeString(v.Output)
		require.NoError(t, err)
		got := headerOfClient(t, len(want), openssl, args)
		ports := binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(got[24:]))
		copy(want[24:], ports)
		crc := len(want) - len("D") - 4
		copy(want[crc:], make([]byte, 4))
		binary.BigEndian.PutUint32(want[crc:], crc32.Checksum(want[:crc+4], crc32.MakeTable(crc32.Castagnoli)))
		assert.Equal(t, hex.Dump(want), hex.Dump(got), v.Input.Case)
	}
	assert.Equal(t, 2, replayed)
}

// headerOfClient is what an upstream gets when a client sends "D".
func headerOfClient(t *testing.T, size int, client string, args []string) []byte {
	t.Helper()
	received := make(chan []byte, 1)
	up := streamtest.Upstream(t, func(c net.Conn) {
		got := make([]byte, size)
		n, _ := io.ReadFull(c, got)
		received <- got[:n]
	})
	s := startTLS(t, `server { listen 127.0.0.1:PORT0 ssl; ssl_alpn h2; ssl_verify_client optional_no_ca; proxy_protocol v2; proxy_pass UP; }`, "UP", up)
	cmd := exec.Command(client, append(args, s.text("127.0.0.1:PORT0"))...)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	_, err = io.WriteString(in, "D")
	require.NoError(t, err)
	got := streamtest.Receive(t, received)
	require.Len(t, got, size)
	return got
}

// Kinds of certificates that the recordings have none of.
func TestNamesOfCertificates(t *testing.T) {
	for name, want := range map[string]string{"a": "RSA-SHA256 RSA2048", "ec": "ecdsa-with-SHA256 EC256"} {
		cert := tlsPair(t, name).Leaf
		assert.Equal(t, want, signatureName(cert)+" "+keyName(cert))
	}
}
