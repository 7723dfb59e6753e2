//go:build unix

package conformance

// ocsp_kit_test.go - what a server makes of OCSP responses: it is started with
// two kinds of listeners for each case, and a responder that gives it what the
// case has.

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"crypto/x509"

	"github.com/gostream/gostream/internal/pki/pkitest"
)

// ocspVerdicts are what a server says of the responses of a case: about the
// certificate of a client, and about its own one with and without a look at who
// has signed.
type ocspVerdicts struct{ asked, stapled, loose string }

func (v ocspVerdicts) String() string {
	return "asked " + v.asked + "\nstapled " + v.stapled + "\nloose " + v.loose
}

// ocspJudge is a running server with cases.
type ocspJudge struct {
	judge
	responder *httptest.Server

	mu    sync.Mutex
	asked map[string]int // how often, by path
}

// judgeOCSP has a server judge the responses of cases in a folder.
func (s *subject) judgeOCSP(dir string, cases []*pkitest.Case) ([]ocspVerdicts, error) {
	j := &ocspJudge{judge: judge{dir: dir, cases: cases}, asked: map[string]int{}}
	if err := j.build(); err != nil {
		return nil, err
	}
	if err := j.writeChains(); err != nil {
		return nil, err
	}
	j.responder = httptest.NewServer(http.HandlerFunc(j.answer))
	defer j.responder.Close()
	stage, err := judgeStage(s, dir, j.config())
	if err != nil {
		return nil, err
	}
	defer stage.close()
	all := j.askAll()
	return all, stage.finish()
}

// answer gives the response of a case: to each question the next one, the last
// one again and again.
func (j *ocspJudge) answer(w http.ResponseWriter, r *http.Request) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	number, _, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n >= len(j.built) {
		http.NotFound(w, r)
		return
	}
	j.mu.Lock()
	which := min(j.asked[kind+number], len(j.built[n].OCSP)-1)
	j.asked[kind+number]++
	j.mu.Unlock()
	w.Header().Set("Content-Type", "application/ocsp-response")
	_, _ = w.Write(j.built[n].OCSP[which])
}

func (j *ocspJudge) wasAsked(kind string, n int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.asked[kind+strconv.Itoa(n)] > 0
}

// ownKinds are the two certificates of the server, by the names of their files:
// the signer of responses about the first is verified.
var ownKinds = []string{"v", "l"}

// writeChains writes what the peer of a case shows as certificates of the
// server.
func (j *ocspJudge) writeChains() error {
	for n, m := range j.built {
		key, err := x509.MarshalPKCS8PrivateKey(m.Send[0].Key)
		if err != nil {
			return err
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
		for _, c := range m.Send {
			text = append(text, c.PEM()...)
		}
		for _, kind := range ownKinds {
			if err := os.WriteFile(filepath.Join(j.dir, j.file(n, kind)+".pem"), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *ocspJudge) config() string {
	var b strings.Builder
	b.WriteString("worker_processes 1; worker_rlimit_nofile 9000; error_log error.log info;\nevents { worker_connections 4000; }\nstream {\n" +
		"ssl_certificate tls/one.pem; ssl_certificate_key tls/one.key;\n")
	for n, c := range j.cases {
		crl, which := "", "leaf"
		if len(c.Lists) > 0 {
			crl = "ssl_crl " + j.file(n, "lists") + "; "
		}
		if len(c.Answer) > 1 {
			which = "on"
		}
		fmt.Fprintf(&b, "server { listen unix:%s ssl; error_log %s info; ssl_verify_client on; ssl_client_certificate %s; %sssl_verify_depth %d; ssl_ocsp %s; ssl_ocsp_responder %s/asked/%d; ssl_ciphers DEFAULT@SECLEVEL=%d; return ok; }\n",
			j.file(n, "c"), j.file(n, "clog"), j.file(n, "trust"), crl, c.Depth, which, j.responder.URL, n, c.Level)
		for i, kind := range ownKinds {
			fmt.Fprintf(&b, "server { listen unix:%s ssl; ssl_certificate %s.pem; ssl_certificate_key %[2]s.pem; ssl_trusted_certificate %s; %sssl_stapling on; ssl_stapling_verify %s; ssl_stapling_responder %s/%[2]s/%[7]d; ssl_ciphers DEFAULT@SECLEVEL=%d; return ok; }\n",
				j.file(n, "s"+kind), j.file(n, kind), j.file(n, "trust"), crl, []string{"on", "off"}[i], j.responder.URL, n, c.Level)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// askAll asks about all cases, several at once.
func (j *ocspJudge) askAll() []ocspVerdicts {
	all := make([]ocspVerdicts, len(j.cases))
	var wait sync.WaitGroup
	places := make(chan struct{}, 24) // most of the time they wait
	for n := range j.cases {
		places <- struct{}{}
		wait.Go(func() {
			all[n] = ocspVerdicts{j.asClient(n), j.own(n, "v"), j.own(n, "l")}
			<-places
		})
	}
	wait.Wait()
	return all
}

// asClient shows the certificates of a case as a client.
func (j *ocspJudge) asClient(n int) string {
	conn, err := net.Dial("unix", filepath.Join(j.dir, j.file(n, "c")))
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(verdictPatience))
	pair := j.shown(n)
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }})
	text, err := io.ReadAll(c)
	if string(text) == "ok" {
		return "good"
	}
	told := readText(filepath.Join(j.dir, j.file(n, "clog")))
	if m := aboutStatus.FindStringSubmatch(told); m != nil {
		return m[1]
	}
	if m := verifyRefusal.FindStringSubmatch(told); m != nil {
		return m[1]
	}
	return "unclear: " + strconv.Quote(string(text)) + " " + fmt.Sprint(err) + "\n" + told
}

var (
	aboutStatus   = regexp.MustCompile(`\*\d+ (.*) while requesting certificate status`)
	verifyRefusal = regexp.MustCompile(`client SSL certificate verify error: (.*) while`)
	ignoredStaple = regexp.MustCompile(`"ssl_stapling" ignored, (.*) "`)
)

// silence is how long a server has to be silent after it was given a response
// that it will not show.
const silence = 2 * time.Second

// own asks a listener whose certificate is that of a case until it shows a
// response or says why there is none. Some are out of date when they come, and
// nothing is said about that.
func (j *ocspJudge) own(n int, kind string) string {
	file := filepath.Join(j.dir, j.file(n, kind)+".pem")
	told := false
	for end := time.Now().Add(verdictPatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if j.wasAsked(kind, n) && !told {
			told, end = true, time.Now().Add(silence)
		}
		shown, err := j.staple(n, kind)
		if err != nil {
			return err.Error()
		}
		if shown {
			return "good"
		}
		for line := range strings.Lines(readText(filepath.Join(j.dir, "error.log"))) {
			if !strings.Contains(line, "certificate: \""+file) && !strings.Contains(line, "certificate \""+file) {
				continue
			}
			if m := ignoredStaple.FindStringSubmatch(line); m != nil {
				return "ignored, " + m[1]
			}
			if text, _, ok := strings.Cut(line, " while requesting certificate status"); ok {
				_, text, _ = strings.Cut(text, "#")
				_, text, _ = strings.Cut(text, ": ")
				return text
			}
		}
	}
	return "nothing"
}

// staple reports whether the server shows a response.
func (j *ocspJudge) staple(n int, kind string) (bool, error) {
	conn, err := net.Dial("unix", filepath.Join(j.dir, j.file(n, "s"+kind)))
	if err != nil {
		return false, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(verdictPatience))
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		return false, err
	}
	return len(c.OCSPResponse()) > 0, nil
}
