import java.time.Duration;
import java.util.Collections;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** Releases 2.7 and later; how topics are described was renamed in 4.0. */
final class Release {
    private Release() {}

    static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long waitMs) {
        return consumer.poll(Duration.ofMillis(waitMs));
    }

    static TopicDescription describe(AdminClient admin, String topic) throws Exception {
        return Describe.topic(admin, topic);
    }

    static void alterConfig(AdminClient admin, ConfigResource resource, String name, String value) throws Exception {
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Collections.singletonMap(resource, Collections.singleton(set))).all().get();
    }

    static boolean addPartitions(AdminClient admin, String topic, int total) throws Exception {
        admin.createPartitions(Collections.singletonMap(topic, NewPartitions.increaseTo(total))).all().get();
        return true;
    }

    static boolean deleteRecords(AdminClient admin, TopicPartition partition, long before) throws Exception {
        admin.deleteRecords(Collections.singletonMap(partition, RecordsToDelete.beforeOffset(before))).all().get();
        return true;
    }
}
