// A member of a group on sarama.
package main

import (
	"log"
	"time"

	"github.com/IBM/sarama"

	"barnabas.test/clients/member"
)

type handler struct{ topic string }

func (h handler) Setup(session sarama.ConsumerGroupSession) error {
	member.Partitions("assigned", session.Claims()[h.topic])
	return nil
}

func (h handler) Cleanup(session sarama.ConsumerGroupSession) error {
	member.Partitions("revoked", session.Claims()[h.topic])
	return nil
}

func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			member.Record(message.Partition, message.Offset, message.Value)
			session.MarkMessage(message, "")
			session.Commit()
		case <-session.Context().Done():
			return nil
		}
	}
}

func main() {
	args := member.Parse()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = args.Duration("session.timeout.ms")
	config.Consumer.Group.Heartbeat.Interval = args.Duration("heartbeat.interval.ms")
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Metadata.RefreshFrequency = time.Second
	group, err := sarama.NewConsumerGroup([]string{args.Bootstrap()}, args.Group(), config)
	if err != nil {
		log.Fatal(err)
	}
	ended := member.UntilTheEnd()
	for ended.Err() == nil {
		if err := group.Consume(ended, []string{args.Topic}, handler{args.Topic}); err != nil {
			member.Refused(err)
		}
	}
	if err := group.Close(); err != nil {
		log.Fatal(err)
	}
	member.Left()
}
