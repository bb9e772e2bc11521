//! What a client's program does, whatever its library: see tests/integration/clients/README.md.

use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::process::exit;
use std::time::{Duration, Instant};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

pub const PATIENCE: Duration = Duration::from_secs(30);
const ADMIN_TOPIC: &str = "admin";

/// A record and its place.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// What a library must do; `None` is what it does not offer.
pub trait Client {
    fn create(&mut self, topic: &str, partitions: i32, retention_ms: Option<&str>) -> Outcome<()>;
    fn partitions(&mut self, topic: &str) -> Outcome<usize>;
    fn delete(&mut self, topics: &[String]) -> Outcome<()>;
    fn produce(&mut self, topic: &str, codec: &str, records: &[Record]) -> Outcome<()>;
    /// Reads what the counts (by partition) say, from the start, by assignment.
    fn consume(&mut self, topic: &str, counts: &[usize]) -> Outcome<Vec<Record>>;

    fn read_retention(&mut self, _topic: &str) -> Outcome<Option<String>> {
        Ok(None)
    }
    fn alter_retention(&mut self, _topic: &str, _retention_ms: &str) -> Outcome<Option<()>> {
        Ok(None)
    }
    fn add_partitions(&mut self, _topic: &str, _total: usize) -> Outcome<Option<()>> {
        Ok(None)
    }
    fn delete_records(&mut self, _topic: &str, _partition: i32, _before: i64) -> Outcome<Option<()>> {
        Ok(None)
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take(&mut self, size: usize) -> Vec<u8> {
        let (taken, left) = self.0.split_at(size);
        self.0 = left;
        taken.to_vec()
    }

    fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    fn long(&mut self) -> i64 {
        i64::from_be_bytes(self.take(8).try_into().unwrap())
    }

    fn field(&mut self) -> Option<Vec<u8>> {
        let size = self.int();
        usize::try_from(size).ok().map(|size| self.take(size))
    }
}

fn read(path: &str) -> Outcome<Vec<Record>> {
    let data = fs::read(path)?;
    let mut input = Input(&data);
    let mut records = Vec::new();
    while !input.0.is_empty() {
        let mut record = Record { partition: input.int(), offset: input.long(), ..Default::default() };
        record.key = input.field();
        record.value = input.field();
        for _ in 0..input.int() {
            let name = String::from_utf8(input.field().unwrap_or_default())?;
            record.headers.push((name, input.field()));
        }
        records.push(record);
    }
    Ok(records)
}

fn put(out: &mut Vec<u8>, field: Option<&[u8]>) {
    out.extend(field.map_or(-1, |data| data.len() as i32).to_be_bytes());
    out.extend(field.unwrap_or_default());
}

fn write(path: &Path, mut records: Vec<Record>) -> Outcome<()> {
    records.sort_by_key(|record| (record.partition, record.offset));
    let mut out = Vec::new();
    for record in &records {
        out.extend(record.partition.to_be_bytes());
        out.extend(record.offset.to_be_bytes());
        put(&mut out, record.key.as_deref());
        put(&mut out, record.value.as_deref());
        out.extend((record.headers.len() as i32).to_be_bytes());
        for (name, value) in &record.headers {
            put(&mut out, Some(name.as_bytes()));
            put(&mut out, value.as_deref());
        }
    }
    Ok(fs::write(path, out)?)
}

fn wait_for_partitions(client: &mut impl Client, topic: &str, wanted: usize) -> Outcome<()> {
    let began = Instant::now();
    loop {
        let count = client.partitions(topic)?;
        if count == wanted {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{topic} has {count} partitions, not {wanted}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn administer(client: &mut impl Client, text_topic: &str) -> Outcome<Vec<&'static str>> {
    client.create(ADMIN_TOPIC, 2, Some("3600000"))?;
    wait_for_partitions(client, ADMIN_TOPIC, 2)?;
    let mut words = vec!["create", "describe"];
    if let Some(value) = client.read_retention(ADMIN_TOPIC)? {
        if value != "3600000" {
            return Err(format!("retention.ms is {value}").into());
        }
        words.push("read-config");
    }
    words.extend(client.alter_retention(ADMIN_TOPIC, "7200000")?.map(|()| "alter-config"));
    words.extend(client.add_partitions(ADMIN_TOPIC, 4)?.map(|()| "add-partitions"));
    words.extend(client.delete_records(text_topic, 0, 10)?.map(|()| "delete-records"));
    Ok(words)
}

fn work(client: &mut impl Client, arguments: &[String]) -> Outcome<()> {
    let partitions: usize = arguments[1].parse()?;
    let records = read(&arguments[2])?;
    let folder = Path::new(&arguments[3]);
    let mut counts = vec![0; partitions];
    records.iter().for_each(|record| counts[record.partition as usize] += 1);
    let mut topics = vec![ADMIN_TOPIC.to_string()];
    for codec in &arguments[4..] {
        let topic = format!("text-{codec}");
        client.create(&topic, partitions as i32, None)?;
        wait_for_partitions(client, &topic, partitions)?;
        client.produce(&topic, codec, &records)?;
        write(&folder.join(codec), client.consume(&topic, &counts)?)?;
        topics.push(topic);
    }
    println!("ready {}", administer(client, &topics[1])?.join(" "));
    if std::io::stdin().lock().read_line(&mut String::new())? == 0 {
        return Err("nobody said to go on".into());
    }
    client.delete(&topics)?;
    println!("deleted");
    Ok(())
}

/// Does everything that a client test asks of a program and ends it.
pub fn run<C: Client>(open: impl FnOnce(&str) -> Outcome<C>) -> ! {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = open(&arguments[0]).and_then(|mut client| work(&mut client, &arguments));
    if let Err(error) = &done {
        eprintln!("{error}");
    }
    exit(i32::from(done.is_err()))
}
