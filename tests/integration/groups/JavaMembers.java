// Members of groups on Kafka's Java client, each on a thread of its own in one JVM.
// Requests are lines of words: "start NAME TOPIC KEY=VALUE..." or "stop NAME". What happens is printed as
// lines of JSON, with the member's name. Each commits what it has printed.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

public class JavaMembers {
  private static synchronized void tell(String member, String event, String rest) {
    System.out.println("{\"member\": \"" + member + "\", \"event\": \"" + event + "\"" + rest + "}");
    System.out.flush();
  }

  private static String partitions(Collection<TopicPartition> all) {
    return ", \"partitions\": "
        + all.stream().map(TopicPartition::partition).sorted().map(String::valueOf)
            .collect(Collectors.joining(", ", "[", "]"));
  }

  private static final class Member implements Runnable, ConsumerRebalanceListener {
    final String name;
    final String topic;
    final KafkaConsumer<String, String> consumer;

    Member(String[] words) {
      name = words[1];
      topic = words[2];
      Properties settings = new Properties();
      settings.put("enable.auto.commit", "false");
      settings.put("auto.offset.reset", "earliest");
      for (int i = 3; i < words.length; ++i) {
        int equals = words[i].indexOf('=');
        settings.put(words[i].substring(0, equals), words[i].substring(equals + 1));
      }
      consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> all) {
      tell(name, "assigned", partitions(all));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> all) {
      tell(name, "revoked", partitions(all));
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> all) {
      tell(name, "lost", partitions(all));
    }

    @Override
    public void run() {
      consumer.subscribe(List.of(topic), this);
      try {
        while (true) {
          for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
            tell(name, "record", ", \"partition\": " + record.partition() + ", \"offset\": "
                + record.offset() + ", \"value\": \"" + record.value() + "\"");
            try {
              consumer.commitSync(Map.of(new TopicPartition(record.topic(), record.partition()),
                  new OffsetAndMetadata(record.offset() + 1)));
            } catch (WakeupException stop) {
              throw stop;
            } catch (RuntimeException refused) {
              tell(name, "refused", "");
            }
          }
        }
      } catch (WakeupException stop) {
        consumer.close();
        tell(name, "left", "");
      }
    }
  }

  public static void main(String[] ignored) throws Exception {
    Map<String, Member> members = new HashMap<>();
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      String[] words = line.split(" ");
      if (words[0].equals("start")) {
        Member member = new Member(words);
        members.put(member.name, member);
        new Thread(member, member.name).start();
      } else {
        members.remove(words[1]).consumer.wakeup();
      }
    }
    System.exit(0);
  }
}
