package logfile

import (
	"bytes"
	"compress/gzip"
)

// packer compresses blocks. It is made ready with the first.
type packer struct {
	level int
	out   bytes.Buffer
	w     *gzip.Writer
}

// pack makes one complete gzip member of a block, so that the file is valid
// after each. The result is good until the next call.
func (p *packer) pack(block []byte) ([]byte, error) {
	p.out.Reset()
	if p.w == nil {
		w, err := gzip.NewWriterLevel(&p.out, p.level)
		if err != nil {
			return nil, err
		}
		p.w = w
	}
	p.w.Reset(&p.out)
	if _, err := p.w.Write(block); err != nil {
		return nil, err
	}
	if err := p.w.Close(); err != nil {
		return nil, err
	}
	return p.out.Bytes(), nil
}
