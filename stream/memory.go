package stream

// memory.go - what was found out about servers with "resolve". It outlives
// configurations and, in a file, processes: after a reload their addresses need
// not be found before the first session.

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"os"
	"sync"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/upstream"
)

// memory is shared by the generations of a Server.
type memory struct {
	mu    sync.Mutex
	known map[followed]known
	file  *os.File // nil: there is none
	err   func(error)
}

// followed tells servers with "resolve" apart, as nginx does when it reloads.
type followed struct {
	Zone, Group   string
	Host, Service string
	Backup        bool
}

// known is what was found last.
type known struct {
	Addrs []upstream.Address
	Valid int64 // Unix second up to and including which that is good
}

func (m *memory) get(p followed) known {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[p]
}

func (m *memory) set(p followed, k known) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[followed]known{}
	}
	m.known[p] = k
	m.write()
}

// keep forgets all others.
func (m *memory) keep(keys map[followed]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.known, func(p followed, _ known) bool { return !keys[p] })
}

const memoryHeader = 8 // length and checksum

// write puts everything into the file, if there is one.
func (m *memory) write() {
	if m.file == nil {
		return
	}
	b := bytes.NewBuffer(make([]byte, memoryHeader))
	err := gob.NewEncoder(b).Encode(m.known)
	if err == nil {
		text := b.Bytes()
		binary.LittleEndian.PutUint32(text, uint32(len(text)-memoryHeader))
		binary.LittleEndian.PutUint32(text[4:], crc32.ChecksumIEEE(text[memoryHeader:]))
		_, err = m.file.WriteAt(text, 0)
	}
	if err != nil {
		m.err(err)
	}
}

// read takes what is in the file. If another process is just writing to it,
// there is nothing to be had.
func (m *memory) read() {
	text, err := io.ReadAll(io.NewSectionReader(m.file, 0, math.MaxInt64))
	if err != nil || len(text) < memoryHeader {
		return
	}
	size := int64(binary.LittleEndian.Uint32(text))
	sum := binary.LittleEndian.Uint32(text[4:])
	if text = text[memoryHeader:]; size > int64(len(text)) || crc32.ChecksumIEEE(text[:size]) != sum {
		return
	}
	var found map[followed]known
	if gob.NewDecoder(bytes.NewReader(text[:size])).Decode(&found) == nil {
		m.known = found
	}
}

// Remember keeps the addresses of servers with "resolve" in a file, and begins
// with those that are there: processes that serve one after the other share it.
// The first sessions profit if it is called before Start. The file remains the
// caller's.
func (s *Server) Remember(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.gen.memory
	m.mu.Lock()
	m.file = f
	m.err = func(err error) {
		s.log.Load().Write(errlog.Alert, errlog.Record{Text: "cannot keep addresses of upstream servers: " + err.Error()})
	}
	m.read()
	m.mu.Unlock()
	s.gen.recall()
}
