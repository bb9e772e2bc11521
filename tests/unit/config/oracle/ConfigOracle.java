// Asks Kafka 3.9.1 itself what it knows of its configuration, and prints it as tab separated lines:
//   key      kind name type default mode check visibility     every broker and topic key
//   value    kind name raw ok|error text                      single values, parsed and checked
//   load     number key=value|... error text                  whole configurations that are refused
//   topic    number key=value|... error text                  topic settings that are refused
//   describe number side key=value|...                        what the next entries are made from
//   props    text key=value|...                               .properties texts, C escapes, \e is =
//   entry    number side name value|hidden source readOnly type synonyms
// The recorded answer is kafka_config.tsv; run by record.sh, which also compares.
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import kafka.server.ConfigHelper;
import kafka.server.DynamicBrokerConfig$;
import kafka.server.KafkaConfig;
import kafka.server.MetadataCache;
import kafka.server.metadata.ConfigRepository;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResourceResult;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResult;
import org.apache.kafka.storage.internals.log.LogConfig;

public class ConfigOracle {
    private static final String[] VALUES = {
        "", "x", "true", "FALSE", " 11 ", "+5", "-0", "-1", "-2", "-3", "0", "1", "2", "9", "10",
        "14", "1.5", "1e9", "2147483648", "99999999999999999999", "delete , compact", "delete,,x",
        "*", "1:2,3:4", "1:2,*", "3.9", "3.9.1", "2.9", "3.9-IV0", "4.0", "4.0-IV0", "0.8.2.1", "0.10",
        "CreateTime", "createtime", "zstd", "DISABLED", "upgrade", "required", "SASL_SSL"};
    private static final String[] DOUBLES = {
        "0.5", "1.5f", "1d", ".5", "5.", "1e3", "1e7", "9999999.5", "12345678.9", "0.001", "0.0001",
        "NaN", "-Infinity", "inf", "0x1p3", "1E-5", "123456789012345678", "1e999", "1e-999", "100"};

    private static final String[][] LOADS = {
        {"broker.id", "1001"}, {"broker.id", "-2"}, {"broker.id", "1", "node.id", "2"},
        {"broker.id.generation.enable", "false"},
        {"log.dirs", ""}, {"log.dirs", " , "}, {"log.retention.ms", "0"}, {"log.retention.hours", "0"},
        {"log.roll.ms", "0"}, {"log.roll.jitter.ms", "-1"}, {"queued.max.request.bytes", "5"},
        {"max.connections.per.ip", "0"}, {"connection.failed.authentication.delay.ms", "700000"},
        {"log.cleaner.dedupe.buffer.size", "5"}, {"replica.fetch.wait.max.ms", "40000"},
        {"replica.fetch.wait.max.ms", "29000", "replica.lag.time.max.ms", "10000"},
        {"listeners", "127.0.0.1:9092"}, {"listeners", ""},
        {"listeners", "PLAINTEXT://:9092,PLAINTEXT://:9093"},
        {"listeners", "PLAINTEXT://:9092,SSL://:9092"}, {"listeners", "FOO://:9092"},
        {"listeners", "PLAINTEXT://h"}, {"listeners", "PLAINTEXT://:9092/"},
        {"listeners", "PLAINTEXT://ho st:1"}, {"listeners", "PLAINTEXT://:"},
        {"listeners", "PLAINTEXT://127.0.0.1:9092,SSL://127.0.0.2:9092"},
        {"listeners", "PLAINTEXT://0.0.0.0:1"},
        {"listeners", "PLAINTEXT://:1", "advertised.listeners", "PLAINTEXT://0.0.0.0:1"},
        {"listeners", "PLAINTEXT://:1", "advertised.listeners", "SSL://h:1"},
        {"listeners", "PLAINTEXT://:1", "advertised.listeners", "PLAINTEXT://h:1,SSL://h:1"},
        {"listeners", "PLAINTEXT://:1", "advertised.listeners", ""},
        {"inter.broker.listener.name", "FOO"}, {"inter.broker.listener.name", "SSL"},
        {"inter.broker.listener.name", "PLAINTEXT", "security.inter.broker.protocol", "PLAINTEXT"},
        {"listener.security.protocol.map", "A:PLAINTEXT,B:FOO"},
        {"listeners", "A://:1,B://:2", "listener.security.protocol.map", "A:PLAINTEXT,B:PLAINTEXT"},
        {"listener.security.protocol.map", ""}};

    private static final String[][] TOPICS = {
        {"retention.msx", "1"}, {"retention.ms", "-2"}, {"retention.ms", "abc"},
        {"cleanup.policy", "foo"}, {"segment.bytes", "13"}, {"segment.bytes", "1.5"},
        {"min.cleanable.dirty.ratio", "1.5"}, {"message.timestamp.type", "x"},
        {"preallocate", "maybe"}, {"leader.replication.throttled.replicas", "x"},
        {"min.compaction.lag.ms", "10", "max.compaction.lag.ms", "5"},
        {"remote.storage.enable", "true"}, {"remote.log.copy.disable", "true"},
        {"remote.log.delete.on.disable", "true"}, {"compression.gzip.level", "0"},
        {"segment.ms", "x", "flush.ms", "y", "segment.bytes", "z"},
        {"flush.ms", "y", "unknown", "z"}};

