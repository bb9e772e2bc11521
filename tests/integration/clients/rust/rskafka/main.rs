//! rskafka: a partition client for each partition, its controller client for the topics. It sends no
//! configs and its headers are a map.

use std::collections::BTreeMap;

use chrono::{TimeZone, Utc};
use frame::{Client, Outcome, Record};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client as Library, ClientBuilder};
use rskafka::record::Record as Sent;
use tokio::runtime::{Builder, Runtime};

const AT_ONCE: usize = 1000;
const PATIENCE_MS: i32 = 30_000;

struct Rskafka {
    runtime: Runtime,
    client: Library,
}

fn open(bootstrap: &str) -> Outcome<Rskafka> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = runtime.block_on(ClientBuilder::new(vec![bootstrap.to_string()]).build())?;
    Ok(Rskafka { runtime, client })
}

fn compression(codec: &str) -> Outcome<Compression> {
    Ok(match codec {
        "none" => Compression::NoCompression,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => return Err(format!("no codec {codec}").into()),
    })
}

fn sent(record: &Record) -> Sent {
    let headers: BTreeMap<_, _> = record
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
        .collect();
    let timestamp = Utc.timestamp_millis_opt(1_700_000_000_000).unwrap();
    Sent { key: record.key.clone(), value: record.value.clone(), headers, timestamp }
}

async fn partition_client(client: &Library, topic: &str, partition: usize) -> Outcome<PartitionClient> {
    Ok(client.partition_client(topic, partition as i32, UnknownTopicHandling::Retry).await?)
}

async fn read(client: &Library, topic: &str, partition: usize, count: usize) -> Outcome<Vec<Record>> {
    let source = partition_client(client, topic, partition).await?;
    let mut got = Vec::new();
    while got.len() < count {
        let (records, _) = source.fetch_records(got.len() as i64, 1..1 << 20, PATIENCE_MS).await?;
        if records.is_empty() {
            return Err(format!("nothing came after {} records", got.len()).into());
        }
        for one in records {
            let headers = one.record.headers.into_iter().map(|(name, value)| (name, Some(value)));
            got.push(Record {
                partition: partition as i32,
                offset: one.offset,
                key: one.record.key,
                value: one.record.value,
                headers: headers.collect(),
            });
        }
    }
    Ok(got)
}

impl Client for Rskafka {
    fn create(&mut self, topic: &str, partitions: i32, _retention_ms: Option<&str>) -> Outcome<()> {
        let controller = self.client.controller_client()?;
        Ok(self.runtime.block_on(controller.create_topic(topic, partitions, 1, PATIENCE_MS))?)
    }

    fn partitions(&mut self, topic: &str) -> Outcome<usize> {
        let topics = self.runtime.block_on(self.client.list_topics())?;
        Ok(topics.iter().find(|one| one.name == topic).map_or(0, |one| one.partitions.len()))
    }

    fn delete(&mut self, topics: &[String]) -> Outcome<()> {
        let controller = self.client.controller_client()?;
        for topic in topics {
            self.runtime.block_on(controller.delete_topic(topic, PATIENCE_MS))?;
        }
        Ok(())
    }

    fn delete_records(&mut self, topic: &str, partition: i32, before: i64) -> Outcome<Option<()>> {
        self.runtime.block_on(async {
            let partition = partition_client(&self.client, topic, partition as usize).await?;
            Ok(Some(partition.delete_records(before, PATIENCE_MS).await?))
        })
    }

    fn produce(&mut self, topic: &str, codec: &str, records: &[Record]) -> Outcome<()> {
        let compression = compression(codec)?;
        let partitions = records.iter().map(|record| record.partition).max().unwrap_or(0) as usize + 1;
        let mut batches = vec![Vec::new(); partitions];
        records.iter().for_each(|record| batches[record.partition as usize].push(sent(record)));
        self.runtime.block_on(async {
            for (partition, batch) in batches.into_iter().enumerate() {
                let target = partition_client(&self.client, topic, partition).await?;
                for part in batch.chunks(AT_ONCE) {
                    target.produce(part.to_vec(), compression).await?;
                }
            }
            Ok(())
        })
    }

    fn consume(&mut self, topic: &str, counts: &[usize]) -> Outcome<Vec<Record>> {
        self.runtime.block_on(async {
            let mut got = Vec::new();
            for (partition, &count) in counts.iter().enumerate() {
                got.extend(read(&self.client, topic, partition, count).await?);
            }
            Ok(got)
        })
    }
}

fn main() {
    frame::run(open)
}
