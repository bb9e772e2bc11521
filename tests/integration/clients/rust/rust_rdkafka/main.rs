//! rust-rdkafka on Debian's librdkafka: a FutureProducer, a BaseConsumer that is assigned its partitions,
//! its AdminClient (no deletion of records).

use std::time::Duration;

use frame::{Client, Outcome, Record, PATIENCE};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic};
use rdkafka::admin::{ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::runtime::{Builder, Runtime};

const AT_ONCE: usize = 5000;
const RETENTION: &str = "retention.ms";

struct Rdkafka {
    runtime: Runtime,
    config: ClientConfig,
    admin: AdminClient<DefaultClientContext>,
}

fn open(bootstrap: &str) -> Outcome<Rdkafka> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let admin = config.create()?;
    Ok(Rdkafka { runtime, config, admin })
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

/// The first failure of an answer that has one outcome for each topic.
fn all_done<T, E: std::fmt::Debug>(answers: Vec<Result<T, E>>) -> Outcome<()> {
    match answers.into_iter().find_map(Result::err) {
        Some(error) => Err(format!("{error:?}").into()),
        None => Ok(()),
    }
}

async fn send(producer: &FutureProducer, topic: &str, records: &[Record]) -> Outcome<()> {
    let mut waiting = Vec::with_capacity(records.len());
    for record in records {
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: value.as_ref() })
        });
        let sent = FutureRecord {
            topic,
            partition: Some(record.partition),
            payload: record.value.as_ref(),
            key: record.key.as_ref(),
            timestamp: None,
            headers: Some(headers),
        };
        waiting.push(producer.send_result(sent).map_err(|(error, _)| error)?);
    }
    for one in waiting {
        one.await?.map_err(|(error, _)| error)?;
    }
    Ok(())
}

fn read(message: &impl Message) -> Record {
    let headers = message.headers().map_or(Vec::new(), |headers| {
        let owned = |header: Header<&[u8]>| (header.key.to_string(), header.value.map(<[u8]>::to_vec));
        headers.iter().map(owned).collect()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}

impl Client for Rdkafka {
    fn create(&mut self, topic: &str, partitions: i32, retention_ms: Option<&str>) -> Outcome<()> {
        let mut asked = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        if let Some(value) = retention_ms {
            asked = asked.set(RETENTION, value);
        }
        all_done(self.runtime.block_on(self.admin.create_topics(&[asked], &options()))?)
    }

    fn partitions(&mut self, topic: &str) -> Outcome<usize> {
        let metadata = self.admin.inner().fetch_metadata(Some(topic), PATIENCE)?;
        Ok(metadata.topics()[0].partitions().len())
    }

    fn delete(&mut self, topics: &[String]) -> Outcome<()> {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        all_done(self.runtime.block_on(self.admin.delete_topics(&names, &options()))?)
    }

    fn read_retention(&mut self, topic: &str) -> Outcome<Option<String>> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let mut answers = self.runtime.block_on(self.admin.describe_configs(&asked, &options()))?;
        let resource = answers.remove(0)?;
        let entry = resource.get(RETENTION).ok_or("no retention.ms")?;
        Ok(Some(entry.value.clone().unwrap_or_default()))
    }

    fn alter_retention(&mut self, topic: &str, retention_ms: &str) -> Outcome<Option<()>> {
        let asked = [AlterConfig::new(ResourceSpecifier::Topic(topic)).set(RETENTION, retention_ms)];
        all_done(self.runtime.block_on(self.admin.alter_configs(&asked, &options()))?).map(Some)
    }

    fn add_partitions(&mut self, topic: &str, total: usize) -> Outcome<Option<()>> {
        let asked = [NewPartitions::new(topic, total)];
        all_done(self.runtime.block_on(self.admin.create_partitions(&asked, &options()))?).map(Some)
    }

    fn produce(&mut self, topic: &str, codec: &str, records: &[Record]) -> Outcome<()> {
        let idempotent = if codec == "none" { "true" } else { "false" };
        let producer: FutureProducer = self
            .config
            .clone()
            .set("compression.type", codec)
            .set("enable.idempotence", idempotent)
            .set("max.in.flight", "1")
            .set("linger.ms", "5")
            .create()?;
        for part in records.chunks(AT_ONCE) {
            self.runtime.block_on(send(&producer, topic, part))?;
        }
        Ok(())
    }

    fn consume(&mut self, topic: &str, counts: &[usize]) -> Outcome<Vec<Record>> {
        let consumer: BaseConsumer = self
            .config
            .clone()
            .set("group.id", "unused-by-assignment")
            .set("enable.auto.commit", "false")
            .set("check.crcs", "true")
            .create()?;
        let mut assigned = TopicPartitionList::new();
        for partition in 0..counts.len() {
            assigned.add_partition_offset(topic, partition as i32, Offset::Beginning)?;
        }
        consumer.assign(&assigned)?;
        let wanted: usize = counts.iter().sum();
        let mut got = Vec::with_capacity(wanted);
        let patience: Duration = PATIENCE;
        while got.len() < wanted {
            let message = consumer.poll(patience).ok_or("nothing came for 30 s")??;
            got.push(read(&message));
        }
        Ok(got)
    }
}

fn main() {
    frame::run(open)
}
