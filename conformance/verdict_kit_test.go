//go:build unix

package conformance

// verdict_kit_test.go - what a server says of certificates: it is started with
// a listener and an upstream for each case, and asked.

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/pki/pkitest"
)

// verdicts are what a server says of a case: numbers of OpenSSL, 0 being
// success, or "name" for the certificate of another host. The texts are what it
// says of the good certificate of a client.
type verdicts struct{ client, server, texts string }

// judge is a running server with cases to judge.
type judge struct {
	dir   string
	cases []*pkitest.Case
	built []*pkitest.Material
}

// judgeAll has a server judge cases in a folder.
func (s *subject) judgeAll(dir string, cases []*pkitest.Case) ([]verdicts, error) {
	j := &judge{dir: dir, cases: cases}
	if err := j.build(); err != nil {
		return nil, err
	}
	stage, err := judgeStage(s, dir, j.config())
	if err != nil {
		return nil, err
	}
	defer stage.close()
	all := j.askAll()
	return all, stage.finish()
}

// build makes what the cases are of, and its files.
func (j *judge) build() error {
	for _, c := range j.cases {
		m, err := c.Build()
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		j.built = append(j.built, m)
	}
	return j.write()
}

// judgeStage starts a server with a configuration in a folder.
func judgeStage(s *subject, dir, config string) (*stage, error) {
	stage := newStage(dir)
	err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o644)
	if err == nil {
		err = stage.start(s, config)
	}
	if err == nil && stage.gone() {
		err = fmt.Errorf("it does not start: %s", readText(filepath.Join(dir, "error.log")))
	}
	if err != nil {
		stage.close()
		return nil, err
	}
	return stage, nil
}

// file is the name of a file of a case, in the server's folder.
func (j *judge) file(n int, kind string) string { return fmt.Sprintf("%s%d", kind, n) }

