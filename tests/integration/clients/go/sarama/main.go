// The text out and back with sarama: its asynchronous producer with acks=1, direct partition consumers,
// and its ClusterAdmin for the topics.
package main

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"barnabas.test/clients/text"
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

type client struct {
	bootstrap string
	admin     sarama.ClusterAdmin
}

func configuration() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks = sarama.WaitForLocal
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.Return.Errors = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Net.MaxOpenRequests = 1 // keeps each partition's order without idempotence
	config.Consumer.Return.Errors = true
	config.Consumer.MaxWaitTime = 50 * time.Millisecond // a closing consumer waits for its last fetch
	return config
}

func open(bootstrap string) (text.Client, error) {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, configuration())
	return &client{bootstrap, admin}, err
}

func (c *client) Create(topic string, partitions int, configs map[string]string) error {
	asked := map[string]*string{}
	for name := range configs {
		value := configs[name]
		asked[name] = &value
	}
	return c.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions),
		ReplicationFactor: 1, ConfigEntries: asked}, false)
}

func (c *client) Partitions(topic string) (int, error) {
	described, err := c.admin.DescribeTopics([]string{topic})
	if err != nil {
		return 0, err
	}
	if described[0].Err != sarama.ErrNoError {
		return 0, described[0].Err
	}
	return len(described[0].Partitions), nil
}

func (c *client) ReadConfig(topic, name string) (string, error) {
	entries, err := c.admin.DescribeConfig(
		sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name}})
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if entry.Name == name {
			return entry.Value, nil
		}
	}
	return "", fmt.Errorf("no %s", name)
}

func (c *client) AlterConfig(topic, name, value string) error {
	return c.admin.IncrementalAlterConfig(sarama.TopicResource, topic,
		map[string]sarama.IncrementalAlterConfigsEntry{
			name: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}, false)
}

func (c *client) AddPartitions(topic string, total int) error {
	return c.admin.CreatePartitions(topic, int32(total), nil, false)
}

func (c *client) DeleteRecords(topic string, partition int32, before int64) error {
	return c.admin.DeleteRecords(topic, map[int32]int64{partition: before})
}

func (c *client) Delete(topics []string) error {
	for _, topic := range topics {
		if err := c.admin.DeleteTopic(topic); err != nil {
			return err
		}
	}
	return nil
}

func encoder(value []byte) sarama.Encoder {
	if value == nil {
		return nil
	}
	return sarama.ByteEncoder(value)
}

func (c *client) Produce(topic, codec string, records []text.Record) error {
	known, found := codecs[codec]
	if !found {
		return fmt.Errorf("no codec %q", codec)
	}
	config := configuration()
	config.Producer.Compression = known
	if codec == "none" {
		config.Producer.Idempotent = true
		config.Producer.RequiredAcks = sarama.WaitForAll
	}
	producer, err := sarama.NewAsyncProducer([]string{c.bootstrap}, config)
	if err != nil {
		return err
	}
	go func() {
		for _, record := range records {
			sent := &sarama.ProducerMessage{Topic: topic, Partition: record.Partition,
				Key: encoder(record.Key), Value: encoder(record.Value)}
			for _, header := range record.Headers {
				sent.Headers = append(sent.Headers,
					sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
			}
			producer.Input() <- sent
		}
	}()
	for range records {
		select {
		case <-producer.Successes():
		case failed := <-producer.Errors():
			return failed.Err
		}
	}
	return producer.Close()
}

func (c *client) Consume(topic string, counts []int) ([]text.Record, error) {
	consumer, err := sarama.NewConsumer([]string{c.bootstrap}, configuration())
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	var got []text.Record
	for partition, count := range counts {
		part, err := consumePartition(consumer, topic, int32(partition), count)
		if err != nil {
			return nil, err
		}
		got = append(got, part...)
	}
	return got, nil
}

func consumePartition(consumer sarama.Consumer, topic string, partition int32,
	count int) ([]text.Record, error) {
	source, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	var got []text.Record
	patience := time.NewTicker(30 * time.Second)
	defer patience.Stop()
	before := -1
	for len(got) < count {
		select {
		case message := <-source.Messages():
			read := text.Record{Partition: message.Partition, Offset: message.Offset,
				Key: message.Key, Value: message.Value}
			for _, header := range message.Headers {
				read.Headers = append(read.Headers,
					text.Header{Name: string(header.Key), Value: header.Value})
			}
			got = append(got, read)
		case failed := <-source.Errors():
			return nil, failed
		case <-patience.C:
			if len(got) == before {
				return nil, fmt.Errorf("partition %d: only %d of %d records", partition, len(got), count)
			}
			before = len(got)
		}
	}
	return got, source.Close()
}

func main() { text.Run(open) }
