import java.util.Collections;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** Release 0.11: no partitions are added and no records deleted through its AdminClient. */
final class Release {
    private Release() {}

    static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long waitMs) {
        return consumer.poll(waitMs);
    }

    static TopicDescription describe(AdminClient admin, String topic) throws Exception {
        return admin.describeTopics(Collections.singleton(topic)).all().get().get(topic);
    }

    static void alterConfig(AdminClient admin, ConfigResource resource, String name, String value) throws Exception {
        Config config = new Config(Collections.singleton(new ConfigEntry(name, value)));
        admin.alterConfigs(Collections.singletonMap(resource, config)).all().get();
    }

    static boolean addPartitions(AdminClient admin, String topic, int total) {
        return false;
    }

    static boolean deleteRecords(AdminClient admin, TopicPartition partition, long before) {
        return false;
    }
}
