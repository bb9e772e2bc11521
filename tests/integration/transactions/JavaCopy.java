import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Copies a topic into another one in transactions with its offsets, as the guides tell it.
 *
 * <p>JavaCopy FROM TO ABORT_EVERY KEY=VALUE... copies until its input ends. Every ABORT_EVERYth
 * transaction is aborted on purpose and read again. A line "hold PHASE" makes it stop in that phase of
 * the next transaction and say so; "go" lets it go on. Each event is a line of JSON. The key of a copy
 * names its transaction.
 */
public final class JavaCopy {
    private final String from;
    private final String to;
    private final int abortEvery;
    private final Properties producerSettings = new Properties();
    private final Properties consumerSettings = new Properties();
    private final BlockingQueue<String> orders = new LinkedBlockingQueue<>();
    private volatile boolean ended = false;
    private volatile String held = "";
    private KafkaProducer<String, String> producer;
    private KafkaConsumer<String, String> consumer;
    private int transactions = 0;
    private final String run = Long.toHexString(System.nanoTime());

    private JavaCopy(String[] args) {
        from = args[0];
        to = args[1];
        abortEvery = Integer.parseInt(args[2]);
        for (int i = 3; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            if (!pair[0].equals("transactional.id") && !pair[0].equals("transaction.timeout.ms")) {
                consumerSettings.put(pair[0], pair[1]);
            }
            if (!pair[0].equals("group.id")) {
                producerSettings.put(pair[0], pair[1]);
            }
        }
        for (Properties one : List.of(producerSettings, consumerSettings)) {
            one.put("reconnect.backoff.ms", "20");
            one.put("reconnect.backoff.max.ms", "100");
            one.put("retry.backoff.ms", "20");
        }
        producerSettings.put("linger.ms", "0");
        consumerSettings.put("isolation.level", "read_committed");
        consumerSettings.put("enable.auto.commit", "false");
        consumerSettings.put("auto.offset.reset", "earliest");
        consumerSettings.put("fetch.max.wait.ms", "50");
        consumerSettings.put("heartbeat.interval.ms", "200");
        consumerSettings.put("session.timeout.ms", "6000");
        consumerSettings.put("max.poll.records", "7");
    }

    private static void tell(String event, String more) {
        System.out.println("{\"event\": \"" + event + "\"" + more + "}");
        System.out.flush();
    }

    private void listen() {
        try (java.util.Scanner lines = new java.util.Scanner(System.in)) {
            while (lines.hasNextLine()) {
                String line = lines.nextLine();
                if (line.startsWith("hold ")) {
                    held = line.substring(5);
                } else {
                    orders.add(line);
                }
            }
        }
        ended = true;
        orders.add("end");
    }

    /** Tells the phase, and waits in the one that was asked for. */
    private void phase(String name) throws InterruptedException {
        if (held.equals(name)) {
            held = "";
            orders.clear();
            tell("held", ", \"phase\": \"" + name + "\"");
            if (!ended) {
                orders.take();
            }
        }
    }

    private void open() {
        producer = new KafkaProducer<>(producerSettings, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
    }

    private void rewind() {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        for (TopicPartition partition : consumer.assignment()) {
            OffsetAndMetadata offset = committed.get(partition);
            if (offset == null) {
                consumer.seekToBeginning(List.of(partition));
            } else {
                consumer.seek(partition, offset);
            }
        }
    }

    private void copy(ConsumerRecords<String, String> records) throws InterruptedException {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        phase("begin");
        producer.beginTransaction();
        String tag = run + "-" + ++transactions;
        for (ConsumerRecord<String, String> record : records) {
            producer.send(new ProducerRecord<>(to, record.partition(), tag, record.value()));
            offsets.put(new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1));
        }
        producer.flush();
        phase("sent");
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        phase("offsets");
        if (abortEvery > 0 && transactions % abortEvery == 0) {
            producer.abortTransaction();
            tell("aborted", "");
            rewind();
            return;
        }
        phase("commit");
        producer.commitTransaction();
        tell("committed", ", \"records\": " + records.count());
        phase("committed");
    }

    /** Returns whether it may go on. */
    private boolean recover(KafkaException error) {
        if (error instanceof ProducerFencedException || error instanceof InvalidProducerEpochException
                || error.getCause() instanceof ProducerFencedException) {
            tell("fenced", ", \"text\": \"" + error.getClass().getSimpleName() + "\"");
            return false;
        }
        tell("trouble", ", \"text\": \"" + error.getClass().getSimpleName() + "\"");
        try {
            producer.abortTransaction();
        } catch (KafkaException fatal) {
            producer.close(Duration.ZERO);
            open();
        }
        rewind();
        return true;
    }

    private void run() throws InterruptedException {
        Thread listener = new Thread(this::listen);
        listener.setDaemon(true);
        listener.start();
        consumer = new KafkaConsumer<>(consumerSettings, new StringDeserializer(), new StringDeserializer());
        open();
        tell("ready", "");
        consumer.subscribe(new ArrayList<>(List.of(from)));
        boolean goes = true;
        while (goes && !ended) {
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(50));
            if (records.isEmpty()) {
                continue;
            }
            try {
                copy(records);
            } catch (KafkaException error) {
                goes = recover(error);
            }
        }
        producer.close(Duration.ofSeconds(5));
        consumer.close(Duration.ofSeconds(5));
        tell("left", "");
        System.exit(0);
    }

    public static void main(String[] args) throws InterruptedException {
        new JavaCopy(args).run();
    }
}
