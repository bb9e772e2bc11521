// The text out and back with segmentio's kafka-go: a Writer with acks=all, a Reader for each partition,
// and its Client for the topics.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"

	"barnabas.test/clients/text"
)

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

type client struct {
	bootstrap string
	kafka.Client
}

func open(bootstrap string) (text.Client, error) {
	return &client{bootstrap, kafka.Client{Addr: kafka.TCP(bootstrap), Timeout: 30 * time.Second}}, nil
}

func (c *client) Create(topic string, partitions int, configs map[string]string) error {
	asked := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	for name, value := range configs {
		asked.ConfigEntries = append(asked.ConfigEntries,
			kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	answer, err := c.CreateTopics(context.Background(),
		&kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{asked}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (c *client) Partitions(topic string) (int, error) {
	answer, err := c.Metadata(context.Background(), &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	if answer.Topics[0].Error != nil {
		return 0, answer.Topics[0].Error
	}
	return len(answer.Topics[0].Partitions), nil
}

func (c *client) ReadConfig(topic, name string) (string, error) {
	answer, err := c.DescribeConfigs(context.Background(), &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic,
			ResourceName: topic, ConfigNames: []string{name}}}})
	if err != nil {
		return "", err
	}
	for _, entry := range answer.Resources[0].ConfigEntries {
		if entry.ConfigName == name {
			return entry.ConfigValue, answer.Resources[0].Error
		}
	}
	return "", errors.New("no " + name)
}

func (c *client) AlterConfig(topic, name, value string) error {
	answer, err := c.IncrementalAlterConfigs(context.Background(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{
				{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}}}}})
	if err != nil {
		return err
	}
	return answer.Resources[0].Error
}

func (c *client) AddPartitions(topic string, total int) error {
	// Without the brokers of each new partition the library sends an empty list instead of null.
	added := kafka.TopicPartitionsConfig{Name: topic, Count: int32(total)}
	for count := 2; count < total; count++ {
		added.TopicPartitionAssignments = append(added.TopicPartitionAssignments,
			kafka.TopicPartitionAssignment{BrokerIDs: []int32{0}})
	}
	answer, err := c.CreatePartitions(context.Background(),
		&kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{added}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (c *client) DeleteRecords(string, int32, int64) error { return text.ErrNotOffered }

func (c *client) Delete(topics []string) error {
	answer, err := c.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		return err
	}
	for _, topic := range topics {
		if answer.Errors[topic] != nil {
			return answer.Errors[topic]
		}
	}
	return nil
}

func (c *client) Produce(topic, codec string, records []text.Record) error {
	compression, found := codecs[codec]
	if !found {
		return fmt.Errorf("no codec %q", codec)
	}
	messages := make([]kafka.Message, len(records))
	for i, record := range records {
		messages[i] = kafka.Message{Key: record.Key, Value: record.Value, WriterData: int(record.Partition)}
		for _, header := range record.Headers {
			messages[i].Headers = append(messages[i].Headers,
				kafka.Header{Key: header.Name, Value: header.Value})
		}
	}
	writer := &kafka.Writer{Addr: kafka.TCP(c.bootstrap), Topic: topic, Compression: compression,
		RequiredAcks: kafka.RequireAll, BatchSize: 1000, BatchTimeout: 5 * time.Millisecond,
		Balancer: kafka.BalancerFunc(func(message kafka.Message, _ ...int) int {
			return message.WriterData.(int)
		})}
	for len(messages) > 0 {
		count := len(messages)
		if count > 10_000 {
			count = 10_000
		}
		if err := writer.WriteMessages(context.Background(), messages[:count]...); err != nil {
			return err
		}
		messages = messages[count:]
	}
	return writer.Close()
}

// Consume reads everything twice: with Reader, which makes no difference between null and empty, and
// with Client.Fetch, which does. Both must have read the same bytes.
func (c *client) Consume(topic string, counts []int) ([]text.Record, error) {
	var got []text.Record
	for partition, count := range counts {
		fetched, err := c.fetch(topic, partition, count)
		if err != nil {
			return nil, fmt.Errorf("fetch: %w", err)
		}
		read, err := c.read(topic, partition, count)
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		for i := range fetched {
			if !same(fetched[i], read[i]) {
				return nil, fmt.Errorf("fetched %+v, read %+v", fetched[i], read[i])
			}
		}
		got = append(got, fetched...)
	}
	return got, nil
}

func same(left, right text.Record) bool {
	if len(left.Headers) != len(right.Headers) {
		return false
	}
	for i, header := range left.Headers {
		if header.Name != right.Headers[i].Name || !bytes.Equal(header.Value, right.Headers[i].Value) {
			return false
		}
	}
	return left.Partition == right.Partition && left.Offset == right.Offset &&
		bytes.Equal(left.Key, right.Key) && bytes.Equal(left.Value, right.Value)
}

func (c *client) read(topic string, partition, count int) ([]text.Record, error) {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{c.bootstrap}, Topic: topic,
		Partition: partition, MaxWait: 100 * time.Millisecond, MaxBytes: 1 << 20})
	var got []text.Record
	for len(got) < count {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		message, err := reader.ReadMessage(ctx)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("after %d records: %w", len(got), err)
		}
		read := text.Record{Partition: int32(message.Partition), Offset: message.Offset,
			Key: message.Key, Value: message.Value}
		for _, header := range message.Headers {
			read.Headers = append(read.Headers, text.Header{Name: header.Key, Value: header.Value})
		}
		got = append(got, read)
	}
	return got, reader.Close()
}

func (c *client) fetch(topic string, partition, count int) ([]text.Record, error) {
	var got []text.Record
	for len(got) < count {
		before := len(got)
		answer, err := c.Client.Fetch(context.Background(), &kafka.FetchRequest{Topic: topic,
			Partition: partition, Offset: int64(before), MinBytes: 1, MaxBytes: 1 << 20,
			MaxWait: 100 * time.Millisecond})
		if err != nil {
			return nil, err
		}
		if answer.Error != nil {
			return nil, answer.Error
		}
		for {
			record, err := answer.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if record.Offset < int64(len(got)) {
				continue // the start of the batch, which was read before
			}
			read := text.Record{Partition: int32(partition), Offset: record.Offset}
			if read.Key, err = kafka.ReadAll(record.Key); err != nil {
				return nil, err
			}
			if read.Value, err = kafka.ReadAll(record.Value); err != nil {
				return nil, err
			}
			for _, header := range record.Headers {
				read.Headers = append(read.Headers, text.Header{Name: header.Key, Value: header.Value})
			}
			got = append(got, read)
		}
		if len(got) == before {
			return nil, fmt.Errorf("nothing at %d", before)
		}
	}
	return got, nil
}

func main() { text.Run(open) }
