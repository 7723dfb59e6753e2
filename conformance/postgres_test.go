//go:build unix

package conformance

import (
	"crypto/md5"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPostgres puts two PostgreSQL servers behind a port.
func TestPostgres(t *testing.T) {
	psql := need(t, "psql")
	p := takePorts(t, "First", "Second", "Listen")
	first, _ := startPostgres(t, p["First"]), startPostgres(t, p["Second"])
	startProxy(t, "postgres", p)

	// query runs a script in a session of its own.
	query := func(t *testing.T, sql string) string {
		t.Helper()
		return output(t, sql, psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
			"-p", strconv.Itoa(p["Listen"]), "-U", "postgres")
	}
	port := func() int {
		n, err := strconv.Atoi(strings.TrimSpace(query(t, "select inet_server_port()")))
		require.NoError(t, err)
		return n
	}

	t.Run("round robin", func(t *testing.T) {
		servers := map[int]int{p["First"]: p["Second"], p["Second"]: p["First"]}
		last := port()
		for range 9 {
			now := port()
			assert.Equal(t, servers[last], now, "the other one")
			last = now
		}
	})
	t.Run("big result", func(t *testing.T) {
		got := query(t, "select i, md5(i::text) from generate_series(1, 100000) i")
		assert.Equal(t, rows(100000, "|"), got)
	})
	t.Run("copy in and out", func(t *testing.T) {
		data := rows(100000, "\t")
		got := query(t, "create temp table t (i int, hash text);\n"+
			"copy t from stdin;\n"+data+"\\.\ncopy (select * from t order by i) to stdout;\n")
		assert.Equal(t, data, got)
	})
	t.Run("one stopped", func(t *testing.T) {
		first.stop(syscall.SIGINT)
		for range 10 {
			assert.Equal(t, p["Second"], port())
		}
	})
}

// rows is a table of numbers and their MD5 sums.
func rows(count int, separator string) string {
	var b strings.Builder
	for i := 1; i <= count; i++ {
		n := strconv.Itoa(i)
		fmt.Fprintf(&b, "%s%s%x\n", n, separator, md5.Sum([]byte(n)))
	}
	return b.String()
}

// startPostgres makes a database cluster and serves it on a port.
func startPostgres(t *testing.T, port int) *process {
	t.Helper()
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	initdb, postgres := need(t, "initdb", folders...), need(t, "postgres", folders...)
	account := postgresAccount(t)
	dir, err := os.MkdirTemp("", "gostream-postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if account != nil {
		require.NoError(t, os.Chown(dir, int(account.Uid), int(account.Gid)))
	}
	run := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
		return cmd
	}
	data := filepath.Join(dir, "data")
	out, err := run(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8").CombinedOutput()
	require.NoError(t, err, string(out))

	p := start(t, run(postgres, "-D", data, "-p", strconv.Itoa(port), "-k", dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=20", "-c", "shared_buffers=8MB"))
	t.Cleanup(func() { p.stop(syscall.SIGQUIT) }) // ends its children too, as SIGKILL would not
	p.await(t, func() bool {
		// The last line of this file says so.
		b, _ := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		return strings.HasSuffix(strings.TrimSpace(string(b)), "ready")
	})
	return p
}

// postgresAccount is who PostgreSQL runs as: it refuses to run as root. Nil
// stands for whoever runs the test.
func postgresAccount(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	require.NoError(t, err)
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