func (j *judge) write() error {
	if err := copyKeys(j.dir); err != nil {
		return err
	}
	if err := writeStrong(j.dir); err != nil {
		return err
	}
	for n, m := range j.built {
		var trust, lists bytes.Buffer
		for _, c := range m.Trust {
			trust.Write(c.PEM())
		}
		for _, der := range m.Lists {
			_ = pem.Encode(&lists, &pem.Block{Type: "X509 CRL", Bytes: der})
		}
		for name, text := range map[string][]byte{"trust": trust.Bytes(), "lists": lists.Bytes()} {
			if len(text) == 0 {
				continue
			}
			if err := os.WriteFile(filepath.Join(j.dir, j.file(n, name)), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// strongLevel is the level from which tls/one.pem is too weak for the server
// itself.
const strongLevel = 4

// writeStrong writes a certificate for the highest levels.
func writeStrong(dir string) error {
	cases, err := pkitest.Parse("case strong\ncert one key=p521 sig=sha512\ntrust one\nsend one\n")
	if err != nil {
		return err
	}
	m, err := cases[0].Build()
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(m.Send[0].Key)
	if err != nil {
		return err
	}
	text := append(m.Send[0].PEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	return os.WriteFile(filepath.Join(dir, "strong.pem"), text, 0o600)
}

// clientTexts are what a server says of a client's certificate.
const clientTexts = "$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_serial|$ssl_client_v_start|$ssl_client_v_end"

func (j *judge) config() string {
	var b strings.Builder
	b.WriteString("worker_processes 1; worker_rlimit_nofile 9000; error_log error.log info;\nevents { worker_connections 4000; }\nstream {\n" +
		"ssl_certificate tls/one.pem; ssl_certificate_key tls/one.key;\nssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_connect_timeout 9s;\n")
	for n, c := range j.cases {
		crl := ""
		if len(c.Lists) > 0 {
			crl = "ssl_crl " + j.file(n, "lists") + "; "
		}
		own := ""
		if c.Level >= strongLevel {
			own = "ssl_certificate strong.pem; ssl_certificate_key strong.pem; "
		}
		proxyCRL := strings.ReplaceAll(crl, "ssl_", "proxy_ssl_")
		fmt.Fprintf(&b, "server { listen unix:%s ssl; error_log %s info; ssl_verify_client on; %sssl_client_certificate %s; %sssl_verify_depth %d; ssl_ciphers DEFAULT@SECLEVEL=%d; return \"ok\\n%s\"; }\n",
			j.file(n, "c"), j.file(n, "clog"), own, j.file(n, "trust"), crl, c.Depth, c.Level, clientTexts)
		fmt.Fprintf(&b, "server { listen unix:%s; error_log %s info; proxy_pass unix:%s; proxy_ssl on; proxy_ssl_verify on; proxy_ssl_name \"%s\"; proxy_ssl_trusted_certificate %s; %sproxy_ssl_verify_depth %d; proxy_ssl_ciphers DEFAULT@SECLEVEL=%d; }\n",
			j.file(n, "p"), j.file(n, "plog"), filepath.Join(j.dir, j.file(n, "b")), c.HostName(), j.file(n, "trust"), proxyCRL, c.Depth, c.Level)
	}
	b.WriteString("}\n")
	return b.String()
}

// askAll asks about all cases, several at once.
func (j *judge) askAll() []verdicts {
	all := make([]verdicts, len(j.cases))
	var wait sync.WaitGroup
	places := make(chan struct{}, 4)
	for n := range j.cases {
		places <- struct{}{}
		wait.Go(func() {
			all[n].client, all[n].texts = j.asClient(n)
			all[n].server = j.asServer(n)
			<-places
		})
	}
	wait.Wait()
	return all
}

// shown is what a peer shows: whatever crypto/tls thinks of it.
func (j *judge) shown(n int) *tls.Certificate {
	pair := &tls.Certificate{}
	for _, c := range j.built[n].Send {
		pair.Certificate = append(pair.Certificate, c.DER)
	}
	pair.PrivateKey = crypto.PrivateKey(j.built[n].Send[0].Key)
	return pair
}

const verdictPatience = 10 * time.Second

// asClient shows the certificates of a case as a client.
func (j *judge) asClient(n int) (verdict, texts string) {
	conn, err := net.Dial("unix", filepath.Join(j.dir, j.file(n, "c")))
	if err != nil {
		return err.Error(), ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(verdictPatience))
	pair := j.shown(n)
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }})
	answer, err := io.ReadAll(c)
	text, texts, _ := strings.Cut(string(answer), "\n")
	return j.verdict(text, err, j.file(n, "clog")), texts
}

// asServer shows them as a server.
func (j *judge) asServer(n int) string {
	backend, err := net.Listen("unix", filepath.Join(j.dir, j.file(n, "b")))
	if err != nil {
		return err.Error()
	}
	defer backend.Close()
	pair := j.shown(n)
	go func() {
		conn, err := backend.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(verdictPatience))
		s := tls.Server(conn, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair, nil }})
		if _, err := s.Write([]byte("ok")); err == nil {
			_ = s.CloseWrite()
			_, _ = io.ReadAll(s)
		}
	}()
	conn, err := net.Dial("unix", filepath.Join(j.dir, j.file(n, "p")))
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(verdictPatience))
	text, err := io.ReadAll(conn)
	return j.verdict(string(text), err, j.file(n, "plog"))
}

var verifyError = regexp.MustCompile(`certificate verify error: \((\d+):`)

// verdict is what the client got, or what the log tells.
func (j *judge) verdict(text string, err error, log string) string {
	if text == "ok" {
		return "0"
	}
	told := readText(filepath.Join(j.dir, log))
	switch m := verifyError.FindStringSubmatch(told); {
	case m != nil:
		return m[1]
	case strings.Contains(told, "upstream SSL certificate does not match"):
		return "name"
	}
	return "unclear: " + strconv.Quote(text) + " " + fmt.Sprint(err) + "\n" + told
}
