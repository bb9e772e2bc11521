package text

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNotOffered is what a client answers to what its library cannot do.
var ErrNotOffered = errors.New("not offered by this library")

// Client is what a program does with its library; see tests/integration/clients/README.md.
type Client interface {
	Create(topic string, partitions int, configs map[string]string) error
	Partitions(topic string) (int, error)
	ReadConfig(topic, name string) (string, error)
	AlterConfig(topic, name, value string) error
	AddPartitions(topic string, total int) error
	DeleteRecords(topic string, partition int32, before int64) error
	Delete(topics []string) error
	Produce(topic, codec string, records []Record) error
	// Consume reads what the counts (by partition) say, from the start, by assignment.
	Consume(topic string, counts []int) ([]Record, error)
}

const (
	adminTopic    = "admin"
	patience      = 30 * time.Second
	deletedBefore = 10
)

// Run does everything that a client test asks of a program and ends it.
func Run(open func(bootstrap string) (Client, error)) {
	if err := run(open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(open func(bootstrap string) (Client, error)) error {
	if len(os.Args) < 6 {
		return fmt.Errorf("usage: %s BOOTSTRAP PARTITIONS RECORDS FOLDER CODEC", os.Args[0])
	}
	partitions, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	records, err := Read(os.Args[3])
	if err != nil {
		return err
	}
	client, err := open(os.Args[1])
	if err != nil {
		return err
	}
	counts := make([]int, partitions)
	for _, record := range records {
		counts[record.Partition]++
	}
	topics := []string{adminTopic}
	for _, codec := range os.Args[5:] {
		topic := "text-" + codec
		topics = append(topics, topic)
		if err := carry(client, topic, codec, records, counts, filepath.Join(os.Args[4], codec)); err != nil {
			return fmt.Errorf("%s: %w", topic, err)
		}
	}
	words, err := administer(client, topics[1])
	if err != nil {
		return err
	}
	fmt.Println("ready", strings.Join(words, " "))
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	if err := client.Delete(topics); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	fmt.Println("deleted")
	return nil
}

func carry(client Client, topic, codec string, records []Record, counts []int, target string) error {
	if err := client.Create(topic, len(counts), nil); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if err := waitForPartitions(client, topic, len(counts)); err != nil {
		return err
	}
	if err := client.Produce(topic, codec, records); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	got, err := client.Consume(topic, counts)
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	return Write(target, got)
}

func administer(client Client, textTopic string) ([]string, error) {
	steps := []struct {
		word string
		do   func() error
	}{
		{"create", func() error {
			return client.Create(adminTopic, 2, map[string]string{"retention.ms": "3600000"})
		}},
		{"describe", func() error { return waitForPartitions(client, adminTopic, 2) }},
		{"read-config", func() error { return expectConfig(client, "3600000") }},
		{"alter-config", func() error { return client.AlterConfig(adminTopic, "retention.ms", "7200000") }},
		{"add-partitions", func() error { return client.AddPartitions(adminTopic, 4) }},
		{"delete-records", func() error { return client.DeleteRecords(textTopic, 0, deletedBefore) }},
	}
	var words []string
	for _, step := range steps {
		err := step.do()
		if errors.Is(err, ErrNotOffered) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.word, err)
		}
		words = append(words, step.word)
	}
	return words, nil
}

func expectConfig(client Client, wanted string) error {
	value, err := client.ReadConfig(adminTopic, "retention.ms")
	if err == nil && value != wanted {
		err = fmt.Errorf("retention.ms is %q", value)
	}
	return err
}

func waitForPartitions(client Client, topic string, wanted int) error {
	deadline := time.Now().Add(patience)
	for {
		count, err := client.Partitions(topic)
		if errors.Is(err, ErrNotOffered) || (err == nil && count == wanted) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s has %d partitions, not %d (%v)", topic, count, wanted, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
