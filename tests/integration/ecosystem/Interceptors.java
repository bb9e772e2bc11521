// A Java client as the tutorials extend it: two producer interceptors in a chain, a partitioner of one's
// own and a consumer interceptor. What they see is printed.
//
//   Interceptors BOOTSTRAP TOPIC PARTITIONS RECORDS
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Partitioner;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Interceptors {
  private static synchronized void tell(String what) {
    System.out.println(what);
    System.out.flush();
  }

  /** Puts a time before the value, and a header behind the others. */
  public static class Stamp implements ProducerInterceptor<String, String> {
    @Override
    public void configure(Map<String, ?> settings) {
      tell("configure stamp " + settings.get("client.id"));
    }

    @Override
    public ProducerRecord<String, String> onSend(ProducerRecord<String, String> record) {
      ProducerRecord<String, String> stamped = new ProducerRecord<>(record.topic(), null, 1_700_000_000_000L
          + Long.parseLong(record.key()), record.key(), "stamped," + record.value(), record.headers());
      stamped.headers().add("chain", "stamp".getBytes());
      return stamped;
    }

    @Override
    public void onAcknowledgement(RecordMetadata of, Exception error) {}

    @Override
    public void close() {
      tell("close stamp");
    }
  }

  /** Counts what was acknowledged and what was not. */
  public static class Count implements ProducerInterceptor<String, String> {
    private final AtomicInteger good = new AtomicInteger();
    private final AtomicInteger bad = new AtomicInteger();

    @Override
    public void configure(Map<String, ?> settings) {
      tell("configure count " + settings.get("client.id"));
    }

    @Override
    public ProducerRecord<String, String> onSend(ProducerRecord<String, String> record) {
      record.headers().add("chain", "count".getBytes());
      return record;
    }

    @Override
    public void onAcknowledgement(RecordMetadata of, Exception error) {
      (error == null && of.hasOffset() ? good : bad).incrementAndGet();
    }

    @Override
    public void close() {
      tell("close count " + good + " " + bad);
    }
  }

  /** The number that is the key, by the partitions that there are. */
  public static class ByNumber implements Partitioner {
    @Override
    public void configure(Map<String, ?> settings) {}

    @Override
    public int partition(String topic, Object key, byte[] keyBytes, Object value, byte[] bytes, Cluster cluster) {
      return Integer.parseInt((String) key) % cluster.partitionsForTopic(topic).size();
    }

    @Override
    public void close() {
      tell("close partitioner");
    }
  }

  /** Lets every other record pass. */
  public static class Even implements ConsumerInterceptor<String, String> {
    @Override
    public void configure(Map<String, ?> settings) {
      tell("configure even");
    }

    @Override
    public ConsumerRecords<String, String> onConsume(ConsumerRecords<String, String> records) {
      Map<TopicPartition, List<ConsumerRecord<String, String>>> even = new HashMap<>();
      for (TopicPartition of : records.partitions()) {
        even.put(of, records.records(of).stream().filter(r -> Integer.parseInt(r.key()) % 2 == 0).toList());
      }
      return new ConsumerRecords<>(even);
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
      offsets.forEach((of, at) -> tell("commit " + of.partition() + " " + at.offset()));
    }

    @Override
    public void close() {
      tell("close even");
    }
  }

  private static String chain(ConsumerRecord<String, String> record) {
    StringBuilder names = new StringBuilder();
    for (Header header : record.headers().headers("chain")) {
      names.append(names.length() == 0 ? "" : ",").append(new String(header.value()));
    }
    return names.toString();
  }

  public static void main(String[] args) {
    int records = Integer.parseInt(args[3]);
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", args[0], "client.id", "tutorial",
        "key.serializer", StringSerializer.class, "value.serializer", StringSerializer.class,
        "partitioner.class", ByNumber.class.getName(), "linger.ms", 1,
        "interceptor.classes", List.of(Stamp.class.getName(), Count.class.getName())));
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      for (int i = 0; i < records; ++i) {
        producer.send(new ProducerRecord<>(args[1], String.valueOf(i), "message" + i));
      }
    }
    Map<String, Object> reading = new HashMap<>(Map.of("bootstrap.servers", args[0], "group.id", "even",
        "key.deserializer", StringDeserializer.class, "value.deserializer", StringDeserializer.class,
        "enable.auto.commit", "false", "auto.offset.reset", "earliest",
        "interceptor.classes", List.of(Even.class.getName())));
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(reading)) {
      consumer.subscribe(List.of(args[1]));
      for (int seen = 0; seen < (records + 1) / 2;) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
          tell("record " + record.partition() + " " + record.key() + " " + record.timestamp() + " "
              + record.value() + " " + chain(record));
          ++seen;
        }
      }
      // Up to the end, of which the interceptor may hide the last.
      consumer.endOffsets(consumer.assignment()).forEach((of, end) -> consumer.seek(of, end));
      consumer.commitSync();
    }
  }
}
