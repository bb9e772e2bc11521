// The text out and back with franz-go: its idempotent producer, and a consumer of assigned
// partitions.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"barnabas.test/clients/text"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(ctx context.Context, arguments text.Arguments, records []text.Record) error {
	codec, known := codecs[arguments.Codec]
	if !known {
		return fmt.Errorf("no codec %q", arguments.Codec)
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(arguments.Bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(len(records)+1))
	if err != nil {
		return err
	}
	defer client.Close()
	failed := make(chan error, len(records))
	for _, record := range records {
		sent := &kgo.Record{Topic: arguments.Topic, Partition: record.Partition, Key: record.Key,
			Value: record.Value}
		for _, header := range record.Headers {
			sent.Headers = append(sent.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		client.Produce(ctx, sent, func(_ *kgo.Record, err error) { failed <- err })
	}
	for range records {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func consume(ctx context.Context, arguments text.Arguments, count int) ([]text.Record, error) {
	assigned := map[int32]kgo.Offset{}
	for partition := int32(0); partition < arguments.Partitions; partition++ {
		assigned[partition] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(arguments.Bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{arguments.Topic: assigned}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var got []text.Record
	for len(got) < count {
		fetches := client.PollFetches(ctx)
		if failures := fetches.Errors(); len(failures) > 0 {
			return nil, fmt.Errorf("after %d records: %w", len(got), failures[0].Err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			read := text.Record{Partition: record.Partition, Offset: record.Offset, Key: record.Key,
				Value: record.Value}
			for _, header := range record.Headers {
				read.Headers = append(read.Headers, text.Header{Name: header.Key, Value: header.Value})
			}
			got = append(got, read)
		})
	}
	return got, nil
}

func run() error {
	arguments, err := text.ParseArguments()
	if err != nil {
		return err
	}
	records, err := text.Read(arguments.In)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := produce(ctx, arguments, records); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	got, err := consume(ctx, arguments, len(records))
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	return text.Write(arguments.Out, got)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
