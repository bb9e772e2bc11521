// The text out and back with sarama: its asynchronous producer with acks=1, and direct partition
// consumers.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"

	"barnabas.test/clients/text"
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func configuration(codec string) (*sarama.Config, error) {
	known, found := codecs[codec]
	if !found {
		return nil, fmt.Errorf("no codec %q", codec)
	}
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Compression = known
	config.Producer.RequiredAcks = sarama.WaitForLocal
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.Return.Errors = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Net.MaxOpenRequests = 1 // keeps each partition's order without idempotence
	config.Consumer.Return.Errors = true
	return config, nil
}

func encoder(value []byte) sarama.Encoder {
	if value == nil {
		return nil
	}
	return sarama.ByteEncoder(value)
}

func produce(client sarama.Client, topic string, records []text.Record) error {
	producer, err := sarama.NewAsyncProducerFromClient(client)
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

func consumePartition(consumer sarama.Consumer, topic string, partition int32,
	count int) ([]text.Record, error) {
	source, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(30 * time.Second)
	defer patience.Stop()
	var got []text.Record
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
			return nil, fmt.Errorf("partition %d: only %d of %d records", partition, len(got), count)
		}
	}
	return got, source.Close()
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
	config, err := configuration(arguments.Codec)
	if err != nil {
		return err
	}
	client, err := sarama.NewClient([]string{arguments.Bootstrap}, config)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := produce(client, arguments.Topic, records); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	defer consumer.Close()
	var got []text.Record
	for partition := int32(0); partition < arguments.Partitions; partition++ {
		count := 0
		for _, record := range records {
			if record.Partition == partition {
				count++
			}
		}
		part, err := consumePartition(consumer, arguments.Topic, partition, count)
		if err != nil {
			return fmt.Errorf("consume: %w", err)
		}
		got = append(got, part...)
	}
	return text.Write(arguments.Out, got)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
