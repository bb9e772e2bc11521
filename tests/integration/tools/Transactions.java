// Transactions for the tools to look at: one that commits, one that aborts, one that stays open until
// standard input ends. Prints a line when all three are there.
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Transactions {
  private static KafkaProducer<String, String> begin(String bootstrap, String id, String topic) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("transactional.id", id);
    KafkaProducer<String, String> producer =
        new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    producer.initTransactions();
    producer.beginTransaction();
    for (int i = 0; i < 3; ++i) {
      producer.send(new ProducerRecord<>(topic, i % 2, "key-" + i, id + "-" + i)).get();
    }
    return producer;
  }

  public static void main(String[] arguments) throws Exception {
    String topic = arguments[1];
    begin(arguments[0], "commits", topic).commitTransaction();
    begin(arguments[0], "aborts", topic).abortTransaction();
    begin(arguments[0], "commits-too", topic).commitTransaction();
    begin(arguments[0], "stays-open", topic);
    System.out.println("ready");
    while (System.in.read() >= 0) {
    }
    Runtime.getRuntime().halt(0);
  }
}