    // The broker's settings, then the topic's.
    private static final String[][][] DESCRIBES = {
        {{}, {}},
        {{"log.retention.hours", "1", "log.roll.ms", "5000", "log.flush.scheduler.interval.ms", "7"},
            {"retention.ms", " 1000 ", "cleanup.policy", "delete , compact"}},
        {{"log.retention.minutes", "3", "log.roll.jitter.hours", "2", "log.retention.bytes", "-5",
            "log.message.timestamp.difference.max.ms", "99", "compression.type", "lz4",
            "ssl.keystore.password", "secret", "some.unknown.key", "7", "auto.create.topics.enable",
            "FALSE", "listener.name.plaintext.ssl.client.auth", "none", "node.id", "4"},
            {"preallocate", "TRUE", "max.message.bytes", "0007"}},
        {{"log.retention.ms", "-9", "log.retention.hours", "2", "log.flush.interval.ms", "8",
            "log.message.timestamp.before.max.ms", "11",
            "log.cleaner.min.cleanable.ratio", "1e-1", "message.max.bytes", " 77 ",
            "log.initial.task.delay.ms", "5"},
            {"min.cleanable.dirty.ratio", "1", "leader.replication.throttled.replicas", "1:2,3:4"}}};

    private static final String[] TEXTS = {
        "a=1\nb:2\nc 3\n", "a = 1 \nb\t:\t2\t\n", "a==1\nb=:1\nc:=1\nd  = = 1\n", "# x=1\n! y=2\n  # z\n\n  a=1",
        "a=1,\\\n   2,\\\n\t3\nb=2", "a=1\\\\\nb=2", "a=1\\\\\\\nb=2", "a=1\\", "a=\\\n", "a\\=b=c\na\\ b c\na\\:b:c",
        "a=\\t\\n\\r\\f\\x\\\\", "a=\\u0041\\u00e9\\u4e2d\\ud83d\\ude00", "a=1\na=2\n", "a\n", "=1\n", ":\n", "a=1\r\nb=2\rc=3",
        "a=1\\\r\n  2\n", "a=x # no comment\n", "a=1\\\n# not a comment\nb=2\n", "#a\\\nb=2\n", "\f a \f=\f 1 \f\n", "a=1\n\\\n\nb=2\n",
        "\\\n a=1\n", "a\\\nb=1\n", "a = \\ b\n", "", "\\", "a\\", "a=1\\\n\n\\\nb=2", "\\\n", "\\\n\n#a=1\nb=2",
        "\\\n#x=1\n", "\\\n  \\\n\nb=2"};

    public static void main(String[] args) throws java.io.IOException {
        keys();
        for (String text : TEXTS) properties(text);
        values();
        for (int i = 0; i < LOADS.length; i++) load(i);
        for (int i = 0; i < TOPICS.length; i++) topic(i);
        for (int i = 0; i < DESCRIBES.length; i++) describe(i);
    }

    private static void line(Object... fields) {
        List<String> texts = new ArrayList<>();
        for (Object field : fields) texts.add(String.valueOf(field));
        System.out.println(String.join("\t", texts));
    }

    private static void properties(String text) throws java.io.IOException {
        Properties read = new Properties();
        read.load(new java.io.StringReader(text));
        List<String> pairs = new ArrayList<>();
        new TreeMap<Object, Object>(read).forEach((key, value) -> pairs.add(escaped((String) key).replace("=", "\\e") + "=" + escaped((String) value)));
        line("props", escaped(text), String.join("|", pairs));
    }

