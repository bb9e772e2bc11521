// A member of a group on kafkajs; see confluent_member.py for what it is called with and prints.
const { Kafka, logLevel } = require('kafkajs');

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');

async function main() {
  const topic = process.argv[2];
  const settings = Object.fromEntries(process.argv.slice(3).map((word) => {
    const at = word.indexOf('=');
    return [word.slice(0, at), word.slice(at + 1)];
  }));
  const kafka = new Kafka({ brokers: [settings['bootstrap.servers']], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: settings['group.id'],
    sessionTimeout: Number(settings['session.timeout.ms']),
    heartbeatInterval: Number(settings['heartbeat.interval.ms']),
    rebalanceTimeout: 10000, maxWaitTimeInMs: 100, metadataMaxAge: 1000,
  });
  let owned = [];
  const revoke = () => {
    if (owned.length > 0) tell({ event: 'revoked', partitions: owned });
    owned = [];
  };
  consumer.on(consumer.events.REBALANCING, revoke);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    revoke();
    owned = payload.memberAssignment[topic] || [];
    tell({ event: 'assigned', partitions: owned });
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message, heartbeat }) => {
      tell({ event: 'record', partition, offset: Number(message.offset), value: message.value.toString() });
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }]);
      await heartbeat();
    },
  });
  process.stdin.on('end', async () => {
    await consumer.disconnect();
    tell({ event: 'left' });
    process.exit(0);
  });
  process.stdin.resume();
}

main().catch((error) => {
  tell({ event: 'error', text: String(error) });
  process.exit(1);
});
