import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own Java client, of whichever release it is compiled against: its producer, a consumer of
 * assigned partitions, its AdminClient. What differs from release to release is in Release.java.
 * See tests/integration/clients/README.md for what a program does.
 */
public final class RoundTrip {
    private static final String ADMIN_TOPIC = "admin";
    private static final long PATIENCE_MS = 30_000;
    private static final List<String> IDEMPOTENT = Arrays.asList("none", "lz4");

    private final String bootstrap;
    private final AdminClient admin;

    private RoundTrip(String bootstrap) {
        this.bootstrap = bootstrap;
        this.admin = AdminClient.create(properties());
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        return properties;
    }

    private void create(String topic, int partitions, Map<String, String> configs) throws Exception {
        NewTopic asked = new NewTopic(topic, partitions, (short) 1).configs(configs);
        admin.createTopics(Collections.singletonList(asked)).all().get();
    }

    private void waitForPartitions(String topic, int wanted) throws Exception {
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (true) {
            int count = -1;
            try {
                count = Release.describe(admin, topic).partitions().size();
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof RetriableException)) {
                    throw error;
                }
            }
            if (count == wanted) {
                return;
            }
            if (System.currentTimeMillis() > deadline) {
                throw new IllegalStateException(topic + " has " + count + " partitions, not " + wanted);
            }
            Thread.sleep(10);
        }
    }

    private void produce(String topic, String codec, List<TextFile.Entry> entries) throws Exception {
        Properties properties = properties();
        properties.put("acks", "all");
        properties.put("compression.type", codec);
        properties.put("enable.idempotence", String.valueOf(IDEMPOTENT.contains(codec)));
        properties.put("max.in.flight.requests.per.connection", "1");
        properties.put("linger.ms", "5");
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
            for (TextFile.Entry entry : entries) {
                ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(topic, entry.partition, entry.key, entry.value);
                for (TextFile.Header header : entry.headers) {
                    record.headers().add(header.name, header.value);
                }
                sent.add(producer.send(record));
            }
            producer.flush();
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
    }

    private List<TextFile.Entry> consume(String topic, int partitions, int wanted) {
        Properties properties = properties();
        properties.put("enable.auto.commit", "false");
        properties.put("check.crcs", "true");
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        List<TextFile.Entry> got = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            List<TopicPartition> places = new ArrayList<>();
            for (int partition = 0; partition < partitions; partition++) {
                places.add(new TopicPartition(topic, partition));
            }
            consumer.assign(places);
            consumer.seekToBeginning(places);
            while (got.size() < wanted) {
                ConsumerRecords<byte[], byte[]> polled = Release.poll(consumer, PATIENCE_MS);
                if (polled.isEmpty()) {
                    throw new IllegalStateException("nothing came after " + got.size() + " records");
                }
                for (ConsumerRecord<byte[], byte[]> record : polled) {
                    got.add(entry(record));
                }
            }
        }
        return got;
    }

    private static TextFile.Entry entry(ConsumerRecord<byte[], byte[]> record) {
        TextFile.Entry entry = new TextFile.Entry();
        entry.partition = record.partition();
        entry.offset = record.offset();
        entry.key = record.key();
        entry.value = record.value();
        for (Header header : record.headers()) {
            entry.headers.add(new TextFile.Header(header.key(), header.value()));
        }
        return entry;
    }

    private List<String> administer(String textTopic) throws Exception {
        Map<String, String> configs = new HashMap<>();
        configs.put("retention.ms", "3600000");
        create(ADMIN_TOPIC, 2, configs);
        waitForPartitions(ADMIN_TOPIC, 2);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, ADMIN_TOPIC);
        Config read = admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource);
        if (!"3600000".equals(read.get("retention.ms").value())) {
            throw new IllegalStateException("retention.ms is " + read.get("retention.ms"));
        }
        Release.alterConfig(admin, resource, "retention.ms", "7200000");
        List<String> words = new ArrayList<>(Arrays.asList("create", "describe", "read-config", "alter-config"));
        if (Release.addPartitions(admin, ADMIN_TOPIC, 4)) {
            words.add("add-partitions");
        }
        if (Release.deleteRecords(admin, new TopicPartition(textTopic, 0), 10)) {
            words.add("delete-records");
        }
        return words;
    }

    public static void main(String[] arguments) throws Exception {
        int partitions = Integer.parseInt(arguments[1]);
        List<TextFile.Entry> entries = TextFile.read(Paths.get(arguments[2]));
        Path folder = Paths.get(arguments[3]);
        List<String> codecs = Arrays.asList(arguments).subList(4, arguments.length);
        List<String> topics = new ArrayList<>(Collections.singletonList(ADMIN_TOPIC));
        RoundTrip client = new RoundTrip(arguments[0]);
        for (String codec : codecs) {
            String topic = "text-" + codec;
            topics.add(topic);
            client.create(topic, partitions, Collections.<String, String>emptyMap());
            client.waitForPartitions(topic, partitions);
            client.produce(topic, codec, entries);
            TextFile.write(folder.resolve(codec), client.consume(topic, partitions, entries.size()));
        }
        System.out.println("ready " + String.join(" ", client.administer(topics.get(1))));
        if (new BufferedReader(new InputStreamReader(System.in)).readLine() == null) {
            throw new IllegalStateException("nobody said to go on");
        }
        client.admin.deleteTopics(topics).all().get();
        client.admin.close();
        System.out.println("deleted");
    }
}
