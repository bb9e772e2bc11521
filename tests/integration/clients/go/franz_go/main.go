// The text out and back with franz-go: its idempotent producer, a consumer of assigned partitions, and
// kadm for the topics.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"barnabas.test/clients/text"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

type franz struct {
	bootstrap string
	admin     *kadm.Client
}

func open(bootstrap string) (text.Client, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return nil, err
	}
	return &franz{bootstrap, kadm.NewClient(client)}, nil
}

func (f *franz) Create(topic string, partitions int, configs map[string]string) error {
	asked := map[string]*string{}
	for name := range configs {
		value := configs[name]
		asked[name] = &value
	}
	_, err := f.admin.CreateTopic(context.Background(), int32(partitions), 1, asked, topic)
	return err
}

func (f *franz) Partitions(topic string) (int, error) {
	topics, err := f.admin.ListTopics(context.Background(), topic)
	if err != nil {
		return 0, err
	}
	return len(topics[topic].Partitions), topics[topic].Err
}

func (f *franz) ReadConfig(topic, name string) (string, error) {
	all, err := f.admin.DescribeTopicConfigs(context.Background(), topic)
	if err != nil {
		return "", err
	}
	described, err := all.On(topic, nil)
	if err != nil {
		return "", err
	}
	for _, config := range described.Configs {
		if config.Key == name {
			return config.MaybeValue(), described.Err
		}
	}
	return "", described.Err
}

func (f *franz) AlterConfig(topic, name, value string) error {
	changed, err := f.admin.AlterTopicConfigs(context.Background(),
		[]kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err != nil {
		return err
	}
	answer, err := changed.On(topic, nil)
	if err != nil {
		return err
	}
	return answer.Err
}

func (f *franz) AddPartitions(topic string, total int) error {
	answers, err := f.admin.UpdatePartitions(context.Background(), total, topic)
	if err != nil {
		return err
	}
	return answers[topic].Err
}

func (f *franz) DeleteRecords(topic string, partition int32, before int64) error {
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, partition, before, -1)
	answers, err := f.admin.DeleteRecords(context.Background(), offsets)
	if err != nil {
		return err
	}
	return answers[topic][partition].Err
}

func (f *franz) Delete(topics []string) error {
	answers, err := f.admin.DeleteTopics(context.Background(), topics...)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if answer.Err != nil {
			return answer.Err
		}
	}
	return nil
}

func (f *franz) Produce(topic, codec string, records []text.Record) error {
	known, found := codecs[codec]
	if !found {
		return fmt.Errorf("no codec %q", codec)
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(f.bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(known), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	failed := make(chan error, len(records))
	for _, record := range records {
		sent := &kgo.Record{Topic: topic, Partition: record.Partition, Key: record.Key,
			Value: record.Value}
		for _, header := range record.Headers {
			sent.Headers = append(sent.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		client.Produce(context.Background(), sent, func(_ *kgo.Record, err error) { failed <- err })
	}
	for range records {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func (f *franz) Consume(topic string, counts []int) ([]text.Record, error) {
	assigned, wanted := map[int32]kgo.Offset{}, 0
	for partition, count := range counts {
		assigned[int32(partition)] = kgo.NewOffset().AtStart()
		wanted += count
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(f.bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: assigned}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var got []text.Record
	for len(got) < wanted {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
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

func main() { text.Run(open) }