    // As UTF-8 with C's escapes for what would break the line.
    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t").replace("\f", "\\f");
    }

    private static void keys() {
        Map<String, String> modes = DynamicBrokerConfig$.MODULE$.dynamicConfigUpdateModes();
        for (ConfigDef.ConfigKey key : sorted(KafkaConfig.configDef()))
            key("broker", key, modes.getOrDefault(key.name, "read-only"));
        // In the order in which Kafka checks them.
        for (ConfigDef.ConfigKey key : LogConfig.configDefCopy().configKeys().values())
            key("topic", key, LogConfig.serverConfigName(key.name).orElse("none"));
    }

    private static Iterable<ConfigDef.ConfigKey> sorted(ConfigDef def) {
        return new TreeMap<>(def.configKeys()).values();
    }

    private static void key(String kind, ConfigDef.ConfigKey key, String mode) {
        String value = key.defaultValue == null ? "<null>" : ConfigDef.convertToString(key.defaultValue, key.type);
        line("key", kind, key.name, key.type, value, mode, check(key), key.internalConfig ? "internal" : "public");
    }

    private static String check(ConfigDef.ConfigKey key) {
        return key.validator == null ? "none" : key.validator.getClass().getSimpleName() + " " + key.validator;
    }

    // One key of each combination of type and check: the others behave alike.
    private static void values() {
        Set<String> seen = new HashSet<>();
        for (ConfigDef.ConfigKey key : sorted(KafkaConfig.configDef())) values("broker", key, seen);
        for (ConfigDef.ConfigKey key : sorted(LogConfig.configDefCopy())) values("topic", key, seen);
    }

    private static void values(String kind, ConfigDef.ConfigKey key, Set<String> seen) {
        if (key.type == ConfigDef.Type.CLASS || key.name.startsWith("controller.quorum.")
            || !seen.add(key.type + check(key))) return;
        for (String raw : VALUES) value(kind, key, raw);
        if (key.type == ConfigDef.Type.DOUBLE) for (String raw : DOUBLES) value(kind, key, raw);
    }

    private static void value(String kind, ConfigDef.ConfigKey key, String raw) {
        try {
            Object parsed = ConfigDef.parseType(key.name, raw, key.type);
            if (key.validator != null) key.validator.ensureValid(key.name, parsed);
            String text = key.type == ConfigDef.Type.PASSWORD ? raw.trim() : ConfigDef.convertToString(parsed, key.type);
            line("value", kind, key.name, raw, "ok", text);
        } catch (RuntimeException e) {
            line("value", kind, key.name, raw, "error", e.getMessage());
        }
    }

    private static Map<String, String> map(String... pairs) {
        Map<String, String> map = new TreeMap<>();
        for (int i = 0; i < pairs.length; i += 2) map.put(pairs[i], pairs[i + 1]);
        return map;
    }

    private static String text(Map<String, String> map) {
        List<String> pairs = new ArrayList<>();
        map.forEach((key, value) -> pairs.add(key + "=" + value));
        return String.join("|", pairs);
    }

    private static KafkaConfig broker(Map<String, String> given) {
        Map<String, String> all = new HashMap<>(given);
        all.put("zookeeper.connect", "localhost:2181");
        return new KafkaConfig(all, false);
    }

    private static void load(int number) {
        Map<String, String> given = map(LOADS[number]);
        try {
            broker(given);
            throw new AssertionError("accepted: " + given);
        } catch (RuntimeException e) {
            line("load", number, text(given), e.getMessage().replace("requirement failed: ", ""));
        }
    }

    private static void topic(int number) {
        Map<String, String> given = map(TOPICS[number]);
        Properties properties = new Properties();
        properties.putAll(given);
        try {
            LogConfig.validate(Collections.emptyMap(), properties, broker(map()).extractLogConfigMap(), false, true);
            throw new AssertionError("accepted: " + given);
        } catch (RuntimeException e) {
            line("topic", number, text(given), e.getMessage());
        }
    }

    private static void describe(int number) {
        KafkaConfig config = broker(map(DESCRIBES[number][0]));
        Properties overrides = new Properties();
        overrides.putAll(map(DESCRIBES[number][1]));
        MetadataCache cache = (MetadataCache) Proxy.newProxyInstance(ConfigOracle.class.getClassLoader(),
            new Class<?>[] {MetadataCache.class}, (self, method, arguments) -> true);
        ConfigRepository repository = resource ->
            resource.type() == ConfigResource.Type.TOPIC ? overrides : new Properties();
        ConfigHelper helper = new ConfigHelper(cache, config, repository);
        line("describe", number, "broker", text(map(DESCRIBES[number][0])));
        line("describe", number, "topic", text(map(DESCRIBES[number][1])));
        entries(number, "topic", helper, ConfigResource.Type.TOPIC, "t");
        entries(number, "broker", helper, ConfigResource.Type.BROKER, String.valueOf(config.brokerId()));
    }

    private static void entries(int number, String side, ConfigHelper helper, ConfigResource.Type type, String name) {
        DescribeConfigsResource resource = new DescribeConfigsResource().setResourceType(type.id()).setResourceName(name);
        DescribeConfigsResult result = helper.describeConfigs(
            scala.jdk.javaapi.CollectionConverters.asScala(List.of(resource)).toList(), true, false).head();
        if (result.errorCode() != 0) throw new AssertionError(result.errorMessage());
        Map<String, DescribeConfigsResourceResult> sorted = new TreeMap<>();
        result.configs().forEach(entry -> sorted.put(entry.name(), entry));
        // Untouched broker keys of the first case stand for those of the others.
        sorted.values().removeIf(entry -> number > 0 && side.equals("broker") && entry.synonyms().stream()
            .noneMatch(synonym -> synonym.source() == 4));
        for (DescribeConfigsResourceResult entry : sorted.values()) {
            List<String> synonyms = new ArrayList<>();
            entry.synonyms().forEach(synonym ->
                synonyms.add(synonym.source() + ":" + synonym.name() + "=" + synonym.value()));
            line("entry", number, side, entry.name(),
                entry.isSensitive() ? "<hidden>" : entry.value() == null ? "<null>" : entry.value(),
                entry.configSource(), entry.readOnly(), entry.configType(), String.join("|", synonyms));
        }
    }
}
