package logfile

import (
	"bytes"
	"compress/gzip"
)

// compress makes one complete gzip member of a block, so that a file is valid
// after each flush.
func compress(block []byte, level int) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(block); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
