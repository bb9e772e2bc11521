'use strict'
// What a client's program does, whatever its library: see tests/integration/clients/README.md.

const fs = require('fs')
const path = require('path')
const readline = require('readline')

const ADMIN_TOPIC = 'admin'
const PATIENCE_MS = 30000

// The records of the test, in the form that tests/integration/lib/text.py describes.
function readRecords (file) {
  const data = fs.readFileSync(file)
  const records = []
  let at = 0
  const field = () => {
    const size = data.readInt32BE(at)
    at += 4
    if (size < 0) return null
    at += size
    return data.subarray(at - size, at)
  }
  while (at < data.length) {
    const record = { partition: data.readInt32BE(at), offset: Number(data.readBigInt64BE(at + 4)), headers: [] }
    at += 12
    record.key = field()
    record.value = field()
    let headers = data.readInt32BE(at)
    at += 4
    for (; headers > 0; headers--) record.headers.push([field().toString(), field()])
    records.push(record)
  }
  return records
}

function writeRecords (file, records) {
  const out = fs.openSync(file, 'w')
  let parts = []
  const flush = () => {
    fs.writeSync(out, Buffer.concat(parts))
    parts = []
  }
  const number = value => {
    const data = Buffer.alloc(4)
    data.writeInt32BE(value)
    parts.push(data)
  }
  const field = value => {
    number(value === null ? -1 : value.length)
    if (value !== null) parts.push(value)
  }
  records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  for (const record of records) {
    number(record.partition)
    const offset = Buffer.alloc(8)
    offset.writeBigInt64BE(BigInt(record.offset))
    parts.push(offset)
    field(record.key)
    field(record.value)
    number(record.headers.length)
    for (const [name, value] of record.headers) {
      field(Buffer.from(name))
      field(value)
    }
    if (parts.length > 100000) flush()
  }
  flush()
  fs.closeSync(out)
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

async function waitForPartitions (client, topic, wanted) {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const count = await client.partitions(topic)
    if (count === wanted) return
    if (Date.now() > deadline) throw new Error(`${topic} has ${count} partitions, not ${wanted}`)
    await pause(10)
  }
}

async function administer (client, textTopic) {
  await client.create(ADMIN_TOPIC, 2, { 'retention.ms': '3600000' })
  await waitForPartitions(client, ADMIN_TOPIC, 2)
  const words = ['create', 'describe']
  const steps = [
    ['read-config', client.readConfig, async () => {
      const value = await client.readConfig(ADMIN_TOPIC, 'retention.ms')
      if (value !== '3600000') throw new Error(`retention.ms is ${value}`)
    }],
    ['alter-config', client.alterConfig, () => client.alterConfig(ADMIN_TOPIC, 'retention.ms', '7200000')],
    ['add-partitions', client.addPartitions, () => client.addPartitions(ADMIN_TOPIC, 4)],
    ['delete-records', client.deleteRecords, () => client.deleteRecords(textTopic, 0, 10)]
  ]
  for (const [word, offered, step] of steps) {
    if (!offered) continue
    await step()
    words.push(word)
  }
  return words
}

async function goOn () {
  for await (const line of readline.createInterface({ input: process.stdin })) return line
  throw new Error('nobody said to go on')
}

async function work (open) {
  const [bootstrap, partitions, source, folder, ...codecs] = process.argv.slice(2)
  const records = readRecords(source)
  const counts = Array(Number(partitions)).fill(0)
  for (const record of records) counts[record.partition]++
  const client = await open(bootstrap)
  const topics = [ADMIN_TOPIC]
  for (const codec of codecs) {
    const topic = `text-${codec}`
    topics.push(topic)
    await client.create(topic, counts.length, {})
    await waitForPartitions(client, topic, counts.length)
    await client.produce(topic, codec, records)
    writeRecords(path.join(folder, codec), await client.consume(topic, counts))
  }
  console.log('ready', ...await administer(client, topics[1]))
  await goOn()
  await client.delete(topics)
  console.log('deleted')
  await client.close()
}

exports.PATIENCE_MS = PATIENCE_MS
exports.run = open => work(open).then(() => process.exit(0), error => {
  console.error(error)
  process.exit(1)
})
