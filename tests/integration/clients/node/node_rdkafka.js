'use strict'
// node-rdkafka on Debian's librdkafka: its Producer with delivery reports, a KafkaConsumer that is
// assigned its partitions, its AdminClient (topics and partitions; no configs, no deletion of records).

const kafka = require('node-rdkafka')

const frame = require('./frame')

const AT_ONCE = 5000

// call(object, 'name', ...arguments): a method that takes a callback, as a promise.
const call = (object, name, ...given) => new Promise((resolve, reject) =>
  object[name](...given, (error, answer) => error ? reject(error) : resolve(answer)))

class NodeRdkafka {
  constructor (bootstrap) {
    this.options = { 'metadata.broker.list': bootstrap }
    this.admin = kafka.AdminClient.create(this.options)
  }

  create (topic, partitions, config) {
    return call(this.admin, 'createTopic',
      { topic, num_partitions: partitions, replication_factor: 1, config }, frame.PATIENCE_MS)
  }

  async partitions (topic) {
    const metadata = await call(this.producer, 'getMetadata', { topic, timeout: frame.PATIENCE_MS })
    const found = metadata.topics.find(one => one.name === topic)
    return found ? found.partitions.length : -1
  }

  addPartitions (topic, total) {
    return call(this.admin, 'createPartitions', topic, total, frame.PATIENCE_MS)
  }

  async delete (topics) {
    for (const topic of topics) await call(this.admin, 'deleteTopic', topic, frame.PATIENCE_MS)
  }

  async open () {
    this.producer = new kafka.Producer(this.options)
    await call(this.producer, 'connect', {})
    return this
  }

  async close () {
    await call(this.producer, 'disconnect')
    this.admin.disconnect()
  }

  async produce (topic, codec, records) {
    const producer = new kafka.Producer({
      ...this.options, 'compression.type': codec, 'linger.ms': 5, dr_cb: true, acks: -1,
      'enable.idempotence': codec === 'none', 'max.in.flight': 1
    })
    await call(producer, 'connect', {})
    producer.setPollInterval(5)
    let delivered = 0
    let failure = null
    let noticed = () => {}
    producer.on('delivery-report', (error) => {
      delivered++
      failure = failure || error
      noticed()
    })
    producer.on('event.error', error => { failure = failure || error })
    for (let at = 0; at < records.length; at++) {
      const { partition, key, value, headers } = records[at]
      producer.produce(topic, partition, value, key, null, null,
        headers.map(([name, content]) => ({ [name]: content })))
      if ((at + 1) % AT_ONCE !== 0 && at + 1 !== records.length) continue
      while (delivered <= at && !failure) {
        await new Promise((resolve, reject) => {
          const patience = setTimeout(() => reject(new Error(`only ${delivered} delivered`)), frame.PATIENCE_MS)
          noticed = () => {
            clearTimeout(patience)
            resolve()
          }
        })
      }
      if (failure) throw failure
    }
    await call(producer, 'disconnect')
  }

  async consume (topic, counts) {
    const wanted = counts.reduce((sum, count) => sum + count, 0)
    const consumer = new kafka.KafkaConsumer(
      { ...this.options, 'group.id': 'unused-by-assignment', 'enable.auto.commit': false, 'check.crcs': true }, {})
    await call(consumer, 'connect', {})
    consumer.assign(counts.map((_, partition) => ({ topic, partition, offset: 0 })))
    consumer.setDefaultConsumeTimeout(1000)
    const got = []
    let last = Date.now()
    while (got.length < wanted) {
      const messages = await call(consumer, 'consume', Math.min(AT_ONCE, wanted - got.length))
      if (messages.length > 0) last = Date.now()
      if (Date.now() - last > frame.PATIENCE_MS) throw new Error(`nothing came after ${got.length} records`)
      for (const message of messages) {
        got.push({
          partition: message.partition,
          offset: message.offset,
          key: message.key === undefined ? null : message.key,
          value: message.value,
          headers: (message.headers || []).flatMap(one => Object.entries(one))
        })
      }
    }
    await call(consumer, 'disconnect')
    return got
  }
}

frame.run(bootstrap => new NodeRdkafka(bootstrap).open())
