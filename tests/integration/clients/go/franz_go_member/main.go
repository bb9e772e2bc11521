// A member of a group on franz-go, which rebalances cooperatively.
package main

import (
	"context"
	"log"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"barnabas.test/clients/member"
)

func main() {
	args := member.Parse()
	told := func(event string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			member.Partitions(event, partitions[args.Topic])
		}
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(args.Bootstrap()), kgo.ConsumerGroup(args.Group()), kgo.ConsumeTopics(args.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(args.Duration("session.timeout.ms")),
		kgo.HeartbeatInterval(args.Duration("heartbeat.interval.ms")),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.MetadataMaxAge(2*time.Second),
		kgo.MetadataMinAge(time.Second), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(told("assigned")), kgo.OnPartitionsRevoked(told("revoked")),
		kgo.OnPartitionsLost(told("lost")))
	if err != nil {
		log.Fatal(err)
	}
	ended := member.UntilTheEnd()
	for ended.Err() == nil {
		fetches := client.PollFetches(ended)
		fetches.EachRecord(func(record *kgo.Record) {
			member.Record(record.Partition, record.Offset, record.Value)
			if err := client.CommitRecords(context.Background(), record); err != nil {
				member.Refused(err)
			}
		})
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	member.Left()
}
