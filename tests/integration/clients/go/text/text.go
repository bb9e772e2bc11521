// Package text reads and writes the records of the round trip test, in the form that
// tests/integration/lib/text.py describes.
package text

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sort"
)

// Header is a record header; a nil value is null.
type Header struct {
	Name  string
	Value []byte
}

// Record is a record and its place; nil keys and values are null.
type Record struct {
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Read returns every record of a file.
func Read(path string) ([]Record, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := &reader{source: bufio.NewReaderSize(file, 1<<20)}
	var records []Record
	for {
		var record Record
		if err := binary.Read(in.source, binary.BigEndian, &record.Partition); err != nil {
			if errors.Is(err, io.EOF) {
				return records, in.err
			}
			return nil, err
		}
		in.number(&record.Offset)
		record.Key, record.Value = in.field(), in.field()
		var headers int32
		in.number(&headers)
		for ; headers > 0 && in.err == nil; headers-- {
			name := string(in.field())
			record.Headers = append(record.Headers, Header{name, in.field()})
		}
		if in.err != nil {
			return nil, in.err
		}
		records = append(records, record)
	}
}

// Write puts records into a new file, by partition and offset.
func Write(path string, records []Record) error {
	sort.Slice(records, func(i, j int) bool {
		if records[i].Partition != records[j].Partition {
			return records[i].Partition < records[j].Partition
		}
		return records[i].Offset < records[j].Offset
	})
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	for _, record := range records {
		fixed := make([]byte, 12)
		binary.BigEndian.PutUint32(fixed, uint32(record.Partition))
		binary.BigEndian.PutUint64(fixed[4:], uint64(record.Offset))
		out.Write(fixed)
		writeField(out, record.Key)
		writeField(out, record.Value)
		writeNumber(out, int32(len(record.Headers)))
		for _, header := range record.Headers {
			writeField(out, []byte(header.Name))
			writeField(out, header.Value)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

type reader struct {
	source *bufio.Reader
	err    error
}

func (r *reader) number(into interface{}) {
	if r.err == nil {
		r.err = binary.Read(r.source, binary.BigEndian, into)
	}
}

func (r *reader) field() []byte {
	var size int32
	r.number(&size)
	if r.err != nil || size < 0 {
		return nil
	}
	data := make([]byte, size)
	_, r.err = io.ReadFull(r.source, data)
	return data
}

func writeNumber(out *bufio.Writer, value int32) {
	fixed := make([]byte, 4)
	binary.BigEndian.PutUint32(fixed, uint32(value))
	out.Write(fixed)
}

func writeField(out *bufio.Writer, value []byte) {
	if value == nil {
		writeNumber(out, -1)
		return
	}
	writeNumber(out, int32(len(value)))
	out.Write(value)
}
