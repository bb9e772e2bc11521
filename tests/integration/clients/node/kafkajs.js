'use strict'
// kafkajs: gzip is its own, the other codecs are plugged in as its documentation says. It reads by a
// group alone, so each topic is read by a group of one member.

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = require('kafkajs')
const lz4 = require('lz4-napi')
const snappy = require('kafkajs-snappy')
const zstd = require('@mongodb-js/zstd')

const frame = require('./frame')

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: data => lz4.decompressFrame(data)
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder => zstd.compress(encoder.buffer),
  decompress: data => zstd.decompress(data)
})

const TYPES = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}
const AT_ONCE = 1000

class KafkaJs {
  constructor (bootstrap) {
    this.kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR })
    this.admin = this.kafka.admin()
  }

  async create (topic, numPartitions, configs) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await this.admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] })
  }

  async partitions (topic) {
    if (!(await this.admin.listTopics()).includes(topic)) return -1
    return (await this.admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length
  }

  async readConfig (topic, name) {
    const answer = await this.admin.describeConfigs({
      includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }]
    })
    return answer.resources[0].configEntries.find(entry => entry.configName === name).configValue
  }

  async alterConfig (topic, name, value) {
    await this.admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }]
    })
  }

  async addPartitions (topic, count) {
    await this.admin.createPartitions({ topicPartitions: [{ topic, count }] })
  }

  async deleteRecords (topic, partition, offset) {
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  async delete (topics) {
    await this.admin.deleteTopics({ topics })
  }

  close () {
    return this.admin.disconnect()
  }

  async produce (topic, codec, records) {
    const producer = this.kafka.producer({
      idempotent: codec === 'none', maxInFlightRequests: 1,
      createPartitioner: () => ({ message }) => message.partition
    })
    await producer.connect()
    for (let at = 0; at < records.length; at += AT_ONCE) {
      const messages = records.slice(at, at + AT_ONCE).map(record => ({
        partition: record.partition,
        key: record.key,
        value: record.value,
        headers: Object.fromEntries(record.headers)
      }))
      await producer.send({ topic, acks: -1, compression: TYPES[codec], messages })
    }
    await producer.disconnect()
  }

  async consume (topic, counts) {
    const wanted = counts.reduce((sum, count) => sum + count, 0)
    const consumer = this.kafka.consumer({ groupId: `reads-${topic}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const got = []
    let patience
    await new Promise((resolve, reject) => {
      const wait = () => {
        clearTimeout(patience)
        patience = setTimeout(() => reject(new Error(`nothing came after ${got.length} records`)), frame.PATIENCE_MS)
      }
      wait()
      consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error))
      consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          wait()
          for (const message of batch.messages) {
            got.push({
              partition: batch.partition,
              offset: Number(message.offset),
              key: message.key,
              value: message.value,
              headers: Object.entries(message.headers)
            })
          }
          if (got.length >= wanted) resolve()
        }
      }).catch(reject)
    })
    clearTimeout(patience)
    await consumer.disconnect()
    return got
  }
}

frame.run(async bootstrap => {
  const client = new KafkaJs(bootstrap)
  await client.admin.connect()
  return client
})
